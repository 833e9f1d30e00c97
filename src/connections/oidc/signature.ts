import { compactVerify, errors } from 'jose'
import type { Keys, KeySet } from './keys.ts'
import type { Verdict } from '../verdict.ts'

type Fault = 'PORTICO_ID_TOKEN_SIGNATURE' | 'PORTICO_ID_TOKEN_KEY'

const got = { PORTICO_ID_TOKEN_SIGNATURE: 'a signature that is not theirs', PORTICO_ID_TOKEN_KEY: 'one by a key that is not there' } as const

const faultOf = async (token: string, set: KeySet, issuer: string, algorithms: readonly string[]): Promise<Fault | undefined> => {
  try {
    await compactVerify(token, set.signersFor(issuer), { algorithms: [...algorithms] })
    return undefined
  } catch (error) {
    const isForged = error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWSInvalid
    return isForged ? 'PORTICO_ID_TOKEN_SIGNATURE' : 'PORTICO_ID_TOKEN_KEY'
  }
}

/**
 * O1, RFC 7515 §5.2: the signature of a compact JWS is by one of the provider's keys, and one that may
 * sign for `issuer`. Keys that do not explain it are fetched anew, once a minute at most, also where
 * the `kid` stayed (behaviours G4, O14). Throws PORTICO_IDP_* when there are no keys.
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
