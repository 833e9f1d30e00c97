import { buildAuthorizationUrl, calculatePKCECodeChallenge, randomNonce, randomPKCECodeVerifier } from 'openid-client'
import type { Connection } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import type { Connector } from './connector.ts'
import { checkResponse } from './oidc/checks.ts'
import { createClient } from './oidc/client.ts'
import { exchangeCode } from './oidc/exchange.ts'
import { asPorticoError } from './oidc/failure.ts'
import type { Outbound } from './oidc/http.ts'
import { lacksClaims, mapIdentity, mergeClaims } from './oidc/identity.ts'
import type { Metadata } from './oidc/metadata.ts'
import type { Providers } from './oidc/provider.ts'
import { oidcSettings } from './oidc/settings.ts'

/** `openid` always: without it there is no ID token. `groups` by default only where the provider knows it. */
const scopesOf = (connection: Connection, metadata: Metadata): string => {
  const groups = metadata.scopes_supported?.includes('groups') === true ? ['groups'] : []
  const wanted = oidcSettings(connection).scopes ?? ['openid', 'email', 'profile', ...groups]
  return [...new Set(['openid', ...wanted])].join(' ')
}

/** What openid-client finds wrong with a token that our own checks let pass. */
const tokenFaults = {
  OAUTH_INVALID_RESPONSE: 'PORTICO_ID_TOKEN_SIGNATURE',
  OAUTH_UNSUPPORTED_OPERATION: 'PORTICO_ID_TOKEN_SIGNATURE',
  OAUTH_KEY_SELECTION_FAILED: 'PORTICO_ID_TOKEN_KEY',
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED: 'PORTICO_ID_TOKEN_TIME'
} as const

const userinfoFaults = {
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED: 'PORTICO_USERINFO_SUBJECT',
  OAUTH_KEY_SELECTION_FAILED: 'PORTICO_ID_TOKEN_KEY'
} as const

/**
 * Generic OpenID Connect (product R6): authorization code with PKCE S256, nonce, state and verified
 * signature, always (behaviours O1–O15).
 */
export const createOidcConnector = (deps: {
  providers: Providers
  outbound: Outbound
  /** Seconds. */
  clock: () => number
}): Connector => {
  const { providers, outbound, clock } = deps

  return {
    authorize: async (connection, { redirectUri, state, loginHint, prompt }) => {
      try {
        const metadata = await providers.of(connection).metadata()
        const secrets = { nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() }
        const unused = (): Promise<Response> => Promise.reject(new PorticoError('PORTICO_INTERNAL', { got: 'a request to build an address' }))
        const { max_age: maxAge } = connection.settings
        const url = buildAuthorizationUrl(createClient(connection, metadata, unused, clock()), {
          response_type: 'code',
          redirect_uri: redirectUri,
          scope: scopesOf(connection, metadata),
          state,
          nonce: secrets.nonce,
          // Sent whether or not the provider lists it: those that do not know PKCE ignore it
          code_challenge: await calculatePKCECodeChallenge(secrets.codeVerifier),
          code_challenge_method: 'S256',
          ...(loginHint === undefined ? {} : { login_hint: loginHint }),
          ...(prompt === undefined ? {} : { prompt }),
          ...(maxAge === undefined ? {} : { max_age: String(maxAge) })
        })
        return { url: url.href, secrets }
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    },

    authenticate: async (connection, response, now) => {
      try {
        const provider = providers.of(connection)
        const metadata = await provider.metadata()
        checkResponse(response.parameters, {
          state: response.state,
          issuer: metadata.issuer,
          issuerRequired: metadata.authorization_response_iss_parameter_supported === true
        })
        const { settings } = connection
        const expected = {
          issuer: metadata.issuer,
          clientId: settings.client_id,
          nonce: response.secrets.nonce,
          algorithms: metadata.id_token_signing_alg_values_supported,
          maxAge: settings.max_age
        }
        const { claims, userinfo } = await exchangeCode({ connection, provider, metadata, response, expected, outbound, now, clock })
          .catch((error: unknown) => { throw asPorticoError(error, connection.id, tokenFaults) })
        const profile = metadata.userinfo_endpoint !== undefined && lacksClaims(claims, connection)
          ? await userinfo().catch((error: unknown) => { throw asPorticoError(error, connection.id, userinfoFaults) })
          : {}
        const token = { issuer: metadata.issuer, subject: String(claims.sub), issuedAt: Number(claims.iat) }
        return mapIdentity(mergeClaims(claims, profile, connection), token, connection)
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    }
  }
}
