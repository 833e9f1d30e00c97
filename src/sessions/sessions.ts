import type { Configuration } from '../config/configuration.ts'
import type { Revocation, Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createActivities, type Activity } from './activity.ts'
import { cookieEnd, nextCookie, sessionCookie, setCookie } from './cookie.ts'
import { isWithin, limitsFor, retention, type Limits } from './lifetime.ts'
import { createOpener, type Opened } from './opening.ts'
import { createRevocations, type Revocable } from './revocation.ts'
import type { Sealer } from './seal.ts'
import { freezeSession, sessionSchema, type Session } from './session.ts'
import { createTrust, type Trust } from './trust.ts'
import { createUpkeep } from './upkeep.ts'

export interface Sessions {
  /** Generations of trust; `adopt` is called with each new Configuration. */
  readonly trust: Trust
  /**
   * The live session that this Cookie header carries for this canonical host name, and the same object
   * each time. A promise only when the store must be asked; it never rejects: what cannot be known is no
   * session. Counts as activity.
   */
  find (cookieHeader: string | undefined, host: string): Session | undefined | Promise<Session | undefined>
  /** Whether a session that `find` gave is still live, by what is known here. Does not count as activity. */
  isLive (session: Session): boolean
  /**
   * Seals the session for a host and answers with the Set-Cookie line. What does not fit into a cookie
   * goes to the store, sealed. Throws PORTICO_STORE_UNAVAILABLE or PORTICO_VALUE_REFUSED then.
   */
  issue (session: Session, host: string): Promise<string>
  /** Ends this session on every host: here when it returns its promise, elsewhere within half a second. */
  end (session: Session, reason: string): Promise<void>
  /** As `end`, for whatever the revocation matches. A store that does not take it is asked again until it does. */
  revoke (revocation: Revocation): Promise<void>
  /** Calls `listener` whenever sessions may have ended, so that what is open can be asked for with `isLive`. */
  onEnd (listener: () => void): void
  /** Loads revocations and trust, and begins to follow other processes. Throws PORTICO_STORE_UNAVAILABLE. */
  start (): Promise<void>
  /** Stops following, and tells the store what it does not know yet. */
  stop (): Promise<void>
}

interface Entry extends Opened {
  activity: Activity
  /** The state of the world in which `limits` was judged; 0 for never. */
  version: number
  /** Undefined when the session is ended or not allowed here. */
  limits: Limits | undefined
  asked: number
  asking: Promise<void> | undefined
}

/** Milliseconds between looks at what other processes changed. */
const pace = 250
/** Of those looks, every how many a flush of last-seen times, and a sweep of what has expired. */
const flushEvery = 4
const sweepEvery = 240
/** Seconds until the store is asked again about the same session. */
const patience = 2
/** Characters of name and value together: browsers drop what exceeds 4,096 bytes with the name. */
const largestCookie = 3_800
/** Values of the session cookie that are tried: planted ones must neither hide ours nor cost much (N10). */
const tries = 10

/**
 * Sessions: sealed into cookies, opened once, and judged on each request against the configuration,
 * revocations and trust of that moment (product.md, flow 1 and 6). `now` is in seconds.
 */
