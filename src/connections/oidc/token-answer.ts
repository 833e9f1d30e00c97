import { PorticoError } from '../../errors.ts'
import { describeAnswer, parseObject, type OutboundAnswer } from '../outbound/answer.ts'
import { clientFault, clientRemedy } from './client-fault.ts'
import { foreignError } from '../foreign.ts'

/** What a token endpoint gave, of use so far; nothing in it is believed yet. */
export interface TokenAnswer {
  readonly accessToken: string
  /** Undefined where there is none: then only a userinfo endpoint can say who it is. */
  readonly idToken: string | undefined
  /** Undefined where there is none, or none that differs from the one before. */
  readonly refreshToken: string | undefined
  /** Seconds that the access token is good for; undefined where nobody says. */
  readonly expiresIn: number | undefined
}

/** What is given in exchange for tokens. */
export type Grant = 'code' | 'refresh token'

/** OpenID Connect Core §3.1.2.6: the person has to come themselves, whatever happened to the token. */
const comeYourself: ReadonlySet<string> = new Set(['login_required', 'interaction_required', 'consent_required', 'access_denied'])

const refusedGrant = (grant: Grant, error: string): 'PORTICO_IDP_CODE_REFUSED' | 'PORTICO_IDP_REFRESH_REFUSED' | undefined => {
  if (grant === 'code') return error === 'invalid_grant' ? 'PORTICO_IDP_CODE_REFUSED' : undefined
  return error === 'invalid_grant' || comeYourself.has(error) ? 'PORTICO_IDP_REFRESH_REFUSED' : undefined
}

/**
 * Reads the answer of a token endpoint (RFC 6749 §5, OpenID Connect Core §3.1.3.3). Every way in which
 * it can fail has its own code; `secrets` are what was sent and must not come back in a log, and
 * `hasExpired` says that the configured end of the client secret has passed.
 */
export const readTokenAnswer = (answer: OutboundAnswer, secrets: readonly string[], hasExpired = false, grant: Grant = 'code'): TokenAnswer => {
  const wanted = 'tokens from the token endpoint'
  const content = parseObject(answer.text)
  const error = content?.error
  if (answer.status >= 500) {
    throw new PorticoError('PORTICO_IDP_UNREACHABLE', { wanted, got: describeAnswer(answer) })
  }
  if (typeof error === 'string' && error !== '') {
    const got = foreignError(error, content?.error_description, secrets)
    const fault = clientFault(answer.status, error, content?.error_description)
    if (fault === 'expired' || (fault === 'refused' && hasExpired)) throw new PorticoError('PORTICO_IDP_SECRET_EXPIRED', { wanted, got })
    if (fault !== undefined) throw new PorticoError('PORTICO_IDP_CLIENT_REFUSED', { wanted, got, remedy: clientRemedy(content?.error_description, secrets) })
    const refused = refusedGrant(grant, error)
    if (refused !== undefined) throw new PorticoError(refused, { wanted, got })
    throw new PorticoError('PORTICO_IDP_TOKEN_REFUSED', { wanted, got })
  }
  if (answer.status === 401) throw new PorticoError('PORTICO_IDP_CLIENT_REFUSED', { wanted, got: describeAnswer(answer) })
  if (answer.status === 429) throw new PorticoError('PORTICO_IDP_UNREACHABLE', { wanted, got: describeAnswer(answer) })
  if (answer.status !== 200 || content === undefined) throw new PorticoError('PORTICO_IDP_ANSWER', { wanted, got: describeAnswer(answer) })
  const { access_token: accessToken, token_type: type, id_token: given, refresh_token: refreshToken, expires_in: lifetime } = content
  // a refresh that brings none may say so in other ways; by refusing it the new refresh token would be lost
  const idToken = grant === 'refresh token' && (given === null || given === '') ? undefined : given
  if (idToken !== undefined && (typeof idToken !== 'string' || idToken === '')) {
    throw new PorticoError('PORTICO_ID_TOKEN_MISSING', { wanted: 'an ID token', got: 'something else' })
  }
  if (typeof accessToken !== 'string' || accessToken === '' || typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw new PorticoError('PORTICO_IDP_ANSWER', { wanted: 'a bearer access token', got: 'none' })
  }
  // some write the number as text
  const expiresIn = typeof lifetime === 'string' && /^\d{1,9}$/.test(lifetime) ? Number(lifetime) : lifetime
  return {
    accessToken,
    idToken,
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : undefined,
    expiresIn: typeof expiresIn === 'number' && Number.isFinite(expiresIn) && expiresIn >= 0 ? expiresIn : undefined
  }
}
