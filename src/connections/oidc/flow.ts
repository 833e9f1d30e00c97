import { createHash, randomBytes } from 'node:crypto'
import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Connector, Tokens } from '../connector.ts'
import { dialectOf } from '../dialects.ts'
import type { Dialect } from './dialect.ts'
import { endSessionEndpoint } from './end-session.ts'
import { exchangeCode } from './exchange.ts'
import { asPorticoError } from '../failure.ts'
import type { Outbound } from '../outbound/http.ts'
import { issuerOfTenant } from './issuer.ts'
import { fromIdToken, fromUserinfo, judgeIdToken } from './judging.ts'
import type { Metadata } from './metadata.ts'
import type { Providers } from './provider.ts'
import { tokensOf } from './refresh.ts'
import { checkResponse } from './response-checks.ts'
import { oidcSettings } from './settings.ts'
import type { TokenAnswer } from './token-answer.ts'

/**
 * `openid` wherever an ID token is needed. By default `groups` only where the provider knows it, and for a
 * connection that refreshes `offline_access` (OpenID Connect Core §11) unless the provider says that it does not.
 */
const scopesOf = ({ refresh }: Connection, { scopes, proof }: Dialect, { scopes_supported: known }: Metadata): string => {
  if (scopes !== undefined && proof === 'userinfo') return scopes.join(' ')
  const groups = known?.includes('groups') === true ? ['groups'] : []
  const offline = refresh !== undefined && known?.includes('offline_access') !== false ? ['offline_access'] : []
  return [...new Set(['openid', ...scopes ?? ['email', 'profile', ...groups, ...offline]])].join(' ')
}

/** 256 bits each: what a code verifier is at its least (RFC 7636 §4.1). */
const newSecrets = (): { readonly nonce: string, readonly codeVerifier: string } => {
  const random = randomBytes(64)
  return { nonce: random.toString('base64url', 0, 32), codeVerifier: random.toString('base64url', 32) }
}

/** Every issuer that the provider can name itself in a response. */
const issuersOf = ({ tenants }: Dialect, { issuer }: Metadata): readonly string[] =>
  tenants === undefined ? [issuer] : [...new Set([...tenants.keys()].map(tenant => issuerOfTenant(issuer, tenant)))]

/** O9, product R8: at a shared redirect URI only `iss` (RFC 9207) tells one provider's response from another's. */
const mustNameItself = ({ callback }: Connection, { isItself }: Dialect): boolean => callback === 'shared' && !isItself

/** Throws PORTICO_SHARED_CALLBACK where a provider would not say who it is. */
const checkCallback = (connection: Connection, dialect: Dialect, metadata: Metadata): void => {
  if (!mustNameItself(connection, dialect) || metadata.authorization_response_iss_parameter_supported === true) return
  throw new PorticoError('PORTICO_SHARED_CALLBACK', { wanted: 'authorization_response_iss_parameter_supported: true in the discovery document', got: 'nothing of the kind' })
}

/**
 * What of an answer is of use later: the ID token where its person can be signed out at the provider, the access
 * token where an app wants it, and all of it where the connection refreshes.
 */
const keptOf = (connection: Connection, metadata: Metadata, answer: TokenAnswer, forwards: boolean, now: number): { readonly tokens?: Tokens } => {
  const { idToken, accessToken, accessTokenExpires, refreshToken } = tokensOf(answer, {}, now)
  const isRefreshed = connection.refresh !== undefined && refreshToken !== undefined
  const kept: Tokens = {
    ...(isRefreshed || endSessionEndpoint(connection, metadata) !== undefined) && idToken !== undefined && { idToken },
    ...(isRefreshed || forwards) && { accessToken, accessTokenExpires },
    ...isRefreshed && { refreshToken }
  }
  return Object.keys(kept).length === 0 ? {} : { tokens: kept }
}

/**
 * OpenID Connect for every connector: authorization code with PKCE S256, nonce and state always, and
 * the signature verified wherever the operator did not say otherwise (behaviours O1–O16). What sets the
 * connectors apart is their dialect. `clock` tells seconds.
 */
export const createOidcFlow = (deps: {
  providers: Providers
  outbound: Outbound
  clock: () => number
  /** Whether any app is sent access tokens. */
  forwards: () => boolean
}): Connector => {
  const { providers, outbound, clock, forwards } = deps

  return {
    authorize: async (connection, { redirectUri, state, loginHint, prompt, maxAge: askedAge }) => {
      try {
        const dialect = dialectOf(connection)
        const metadata = await providers.of(connection).metadata()
        checkCallback(connection, dialect, metadata)
        const secrets = newSecrets()
        const { requireAcr, settings: { max_age: ownAge } } = connection
        const maxAge = ownAge === undefined || askedAge === undefined ? ownAge ?? askedAge : Math.min(ownAge, askedAge)
        const url = new URL(metadata.authorization_endpoint)
        const parameters = {
          client_id: oidcSettings(connection).client_id,
          response_type: 'code',
          redirect_uri: redirectUri,
          scope: scopesOf(connection, dialect, metadata),
          state,
          nonce: secrets.nonce,
          // Sent whether or not the provider lists it: those that do not know PKCE ignore it
          code_challenge: createHash('sha256').update(secrets.codeVerifier).digest('base64url'),
          code_challenge_method: 'S256',
          ...dialect.parameters({ loginHint, prompt }),
          ...(requireAcr === undefined ? {} : { acr_values: requireAcr.join(' ') }),
          ...(maxAge === undefined ? {} : { max_age: String(maxAge) })
        }
        // what the address says of its own accord stays, but nothing of ours twice (RFC 6749 §3.1)
        const query = new URLSearchParams(url.search)
        for (const [name, value] of Object.entries(parameters)) query.set(name, value)
        url.search = query.toString()
        return { url: url.href, secrets }
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    },

    authenticate: async (connection, response, now, trace) => {
      try {
        const dialect = dialectOf(connection)
        const provider = providers.of(connection)
        const metadata = await provider.metadata()
        checkResponse(response.parameters, {
          state: response.state,
          issuers: issuersOf(dialect, metadata),
          issuerRequired: metadata.authorization_response_iss_parameter_supported === true || mustNameItself(connection, dialect),
          explain: dialect.explain
        }, trace)
        // Before the code is spent: without keys it would be for nothing
        await provider.keys(metadata)?.fresh()
        const request = { connection, dialect, provider, metadata, outbound, clock }
        const tokens = await exchangeCode(request, response)
        const told = { request, tokens, nonce: response.secrets.nonce, now, trace }
        const idToken = await judgeIdToken(told)
        const identity = dialect.proof === 'userinfo' || idToken === undefined ? await fromUserinfo(told, idToken) : await fromIdToken(told, idToken)
        return { ...identity, ...keptOf(connection, metadata, tokens, forwards(), now) }
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    }
  }
}