export const createSessions = (deps: {
  readonly store: Store
  readonly configuration: () => Configuration
  readonly sealer: () => Sealer
  readonly log: Log
  readonly now?: () => number
}): Sessions => {
  const { store, configuration, sealer, log, now = () => Math.floor(Date.now() / 1000) } = deps
  const revocations = createRevocations()
  const activities = createActivities({ store, configuration, log })
  const listeners: (() => void)[] = []
  /** Revocations that the store has not yet taken. */
  const outbox: Revocation[] = []
  let sending: Promise<void> | undefined
  /** Grows whenever any session could be judged otherwise than before. */
  let version = 1
  let judgedBy = configuration()
  let cursor = ''
  let ticks = 0

  const changed = (): void => {
    version++
    for (const listener of listeners) listener()
  }

  const trust = createTrust({ store, configuration, log, changed })
  const opener = createOpener<Entry>(sealer, opened => Object.assign(opened, {
    activity: activities.of(opened.facts.sid, opened.issuedAt), version: 0, limits: undefined, asked: 0, asking: undefined
  }))

  /** What applies to a session today, or undefined when it is ended, not trusted, or not allowed on its host. */
  const judge = (facts: Revocable & { host: string, generation: number }): Limits | undefined => {
    const connection = judgedBy.connections.get(facts.connection)
    if (connection?.status !== 'active' || connection.organization.id !== facts.organization) return undefined
    if (trust.generation(connection.id) !== facts.generation) return undefined
    if (facts.host !== judgedBy.authHost) {
      const place = judgedBy.places.get(facts.host)
      if (place === undefined || connection.organization.apps?.has(place.app.id) === false) return undefined
    }
    return revocations.matches(facts) ? undefined : limitsFor(judgedBy, connection.organization)
  }

  const follow = (): void => {
    if (configuration() === judgedBy) return
    judgedBy = configuration()
    version++
  }

  const verdict = (entry: Entry, host: string, moment: number): 'live' | 'ended' | 'ask' => {
    if (entry.facts.host !== host) return 'ended'
    if (entry.version !== version) {
      entry.limits = judge(entry.session ?? entry.facts)
      entry.version = version
    }
    const { limits } = entry
    if (limits === undefined || !isWithin(entry.facts, limits, moment)) return 'ended'
    const isKnown = entry.session !== undefined && moment < entry.activity.at + limits.idle
    if (isKnown) return 'live'
    return entry.asking !== undefined || moment >= entry.asked + patience ? 'ask' : 'ended'
  }

  const loadIdentity = async (entry: Entry): Promise<void> => {
    const { sid, host, member, connection } = entry.facts
    try {
      const sealed = await store.get('identity', sid)
      const { data } = sessionSchema.safeParse(sealed === undefined ? undefined : sealer().open('identity', sealed))
      if (data === undefined || data.sid !== sid || data.member !== member || data.connection !== connection) {
        log.warn({ member, connection }, 'what did not fit into a session cookie is not in the store: signed out')
        return
      }
      entry.session = freezeSession({ ...data, host })
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

  const search = (header: string, host: string, start: number, tried: number): Session | undefined | Promise<Session | undefined> => {
    const moment = now()
    let from = start
    for (let left = tries - tried; left > 0; left--) {
      from = nextCookie(header, sessionCookie, from)
      if (from === -1) return undefined
      const end = cookieEnd(header, from)
      const entry = opener.open(header, from, end)
      if (entry !== undefined) {
        const found = verdict(entry, host, moment)
        if (found === 'live') {
          activities.touch(entry.activity, moment)
          return entry.session
        }
        if (found === 'ask') {
          return ask(entry, moment).then(() => {
            if (verdict(entry, host, now()) !== 'live') return search(header, host, end, tries - left + 1)
            activities.touch(entry.activity, now())
            return entry.session
          })
        }
      }
      from = end
    }
    return undefined
  }

  const drain = async (): Promise<void> => {
    for (let next = outbox[0]; next !== undefined; next = outbox[0]) {
      await store.addRevocation(next)
      outbox.shift()
    }
  }

  /** Resolves when the store has every revocation. One at a time, so that none is sent twice. */
  const send = async (): Promise<void> => {
    while (outbox.length > 0) {
      sending ??= drain().finally(() => { sending = undefined })
      await sending
    }
  }

  const learn = async (): Promise<void> => {
    const changes = await store.changesSince(cursor)
    cursor = changes.cursor
    const news = changes.revocations.map(revocation => revocations.add(revocation))
    if (news.includes(true)) changed()
    trust.learn(changes.trust)
  }

  const upkeep = createUpkeep({
    interval: pace,
    log,
    what: 'following the store',
    async work () {
      ticks++
      const moment = now()
      if (ticks % flushEvery === 0) await activities.flush(moment)
      if (ticks % sweepEvery === 0) {
        revocations.sweep(moment)
        activities.sweep(moment)
        await store.sweep(moment)
      }
      await learn()
      await send()
      await trust.retry()
    }
  })

  const revoke = async (revocation: Revocation): Promise<void> => {
    const lasting = { ...revocation, expiresAt: Math.max(revocation.expiresAt, now() + retention(configuration())) }
    if (revocations.add(lasting)) changed()
    outbox.push(lasting)
    try {
      await send()
    } catch (error) {
      log.error({ err: error, kind: revocation.kind }, 'the store does not take a revocation: it holds in this process, and is tried again')
    }
  }

  return {
    trust,

    find (cookieHeader, host) {
      if (cookieHeader === undefined) return undefined
      follow()
      return search(cookieHeader, host, 0, 0)
    },

    isLive (session) {
      follow()
      const limits = judge(session)
      const moment = now()
      return limits !== undefined && isWithin(session, limits, moment) &&
        moment < activities.of(session.sid, session.startedAt).at + limits.idle
    },

    async issue (session, host) {
      const issuedAt = now()
      const whole = { ...session, host }
      const { absolute } = configuration().session
      let value = sealer().seal('session', { issuedAt, session: whole })
      if (sessionCookie.length + 1 + value.length > largestCookie) {
        const { sid, member, organization, connection, generation, authTime, startedAt } = session
        await store.put('identity', sid, sealer().seal('identity', whole), startedAt + absolute)
        value = sealer().seal('session', {
          issuedAt, stub: { sid, host, member, organization, connection, generation, authTime, startedAt }
        })
      }
      activities.touch(activities.of(session.sid, issuedAt), issuedAt)
      return setCookie(sessionCookie, value, session.startedAt + absolute - issuedAt)
    },

    async end (session, reason) {
      log.info({ member: session.member, connection: session.connection, reason }, 'session ended')
      await revoke({ kind: 'session', value: session.sid, issuedBefore: now(), expiresAt: 0 })
    },

    revoke,

    onEnd (listener) {
      listeners.push(listener)
    },

    async start () {
      await learn()
      await trust.adopt(configuration())
      upkeep.start()
    },

    async stop () {
      await upkeep.stop()
      await activities.flush(now(), true)
      try {
        await send()
        await trust.retry()
      } catch (error) {
        log.error({ err: error }, 'stopped before the store took every revocation')
      }
    }
  }
}
