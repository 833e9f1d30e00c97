import { createHash } from 'node:crypto'
import type { Trace } from '../trace.ts'
import { foreignError, foreignText } from './foreign.ts'
import type { IdToken } from './id-token.ts'
import { isSound } from './sound.ts'
import { enforce, type Verdict } from './verdict.ts'

/** Seconds that the provider's clock may be off, either way (behaviours O11, F18). */
export const skew = 300
/** Seconds that a token is believed after its `exp`. */
const expiryTolerance = 30
/** Characters (OpenID Connect Core §2). */
const longestSubject = 255

export interface IdTokenExpectations {
  /** Undefined where the operator names none: a `manual` connection whose token endpoint is trusted. */
  readonly issuer: string | undefined
  readonly clientId: string
  readonly nonce: string
  /** What the provider signs with and Portico accepts; undefined where no signature is verified. */
  readonly algorithms: readonly string[] | undefined
  /** Seconds; undefined when it was not asked for. */
  readonly maxAge: number | undefined
}

/** Judges one thing about a token at `now` (seconds); undefined where there is nothing to judge. */
type IdTokenCheck = (token: IdToken, expected: IdTokenExpectations, now: number) => Verdict | undefined

/** A claim's value for people: bounded, on one line. */
export const show = (value: unknown): string =>
  value === undefined ? 'nothing' : foreignText(typeof value === 'string' ? value : JSON.stringify(value) ?? 'nothing')

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

const showTime = (time: unknown, now: number): string => {
  if (!isTime(time)) return show(time)
  return time === now ? 'now' : `${Math.abs(Math.round(time - now))} s ${time < now ? 'ago' : 'ahead'}`
}

/** O2: the algorithm is one that the provider lists and Portico accepts; never `none` or HS*. */
export const algorithm: IdTokenCheck = ({ header: { alg } }, { algorithms }) => algorithms === undefined
  ? undefined
  : {
      name: 'alg',
      passed: typeof alg === 'string' && algorithms.includes(alg),
      code: 'PORTICO_ID_TOKEN_ALGORITHM',
      wanted: algorithms.join(', '),
      got: show(alg)
    }

/** O3, Core §3.1.3.7 (2): `iss` is the discovered issuer, character by character. */
export const issuer: IdTokenCheck = ({ claims: { iss } }, expected) => expected.issuer === undefined
  ? undefined
  : { name: 'iss', passed: iss === expected.issuer, code: 'PORTICO_ID_TOKEN_ISSUER', wanted: expected.issuer, got: show(iss) }

/** O5, Core §3.1.3.7 (3): `aud` is the client id, or a list of texts with it. */
export const audience: IdTokenCheck = ({ claims: { aud } }, { clientId }) => ({
  name: 'aud',
  passed: Array.isArray(aud) ? aud.every(each => typeof each === 'string') && aud.includes(clientId) : aud === clientId,
  code: 'PORTICO_ID_TOKEN_AUDIENCE',
  wanted: `aud ${clientId}`,
  got: show(aud)
})

/** O5, Core §3.1.3.7 (4, 5): with several audiences, and whenever it is there, `azp` is the client id. */
export const authorizedParty: IdTokenCheck = ({ claims: { aud, azp } }, { clientId }) => {
  const several = Array.isArray(aud) && aud.length > 1
  if (!several && azp === undefined) return undefined
  return { name: 'azp', passed: azp === clientId, code: 'PORTICO_ID_TOKEN_AUDIENCE', wanted: `azp ${clientId}`, got: show(azp) }
}

/** G3, Core §3.1.3.7 (9): `exp` is not more than 30 s ago. */
export const expiry: IdTokenCheck = ({ claims: { exp } }, _expected, now) => ({
  name: 'exp', passed: isTime(exp) && exp > now - expiryTolerance, code: 'PORTICO_ID_TOKEN_TIME', wanted: 'exp in the future', got: showTime(exp, now)
})

/** O11, F18, Core §3.1.3.7 (10): `iat` is within five minutes of now, either way. */
export const issuedAt: IdTokenCheck = ({ claims: { iat } }, _expected, now) => ({
  name: 'iat', passed: isTime(iat) && Math.abs(now - iat) <= skew, code: 'PORTICO_ID_TOKEN_TIME', wanted: `iat within ${skew} s of now`, got: showTime(iat, now)
})

/** G3, RFC 7519 §4.1.5: `nbf`, if there, is not more than five minutes ahead. */
export const notBefore: IdTokenCheck = ({ claims: { nbf } }, _expected, now) => nbf === undefined
  ? undefined
  : { name: 'nbf', passed: isTime(nbf) && nbf <= now + skew, code: 'PORTICO_ID_TOKEN_TIME', wanted: 'nbf in the past', got: showTime(nbf, now) }

/** O6, Core §3.1.3.7 (11): `nonce` is the one of this attempt. Neither is shown. */
export const nonce: IdTokenCheck = ({ claims }, expected) => {
  const passed = expected.nonce !== '' && claims.nonce === expected.nonce
  return {
    name: 'nonce',
    passed,
    code: 'PORTICO_ID_TOKEN_NONCE',
    wanted: 'the nonce of this sign-in',
    got: passed ? 'this one' : claims.nonce === undefined ? 'none' : 'another one'
  }
}

