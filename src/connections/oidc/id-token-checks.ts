import { createHash } from 'node:crypto'
import type { Trace } from '../trace.ts'
import type { IdToken } from './id-token.ts'
import { isSound } from '../sound.ts'
import { hasCome, isAlgorithm, isAudience, isTime, show, skew } from './token-rules.ts'
import { enforce, type Verdict } from '../verdict.ts'

/** Seconds that an ID token is believed after its `exp`. */
export const expiryTolerance = 30
/** Characters (OpenID Connect Core §2). */
const longestSubject = 255

export interface IdTokenExpectations {
  /** Undefined where the operator names none: a `manual` connection whose token endpoint is trusted. */
  readonly issuer: string | undefined
  readonly clientId: string
  /** Undefined of a refresh. */
  readonly nonce: string | undefined
  /** Of a refresh: the claims of the ID token before (Core §12.2). */
  readonly before?: Readonly<Record<string, unknown>> | undefined
  /** What the provider signs with and Portico accepts; undefined where no signature is verified. */
  readonly algorithms: readonly string[] | undefined
  /** Seconds; undefined when it was not asked for. */
  readonly maxAge: number | undefined
}

/** Judges one thing about a token at `now` (seconds); undefined where there is nothing to judge. */
type IdTokenCheck = (token: IdToken, expected: IdTokenExpectations, now: number) => Verdict | undefined

const showTime = (time: unknown, now: number): string => {
  if (!isTime(time)) return show(time)
  return time === now ? 'now' : `${Math.abs(Math.round(time - now))} s ${time < now ? 'ago' : 'ahead'}`
}

/** O2. */
const algorithm: IdTokenCheck = ({ header: { alg } }, { algorithms }) => algorithms === undefined
  ? undefined
  : {
      name: 'alg',
      passed: isAlgorithm(alg, algorithms),
      code: 'PORTICO_ID_TOKEN_ALGORITHM',
      wanted: algorithms.join(', '),
      got: show(alg)
    }

/** O3, Core §3.1.3.7 (2): `iss` is the discovered issuer, character by character. */
const issuer: IdTokenCheck = ({ claims: { iss } }, expected) => expected.issuer === undefined
  ? undefined
  : { name: 'iss', passed: iss === expected.issuer, code: 'PORTICO_ID_TOKEN_ISSUER', wanted: expected.issuer, got: show(iss) }

/** O5, Core §3.1.3.7 (3): the audience is the client id. */
const audience: IdTokenCheck = ({ claims: { aud } }, { clientId }) => ({
  name: 'aud',
  passed: isAudience(aud, clientId),
  code: 'PORTICO_ID_TOKEN_AUDIENCE',
  wanted: `aud ${clientId}`,
  got: show(aud)
})

/** O5, Core §3.1.3.7 (4, 5): with several audiences, and whenever it is there, `azp` is the client id. */
const authorizedParty: IdTokenCheck = ({ claims: { aud, azp } }, { clientId }) => {
  const several = Array.isArray(aud) && aud.length > 1
  if (!several && azp === undefined) return undefined
  return { name: 'azp', passed: azp === clientId, code: 'PORTICO_ID_TOKEN_AUDIENCE', wanted: `azp ${clientId}`, got: show(azp) }
}

/** G3, Core §3.1.3.7 (9): `exp` is not more than 30 s ago. */
const expiry: IdTokenCheck = ({ claims: { exp } }, _expected, now) => ({
  name: 'exp', passed: isTime(exp) && exp > now - expiryTolerance, code: 'PORTICO_ID_TOKEN_TIME', wanted: 'exp in the future', got: showTime(exp, now)
})

/** O11, F18, Core §3.1.3.7 (10): `iat` is within five minutes of now, either way. */
const issuedAt: IdTokenCheck = ({ claims: { iat } }, _expected, now) => ({
  name: 'iat', passed: isTime(iat) && Math.abs(now - iat) <= skew, code: 'PORTICO_ID_TOKEN_TIME', wanted: `iat within ${skew} s of now`, got: showTime(iat, now)
})

/** G3, RFC 7519 §4.1.5: `nbf`, if there, is not more than five minutes ahead. */
const notBefore: IdTokenCheck = ({ claims: { nbf } }, _expected, now) => nbf === undefined
  ? undefined
  : { name: 'nbf', passed: hasCome(nbf, now), code: 'PORTICO_ID_TOKEN_TIME', wanted: 'nbf in the past', got: showTime(nbf, now) }

