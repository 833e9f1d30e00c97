import { createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto'

export interface CertificateOptions {
  /** Common name of subject and issuer. */
  readonly name?: string
  /** Begin and end of its validity; a year around now when left out. */
  readonly from?: Date
  readonly until?: Date
}

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)

/** 1.2.840.113549.1.1.11 with NULL, and 1.2.840.10045.4.3.2. */
const algorithms = { rsa: '300d06092a864886f70d01010b0500', ec: '300a06082a8648ce3d040302' } as const

const nameOf = (common: string): Buffer =>
  sequence(der(0x31, sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(common)))))

/** UTCTime until 2049, as RFC 5280 §4.1.2.5 has it. */
const timeOf = (date: Date): Buffer => {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

/** A self-signed X.509 certificate (RFC 5280) for an RSA or EC key, as identity providers have them: PEM. Node makes none. */
export const createCertificate = (privateKey: KeyObject, options: CertificateOptions = {}): string => {
  const day = 86_400_000
  const algorithm = Buffer.from(algorithms[privateKey.asymmetricKeyType === 'ec' ? 'ec' : 'rsa'], 'hex')
  const name = nameOf(options.name ?? 'forged')
  const tbs = sequence(
    der(0xa0, der(2, Buffer.from([2]))),
    der(2, Buffer.from([1]), randomBytes(8)),
    algorithm,
    name,
    sequence(timeOf(options.from ?? new Date(Date.now() - 30 * day)), timeOf(options.until ?? new Date(Date.now() + 335 * day))),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  )
  const signature = sign('sha256', tbs, privateKey)
  const whole = sequence(tbs, algorithm, der(3, Buffer.from([0]), signature))
  return `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}
