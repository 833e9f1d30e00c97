import type { Configuration, Connection } from '../../config/configuration.ts'
import { afterLogoutUriOf } from '../../config/links.ts'
import { PorticoError } from '../../errors.ts'
import type { Authorization } from '../connector.ts'
import { dialectOf } from '../dialects.ts'
import { claim } from './claim.ts'
import { isValue } from '../sound.ts'
import { endSessionEndpoint, endSessionRequest, type Leaver } from './end-session.ts'
import { asPorticoError } from '../failure.ts'
import { readToken, type IdToken } from './id-token.ts'
import { logoutTokenChecks, type LogoutTokenExpectations } from './logout-token-checks.ts'
import type { Providers } from './provider.ts'
import { oidcSettings } from './settings.ts'
import { signature } from './signature.ts'
import { enforce } from '../verdict.ts'

/** Whom a provider has signed out. */
export interface LogoutNotice {
  readonly jti: string
  /** The session that is over: as the ID token of its sign-in named it. */
  readonly sid: string | undefined
  /** The person, as sessions name them; undefined where the token does not say what identifies people here. */
  readonly subject: string | undefined
  /** Seconds since the epoch. */
  readonly issuedAt: number
}

/** Sign-out at an OpenID provider, and by one. */
export interface OidcLogout {
  /** Whether people of this connection are taken on to sign out at their provider. Throws PORTICO_IDP_*. */
  takes (connection: Connection): Promise<boolean>
  /** Where to send somebody who has signed out here, and how; undefined as `takes`. Throws PORTICO_IDP_*. */
  request (connection: Connection, leaver: Omit<Leaver, 'returnAddress'>): Promise<Pick<Authorization, 'url' | 'form'> | undefined>
  /**
   * Verifies a logout token (OpenID Connect Back-Channel Logout §2.6), but for whether it was used before. `now`
   * in seconds. Throws PORTICO_LOGOUT_TOKEN, and PORTICO_IDP_* when keys are out of reach.
   */
  receive (connection: Connection, token: string, now: number): Promise<LogoutNotice>
}

/** Characters of a token (behaviours G12). */
const longest = 16_384

const code = 'PORTICO_LOGOUT_TOKEN'

const refuse = (wanted: string, got: string): PorticoError => new PorticoError(code, { wanted, got })

const judge = (token: IdToken, expected: LogoutTokenExpectations, now: number): void => {
  for (const check of logoutTokenChecks) enforce({ ...check(token, expected, now), code }, undefined)
}

/** Whom a verified token means, by the rule of a sign-in: a session where it names one, else the person (§2.4). */
const noticeOf = ({ claims }: IdToken, subject: string | undefined): LogoutNotice => {
  const [jti, sid] = [claim(claims, 'jti'), claim(claims, 'sid')]
  if (sid === undefined && subject === undefined) throw refuse('sid, or the claims that identify a person here', 'neither')
  return { jti: String(jti), sid: isValue(sid) ? sid : undefined, subject, issuedAt: Number(claims.iat) }
}

/** Makes it for all connections that speak OpenID Connect. */
export const createOidcLogout = ({ providers, configuration }: { readonly providers: Providers, readonly configuration: () => Configuration }): OidcLogout => {
  const endpointOf = async (connection: Connection): Promise<string | undefined> =>
    endSessionEndpoint(connection, await providers.of(connection).metadata())

  return {
    takes: async connection => await endpointOf(connection) !== undefined,

    request: async (connection, leaver) => {
      const endpoint = await endpointOf(connection)
      return endpoint === undefined
        ? undefined
        : endSessionRequest(connection, dialectOf(connection), endpoint, { ...leaver, returnAddress: afterLogoutUriOf(configuration().authOrigin) })
    },

    receive: async (connection, text, now) => {
      try {
        const token = readToken(text, longest, code)
        const dialect = dialectOf(connection)
        const provider = providers.of(connection)
        const metadata = await provider.metadata()
        const keys = provider.keys(metadata)
        if (dialect.proof !== 'signature' || keys === undefined) throw refuse('a provider whose keys are known', 'one without keys')
        const algorithms = metadata.id_token_signing_alg_values_supported
        judge(token, { issuer: dialect.issuerOf(metadata, token.claims), clientId: oidcSettings(connection).client_id, algorithms }, now)
        const iss = String(token.claims.iss)
        enforce({ ...await signature(text, { keys, issuer: iss, algorithms }), code }, undefined)
        return noticeOf(token, dialect.subject(token.claims, iss)?.value)
      } catch (error) {
        throw asPorticoError(error, connection.id)
      }
    }
  }
}
