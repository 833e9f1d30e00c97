import type { Activities, Activity } from './activity.ts'
import { cookieEnd, nextCookie, sessionCookie } from './cookie.ts'
import type { Identities } from './identities.ts'
import { isWithin, type Limits } from './lifetime.ts'
import { createOpener, type Opened } from './opening.ts'
import type { Sealer } from './seal.ts'
import { freezeSession, type Facts, type Session } from './session.ts'

interface Entry extends Opened {
  activity: Activity
  /** The session at this cookie's host, as far as it is known, and what it was made of where the store keeps it. */
  here: Session | undefined
  identity: Session | undefined
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
  readonly sealer: () => Sealer
  readonly now: () => number
  readonly activities: Activities
  readonly identities: Identities
  /** What applies to a session, or undefined when it is ended, not trusted, or not allowed on its host. */
  readonly judge: (facts: Facts) => Limits | undefined
  /** Grows whenever `judge` could answer otherwise than before. */
  readonly version: () => number
}): ((header: string, host: string) => Session | undefined | Promise<Session | undefined>) => {
  const { sealer, now, activities, identities, judge, version } = deps

  const opener = createOpener<Entry>(sealer, opened => ({
    ...opened,
    activity: activities.of(opened.facts.sid, opened.issuedAt),
    here: opened.session,
    identity: undefined,
    version: 0,
    limits: undefined,
    asked: 0,
    asking: undefined
  }))

  /** Takes over what the store keeps, as it is known now; somebody else's is as none. */
  const identify = (entry: Entry): void => {
    const { sid, host, member, connection } = entry.facts
    const identity = identities.known(sid)
    if (identity === entry.identity) return
    entry.identity = identity
    entry.here = identity?.member === member && identity.connection === connection ? freezeSession({ ...identity, host }) : undefined
    // to be judged again, by what only the whole says; and what was forgotten for want of room is asked for at once
    entry.version = 0
    entry.asked = 0
  }

  const verdict = (entry: Entry, host: string, moment: number): 'live' | 'ended' | 'ask' => {
    if (entry.facts.host !== host) return 'ended'
    if (entry.session === undefined) identify(entry)
    if (entry.version !== version()) {
      entry.limits = judge(entry.here ?? entry.facts)
      entry.version = version()
    }
    const { limits } = entry
    if (limits === undefined || !isWithin(entry.facts, limits, moment)) return 'ended'
    if (entry.here !== undefined && moment < entry.activity.at + limits.idle) return 'live'
    return entry.asking !== undefined || moment >= entry.asked + patience ? 'ask' : 'ended'
  }

  const complete = async (entry: Entry, moment: number): Promise<void> => {
    // it may have been forgotten here as idle, and seen by another process since
    entry.activity = activities.of(entry.facts.sid, entry.issuedAt)
    if (moment >= entry.activity.at + (entry.limits?.idle ?? 0)) await activities.ask(entry.activity)
    if (entry.session === undefined && identities.known(entry.facts.sid) === undefined) await identities.load(entry.facts)
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
        return entry.here
      }
      if (entry !== undefined && found === 'ask') {
        const rest = left - 1
        return ask(entry, moment).then(() => {
          if (verdict(entry, host, now()) !== 'live') return search(header, host, end, rest)
          activities.touch(entry.activity, now())
          return entry.here
        })
      }
      from = end
    }
    return undefined
  }

  return (header, host) => search(header, host, 0, tries)
}
