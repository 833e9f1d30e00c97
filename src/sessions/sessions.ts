import { mayUse } from '../access/apps.ts'
import { isAdmitted } from '../access/members.ts'
import type { Configuration } from '../config/configuration.ts'
import { isActive, isWithinStretch, stretchAt, type Stretch } from '../config/standing.ts'
import type { Revocation, Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createActivities } from './activity.ts'
import { sessionCookie, setCookie } from './cookie.ts'
import { createFinder } from './finding.ts'
import { createFollowing } from './following.ts'
import { createIdentities } from './identities.ts'
import { isWithin, limitsFor, type Limits } from './lifetime.ts'
import type { Revocable } from './revocation.ts'
import { createRevoker } from './revoking.ts'
import type { Sealer } from './seal.ts'
import type { Facts, Session } from './session.ts'
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
  /** When the session that says this of itself was last seen, over all hosts, in seconds; undefined where it is over. Never rejects. */
  seenAt (facts: Facts): Promise<number | undefined>
  /**
   * Seals the session for a host and answers with the Set-Cookie line. What does not fit into a cookie, or
   * `refreshes`, goes to the store, sealed, unless it is there. Throws PORTICO_STORE_UNAVAILABLE or PORTICO_VALUE_REFUSED then.
   */
  issue (session: Session, host: string): Promise<string>
  /**
   * Puts what is now known of whoever has this session, one that `refreshes`, in the place of what was: here when
   * it resolves, in every other process within a second. Its sid, member and connection stay. Throws as `issue`;
   * what was goes on to count then.
   */
  renew (session: Session): Promise<void>
  /** Ends this session on every host: here when it returns its promise, elsewhere within half a second. No list shows it any more. */
  end (session: Pick<Session, 'sid' | 'member' | 'connection'>, reason: string): Promise<void>
  /** As `end`, for whatever the revocation matches. A store that does not take it is asked again until it does. */
  revoke (revocation: Revocation): Promise<void>
  /** Whether anything that was revoked, here or elsewhere, matches: of an API key or a token, which are no sessions. */
  isRevoked (what: Revocable): boolean
  /** Calls `listener` whenever sessions may have ended, so that what is open can be asked for with `isLive`. */
  onEnd (listener: () => void): void
  /** Seconds: when the store began. What was used up before is forgotten, so that attempts from before start again. */
  storeSince (): number
  /** Loads revocations and trust, and begins to follow other processes. Throws PORTICO_STORE_UNAVAILABLE. */
  start (): Promise<void>
  /** Stops following, and tells the store what it does not know yet. */
  stop (): Promise<void>
}

