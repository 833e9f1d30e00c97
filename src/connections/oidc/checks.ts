import { createHash } from 'node:crypto'
import { PorticoError } from '../../errors.ts'
import { foreignError, foreignText } from './foreign.ts'
import { isSound } from './sound.ts'
import type { IdToken } from './id-token.ts'

/** Seconds that the provider's clock may be off, either way (behaviours O11, F18). */
export const skew = 300
/** Seconds that a token is believed after its `exp`. */
const expiryTolerance = 30
/** Characters (OpenID Connect Core §2). */
const longestSubject = 255

export interface IdTokenExpectations {
  readonly issuer: string
  readonly clientId: string
  readonly nonce: string
  /** What the provider signs with and Portico accepts. */
  readonly algorithms: readonly string[]
  /** Seconds; undefined when it was not asked for. */
  readonly maxAge: number | undefined
}

/** Throws a PorticoError when the token is not what was expected at `now` (seconds). */
type IdTokenCheck = (token: IdToken, expected: IdTokenExpectations, now: number) => void

const show = (value: unknown): string =>
  value === undefined ? 'nothing' : foreignText(typeof value === 'string' ? value : JSON.stringify(value) ?? 'nothing')

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

const offset = (time: number, now: number): string =>
  time === now ? 'now' : `${Math.abs(Math.round(time - now))} s ${time < now ? 'ago' : 'ahead'}`

/** O2: the algorithm is one that the provider lists and Portico accepts; never `none` or HS*. */
export const algorithm: IdTokenCheck = ({ header }, { algorithms }) => {
  if (typeof header.alg !== 'string' || !algorithms.includes(header.alg)) {
    throw new PorticoError('PORTICO_ID_TOKEN_ALGORITHM', { wanted: algorithms.join(', '), got: show(header.alg) })
  }
}

/** O3, Core §3.1.3.7 (2): `iss` is the discovered issuer, character by character. */
export const issuer: IdTokenCheck = ({ claims }, expected) => {
  if (claims.iss !== expected.issuer) throw new PorticoError('PORTICO_ID_TOKEN_ISSUER', { wanted: expected.issuer, got: show(claims.iss) })
}

/** O5, Core §3.1.3.7 (3): `aud` is the client id, or a list of texts with it. */
export const audience: IdTokenCheck = ({ claims }, { clientId }) => {
  const { aud } = claims
  const fine = Array.isArray(aud) ? aud.every(each => typeof each === 'string') && aud.includes(clientId) : aud === clientId
  if (!fine) throw new PorticoError('PORTICO_ID_TOKEN_AUDIENCE', { wanted: `aud ${clientId}`, got: show(aud) })
}

/** O5, Core §3.1.3.7 (4, 5): with several audiences, and whenever it is there, `azp` is the client id. */
export const authorizedParty: IdTokenCheck = ({ claims }, { clientId }) => {
  const { aud, azp } = claims
  const several = Array.isArray(aud) && aud.length > 1
  if ((several || azp !== undefined) && azp !== clientId) {
    throw new PorticoError('PORTICO_ID_TOKEN_AUDIENCE', { wanted: `azp ${clientId}`, got: show(azp) })
  }
}

/** G3, Core §3.1.3.7 (9): `exp` is not more than 30 s ago. */
export const expiry: IdTokenCheck = ({ claims: { exp } }, _expected, now) => {
  if (!isTime(exp) || exp <= now - expiryTolerance) {
    throw new PorticoError('PORTICO_ID_TOKEN_TIME', { wanted: 'exp in the future', got: isTime(exp) ? offset(exp, now) : show(exp) })
  }
}

/** O11, F18, Core §3.1.3.7 (10): `iat` is within five minutes of now, either way. */
export const issuedAt: IdTokenCheck = ({ claims: { iat } }, _expected, now) => {
  if (!isTime(iat) || Math.abs(now - iat) > skew) {
    throw new PorticoError('PORTICO_ID_TOKEN_TIME', { wanted: `iat within ${skew} s of now`, got: isTime(iat) ? offset(iat, now) : show(iat) })
  }
}

/** G3, RFC 7519 §4.1.5: `nbf`, if there, is not more than five minutes ahead. */
export const notBefore: IdTokenCheck = ({ claims: { nbf } }, _expected, now) => {
  if (nbf !== undefined && (!isTime(nbf) || nbf > now + skew)) {
    throw new PorticoError('PORTICO_ID_TOKEN_TIME', { wanted: 'nbf in the past', got: isTime(nbf) ? offset(nbf, now) : show(nbf) })
  }
}

/** O6, Core §3.1.3.7 (11): `nonce` is the one of this attempt. Neither is shown. */
export const nonce: IdTokenCheck = ({ claims }, expected) => {
  if (expected.nonce === '' || claims.nonce !== expected.nonce) {
    throw new PorticoError('PORTICO_ID_TOKEN_NONCE', { wanted: 'the nonce of this sign-in', got: claims.nonce === undefined ? 'none' : 'another one' })
  }
}

