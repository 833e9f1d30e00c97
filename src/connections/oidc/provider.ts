import { createHash } from 'node:crypto'
import type { Configuration, Connection } from '../../config/configuration.ts'
import type { ErrorCode, PorticoError } from '../../errors.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { dialectOf } from '../dialects.ts'
import type { ProviderHealth } from '../health.ts'
import { createStates } from '../states.ts'
import { createProviderCopies } from '../outbound/copies.ts'
import { createDiscovery } from './discovery.ts'
import type { Outbound } from '../outbound/http.ts'
import { createKeys, type Keys } from './keys.ts'
import type { DiscoveryAddress, Metadata } from './metadata.ts'
import type { Reach } from '../outbound/reach.ts'
import { reachOf } from './settings.ts'

/** What Portico knows of the identity provider behind one connection. */
export interface Provider {
  readonly reach: Reach
  /** The issuer as the provider spells it, once known; before, as it is configured. */
  issuer (): string
  /** Throws PORTICO_IDP_*. */
  metadata (): Promise<Metadata>
  /** Undefined where an operator named none. */
  keys (metadata: Metadata): Keys | undefined
  /** What its token endpoint thought of our client: why it was refused, or undefined where it was accepted. */
  clientJudged (refusal: PorticoError | undefined): void
  health (): ProviderHealth
}

export interface Providers {
  /** The one state of this connection, as long as nothing that matters to it changes. */
  of (connection: Connection): Provider
  /** As its `health`, without making a state of a connection that nobody has asked for yet. */
  health (connection: Connection): ProviderHealth
}

interface ProviderDeps {
  store: Store
  configuration: () => Configuration
  outbound: Outbound
  log: Log
  now: () => number
}

const createProvider = (connection: Connection, deps: ProviderDeps): Provider => {
  const { store, configuration, outbound, log, now } = deps
  const dialect = dialectOf(connection)
  const { source } = dialect
  const reach = reachOf(connection, dialect)
  let lastGood: number | undefined
  const failures = new Map<'document' | 'keys' | 'client', { code: ErrorCode, at: number }>()
  const failed = (what: 'document' | 'keys', error: PorticoError, kept: boolean): void => {
    failures.set(what, { code: error.code, at: now() })
    log.warn({ connection: connection.id, code: error.code, wanted: error.wanted, got: error.got, kept }, 'identity provider out of reach')
  }
  const fromDiscovery = (address: DiscoveryAddress): Pick<Provider, 'issuer' | 'metadata'> => {
    const discovery = createDiscovery({
      address,
      reach,
      outbound,
      copies: createProviderCopies(connection.id, { kind: 'discovery', store, configuration, log }),
      now,
      events: {
        good: fetchedAt => {
          lastGood = fetchedAt
          failures.delete('document')
        },
        failed: (error, kept) => { failed('document', error, kept) }
      }
    })
    return { issuer: () => discovery.held()?.issuer ?? address.issuer, metadata: discovery.metadata }
  }
  const description = 'fixed' in source
    ? { issuer: () => source.fixed.issuer, metadata: async () => source.fixed }
    : fromDiscovery(source.discovery)
  let keys: Keys | undefined
  return {
    reach,
    ...description,
    keys: ({ jwks_uri: address }) => {
      if (address === undefined) return undefined
      if (keys?.address !== address) {
        keys = createKeys(address, {
          reach,
          outbound,
          now,
          good: () => { failures.delete('keys') },
          failed: error => { failed('keys', error, false) }
        })
      }
      return keys
    },
    // The audit event of the sign-in tells the log
    clientJudged: refusal => {
      if (refusal === undefined) failures.delete('client')
      else failures.set('client', { code: refusal.code, at: now() })
    },
    health: () => {
      const latest = [...failures.values()].sort((one, other) => other.at - one.at)[0]
      return { lastGood, lastError: latest?.code, lastErrorAt: latest?.at }
    }
  }
}

/** Anything that, changed, makes a state of yesterday one of another provider or client (behaviours V20). */
const stateKey = (connection: Connection): string =>
  createHash('sha256').update(JSON.stringify([
    connection.id, connection.fingerprint, connection.clientSecret, dialectOf(connection).source, connection.settings.dangerously_allow_http
  ])).digest('base64url')

/** The providers of all connections that speak OpenID Connect or OAuth 2.0. */
export const createProviders = (deps: ProviderDeps): Providers => {
  const states = createStates({ configuration: deps.configuration, keyOf: stateKey, create: connection => createProvider(connection, deps) })
  return {
    of: states.of,
    health: connection => states.find(connection)?.health() ?? { lastGood: undefined, lastError: undefined, lastErrorAt: undefined }
  }
}
