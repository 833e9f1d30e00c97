import { createECDH, createHash, createPrivateKey, createPublicKey, sign as signBytes } from 'node:crypto'
import { deriveKeys } from '../sessions/keyring.ts'

/** A public key as JWKS publishes it. */
export interface PublicJwk {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly use: 'sig'
  readonly alg: 'ES256'
}

export interface AssertionKeys {
  /** A compact JWT over the claims, signed with the first key. Synchronous: it is made on the way of a request. */
  sign (claims: Readonly<Record<string, unknown>>): string
  /** The public half of every key, the signing one first. */
  readonly published: readonly PublicJwk[]
  /** The same as PEM, by `kid`. */
  readonly pem: Readonly<Record<string, string>>
}

/** Seconds that an assertion is valid. */
export const assertionLifetime = 300

/** The order of the base point of P-256 (SEC 2, §2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/**
 * 384 bits for a 256-bit order: reducing them leaves no bias that matters (FIPS 186-5, A.2.1,
 * "extra random bits").
 */
const seedLength = 48

const scalarFrom = (seed: Buffer): Buffer => {
  const scalar = BigInt(`0x${seed.toString('hex')}`) % (order - 1n) + 1n
  return Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
}

const keyFrom = (seed: Buffer) => {
  const d = scalarFrom(seed)
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(d)
  const point = ecdh.getPublicKey() // 04 | x | y
  const x = point.subarray(1, 33).toString('base64url')
  const y = point.subarray(33).toString('base64url')
  // RFC 7638: these members, in this order
  const kid = createHash('sha256').update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y })).digest('base64url')
  const jwk: PublicJwk = { kty: 'EC', crv: 'P-256', x, y, kid, use: 'sig', alg: 'ES256' }
  return {
    jwk,
    privateKey: createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d: d.toString('base64url') }, format: 'jwk' }),
    pem: createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
  }
}

/** Bytes of each half of a P-256 signature. */
const half = 32

/**
 * The two halves of an ECDSA signature side by side, as JWS wants them (RFC 7518 §3.4), of what DER says in two
 * INTEGERs (RFC 3279 §2.2.3). Node does the same for `dsaEncoding: 'ieee-p1363'`; but a key within such options
 * costs it two exceptions, and three times the signature itself (Node 24).
 */
const concatenated = (der: Buffer): Buffer => {
  const signature = Buffer.alloc(2 * half)
  let at = 2
  for (const end of [half, 2 * half]) {
    const from = at + 2
    at = from + der.readUInt8(at + 1)
    // a zero may stand in front, so that the number is not negative
    const digits = der.subarray(Math.max(from, at - half), at)
    digits.copy(signature, end - digits.length)
  }
  return signature
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * The ES256 keys of the assertion, derived from the configured `keys` (issue 2, part 6): every
 * instance has the same ones, and they survive an emptied store. Adding a key second publishes it
 * ahead of the day on which it is moved to the front and signs.
 */
export const createAssertionKeys = (keys: readonly Buffer[]): AssertionKeys => {
  const derived = deriveKeys(keys, 'assertion', seedLength).map(keyFrom)
  const [signing] = derived
  if (signing === undefined) throw new TypeError('no keys are configured')
  const header = base64url({ alg: 'ES256', typ: 'JWT', kid: signing.jwk.kid })
  const byKid = new Map(derived.map(key => [key.jwk.kid, key]))
  return {
    sign: claims => {
      const input = `${header}.${base64url(claims)}`
      const signature = concatenated(signBytes('sha256', Buffer.from(input), signing.privateKey))
      return `${input}.${signature.toString('base64url')}`
    },
    published: [...byKid.values()].map(key => key.jwk),
    pem: Object.fromEntries([...byKid].map(([kid, key]) => [kid, key.pem]))
  }
}

/** The keys of whatever configuration is in force; derived anew only when `keys` were read anew. */
export const createKeysInForce = (keys: () => readonly Buffer[]): () => AssertionKeys => {
  const known = new WeakMap<readonly Buffer[], AssertionKeys>()
  return () => {
    const configured = keys()
    let made = known.get(configured)
    if (made === undefined) {
      made = createAssertionKeys(configured)
      known.set(configured, made)
    }
    return made
  }
}