/** O11, Core §3.1.3.7 (13): where `max_age` was asked for, `auth_time` is there and recent; it is never in the future. */
export const authTime: IdTokenCheck = ({ claims: { auth_time: time } }, { maxAge }, now) => {
  if (time === undefined && maxAge === undefined) return
  const oldest = maxAge === undefined ? -Infinity : now - maxAge - skew
  if (!isTime(time) || time < oldest || time > now + skew) {
    const wanted = maxAge === undefined ? 'auth_time in the past' : `auth_time at most ${maxAge} s ago`
    throw new PorticoError('PORTICO_ID_TOKEN_AUTH_TIME', { wanted, got: isTime(time) ? offset(time, now) : show(time) })
  }
}

/** Core §2: `sub` is there, and a text that can be kept and compared. */
export const subject: IdTokenCheck = ({ claims: { sub } }) => {
  if (typeof sub !== 'string' || sub === '' || sub.length > longestSubject || !isSound(sub)) {
    throw new PorticoError('PORTICO_ID_TOKEN_SUBJECT', { wanted: `sub of 1 to ${longestSubject} characters`, got: show(sub) })
  }
}

/** Every check on an ID token but its signature, in the order in which they explain most. */
export const idTokenChecks: readonly IdTokenCheck[] = [
  algorithm, issuer, audience, authorizedParty, expiry, issuedAt, notBefore, nonce, authTime, subject
]

export const checkIdToken: IdTokenCheck = (token, expected, now) => {
  for (const check of idTokenChecks) check(token, expected, now)
}

const hashes: Readonly<Record<string, string>> = { 256: 'sha256', 384: 'sha384', 512: 'sha512' }

/** Core §3.1.3.8: `at_hash`, if there, is that of the access token beside it. */
export const accessTokenHash = ({ header, claims }: IdToken, accessToken: string): void => {
  if (claims.at_hash === undefined) return
  // Ed25519 hashes with SHA-512 itself
  const hash = hashes[String(header.alg).slice(-3)] ?? 'sha512'
  const digest = createHash(hash).update(accessToken).digest()
  if (claims.at_hash !== digest.subarray(0, digest.length / 2).toString('base64url')) {
    throw new PorticoError('PORTICO_ID_TOKEN_HASH', { wanted: 'at_hash of the access token', got: 'another one' })
  }
}

export interface ResponseExpectations {
  readonly state: string
  readonly issuer: string
  /** The provider says that it always sends `iss` (RFC 9207 §3). */
  readonly issuerRequired: boolean
}

/** O10, F19, RFC 6749 §3.1: no parameter is there twice. */
export const noDuplicates = (parameters: URLSearchParams): void => {
  const names = [...parameters.keys()]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new PorticoError('PORTICO_RESPONSE_INVALID', { wanted: 'each parameter once', got: `${foreignText(twice)} several times` })
}

/** O7: `state` is there and is the one that was sent. Neither is shown. */
export const state = (parameters: URLSearchParams, expected: ResponseExpectations): void => {
  const given = parameters.get('state')
  if (expected.state === '' || given !== expected.state) {
    throw new PorticoError('PORTICO_RESPONSE_STATE', { wanted: 'the state of this sign-in', got: given === null ? 'none' : 'another one' })
  }
}

/** O9, RFC 9207 §2.4: `iss` is the issuer, if it is there; and it is there, if the provider says so. */
export const responseIssuer = (parameters: URLSearchParams, expected: ResponseExpectations): void => {
  const given = parameters.get('iss')
  if (given === null ? expected.issuerRequired : given !== expected.issuer) {
    throw new PorticoError('PORTICO_RESPONSE_ISSUER', { wanted: `iss ${expected.issuer}`, got: show(given ?? undefined) })
  }
}

/** O19, RFC 6749 §4.1.2.1: an error is an answer too; its words are the provider's, and are bounded. */
export const noError = (parameters: URLSearchParams): void => {
  const error = parameters.get('error')
  if (error !== null) {
    throw new PorticoError('PORTICO_IDP_REFUSED', { wanted: 'an authorization code', got: foreignError(error === '' ? 'error' : error, parameters.get('error_description')) })
  }
}

/** RFC 6749 §4.1.2: a code, and nothing of another flow. */
export const onlyCode = (parameters: URLSearchParams): void => {
  const other = ['id_token', 'access_token', 'token', 'response'].find(name => parameters.has(name))
  if (other !== undefined || (parameters.get('code') ?? '') === '') {
    throw new PorticoError('PORTICO_RESPONSE_INVALID', { wanted: 'an authorization code alone', got: other ?? 'none' })
  }
}

/** Every check on the return, before the token endpoint is asked. */
export const checkResponse = (parameters: URLSearchParams, expected: ResponseExpectations): void => {
  noDuplicates(parameters)
  state(parameters, expected)
  responseIssuer(parameters, expected)
  noError(parameters)
  onlyCode(parameters)
}

/** O12, G11, Core §5.3.2: userinfo speaks of the person of the ID token. */
export const userinfoSubject = (userinfo: Readonly<Record<string, unknown>>, sub: string): void => {
  if (userinfo.sub !== sub) throw new PorticoError('PORTICO_USERINFO_SUBJECT', { wanted: 'sub of the ID token', got: show(userinfo.sub) })
}