/** O6, Core §3.1.3.7 (11), §12.2: `nonce` is the one of this attempt; of a refresh there is none, or the same as before. Neither is shown. */
const nonce: IdTokenCheck = ({ claims }, expected) => {
  if (expected.nonce === undefined && claims.nonce === undefined) return undefined
  const wanted = expected.nonce ?? expected.before?.nonce
  const passed = wanted !== undefined && wanted !== '' && claims.nonce === wanted
  return {
    name: 'nonce',
    passed,
    code: 'PORTICO_ID_TOKEN_NONCE',
    wanted: 'the nonce of this sign-in',
    got: passed ? 'this one' : claims.nonce === undefined ? 'none' : 'another one'
  }
}

/** O11, Core §3.1.3.7 (13): where `max_age` was asked for, `auth_time` is there and recent; it is never in the future. */
const authTime: IdTokenCheck = ({ claims: { auth_time: time } }, { maxAge }, now) => {
  if (time === undefined && maxAge === undefined) return undefined
  const oldest = maxAge === undefined ? -Infinity : now - maxAge - skew
  return {
    name: 'auth_time',
    passed: hasCome(time, now) && time >= oldest,
    code: 'PORTICO_ID_TOKEN_AUTH_TIME',
    wanted: maxAge === undefined ? 'auth_time in the past' : `auth_time at most ${maxAge} s ago`,
    got: showTime(time, now)
  }
}

/** Core §2: `sub` is there, and a text that can be kept and compared. */
const subject: IdTokenCheck = ({ claims: { sub } }) => ({
  name: 'sub',
  passed: typeof sub === 'string' && sub !== '' && sub.length <= longestSubject && isSound(sub),
  code: 'PORTICO_ID_TOKEN_SUBJECT',
  wanted: `sub of 1 to ${longestSubject} characters`,
  got: show(sub)
})

/** Core §12.2: an ID token of a refresh is of the same issuer, and speaks of the same person. */
const samePerson: IdTokenCheck = ({ claims }, { before }) => before === undefined
  ? undefined
  : { name: 'iss and sub as before', passed: claims.iss === before.iss && claims.sub === before.sub, code: 'PORTICO_ID_TOKEN_SUBJECT', wanted: `${show(before.iss)} ${show(before.sub)}`, got: `${show(claims.iss)} ${show(claims.sub)}` }

/** Every check on an ID token but its signature, in the order in which they explain most. */
const idTokenChecks: readonly IdTokenCheck[] = [
  algorithm, issuer, audience, authorizedParty, expiry, issuedAt, notBefore, nonce, authTime, subject, samePerson
]

/** Throws the refusal of the first check that does not pass. */
export const checkIdToken = (token: IdToken, expected: IdTokenExpectations, now: number, trace: Trace | undefined): void => {
  for (const check of idTokenChecks) enforce(check(token, expected, now), trace)
}

const hashes: Readonly<Record<string, string>> = { 256: 'sha256', 384: 'sha384', 512: 'sha512' }

/** Core §3.1.3.8: `at_hash`, if there, is that of the access token beside it. */
export const accessTokenHash = ({ header, claims: { at_hash: given } }: IdToken, accessToken: string): Verdict | undefined => {
  if (given === undefined) return undefined
  // Ed25519 hashes with SHA-512 itself
  const hash = hashes[String(header.alg).slice(-3)] ?? 'sha512'
  const digest = createHash(hash).update(accessToken).digest()
  const passed = given === digest.subarray(0, digest.length / 2).toString('base64url')
  return { name: 'at_hash', passed, code: 'PORTICO_ID_TOKEN_HASH', wanted: 'at_hash of the access token', got: passed ? 'this one' : 'another one' }
}

/** O12, G11, Core §5.3.2: userinfo speaks of the person of the ID token. */
export const userinfoSubject = ({ sub }: Readonly<Record<string, unknown>>, wanted: unknown): Verdict => ({
  name: 'sub of userinfo', passed: sub === wanted, code: 'PORTICO_USERINFO_SUBJECT', wanted: 'sub of the ID token', got: show(sub)
})
