import type { Configuration, Connection } from '../config/configuration.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Connector } from './connector.ts'
import { dialectOf } from './dialects.ts'
import { createOidcFlow } from './oidc/flow.ts'
import { createOutbound, type Patience } from './oidc/http.ts'
import { createProviders, type ProviderHealth } from './oidc/provider.ts'
import { isSameIssuer } from './oidc/issuer.ts'

/** Every kind of connection, and what others may know of their identity providers. */
export interface Connectors extends Readonly<Record<Connection['connector'], Connector>> {
  /** Fetches what the first sign-in would wait for. Never rejects, never stops anything. */
  warm (connection: Connection): Promise<void>
  health (connection: Connection): ProviderHealth
  /** The issuer; as the provider spells it once its document was seen, as configured before. */
  issuer (connection: Connection): string
  /** Whether `iss` of a third-party-initiated sign-in names this connection's issuer. */
  isIssuer (connection: Connection, iss: string): boolean
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
  /** Seconds since the epoch. */
  now?: () => number
}): Connectors => {
  const { store, configuration, log } = deps
  const clock = deps.now ?? (() => Date.now() / 1_000)
  const outbound = createOutbound({ configuration, patience: deps.patience ?? patience })
  const providers = createProviders({ store, configuration, outbound, log, now: clock })
  // One protocol; what sets them apart is in a file of each
  const flow = createOidcFlow({ providers, outbound, clock })
  return {
    oidc: flow,
    google: flow,
    entra: flow,
    okta: flow,
    manual: flow,
    warm: async connection => {
      const provider = providers.of(connection)
      try {
        await provider.keys(await provider.metadata())?.fresh()
      } catch {
        // Logged where it failed; `health` tells
      }
    },
    health: connection => providers.of(connection).health(),
    issuer: connection => providers.of(connection).issuer(),
    isIssuer: (connection, iss) => [providers.of(connection).issuer(), ...dialectOf(connection).issuers].some(issuer => isSameIssuer(issuer, iss)),
    close: outbound.close
  }
}
