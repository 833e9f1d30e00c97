import type { Session } from '../sessions/session.ts'
import { createUpkeep } from '../sessions/upkeep.ts'
import type { Log } from '../telemetry/log.ts'
import type { Refresh } from './refresh.ts'

/** Refreshes sessions that are in use, behind the back of their requests. */
export interface Refresher {
  /** On the way of each request, and for what stays open: this session is in use. */
  seen (session: Session): void
  start (): void
  /** Resolves when what was under way is done. */
  stop (): Promise<void>
}

interface Tracked {
  session: Session
  /** When to look at it next, in seconds since the epoch. */
  at: number
  /** Since it was last looked at. */
  isUsed: boolean
}

/** Milliseconds between looks at what is due. */
const pace = 1_000
/** Refreshes that are under way at once: an outage ends for everybody in the same moment. */
const most = 20
/** Seconds for which a provider that does not answer is left alone. */
const pause = 10

/**
 * Keeps in mind which sessions are in use, and refreshes those ahead of time. One that nobody uses is forgotten when
 * it is due, and refreshed when somebody comes back to it. `now` in seconds.
 */
export const createRefresher = ({ refresh, log, now }: { readonly refresh: Refresh, readonly log: Log, readonly now: () => number }): Refresher => {
  const tracked = new Map<string, Tracked>()
  const underWay = new Map<string, Promise<void>>()
  /** By connection: until when its provider is left alone. */
  const paused = new Map<string, number>()

  const run = async (entry: Tracked): Promise<void> => {
    const { sid, connection } = entry.session
    entry.isUsed = false
    const outcome = await refresh(entry.session)
    if (outcome.kind === 'over') {
      tracked.delete(sid)
      return
    }
    entry.at = outcome.at
    if (outcome.kind === 'renewed') {
      entry.session = outcome.session
      paused.delete(connection)
      return
    }
    // it was in use when it became due
    entry.isUsed = true
    if (outcome.isUnreachable) paused.set(connection, now() + pause)
  }

  const look = async (): Promise<void> => {
    const moment = now()
    for (const [sid, entry] of tracked) {
      if (moment < entry.at || underWay.has(sid)) continue
      if (!entry.isUsed) {
        tracked.delete(sid)
        continue
      }
      if (underWay.size >= most) return
      if (moment < (paused.get(entry.session.connection) ?? 0)) continue
      underWay.set(sid, run(entry).finally(() => underWay.delete(sid)))
    }
  }

  const upkeep = createUpkeep({ work: look, interval: pace, log, what: 'refreshing sessions' })

  return {
    seen (session) {
      if (session.refreshes !== true) return
      const entry = tracked.get(session.sid)
      if (entry === undefined) {
        tracked.set(session.sid, { session, at: session.refreshAt ?? 0, isUsed: true })
        return
      }
      entry.isUsed = true
      if ((session.refreshAt ?? 0) <= (entry.session.refreshAt ?? 0)) return
      // another process has refreshed it
      entry.session = session
      entry.at = session.refreshAt ?? 0
    },

    start: upkeep.start,

    async stop () {
      await upkeep.stop()
      await Promise.all(underWay.values())
    }
  }
}
