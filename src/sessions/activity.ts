import { setImmediate } from 'node:timers/promises'
import type { Configuration } from '../config/configuration.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'

/** When a session was last seen, over all hosts. Times in seconds since the epoch. */
export interface Activity {
  readonly sid: string
  at: number
  /** What the store was last told by this process; 0 for nothing. */
  recorded: number
}

export interface Activities {
  /** The one of this sid; `atLeast` is when it was surely there. */
  of (sid: string, atLeast: number): Activity
  touch (activity: Activity, now: number): void
  /** Asks the store whether another process, or this one before a restart, has seen it later. Never rejects. */
  ask (activity: Activity): Promise<void>
  /** Writes what has happened since to the store; `all` for every second of it. Never rejects: a failure is logged when it begins. */
  flush (now: number, all?: boolean): Promise<void>
  /** Writes everything that is known here to a store that has forgotten it. Never rejects. */
  tellAgain (now: number): Promise<void>
  /** Forgets who has been idle for too long. */
  sweep (now: number): void
}

/** Sessions in one transaction: it blocks this thread, and every writer. */
const batch = 250

/** Seconds by which the store may lag behind: a twentieth of the shortest idle time, and never over a minute. */
const grainOf = (configuration: Configuration): number => {
  let idle = configuration.session.idle
  for (const { session } of configuration.organizations.values()) idle = Math.min(idle, session.idle)
  return Math.min(60, idle / 20)
}

/** Last-seen times live in memory, and go to the store every few seconds. */
export const createActivities = (deps: {
  readonly store: Store
  readonly configuration: () => Configuration
  readonly log: Log
}): Activities => {
  const { store, configuration, log } = deps
  const known = new Map<string, Activity>()
  const dirty = new Set<Activity>()
  let grain = { configuration: configuration(), seconds: grainOf(configuration()) }
  let failing = false

  const touch = (activity: Activity, now: number): void => {
    if (now > activity.at) activity.at = now
    else if (activity.recorded !== 0) return
    if (activity.at - activity.recorded >= grain.seconds) dirty.add(activity)
  }

  const flush = async (now: number, all = false): Promise<void> => {
    const { session } = configuration()
    if (grain.configuration !== configuration()) grain = { configuration: configuration(), seconds: grainOf(configuration()) }
    const waiting = all ? [...known.values()].filter(({ at, recorded }) => at > recorded) : [...dirty]
    dirty.clear()
    for (let from = 0; from < waiting.length; from += batch) {
      const part = waiting.slice(from, from + batch)
      const seen = new Map(part.map(({ sid, at }) => [sid, at]))
      try {
        await store.recordLastSeen(seen, now + session.idle)
      } catch (error) {
        for (const activity of waiting.slice(from)) dirty.add(activity)
        if (!failing) log.error({ err: error }, 'the store does not take when sessions were last seen: tried again until it does')
        failing = true
        return
      }
      failing = false
      for (const activity of part) activity.recorded = seen.get(activity.sid) ?? activity.recorded
      await setImmediate()
    }
  }

  return {
    of (sid, atLeast) {
      const found = known.get(sid)
      if (found !== undefined) {
        touch(found, atLeast)
        return found
      }
      const activity = { sid, at: atLeast, recorded: 0 }
      known.set(sid, activity)
      return activity
    },

    touch,

    async ask (activity) {
      try {
        const at = await store.lastSeen(activity.sid)
        if (at !== undefined) activity.at = Math.max(activity.at, at)
      } catch (error) {
        log.error({ err: error }, 'the store does not say when a session was last seen: judged by what is known here')
      }
    },

    flush,

    async tellAgain (now) {
      for (const activity of known.values()) activity.recorded = 0
      await flush(now, true)
    },

    sweep (now) {
      const oldest = now - configuration().session.idle
      for (const [sid, activity] of known) {
        if (activity.at < oldest && !dirty.has(activity)) known.delete(sid)
      }
    }
  }
}
