import { buildAuthorizationUrl, calculatePKCECodeChallenge, randomNonce, randomPKCECodeVerifier } from 'openid-client'
import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Connector, Identity, Tokens } from '../connector.ts'
import { dialectOf } from '../dialects.ts'
import type { Trace } from '../trace.ts'
import { accessTokenHash, checkIdToken, userinfoSubject } from './id-token-checks.ts'
import { createClient } from './client.ts'
import type { Dialect } from './dialect.ts'
import { endSessionEndpoint } from './end-session.ts'
import { exchangeCode } from './exchange.ts'
import { asPorticoError } from './failure.ts'
import type { Outbound } from './http.ts'
import { readIdToken, type IdToken } from './id-token.ts'
import { mapIdentity } from './identity.ts'
import { issuerOfTenant } from './issuer.ts'
import type { Metadata } from './metadata.ts'
import { lacksClaims, mergeClaims, profileFrom } from './profile.ts'
import type { Providers } from './provider.ts'
import { checkResponse } from './response-checks.ts'
import { oidcSettings } from './settings.ts'
import { signature } from './signature.ts'
import type { TokenAnswer } from './token-answer.ts'
import { plainUserinfo, userinfoOf, type UserinfoRequest } from './userinfo.ts'
import { enforce } from './verdict.ts'

/** `openid` wherever an ID token is needed. `groups` by default only where the provider knows it. */
const scopesOf = ({ scopes, proof }: Dialect, metadata: Metadata): string => {
  if (scopes !== undefined && proof === 'userinfo') return scopes.join(' ')
  const groups = metadata.scopes_supported?.includes('groups') === true ? ['groups'] : []
  return [...new Set(['openid', ...scopes ?? ['email', 'profile', ...groups]])].join(' ')
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

interface Told {
  readonly request: UserinfoRequest
  readonly tokens: TokenAnswer
  readonly nonce: string
  readonly now: number
  readonly trace: Trace | undefined
}

/** The ID token, judged in full; undefined where there is none and need not be. */
const judgeIdToken = async ({ request, tokens, nonce, now, trace }: Told): Promise<IdToken | undefined> => {
  const { connection, dialect, provider, metadata } = request
  if (tokens.idToken === undefined) {
    if (dialect.proof === 'userinfo') return undefined
    throw new PorticoError('PORTICO_ID_TOKEN_MISSING', { wanted: 'an ID token', got: 'none' })
  }
  const token = readIdToken(tokens.idToken)
  trace?.claims('ID token', token.claims)
  for (const check of dialect.tokenChecks) enforce(check(token.claims), trace)
  const isSigned = dialect.proof === 'signature'
  const algorithms = metadata.id_token_signing_alg_values_supported
  const settings = oidcSettings(connection)
  checkIdToken(token, {
    issuer: dialect.issuerOf(metadata, token.claims),
    clientId: settings.client_id,
    nonce,
    algorithms: isSigned ? algorithms : undefined,
    maxAge: settings.max_age
  }, now, trace)
  if (isSigned) {
    const keys = provider.keys(metadata)
    if (keys === undefined) throw new PorticoError('PORTICO_IDP_METADATA', { wanted: 'keys', got: 'none' })
    enforce(await signature(tokens.idToken, { keys, issuer: String(token.claims.iss), algorithms }), trace)
  }
  enforce(accessTokenHash(token, tokens.accessToken), trace)
  return token
}

/** The identity where the ID token speaks, completed by userinfo. */
const fromIdToken = async ({ request, tokens, trace }: Told, { claims }: IdToken): Promise<Identity> => {
  const { connection, dialect, metadata } = request
  const isComplete = metadata.userinfo_endpoint === undefined || !lacksClaims(claims, dialect)
  const userinfo = isComplete ? {} : await userinfoOf(request, tokens.accessToken)
  if (!isComplete) {
    trace?.claims('userinfo', userinfo)
    enforce(userinfoSubject(userinfo, claims.sub), trace)
  }
  const source = { subject: dialect.subject(claims, String(claims.iss)), issuedAt: Number(claims.iat) }
  return mapIdentity(mergeClaims(claims, userinfo, dialect), source, dialect, connection, trace)
}

/** The identity where only userinfo speaks (behaviours O16); an ID token beside it must not contradict. */
const fromUserinfo = async ({ request, tokens, now, trace }: Told, idToken: IdToken | undefined): Promise<Identity> => {
  const { connection, dialect, metadata } = request
  const { userinfo_endpoint: address } = metadata
  if (address === undefined) throw new PorticoError('PORTICO_IDP_METADATA', { wanted: 'a userinfo endpoint', got: 'none' })
  const claims = await plainUserinfo(request, address, tokens.accessToken)
  trace?.claims('userinfo', claims)
  if (idToken !== undefined) enforce(userinfoSubject(claims, idToken.claims.sub), trace)
  const source = { subject: dialect.subject(claims, metadata.issuer), issuedAt: now }
  return mapIdentity(profileFrom(claims, 'userinfo'), source, dialect, connection, trace)
}

/** What of an answer is of use later: the ID token where its person can be signed out at the provider. */
const keptOf = (connection: Connection, metadata: Metadata, { idToken }: TokenAnswer): { readonly tokens?: Tokens } =>
  idToken === undefined || endSessionEndpoint(connection, metadata) === undefined ? {} : { tokens: { idToken } }

/**
 * OpenID Connect for every connector: authorization code with PKCE S256, nonce and state always, and
 * the signature verified wherever the operator did not say otherwise (behaviours O1–O16). What sets the
 * connectors apart is their dialect. `clock` tells seconds.
 */
export const createOidcFlow = (deps: {
  providers: Providers
  outbound: Outbound
  clock: () => number
}): Connector => {
  const { providers, outbound, clock } = deps

  return {
    authorize: async (connection, { redirectUri, state, loginHint, prompt, maxAge: askedAge }) => {
      try {
        const dialect = dialectOf(connection)
        const metadata = await providers.of(connection).metadata()
        checkCallback(connection, dialect, metadata)
        const secrets = { nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() }
        const unused = (): Promise<Response> => Promise.reject(new PorticoError('PORTICO_INTERNAL', { got: 'a request to build an address' }))
        const { requireAcr, settings: { max_age: ownAge } } = connection
        const maxAge = ownAge === undefined || askedAge === undefined ? ownAge ?? askedAge : Math.min(ownAge, askedAge)
        const url = buildAuthorizationUrl(createClient(connection, dialect, metadata, unused, clock()), {
          response_type: 'code',
          redirect_uri: redirectUri,
          scope: scopesOf(dialect, metadata),
          state,
          nonce: secrets.nonce,
          // Sent whether or not the provider lists it: those that do not know PKCE ignore it
          code_challenge: await calculatePKCECodeChallenge(secrets.codeVerifier),
          code_challenge_method: 'S256',
          ...dialect.parameters({ loginHint, prompt }),
          ...(requireAcr === undefined ? {} : { acr_values: requireAcr.join(' ') }),
          ...(maxAge === undefined ? {} : { max_age: String(maxAge) })
        })
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
        const tokens = await exchangeCode({ ...request, response })
        const told = { request, tokens, nonce: response.secrets.nonce, now, trace }
        const idToken = await judgeIdToken(told)
        const identity = dialect.proof === 'userinfo' || idToken === undefined ? await fromUserinfo(told, idToken) : await fromIdToken(told, idToken)
        return { ...identity, ...keptOf(connection, metadata, tokens) }
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    }
  }
}