/** O11, Core §3.1.3.7 (13): where `max_age` was asked for, `auth_time` is there and recent; it is never in the future. */
export const authTime: IdTokenCheck = ({ claims: { auth_time: time } }, { maxAge }, now) => {
  if (time === undefined && maxAge === undefined) return undefined
  const oldest = maxAge === undefined ? -Infinity : now - maxAge - skew
  return {
    name: 'auth_time',
    passed: isTime(time) && time >= oldest && time <= now + skew,
    code: 'PORTICO_ID_TOKEN_AUTH_TIME',
    wanted: maxAge === undefined ? 'auth_time in the past' : `auth_time at most ${maxAge} s ago`,
    got: showTime(time, now)
  }
}

/** Core §2: `sub` is there, and a text that can be kept and compared. */
export const subject: IdTokenCheck = ({ claims: { sub } }) => ({
  name: 'sub',
  passed: typeof sub === 'string' && sub !== '' && sub.length <= longestSubject && isSound(sub),
  code: 'PORTICO_ID_TOKEN_SUBJECT',
  wanted: `sub of 1 to ${longestSubject} characters`,
  got: show(sub)
})

/** Every check on an ID token but its signature, in the order in which they explain most. */
export const idTokenChecks: readonly IdTokenCheck[] = [
  algorithm, issuer, audience, authorizedParty, expiry, issuedAt, notBefore, nonce, authTime, subject
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

export interface ResponseExpectations {
  readonly state: string
  /** Every issuer that this connection's provider can name itself. */
  readonly issuers: readonly string[]
  /** The provider says that it always sends `iss` (RFC 9207 §3), or must because its redirect URI is shared. */
  readonly issuerRequired: boolean
  /** What a provider's error means, where its kind has more to say than the protocol. */
  readonly explain: (description: string) => Pick<Verdict, 'code' | 'remedy'> | undefined
}

type ResponseCheck = (parameters: URLSearchParams, expected: ResponseExpectations) => Verdict | undefined

/** O10, F19, RFC 6749 §3.1: no parameter is there twice. */
export const noDuplicates: ResponseCheck = parameters => {
  const names = [...parameters.keys()]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return {
    name: 'parameters of the response',
    passed: twice === undefined,
    code: 'PORTICO_RESPONSE_INVALID',
    wanted: 'each parameter once',
    got: twice === undefined ? 'each once' : `${foreignText(twice)} several times`
  }
}

/** O7: `state` is there and is the one that was sent. Neither is shown. */
export const state: ResponseCheck = (parameters, expected) => {
  const given = parameters.get('state')
  const passed = expected.state !== '' && given === expected.state
  return {
    name: 'state', passed, code: 'PORTICO_RESPONSE_STATE', wanted: 'the state of this sign-in', got: passed ? 'this one' : given === null ? 'none' : 'another one'
  }
}

/** O9, RFC 9207 §2.4: `iss` is the issuer, if it is there; and it is there, if it must be. */
export const responseIssuer: ResponseCheck = (parameters, { issuers, issuerRequired }) => {
  const given = parameters.get('iss')
  if (given === null && !issuerRequired) return undefined
  return {
    name: 'iss of the response',
    passed: given !== null && issuers.includes(given),
    code: 'PORTICO_RESPONSE_ISSUER',
    wanted: `iss ${issuers.slice(0, 5).join(' or ')}`,
    got: show(given ?? undefined)
  }
}

/** O19, RFC 6749 §4.1.2.1: an error is an answer too; its words are the provider's, and are bounded. */
export const noError: ResponseCheck = (parameters, { explain }) => {
  const error = parameters.get('error')
  if (error === null) return undefined
  const description = parameters.get('error_description')
  return {
    name: 'error',
    passed: false,
    code: 'PORTICO_IDP_REFUSED',
    wanted: 'an authorization code',
    got: foreignError(error === '' ? 'error' : error, description),
    ...explain(description ?? '')
  }
}

/** RFC 6749 §4.1.2: a code, and nothing of another flow. */
export const onlyCode: ResponseCheck = parameters => {
  const other = ['id_token', 'access_token', 'token', 'response'].find(name => parameters.has(name))
  const passed = other === undefined && (parameters.get('code') ?? '') !== ''
  return { name: 'code', passed, code: 'PORTICO_RESPONSE_INVALID', wanted: 'an authorization code alone', got: other ?? (passed ? 'one' : 'none') }
}

/** Every check on the return, before the token endpoint is asked. Throws the refusal of the first that does not pass. */
export const checkResponse = (parameters: URLSearchParams, expected: ResponseExpectations, trace: Trace | undefined): void => {
  for (const check of [noDuplicates, state, responseIssuer, noError, onlyCode]) enforce(check(parameters, expected), trace)
}

/** O12, G11, Core §5.3.2: userinfo speaks of the person of the ID token. */
export const userinfoSubject = ({ sub }: Readonly<Record<string, unknown>>, wanted: unknown): Verdict => ({
  name: 'sub of userinfo', passed: sub === wanted, code: 'PORTICO_USERINFO_SUBJECT', wanted: 'sub of the ID token', got: show(sub)
})
