import type { KeyObject } from 'node:crypto'
import { readIdToken } from './id-token.ts'
import { isSignedBy, suits } from './jws.ts'
import type { Keys, KeySet } from './keys.ts'
import type { Verdict } from '../verdict.ts'

type Fault = 'PORTICO_ID_TOKEN_SIGNATURE' | 'PORTICO_ID_TOKEN_KEY'

const got = { PORTICO_ID_TOKEN_SIGNATURE: 'a signature that is not theirs', PORTICO_ID_TOKEN_KEY: 'one by a key that is not there' } as const

/** The key that a header names, if it is one key that suits the algorithm. */
const keyOf = async (set: KeySet, issuer: string, alg: string, kid: unknown): Promise<KeyObject | undefined> => {
  if (kid !== undefined && typeof kid !== 'string') return undefined
  const key = await set.signerOf(issuer, alg, kid).catch(() => undefined)
  return key !== undefined && suits(key, alg) ? key : undefined
}

const faultOf = async (token: string, set: KeySet, issuer: string, algorithms: readonly string[]): Promise<Fault | undefined> => {
  const { header: { alg, kid } } = readIdToken(token)
  const isListed = typeof alg === 'string' && algorithms.includes(alg)
  const key = isListed ? await keyOf(set, issuer, alg, kid) : undefined
  if (!isListed || key === undefined) return 'PORTICO_ID_TOKEN_KEY'
  return isSignedBy(token, key, alg) ? undefined : 'PORTICO_ID_TOKEN_SIGNATURE'
}

/**
 * O1, RFC 7515 §5.2: the signature of a compact JWS is by one of the provider's keys, and one that may
 * sign for `issuer`. Keys that do not explain it are fetched anew, once a minute at most, also where
 * the `kid` stayed (behaviours G4, O14). Throws PORTICO_IDP_* when there are
 * no keys, and PORTICO_ID_TOKEN_MALFORMED for what is no JWS.
 */
export const signature = async (token: string, { keys, issuer, algorithms }: { keys: Keys, issuer: string, algorithms: readonly string[] }): Promise<Verdict> => {
  const known = await keys.fresh()
  const first = await faultOf(token, known, issuer, algorithms)
  const newer = first === undefined ? known : await keys.again()
  const fault = newer === known ? first : await faultOf(token, newer, issuer, algorithms)
  return {
    name: 'signature',
    passed: fault === undefined,
    code: fault ?? 'PORTICO_ID_TOKEN_SIGNATURE',
    wanted: `a signature by one of the keys at ${keys.address}`,
    got: fault === undefined ? 'one' : got[fault]
  }
}