/** Milliseconds between looks at what other processes changed. */
const pace = 250
/** Of those looks, every how many a flush of last-seen times, and a sweep of what has expired. */
const flushEvery = 4
const sweepEvery = 240
/** Characters of name and value together: browsers drop what exceeds 4,096 bytes with the name. */
const largestCookie = 3_800

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
  const activities = createActivities({ store, configuration, log })
  const listeners: (() => void)[] = []
  /** Grows whenever any session could be judged otherwise than before. */
  let version = 1
  let judgedBy = configuration()
  /** While none of its dates passes. */
  let judgedIn: Stretch = { from: Infinity, until: Infinity }
  let ticks = 0
  let unwatch = (): void => {}

  const changed = (): void => {
    version++
    for (const listener of listeners) listener()
  }

  const trust = createTrust({ store, configuration, log, changed, now })
  const revoker = createRevoker({ store, configuration, log, now, changed })

  /** What applies to a session today, or undefined when it is ended, not trusted, or not allowed on its host. */
  const judge = (facts: Facts): Limits | undefined => {
    const connection = judgedBy.connections.get(facts.connection)
    if (connection === undefined || !isActive(connection, now()) || connection.organization.id !== facts.organization) return undefined
    if (trust.generation(connection.id) !== facts.generation) return undefined
    const { email, invited } = facts
    if (email !== undefined && !isAdmitted(connection.organization, { email, invited })) return undefined
    if (facts.host !== judgedBy.authHost) {
      const place = judgedBy.places.get(facts.host)
      if (place === undefined || !mayUse(connection.organization, place.app, facts.groups)) return undefined
    }
    return revoker.matches(facts) ? undefined : limitsFor(judgedBy, connection.organization)
  }

  /** The version, with today's configuration and its dates taken into account. */
  const current = (): number => {
    if (configuration() !== judgedBy || !isWithinStretch(judgedIn, now())) {
      judgedBy = configuration()
      judgedIn = stretchAt(judgedBy, now())
      version++
      // whom a date has ended is told no otherwise a moment later, should the clock be set back by then
      trust.follow()
    }
    return version
  }

  const identities = createIdentities({ store, sealer, log })
  const search = createFinder({ sealer, now, activities, identities, judge, version: current })

  const following = createFollowing({ store, revoker, trust, activities, identities, now })

  const upkeep = createUpkeep({
    interval: pace,
    log,
    what: 'following the store',
    async work () {
      ticks++
      const moment = now()
      // first what others know: a newer file may have moved a date
      await following.follow()
      await trust.follow()
      if (ticks % flushEvery === 0) await activities.flush(moment)
      if (ticks % sweepEvery === 0) {
        revoker.sweep(moment)
        activities.sweep(moment)
        await store.sweep(moment)
      }
      await revoker.send()
      await trust.retry()
    }
  })

  return {
    trust,

    find (cookieHeader, host) {
      return cookieHeader === undefined ? undefined : search(cookieHeader, host)
    },

    isLive (session) {
      current()
      const identity = identities.known(session.sid)
      const limits = judge(identity === undefined ? session : { ...identity, host: session.host })
      const moment = now()
      return limits !== undefined && isWithin(session, limits, moment) &&
        moment < activities.of(session.sid, session.startedAt).at + limits.idle
    },

    async seenAt (facts) {
      current()
      const limits = judge(facts)
      if (limits === undefined || !isWithin(facts, limits, now())) return undefined
      const activity = activities.of(facts.sid, facts.startedAt)
      await activities.ask(activity)
      return now() < activity.at + limits.idle ? activity.at : undefined
    },

    async issue (session, host) {
      const issuedAt = now()
      const whole = { ...session, host }
      const { absolute } = configuration().session
      let value = sealer().seal('session', { issuedAt, session: whole })
      if (session.refreshes === true || sessionCookie.length + 1 + value.length > largestCookie) {
        const { sid, member, organization, connection, generation, authTime, startedAt } = session
        // what the store has may have been renewed since this one was handed over
        if (await store.identity(sid) === undefined) await identities.write(whole, startedAt + absolute)
        value = sealer().seal('session', {
          issuedAt, stub: { sid, host, member, organization, connection, generation, authTime, startedAt }
        })
      }
      activities.touch(activities.of(session.sid, issuedAt), issuedAt)
      return setCookie(sessionCookie, value, session.startedAt + absolute - issuedAt)
    },

    renew: session => identities.write(session, session.startedAt + configuration().session.absolute),

    async end (session, reason) {
      log.info({ member: session.member, connection: session.connection, reason }, 'session ended')
      await revoker.revoke({ kind: 'session', value: session.sid, issuedBefore: now(), expiresAt: 0 })
      // one that stays until it expires is shown no more either: it is revoked
      await store.removeSessions([session.sid]).catch(() => {})
    },

    revoke: revoker.revoke,
    isRevoked: revoker.matches,

    onEnd (listener) {
      listeners.push(listener)
    },

    storeSince: following.since,

    async start () {
      await following.follow()
      await trust.adopt(configuration())
      // what fails here is tried again, and told, by the upkeep
      unwatch = store.watch(() => { following.follow().catch(() => {}) })
      upkeep.start()
    },

    async stop () {
      unwatch()
      await upkeep.stop()
      await activities.flush(now(), true)
      try {
        await revoker.send()
        await trust.retry()
      } catch (error) {
        log.error({ err: error }, 'stopped before the store took every revocation')
      }
    }
  }
}
