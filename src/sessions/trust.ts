import type { Configuration } from '../config/configuration.ts'
import { trustOf } from '../config/standing.ts'
import type { Store, TrustRecord } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'

/** Which generation of each connection is trusted today (product.md, "Trust has a fingerprint"). */
export interface Trust {
  /**
   * To be called with each new Configuration, once it is the one that applies, and when one of its dates
   * has passed. What changed is no longer trusted when this returns its
   * promise; the promise resolves when the store knows, or has failed to answer and is asked again later.
   */
  adopt (configuration: Configuration): Promise<void>
  /**
   * What a session of this connection must carry. Undefined while nobody of it may be signed in: it is
   * not configured, the store has not yet taken a change, or another process has seen a newer one.
   */
  generation (connection: string): number | undefined
}

/** What sessions do with it beside. */
export interface TrustKeeper extends Trust {
  /** Records that the store has, from any process. */
  learn (records: readonly TrustRecord[]): void
  /** Tells the store what it does not know yet. Throws PORTICO_STORE_UNAVAILABLE. */
  retry (): Promise<void>
}

/** Recorded for a connection that is no longer configured: the same settings later are a new trust. */
const removed = 'removed'

export const createTrust = (deps: {
  readonly store: Store
  readonly configuration: () => Configuration
  readonly log: Log
  /** Called after anything changed whom to trust. */
  readonly changed: () => void
  /** Seconds since the epoch. */
  readonly now: () => number
}): TrustKeeper => {
  const { store, configuration, log, changed, now } = deps
  const records = new Map<string, TrustRecord>()
  /** Fingerprints that the store must record, oldest first: A, then B, then A again is not A all along. */
  const pending = new Map<string, string[]>()
  let draining: Promise<void> | undefined

  const expect = (connection: string, fingerprint: string): void => {
    const queue = pending.get(connection) ?? []
    const latest = queue.at(-1) ?? records.get(connection)?.fingerprint
    if (latest === fingerprint) return
    // between the first and the last, how often it changed does not matter
    pending.set(connection, [...queue.slice(0, 1), fingerprint])
  }

  /** Takes what the store says, unless it is older than what it has said before. */
  const keep = (record: TrustRecord): boolean => {
    const known = records.get(record.connection)
    if (known !== undefined && known.generation >= record.generation) return false
    records.set(record.connection, record)
    return true
  }

  const today = (id: string): string | undefined => {
    const connection = configuration().connections.get(id)
    return connection === undefined ? undefined : trustOf(connection, now())
  }

  const drain = async (): Promise<void> => {
    while (pending.size > 0) {
      const next = new Map([...pending].map(([connection, [fingerprint = removed]]) => [connection, fingerprint]))
      for (const record of await store.adoptTrust(next)) {
        keep(record)
        const rest = pending.get(record.connection)?.slice(1) ?? []
        if (rest.length > 0) pending.set(record.connection, rest)
        else pending.delete(record.connection)
        log.debug({ connection: record.connection, generation: record.generation }, 'trust recorded')
      }
      changed()
    }
  }

  const retry = async (): Promise<void> => {
    while (pending.size > 0) {
      draining ??= drain().finally(() => { draining = undefined })
      await draining
    }
  }

  return {
    async adopt (configuration) {
      const moment = now()
      for (const connection of configuration.connections.values()) expect(connection.id, trustOf(connection, moment))
      for (const id of new Set([...records.keys(), ...pending.keys()])) {
        if (!configuration.connections.has(id)) expect(id, removed)
      }
      changed()
      try {
        await retry()
      } catch (error) {
        log.error({ err: error, connections: [...pending.keys()] },
          'the store does not take a change of trust: nobody can sign in through these connections until it does')
      }
    },

    generation (id) {
      if (pending.has(id)) return undefined
      const record = records.get(id)
      return record !== undefined && record.fingerprint === today(id) ? record.generation : undefined
    },

    learn (news) {
      const fresh = news.filter(keep)
      if (fresh.length === 0) return
      for (const { connection, fingerprint } of fresh) {
        const ours = today(connection)
        if (ours === undefined || ours === fingerprint || pending.has(connection)) continue
        log.warn({ connection }, 'another process has seen a newer configuration of this connection: nobody is signed in through it here until ours is reloaded')
      }
      changed()
    },

    retry
  }
}
