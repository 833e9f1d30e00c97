import { checkPrime, createHash, createPrivateKey } from 'node:crypto'
import { promisify } from 'node:util'
import type { Configuration } from '../../config/configuration.ts'
import { deriveKeys } from '../../sessions/keyring.ts'
import { selfSignedCertificate } from './sp-certificate.ts'

/** A key of our side of SAML: the same on every instance that has the same `keys:`. */
export interface SpKey {
  /** PEM, PKCS #8. */
  readonly privateKey: string
  /** PEM, self-signed. */
  readonly certificate: string
}

/** Our SAML keys, one for each of the gateway's. */
export interface SpKeys {
  /** In the order of `keys:`: the first signs and is what providers encrypt for, all open, all are published. Never empty. */
  all (): Promise<readonly SpKey[]>
}

const isPrime = promisify(checkPrime)

const exponent = 65_537n
/** Bytes of each prime: RSA-2048. */
const primeLength = 128

/**
 * The first prime from the seed upwards that suits the exponent. What is found must never change: providers
 * have the key that comes of it.
 */
const primeFrom = async (seed: Buffer): Promise<bigint> => {
  const start = Buffer.from(seed)
  // the two highest bits, so that the product of two has all of its 2048; the lowest, so that it is odd
  start.writeUInt8(start.readUInt8() | 0xc0)
  start.writeUInt8(start.readUInt8(primeLength - 1) | 1, primeLength - 1)
  for (let candidate = BigInt(`0x${start.toString('hex')}`); ; candidate += 2n) {
    if (candidate % exponent !== 1n && await isPrime(candidate)) return candidate
  }
}

/** `value` to the power of -1, by the extended Euclidean algorithm. */
const inverse = (value: bigint, modulus: bigint): bigint => {
  let [remainder, next] = [modulus, value % modulus]
  let [factor, nextFactor] = [0n, 1n]
  while (next !== 0n) {
    const quotient = remainder / next;
    [remainder, next] = [next, remainder - quotient * next];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor]
  }
  return factor < 0n ? factor + modulus : factor
}

const base64url = (value: bigint): string => {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex').toString('base64url')
}

const keyFrom = async (seed: Buffer): Promise<SpKey> => {
  const found = [await primeFrom(seed.subarray(0, primeLength)), await primeFrom(seed.subarray(primeLength))] as const
  const [p, q] = found[0] > found[1] ? found : [found[1], found[0]]
  const d = inverse(exponent, (p - 1n) * (q - 1n))
  const members = { n: p * q, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  const jwk = Object.fromEntries(Object.entries(members).map(([member, value]) => [member, base64url(value)]))
  const key = createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' })
  return { privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate: selfSignedCertificate(key) }
}

/**
 * RSA keys derived from the gateway's `keys:`, as those of the assertion are: nothing to make, to share or
 * to lose. A key listed second is published ahead of the day on which it is moved to the front and signs.
 * Made when first asked for, beside the requests (some hundred milliseconds), and once as long as the ring
 * has the key.
 */
export const createSpKeys = (configuration: () => Configuration): SpKeys => {
  let known = new Map<string, Promise<SpKey>>()
  return {
    all: async () => {
      const ring = configuration().keys
      const seeds = deriveKeys(ring, 'saml', 2 * primeLength)
      const next = new Map<string, Promise<SpKey>>()
      for (const seed of seeds) {
        const id = createHash('sha256').update(seed).digest('base64')
        next.set(id, known.get(id) ?? keyFrom(seed))
      }
      known = next
      return await Promise.all(next.values())
    }
  }
}
