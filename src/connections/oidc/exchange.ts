import { PorticoError, type ErrorCode } from '../../errors.ts'
import type { AuthorizationResponse } from '../connector.ts'
import { authenticateClient } from './client-authentication.ts'
import type { Provider } from './provider.ts'
import type { ProviderRequest } from './provider-request.ts'
import { readTokenAnswer, type Grant, type TokenAnswer } from './token-answer.ts'

/** Bytes of a token or userinfo answer (behaviours O15, G12). */
export const limit = 256 * 1024

const clientRefusals: ReadonlySet<ErrorCode> = new Set(['PORTICO_IDP_CLIENT_REFUSED', 'PORTICO_IDP_SECRET_EXPIRED'])

/** Reads an answer, and has the provider's health tell whether our client was accepted. */
const judged = (provider: Provider, read: () => TokenAnswer): TokenAnswer => {
  try {
    const tokens = read()
    provider.clientJudged(undefined)
    return tokens
  } catch (error) {
    if (error instanceof PorticoError && clientRefusals.has(error.code)) provider.clientJudged(error)
    throw error
  }
}

/**
 * One request at the token endpoint (RFC 6749 §3.2), of which `sent` must not come back in a log. Nothing in the answer
 * is believed yet: the ID token is judged by `id-token-checks.ts` and `signature.ts`.
 */
const exchange = async ({ connection, dialect, provider, metadata, outbound, clock }: ProviderRequest, grant: Grant, parameters: Readonly<Record<string, string>>, sent: readonly string[]): Promise<TokenAnswer> => {
  const body = new URLSearchParams(parameters)
  const headers = new Headers({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' })
  await authenticateClient(connection, dialect, metadata, clock(), body, headers)
  const answer = await outbound.fetch(metadata.token_endpoint, { method: 'POST', headers: Object.fromEntries(headers), body: body.toString(), limit }, provider.reach)
  const hasExpired = connection.clientSecretExpires !== undefined && connection.clientSecretExpires <= clock()
  return judged(provider, () => readTokenAnswer(answer, [...sent, connection.clientSecret ?? ''], hasExpired, grant))
}

/** Spends the code, with PKCE (RFC 6749 §4.1.3, RFC 7636 §4.5). Throws PORTICO_IDP_*. */
export const exchangeCode = async (request: ProviderRequest, { parameters, redirectUri, secrets: { codeVerifier } }: Pick<AuthorizationResponse, 'parameters' | 'redirectUri' | 'secrets'>): Promise<TokenAnswer> => {
  const code = parameters.get('code') ?? ''
  return await exchange(request, 'code', { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: codeVerifier }, [code, codeVerifier])
}

/**
 * Gives a refresh token for new tokens (RFC 6749 §6); it may be used up by that. Throws PORTICO_IDP_REFRESH_REFUSED
 * where the provider wants to see the person, and PORTICO_IDP_*.
 */
export const exchangeRefreshToken = async (request: ProviderRequest, refreshToken: string): Promise<TokenAnswer> =>
  await exchange(request, 'refresh token', { grant_type: 'refresh_token', refresh_token: refreshToken }, [refreshToken])
