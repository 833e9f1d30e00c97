import type { Configuration } from '../config/configuration.ts'
import type { Log } from '../telemetry/log.ts'
import type { Restoration } from './redis/restore.ts'
import { createSqliteStore } from './sqlite.ts'
import type { Store } from './store.ts'

/** How the store that is configured is used. */
export interface OpenStoreOptions {
  /** Milliseconds that a write waits for another process's where the store is a file: short for a gateway, whose requests all wait with it. */
  readonly patience?: number
  readonly log: Log
  /** Whether this process follows what others write, and keeps by itself what it must be able to say again (Redis); a command does not. */
  readonly follows: boolean
  /** Called when this process has brought back what the store had lost, all of it or a part. */
  readonly restored?: (how: Restoration) => void
}

/** Opens the store that is configured. Throws PORTICO_STORE_UNAVAILABLE where a file cannot be used; a Redis that is down answers so later. */
export const openStore = async ({ store }: Pick<Configuration, 'store'>, { patience, log, follows, restored }: OpenStoreOptions): Promise<Store> => {
  if (store.kind === 'sqlite') return createSqliteStore({ path: store.path, ...patience !== undefined && { patience } })
  // whoever keeps a file starts without a client of Redis
  const { openRedisStore } = await import('./redis/open.ts')
  return await openRedisStore({ settings: store, log, follows, restored })
}
