import type { Configuration, Connection } from '../../config/configuration.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Outbound } from '../outbound/http.ts'
import type { IdpDescription } from './description.ts'
import { createSamlFlow } from './flow.ts'
import { createSamlLogout } from './logout.ts'
import { createSamlProviders } from './provider.ts'
import type { Saml } from './saml.ts'
import { createSpKeys } from './sp-keys.ts'
import { spMetadata } from './sp-metadata.ts'
import { createVerifier } from './verifier.ts'

export interface SamlDeps {
  readonly store: Store
  readonly configuration: () => Configuration
  readonly outbound: Outbound
  readonly log: Log
  /** Seconds since the epoch. */
  readonly clock: () => number
  /** Told of each description that is in force from now on, and again with each fetch that confirms it. */
  readonly described?: ((connection: Connection, description: IdpDescription) => void) | undefined
}

/** SAML 2.0 for every connection that speaks it. Nothing is fetched, derived or started before somebody needs it. */
export const createSaml = ({ store, configuration, outbound, log, clock, described }: SamlDeps): Saml => {
  const verifier = createVerifier()
  const keys = createSpKeys(configuration)
  const providers = createSamlProviders({ store, configuration, outbound, verifier, log, now: clock, ...described !== undefined && { described } })
  const describe = async (connection: Connection): Promise<IdpDescription> => await providers.of(connection).description()
  const refresh = async (connection: Connection): Promise<boolean> => await providers.of(connection).refresh()
  return {
    connector: createSamlFlow({ configuration, store, keys, verifier, describe, refresh }),
    logout: createSamlLogout({ configuration, keys, verifier, describe, refresh, clock }),
    warm: async connection => {
      try {
        await Promise.all([describe(connection), keys.all()])
      } catch {
        // Logged where it failed; `health` tells
      }
    },
    health: providers.health,
    issuer: connection => providers.of(connection).issuer(),
    describe,
    metadata: async connection => spMetadata(connection, configuration().authOrigin, await keys.all()),
    close: async () => {
      providers.close()
      await verifier.close()
    }
  }
}
