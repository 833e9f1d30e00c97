import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Activities, Activity } from './activity.ts'
import { cookieEnd, nextCookie, sessionCookie } from './cookie.ts'
import { isWithin, type Limits } from './lifetime.ts'
import { createOpener, type Opened } from './opening.ts'
import type { Sealer } from './seal.ts'
import { freezeSession, sessionSchema, type Session, type Stub } from './session.ts'

interface Entry extends Opened {
  activity: Activity
  /** The state of the world in which `limits` was judged; 0 for never. */
  version: number
  /** Undefined when the session is ended or not allowed here. */
  limits: Limits | undefined
  /** When the store was last asked about it, and the question that is under way. */
  asked: number
  asking: Promise<void> | undefined
}

/** Seconds until the store is asked again about the same cookie. */
const patience = 2
/** Values of the session cookie that are tried: planted ones must neither hide ours nor cost much (N10). */
const tries = 10

/** The way from a Cookie header to a session, on the path of each request: see `Sessions.find`. */
export const createFinder = (deps: {
  readonly store: Store
  readonly sealer: () => Sealer
  readonly log: Log
  readonly now: () => number
  readonly activities: Activities
  /** What applies to a session, or undefined when it is ended, not trusted, or not allowed on its host. */
  readonly judge: (facts: Stub | Session) => Limits | undefined
  /** Grows whenever `judge` could answer otherwise than before. */
  readonly version: () => number
}): ((header: string, host: string) => Session | undefined | Promise<Session | undefined>) => {
  const { store, sealer, log, now, activities, judge, version } = deps

  const opener = createOpener<Entry>(sealer, opened => ({
    ...opened,
    activity: activities.of(opened.facts.sid, opened.issuedAt),
    version: 0,
    limits: undefined,
    asked: 0,
    asking: undefined
  }))

  const verdict = (entry: Entry, host: string, moment: number): 'live' | 'ended' | 'ask' => {
    if (entry.facts.host !== host) return 'ended'
    if (entry.version !== version()) {
      entry.limits = judge(entry.session ?? entry.facts)
      entry.version = version()
    }
    const { limits } = entry
    if (limits === undefined || !isWithin(entry.facts, limits, moment)) return 'ended'
    if (entry.session !== undefined && moment < entry.activity.at + limits.idle) return 'live'
    return entry.asking !== undefined || moment >= entry.asked + patience ? 'ask' : 'ended'
  }

  const loadIdentity = async (entry: Entry): Promise<void> => {
    const { sid, host, member, connection } = entry.facts
    try {
      const sealed = await store.identity(sid)
      const { data } = sessionSchema.safeParse(sealed === undefined ? undefined : sealer().open('identity', sealed))
      if (data === undefined || data.sid !== sid || data.member !== member || data.connection !== connection) {
        log.warn({ member, connection }, 'what did not fit into a session cookie is not in the store: signed out')
        return
      }
      entry.session = freezeSession({ ...data, host })
      // to be judged again, by what only the whole says
      entry.version = 0
      opener.grown(entry)
    } catch (error) {
      log.error({ err: error }, 'the store does not give what did not fit into a session cookie')
    }
  }

  const complete = async (entry: Entry, moment: number): Promise<void> => {
    // it may have been forgotten here as idle, and seen by another process since
    entry.activity = activities.of(entry.facts.sid, entry.issuedAt)
    if (moment >= entry.activity.at + (entry.limits?.idle ?? 0)) await activities.ask(entry.activity)
    if (entry.session === undefined) await loadIdentity(entry)
  }

  const ask = (entry: Entry, moment: number): Promise<void> => {
    entry.asked = moment
    entry.asking ??= complete(entry, moment).finally(() => { entry.asking = undefined })
    return entry.asking
  }

  /** The first live one of the values at or after `start`, of which `left` more are tried. */
  const search = (header: string, host: string, start: number, left: number): Session | undefined | Promise<Session | undefined> => {
    const moment = now()
    for (let from = start; left > 0; left--) {
      from = nextCookie(header, sessionCookie, from)
      if (from === -1) return undefined
      const end = cookieEnd(header, from)
      const entry = opener.open(header, from, end)
      const found = entry === undefined ? 'ended' : verdict(entry, host, moment)
      if (entry !== undefined && found === 'live') {
        activities.touch(entry.activity, moment)
        return entry.session
      }
      if (entry !== undefined && found === 'ask') {
        const rest = left - 1
        return ask(entry, moment).then(() => {
          if (verdict(entry, host, now()) !== 'live') return search(header, host, end, rest)
          activities.touch(entry.activity, now())
          return entry.session
        })
      }
      from = end
    }
    return undefined
  }

  return (header, host) => search(header, host, 0, tries)
}
