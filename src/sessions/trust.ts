import type { Configuration, Connection } from '../config/configuration.ts'
import { datesOf, isWithinStretch, stretchAt, trustOf, type Stretch } from '../config/standing.ts'
import { differing } from '../config/table.ts'
import type { Store, TrustRecord } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'

/** Which generation of each connection is trusted today (product.md, "Trust has a fingerprint"). */
export interface Trust {
  /**
   * To be called with each new Configuration, once it is the one that applies. What changed is no longer
   * trusted when this returns its promise; the promise resolves when the store knows, or has failed to
   * answer and is asked again later.
   */
  adopt (configuration: Configuration): Promise<void>
  /**
   * What a session of this connection must carry. Undefined while nobody of it may be signed in: it is
   * not configured, the store has not yet taken a change, or another process has seen a newer one.
   */
  generation (connection: string): number | undefined
  /** As `generation`, once the store was told of a change or a date that it may not know yet. Never rejects. */
  settled (connection: string): Promise<number | undefined>
}

/** What sessions do with it beside. */
export interface TrustKeeper extends Trust {
  /** To be called often: as `adopt`, when a date of the configuration has passed since, either way. */
  follow (): Promise<void>
  /** Records that the store has, from any process. */
  learn (records: readonly TrustRecord[]): void
  /** Tells the store what it does not know yet. Throws PORTICO_STORE_UNAVAILABLE. */
  retry (): Promise<void>
}

/** Recorded for a connection that is no longer configured: the same settings later are a new trust. */
const removed = 'removed'

/**
 * Under which a connection's dates are recorded: no session hangs on them, but a process whose file
 * has others than were recorded last must not announce that one of them has passed.
 */
const datesKey = (connection: string): string => `${connection}/dates`

/** All that the store remembers of connections as they stand at `now`: by connection its trust, and beside its dates. */
const stateAt = (connections: Iterable<Connection>, now: number): Map<string, string> => {
  const state = new Map<string, string>()
  for (const connection of connections) {
    state.set(connection.id, trustOf(connection, now))
    const dates = datesOf(connection)
    if (dates !== undefined) state.set(datesKey(connection.id), dates)
  }
  return state
}

/** Trusts nobody until it has learned what the store has and adopted a Configuration. */
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
  /** What this process has seen in its own files: only what changes there is news to others. */
  const seen = new Map<string, string>()
  let adopted: Configuration | undefined
  let stretch: Stretch = { from: Infinity, until: Infinity }
  let draining: Promise<void> | undefined

  /** The fingerprint that the store has, or will have once it answers. */
  const latest = (key: string): string | undefined => pending.get(key)?.at(-1) ?? records.get(key)?.fingerprint

  const expect = (key: string, fingerprint: string): void => {
    if (latest(key) === fingerprint) return
    // between the first and the last, how often it changed does not matter
    pending.set(key, [...pending.get(key)?.slice(0, 1) ?? [], fingerprint])
  }

  const see = (state: ReadonlyMap<string, string>, isNews: (key: string) => boolean): void => {
    for (const [key, fingerprint] of state) {
      if (seen.get(key) === fingerprint) continue
      seen.set(key, fingerprint)
      if (isNews(key)) expect(key, fingerprint)
    }
  }

  /** A date has passed by the file that this process has; by a newer one of another process it may have been moved. */
  const isOurDate = (key: string): boolean => latest(datesKey(key)) === seen.get(datesKey(key))

  const take = (next: Configuration): void => {
    const moment = now()
    const before = adopted
    // what a date has ended stays ended, even if nobody has looked before the next file takes the date back
    if (before !== undefined && !isWithinStretch(stretch, moment)) {
      see(stateAt([...before.connections.values()].filter(connection => datesOf(connection) !== undefined), moment), isOurDate)
    }
    if (next !== before) {
      // a connection that no reload changed is the same object, and of it all that could be seen has been
      const news = differing(before?.connections, next.connections)
      const state = stateAt(news.flatMap(id => next.connections.get(id) ?? []), moment)
      see(state, () => true)
      // at first all that the store knows is compared: edits made while stopped count
      const compared = before === undefined
        ? [...records.keys()]
        : news.filter(id => before.connections.has(id)).flatMap(id => [id, datesKey(id)])
      for (const key of compared) {
        if (state.has(key) || (before !== undefined && !seen.has(key))) continue
        seen.delete(key)
        expect(key, removed)
      }
    }
    adopted = next
    stretch = stretchAt(next, moment)
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

  const adopt = async (configuration: Configuration): Promise<void> => {
    take(configuration)
    changed()
    try {
      await retry()
    } catch (error) {
      log.error({ err: error, connections: [...pending.keys()] },
        'the store does not take a change of trust: nobody can sign in through these connections until it does')
    }
  }

  const follow = async (): Promise<void> => {
    if (adopted !== undefined && !isWithinStretch(stretch, now())) await adopt(adopted)
  }

  const generation = (id: string): number | undefined => {
    if (pending.has(id)) return undefined
    const record = records.get(id)
    return record !== undefined && record.fingerprint === today(id) ? record.generation : undefined
  }

  return {
    adopt,
    follow,
    generation,

    async settled (id) {
      await follow()
      try {
        if (pending.has(id)) await retry()
      } catch {
        // said when it was adopted
      }
      return generation(id)
    },

    learn (news) {
      const fresh = news.filter(keep)
      if (fresh.length === 0) return
      for (const { connection, fingerprint } of fresh) {
        const ours = seen.get(connection)
        if (ours === undefined || ours === fingerprint || pending.has(connection)) continue
        log.warn({ connection }, 'another process has seen a newer configuration of this connection: where the two differ, nobody is signed in through it here until ours is reloaded')
      }
      changed()
    },

    retry
  }
}
