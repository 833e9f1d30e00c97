import { isObject } from '../outbound/answer.ts'
import { claim } from './claim.ts'
import { isValue } from '../sound.ts'
import { expiryTolerance } from './id-token-checks.ts'
import type { IdToken } from './id-token.ts'
import { hasCome, isAlgorithm, isAudience, isTime, show, skew } from './token-rules.ts'
import type { Verdict } from '../verdict.ts'

/** The member of `events` that makes a token one of logout (OpenID Connect Back-Channel Logout §2.4). */
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
/** What `typ` may be: explicit since RFC 8725 §3.11; providers from before write `JWT`, or nothing. */
const types = ['logout+jwt', 'application/logout+jwt', 'jwt']

export interface LogoutTokenExpectations {
  readonly issuer: string | undefined
  readonly clientId: string
  readonly algorithms: readonly string[]
}

/** Judges one thing about a logout token at `now` (seconds). */
export type LogoutTokenCheck = (token: IdToken, expected: LogoutTokenExpectations, now: number) => Omit<Verdict, 'code'>

/** Back-Channel Logout §2.4. */
const type: LogoutTokenCheck = ({ header: { typ } }) =>
  ({ name: 'typ', passed: typ === undefined || (typeof typ === 'string' && types.includes(typ.toLowerCase())), wanted: 'typ logout+jwt', got: show(typ) })

/** O2, §2.6 (3): what ID tokens are signed with, never `none`. */
const algorithm: LogoutTokenCheck = ({ header: { alg } }, { algorithms }) =>
  ({ name: 'alg', passed: isAlgorithm(alg, algorithms), wanted: algorithms.join(', '), got: show(alg) })

/** O3, §2.6 (4). */
const issuer: LogoutTokenCheck = ({ claims: { iss } }, expected) =>
  ({ name: 'iss', passed: expected.issuer !== undefined && iss === expected.issuer, wanted: expected.issuer ?? 'an issuer that is configured', got: show(iss) })

/** O5, §2.6 (4). */
const audience: LogoutTokenCheck = ({ claims: { aud } }, { clientId }) =>
  ({ name: 'aud', passed: isAudience(aud, clientId), wanted: `aud ${clientId}`, got: show(aud) })

/** O11, §2.6 (4): issued within five minutes of now, either way, so that replays need not be remembered for long. */
const issuedAt: LogoutTokenCheck = ({ claims: { iat } }, _expected, now) =>
  ({ name: 'iat', passed: isTime(iat) && Math.abs(now - iat) <= skew, wanted: `iat within ${skew} s of ${Math.floor(now)}`, got: show(iat) })

/** G3, §2.6 (4): required, and two minutes ahead as a rule. */
const expiry: LogoutTokenCheck = ({ claims: { exp, nbf } }, _expected, now) => ({
  name: 'exp and nbf',
  passed: isTime(exp) && exp > now - expiryTolerance && (nbf === undefined || hasCome(nbf, now)),
  wanted: `exp after and nbf before ${Math.floor(now)}`,
  got: `exp ${show(exp)}, nbf ${show(nbf)}`
})

/** §2.6 (6): what tells it from every other token of this provider. */
const event: LogoutTokenCheck = ({ claims: { events } }) => {
  const passed = isObject(events) && Object.hasOwn(events, logoutEvent) && isObject(events[logoutEvent])
  return { name: 'events', passed, wanted: `events with an object as ${logoutEvent}`, got: passed ? 'it' : show(events) }
}

/** §2.6 (7): with a nonce it could be an ID token, or be taken for one. */
const noNonce: LogoutTokenCheck = ({ claims }) => {
  const passed = !Object.hasOwn(claims, 'nonce')
  return { name: 'nonce', passed, wanted: 'no nonce', got: passed ? 'none' : 'one' }
}

const isName = (value: unknown): boolean => isValue(value) && value !== ''

/** §2.4: by which a replay is known. */
const identifier: LogoutTokenCheck = ({ claims }) => {
  const passed = isName(claim(claims, 'jti'))
  return { name: 'jti', passed, wanted: 'a text as jti', got: passed ? 'one' : 'none, or no text' }
}

/** §2.6 (5): a session, a person, or both. */
const whom: LogoutTokenCheck = ({ claims }) => {
  const named = ['sid', 'sub'].map(name => claim(claims, name)).filter(value => value !== undefined)
  return { name: 'sid and sub', passed: named.length > 0 && named.every(isName), wanted: 'sid, sub or both, as texts', got: named.length === 0 ? 'neither' : `${named.length}` }
}

/** Every check on a logout token but its signature, in the order in which they explain most. */
export const logoutTokenChecks: readonly LogoutTokenCheck[] = [type, event, noNonce, algorithm, issuer, audience, expiry, issuedAt, identifier, whom]
