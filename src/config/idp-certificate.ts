import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'

/** Bits of an RSA key below which its signatures are not believed, and the curves of ECDSA that are. */
const fewestBits = 2_048
const curves = ['prime256v1', 'secp384r1', 'secp521r1']

const keyOf = (certificate: X509Certificate): KeyObject | undefined => {
  try {
    return certificate.publicKey
  } catch {
    return undefined
  }
}

/** Why no signature can rest on a certificate, in words that follow its name; undefined where one can. Its dates are not asked. */
export const certificateFault = (certificate: X509Certificate): string | undefined => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength: bits = 0, namedCurve: curve = '' } = {} } = keyOf(certificate) ?? {}
  if (type === 'rsa') return bits >= fewestBits ? undefined : `has an RSA key of ${bits} bits`
  if (type === 'ec') return curves.includes(curve) ? undefined : 'has a key on a curve that is not accepted'
  return 'has a key that is neither RSA nor EC'
}

/** SHA-256 of a certificate's DER, base64url: what a session remembers of it. */
export const thumbprintOf = ({ raw }: Pick<X509Certificate, 'raw'>): string => createHash('sha256').update(raw).digest('base64url')
