import { readFileSync } from 'node:fs'
import type { Configuration } from '../config/configuration.ts'
import type { Connectors } from '../connections/connectors.ts'

/** What `/status` shows: no secret, nothing of anybody's identity. */
export interface Status {
  readonly version: string
  readonly ready: boolean
  readonly configuration: { readonly version: string, readonly loaded_at: string }
  readonly last_reload: { readonly at: string, readonly result: 'success' | 'failure', readonly problems: readonly string[] }
  readonly websockets: number
  readonly connections: readonly ConnectionStatus[]
}

export interface ConnectionStatus {
  readonly id: string
  readonly organization: string
  readonly connector: string
  readonly status: string
  readonly client_secret_expires: string | null
  /** As the connector tells it. */
  readonly health: unknown
}

/** What happened to the configuration last. */
export interface ReloadRecord {
  readonly loadedAt: Date
  readonly at: Date
  /** As people read them; empty after a success. */
  readonly problems: readonly string[]
}

export interface StatusDeps {
  readonly configuration: () => Configuration
  readonly connectors: Pick<Connectors, 'health'>
  readonly reloads: () => ReloadRecord
  readonly ready: () => Promise<void>
  readonly websockets: () => number
}

/** Milliseconds of a date that says nothing beyond seconds. */
const iso = (seconds: number): string => new Date(seconds * 1_000).toISOString()

const packageVersion = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown'
}

/** Gathers what the status page and its JSON say (product.md, R11, and the ops listener). */
export const createStatus = ({ configuration, connectors, reloads, ready, websockets }: StatusDeps): () => Promise<Status> => {
  const version = packageVersion()
  return async () => {
    const { loadedAt, at, problems } = reloads()
    return {
      version,
      ready: await ready().then(() => true, () => false),
      configuration: { version: configuration().version, loaded_at: loadedAt.toISOString() },
      last_reload: { at: at.toISOString(), result: problems.length === 0 ? 'success' : 'failure', problems },
      websockets: websockets(),
      connections: [...configuration().connections.values()].map(connection => ({
        id: connection.id,
        organization: connection.organization.id,
        connector: connection.connector,
        status: connection.status,
        client_secret_expires: connection.clientSecretExpires === undefined ? null : iso(connection.clientSecretExpires),
        health: connectors.health(connection)
      }))
    }
  }
}
