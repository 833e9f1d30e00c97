import type { Configuration, Connection } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createBearerIndex } from './bearer-index.ts'
import type { Connector, Refreshing, VerifiedToken } from './connector.ts'
import { dialectOf } from './dialects.ts'
import { createAccessTokens } from './oidc/access-token.ts'
import { createOidcFlow } from './oidc/flow.ts'
import { createOutbound, type Patience } from './outbound/http.ts'
import { createOidcLogout, type OidcLogout } from './oidc/logout.ts'
import { createProviders } from './oidc/provider.ts'
import type { ProviderHealth } from './health.ts'
import { createOidcRefreshing } from './oidc/refresh.ts'
import { isSameIssuer } from './oidc/issuer.ts'
import type { IdpDescription } from './saml/description.ts'
import type { SamlLogout } from './saml/logout.ts'
import type { SamlConnector } from './saml/saml.ts'
import { createSaml } from './saml/create-saml.ts'

/** Every kind of connection, and what others may know of their identity providers. */
export interface Connectors extends Readonly<Record<Exclude<Connection['connector'], 'saml'>, Connector>> {
  readonly saml: SamlConnector
  readonly samlLogout: SamlLogout
  readonly oidcLogout: OidcLogout
  /** Our own SAML metadata for this connection's provider. Throws PORTICO_SAML_*. */
  samlMetadata (connection: Connection): Promise<string>
  /** How the SAML provider of this connection describes itself. Throws PORTICO_IDP_*, PORTICO_SAML_*. */
  samlDescription (connection: Connection): Promise<IdpDescription>
  /** Of all connections but SAML's. */
  readonly refreshing: Refreshing
  /** Fetches what the first sign-in would wait for. Never rejects, never stops anything. */
  warm (connection: Connection): Promise<void>
  health (connection: Connection): ProviderHealth
  /** The issuer; as the provider spells it once its document was seen, as configured before. */
  issuer (connection: Connection): string
  /** Whether `iss` of a third-party-initiated sign-in names this connection's issuer. */
  isIssuer (connection: Connection, iss: string): boolean
  /**
   * Verifies a JWT access token of a connection with `bearer:` (RFC 9068), never an ID token. `now` in
   * seconds. Throws PORTICO_BEARER_INVALID, PORTICO_IDP_*, and what a sign-in of that person would.
   */
  verifyAccessToken (connection: Connection, token: string, now: number): Promise<VerifiedToken>
  /** The active connections with `bearer:` whose provider could have issued a token with this `iss`, in the same time however many there are. */
  bearerConnectionsOf (iss: string): readonly Connection[]
  close (): Promise<void>
}

/** Behaviours O15. */
const patience: Patience = { connect: 5_000, whole: 10_000 }

/**
 * The connectors of this process. Nothing is fetched here: a provider that is down at start, or later,
 * touches nobody but its own people.
 */
export const createConnectors = (deps: {
  store: Store
  configuration: () => Configuration
  log: Log
  patience?: Patience
  /** Told of how SAML providers describe themselves, whenever that may have changed. */
  described?: (connection: Connection, description: IdpDescription) => void
  /** Seconds since the epoch. */
  now?: () => number
}): Connectors => {
  const { store, configuration, log } = deps
  const clock = deps.now ?? (() => Date.now() / 1_000)
  const outbound = createOutbound({ configuration, patience: deps.patience ?? patience })
  const providers = createProviders({ store, configuration, outbound, log, now: clock })
  const bearers = createBearerIndex(configuration)
  const saml = createSaml({ store, configuration, outbound, log, clock, described: deps.described })
  // One protocol; what sets them apart is in a file of each
  const flow = createOidcFlow({
    providers, outbound, clock, forwards: () => [...configuration().apps.values()].some(app => app.forwardAccessToken !== false)
  })
  return {
    oidc: flow,
    google: flow,
    entra: flow,
    okta: flow,
    manual: flow,
    saml: saml.connector,
    samlLogout: saml.logout,
    oidcLogout: createOidcLogout({ providers, configuration }),
    samlMetadata: saml.metadata,
    samlDescription: saml.describe,
    warm: async connection => {
      if (connection.connector === 'saml') return await saml.warm(connection)
      const provider = providers.of(connection)
      try {
        await provider.keys(await provider.metadata())?.fresh()
      } catch {
        // Logged where it failed; `health` tells
      }
    },
    health: connection => connection.connector === 'saml' ? saml.health(connection) : providers.health(connection),
    issuer: connection => connection.connector === 'saml' ? saml.issuer(connection) : providers.of(connection).issuer(),
    isIssuer: (connection, iss) => connection.connector === 'saml' ? saml.issuer(connection) === iss : [providers.of(connection).issuer(), ...dialectOf(connection).issuers].some(issuer => isSameIssuer(issuer, iss)),
    refreshing: createOidcRefreshing({ providers, outbound, clock }),
    verifyAccessToken: createAccessTokens({ providers }),
    bearerConnectionsOf: iss => bearers(iss).filter(connection => isActive(connection, clock())),
    close: async () => {
      await Promise.all([saml.close(), outbound.close()])
    }
  }
}
