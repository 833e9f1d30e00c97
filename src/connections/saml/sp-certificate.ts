import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto'

// DER (ITU-T X.690 §8, §10): a tag, the length of what follows, and that.
const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const length = content.length < 0x80
    ? Buffer.of(content.length)
    : content.length < 0x100 ? Buffer.of(0x81, content.length) : Buffer.of(0x82, content.length >> 8, content.length & 0xff)
  return Buffer.concat([Buffer.of(tag), length, content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const nothing = der(0x05)

/** sha256WithRSAEncryption, 1.2.840.113549.1.1.11 (RFC 8017, A.2.4). */
const algorithm = sequence(oid('2a864886f70d01010b'), nothing)

/** A commonName, 2.5.4.3. */
const nameOf = (text: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))

// Fixed, so that every instance makes the same bytes; after 2049 a GeneralizedTime (RFC 5280 §4.1.2.5).
const validity = sequence(der(0x17, Buffer.from('250101000000Z')), der(0x18, Buffer.from('20550101000000Z')))

/** basicConstraints (2.5.29.19), critical: no authority, even for those who put it among theirs. */
const extensions = der(0xa3, sequence(sequence(oid('551d13'), der(0x01, Buffer.of(0xff)), der(0x04, sequence()))))

const version3 = der(0xa0, der(0x02, Buffer.of(2)))

/** Positive and in its shortest form, whatever the digest. */
const serialOf = (publicKey: Buffer): Buffer => {
  const digest = createHash('sha256').update(publicKey).digest().subarray(0, 16)
  digest.writeUInt8((digest.readUInt8() & 0x3f) | 0x40)
  return der(0x02, digest)
}

/**
 * A self-signed X.509 v3 certificate (RFC 5280) for an RSA key, as PEM: the same bytes for the same key,
 * wherever and whenever it is made. It carries the key in SAML metadata and says nothing else: no one
 * verifies its chain or dates (SAML Metadata Interoperability Profile §2.6).
 */
export const selfSignedCertificate = (privateKey: KeyObject, commonName = 'Portico SAML'): string => {
  const name = nameOf(commonName)
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const content = sequence(version3, serialOf(publicKey), algorithm, name, validity, name, publicKey, extensions)
  const signature = der(0x03, Buffer.of(0), sign('sha256', content, privateKey))
  const text = sequence(content, algorithm, signature).toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
}
