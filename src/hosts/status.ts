import { readFileSync } from 'node:fs'
import type { Configuration } from '../config/configuration.ts'
import { byPlace } from '../config/order.ts'
import { standingOf } from '../config/standing.ts'
import type { Connectors } from '../connections/connectors.ts'
import { createExpiries, daysLeft, urgencyOf, type Expiries } from '../connections/expiry.ts'
import type { ConnectionStatus, Status } from '../pages/status-page.ts'

/** What happened to the configuration last. */
export interface ReloadRecord {
  readonly loadedAt: Date
  readonly at: Date
  /** As people read them; empty after a success. */
  readonly problems: readonly string[]
}

/** When this process brought back a store that had forgotten, and whether it knew everything. */
export interface Restoration {
  readonly at: Date
  readonly result: 'complete' | 'partial'
}

export interface StatusDeps {
  readonly configuration: () => Configuration
  readonly connectors: Pick<Connectors, 'health'>
  readonly reloads: () => ReloadRecord
  readonly ready: () => Promise<void>
  readonly websockets: () => number
  readonly expiries?: Expiries
  /** The last one; undefined where there was none. */
  readonly restoration?: () => Restoration | undefined
}

const iso = (seconds: number | undefined): string | null => seconds === undefined ? null : new Date(seconds * 1_000).toISOString()

const healthOf = ({ lastGood, lastError, lastErrorAt }: ReturnType<Connectors['health']>): ConnectionStatus['health'] =>
  ({ last_good: iso(lastGood), last_error: lastError ?? null, last_error_at: iso(lastErrorAt) })

const packageVersion = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown'
}

/** Gathers what the status page and its JSON say (product.md, R11, and the ops listener). */
export const createStatus = ({ configuration, connectors, reloads, ready, websockets, expiries = createExpiries(), restoration = () => undefined }: StatusDeps): () => Promise<Status> => {
  const version = packageVersion()
  return async () => {
    const { loadedAt, at, problems } = reloads()
    const now = Date.now() / 1_000
    const restored = restoration()
    return {
      version,
      ready: await ready().then(() => true, () => false),
      configuration: { version: configuration().version, loaded_at: loadedAt.toISOString() },
      last_reload: { at: at.toISOString(), result: problems.length === 0 ? 'success' : 'failure', problems },
      websockets: websockets(),
      ...restored !== undefined && { store_restored: { at: restored.at.toISOString(), result: restored.result } },
      connections: [...configuration().connections.values()].sort(byPlace).map(connection => ({
        id: connection.id,
        organization: connection.organization.id,
        connector: connection.connector,
        status: standingOf(connection, now),
        client_secret_expires: iso(connection.clientSecretExpires),
        expires: expiries(connection).map(({ what, at }) => ({ what, at: new Date(at * 1_000).toISOString(), days_left: daysLeft(at, now), level: urgencyOf(at, now) })),
        health: healthOf(connectors.health(connection))
      }))
    }
  }
}
