import { authorizationCodeGrant, refreshTokenGrant, type Configuration as Client, type CustomFetch } from 'openid-client'
import { PorticoError, type ErrorCode } from '../../errors.ts'
import type { AuthorizationResponse } from '../connector.ts'
import { createClient } from './client.ts'
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
 * One request at the token endpoint. Nothing in the answer is believed yet: openid-client makes the request, and
 * does not see the ID token, whose checks are Portico's own (`id-token-checks.ts`, `signature.ts`), since it knows
 * neither issuers of many tenants nor keys that belong to one of them.
 */
const exchange = async ({ connection, dialect, provider, metadata, outbound, clock }: ProviderRequest, grant: Grant, sent: readonly string[], ask: (client: Client) => Promise<unknown>): Promise<TokenAnswer> => {
  const secrets = [...sent, connection.clientSecret ?? '']
  const answers: TokenAnswer[] = []
  const fetch: CustomFetch = async (url, { headers, body: form }) => {
    const answer = await outbound.fetch(url, { method: 'POST', headers, body: String(form), limit }, provider.reach)
    const body = await answer.text()
    const hasExpired = connection.clientSecretExpires !== undefined && connection.clientSecretExpires <= clock()
    const tokens = judged(provider, () => readTokenAnswer(answer, body, secrets, hasExpired, grant))
    answers.push(tokens)
    return Response.json({ access_token: tokens.accessToken, token_type: 'bearer' })
  }
  await ask(createClient(connection, dialect, metadata, fetch, clock()))
  const [tokens] = answers
  if (tokens === undefined) throw new TypeError('a grant without a request')
  return tokens
}

/** Spends the code, with PKCE. Throws PORTICO_IDP_*. */
export const exchangeCode = async (parts: ProviderRequest & { readonly response: AuthorizationResponse }): Promise<TokenAnswer> => {
  const { response } = parts
  const code = response.parameters.get('code') ?? ''
  // The redirect URI comes from here: from configuration, never from Host
  const currentUrl = new URL(response.redirectUri)
  currentUrl.search = new URLSearchParams({ code, state: response.state }).toString()
  return await exchange(parts, 'code', [code, response.secrets.codeVerifier], client => authorizationCodeGrant(client, currentUrl, {
    pkceCodeVerifier: response.secrets.codeVerifier,
    expectedState: response.state
  }))
}

/**
 * Gives a refresh token for new tokens (RFC 6749 §6); it may be used up by that. Throws PORTICO_IDP_REFRESH_REFUSED
 * where the provider wants to see the person, and PORTICO_IDP_*.
 */
export const exchangeRefreshToken = async (parts: ProviderRequest, refreshToken: string): Promise<TokenAnswer> =>
  await exchange(parts, 'refresh token', [refreshToken], client => refreshTokenGrant(client, refreshToken))
