import { constants, verify, type KeyObject } from 'node:crypto'

type Scheme = (octets: Buffer, key: KeyObject, signature: Buffer) => boolean

/** RFC 8017 §8.1.2 and §8.2.2, step 1: OpenSSL takes a PSS signature without the zeros in front, too. */
const isWhole = ({ asymmetricKeyDetails: details }: KeyObject, signature: Buffer): boolean =>
  signature.length === Math.ceil((details?.modulusLength ?? 0) / 8)

/** RSASSA-PKCS1-v1_5 (RFC 7518 §3.3): what Node does with an RSA key unless it is told otherwise. */
const pkcs1 = (hash: string): Scheme => (octets, key, signature) => isWhole(key, signature) && verify(hash, octets, key, signature)

/** RSASSA-PSS, with a salt of the length of the hash (RFC 7518 §3.5). */
const pss = (hash: string): Scheme => (octets, key, signature) =>
  isWhole(key, signature) && verify(hash, octets, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature)

/** ECDSA, both halves side by side (RFC 7518 §3.4). */
const ecdsa = (hash: string): Scheme => (octets, key, signature) => verify(hash, octets, { key, dsaEncoding: 'ieee-p1363' }, signature)

/** RFC 8037 §3.1 */
const eddsa: Scheme = (octets, key, signature) => verify(null, octets, key, signature)

/** The kind of key that an algorithm takes, with its curve as Node names it. */
const schemes: ReadonlyMap<string, { readonly scheme: Scheme, readonly type: string, readonly curve?: string }> = new Map([
  ['RS256', { scheme: pkcs1('sha256'), type: 'rsa' }],
  ['RS384', { scheme: pkcs1('sha384'), type: 'rsa' }],
  ['RS512', { scheme: pkcs1('sha512'), type: 'rsa' }],
  ['PS256', { scheme: pss('sha256'), type: 'rsa' }],
  ['PS384', { scheme: pss('sha384'), type: 'rsa' }],
  ['PS512', { scheme: pss('sha512'), type: 'rsa' }],
  ['ES256', { scheme: ecdsa('sha256'), type: 'ec', curve: 'prime256v1' }],
  ['ES384', { scheme: ecdsa('sha384'), type: 'ec', curve: 'secp384r1' }],
  ['ES512', { scheme: ecdsa('sha512'), type: 'ec', curve: 'secp521r1' }],
  ['EdDSA', { scheme: eddsa, type: 'ed25519' }],
  ['Ed25519', { scheme: eddsa, type: 'ed25519' }]
])

/**
 * Bits that an RSA key must have at least (RFC 7518 §3.3), and at most: a token that anybody sends must not cost
 * milliseconds to refuse.
 */
export const rsaBits = { least: 2_048, most: 8_192 } as const

/** Likewise; nearly everybody's is 65,537. */
const largestExponent = 2n ** 32n

/** Whether an RSA key is of a usual size. */
export const isUsualRsa = ({ asymmetricKeyDetails: { modulusLength = 0, publicExponent = 0n } = {} }: KeyObject): boolean =>
  modulusLength >= rsaBits.least && modulusLength <= rsaBits.most && publicExponent <= largestExponent

/** Whether this key may verify signatures by `algorithm`: of its kind, on its curve, and neither too short nor too costly. */
export const suits = (key: KeyObject, algorithm: string): boolean => {
  const wanted = schemes.get(algorithm)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  return wanted !== undefined && type === wanted.type && details?.namedCurve === wanted.curve && (type !== 'rsa' || isUsualRsa(key))
}

/**
 * Whether the signature of a compact JWS is one by `key`, which suits `algorithm` (RFC 7515 §5.2, steps 7 and 8). At once,
 * rather than in another thread as WebCrypto does: handing the work over and back costs several times the work.
 */
export const isSignedBy = (token: string, key: KeyObject, algorithm: string): boolean => {
  const dot = token.lastIndexOf('.')
  const text = token.slice(dot + 1)
  const signature = Buffer.from(text, 'base64url')
  // Node reads past characters that are none of base64url's; the bits at the end that say nothing are zero
  if (dot === -1 || signature.toString('base64url') !== text) return false
  return schemes.get(algorithm)?.scheme(Buffer.from(token.slice(0, dot)), key, signature) === true
}
