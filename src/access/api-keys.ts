import { hash } from 'node:crypto'
import type { AppPlace, Configuration } from '../config/configuration.ts'
import { PorticoError, type ErrorCode } from '../errors.ts'
import { createCache } from '../sessions/cache.ts'
import { freezeSession, type Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { ApiKey } from '../store/api-keys.ts'
import type { Member } from '../store/members.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createApiKeyHashes, isApiKey } from './api-key.ts'
import { apiKeyState, connectionOfMember, opens, type ApiKeyState } from './api-key-state.ts'
import type { ApiKeyUse } from './api-key-use.ts'

/** API keys on the path of requests. */
export interface ApiKeys {
  /**
   * Whom a key speaks for at this place: the same object each time, as long as nothing about them has
   * changed. A promise only when the store must be asked. Throws, or rejects with, PORTICO_API_KEY_…
   * for a key that is not accepted, and PORTICO_STORE_UNAVAILABLE where that cannot be known.
   */
  find (key: string, place: AppPlace): Session | Promise<Session>
  /** Whether what `find` gave still holds, by what is known here; undefined for a session that it did not give. */
  isLive (session: Session): boolean | undefined
}

/** A key that the store has, and its owner as they were when it was read. */
interface Entry {
  /** The configured keys that it was found by. */
  readonly ring: readonly Buffer[]
  readonly key: ApiKey
  readonly member: Member
  /** Seconds. */
  readonly readAt: number
  /** By canonical host. */
  readonly sessions: Map<string, Session>
}

/** Keys that are remembered. */
const room = 20_000
/** Seconds after which the store is asked again: whoever has signed in since may have other groups. */
const freshness = 10

const refusals: Readonly<Record<Exclude<ApiKeyState, 'active'>, ErrorCode>> = {
  ended: 'PORTICO_API_KEY_INVALID', expired: 'PORTICO_API_KEY_EXPIRED', paused: 'PORTICO_API_KEY_PAUSED'
}

/**
 * Finds whom an API key speaks for (product.md R13): the owner as at the last sign-in, with
 * `amr: ["api_key"]`. What the store said is remembered by a digest, never by the key (by one that costs a
 * thirtieth of the HMAC that the store has), and judged anew at each use (behaviours.md V21, V33). A
 * revocation that could concern the owner makes the store be asked again; one of the key itself ends it
 * whatever the store says. `now` is in seconds.
 */
export const createApiKeys = (deps: {
  readonly store: Pick<Store, 'findApiKey' | 'memberById' | 'rehashApiKey'>
  readonly configuration: () => Configuration
  readonly sessions: Pick<Sessions, 'isRevoked' | 'trust'>
  readonly use: ApiKeyUse
  readonly log: Log
  readonly now?: () => number
}): ApiKeys => {
  const { store, configuration, sessions, use, log, now = () => Math.floor(Date.now() / 1_000) } = deps
  const hashes = createApiKeyHashes(() => configuration().keys)
  const known = createCache<Entry>(room)
  const reading = new Map<string, Promise<Entry | undefined>>()
  const given = new WeakMap<Session, Entry>()

  /** Something was revoked since the store was asked; `startedAt` is then. */
  const isOutdated = ({ key, member, readAt }: Entry): boolean =>
    sessions.isRevoked({ member: member.id, organization: member.organization, connection: member.connection, startedAt: readAt }) || isRevoked(key)

  const isRevoked = ({ id, organization }: ApiKey): boolean =>
    sessions.isRevoked({ sid: id, organization, connection: '', startedAt: Infinity })

  /** Why not, at this place; undefined for a key that opens it. */
  const objection = ({ key, member }: Entry, place: AppPlace): ErrorCode | undefined => {
    if (isRevoked(key)) return 'PORTICO_API_KEY_INVALID'
    const state = apiKeyState(configuration(), key, member, now())
    if (state !== 'active') return refusals[state]
    return opens(configuration(), key, member, place) ? undefined : 'PORTICO_API_KEY_APP'
  }

  /** Nobody is let in by a configuration that is known to be outdated (product.md, "Trust has a fingerprint"). */
  const isTrusted = ({ member }: Entry): boolean => {
    const connection = connectionOfMember(configuration(), member, now())
    return connection !== undefined && sessions.trust.generation(connection.id) !== undefined
  }

  const sessionFor = (entry: Entry, place: AppPlace): Session => {
    const made = entry.sessions.get(place.host)
    if (made !== undefined) return made
    const { key, member } = entry
    const session = freezeSession({
      sid: key.id,
      host: place.host,
      member: member.id,
      organization: member.organization,
      connection: member.connection,
      generation: 0,
      subject: member.subject ?? '',
      email: member.email,
      invited: member.invited,
      name: member.name,
      groups: [...member.groups],
      newUser: false,
      amr: ['api_key'],
      authTime: member.signedInAt,
      startedAt: key.createdAt
    })
    entry.sessions.set(place.host, session)
    given.set(session, entry)
    return session
  }

  const settle = (entry: Entry, place: AppPlace): Session => {
    const code = objection(entry, place)
    if (code !== undefined) throw new PorticoError(code, { wanted: `a key for ${place.app.id}`, got: entry.key.id, connection: entry.member.connection })
    if (!isTrusted(entry)) {
      throw new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'the trust generation of the owner\'s connection', got: 'none', connection: entry.member.connection })
    }
    use.touch(entry.key, now())
    return sessionFor(entry, place)
  }

  const ask = async (presented: string, digest: string, before: Entry | undefined): Promise<Entry | undefined> => {
    const readAt = now()
    const ring = configuration().keys
    const key = await store.findApiKey(hashes.all(presented))
    const member = key === undefined ? undefined : await store.memberById(key.member)
    if (key === undefined || member === undefined) return undefined
    const newest = hashes.first(presented)
    if (key.hash !== newest) {
      store.rehashApiKey(key.id, newest).catch((error: unknown) => log.error({ err: error, key: key.id }, 'an API key keeps its older hash for now'))
    }
    const isSame = before !== undefined && JSON.stringify([before.member, before.key.apps]) === JSON.stringify([member, key.apps])
    // the same sessions, so that the headers made for them serve on
    const entry: Entry = { ring, key, member, readAt, sessions: isSame ? before.sessions : new Map() }
    for (const session of entry.sessions.values()) given.set(session, entry)
    known.set(digest, entry, 1)
    return entry
  }

  /** Asks the store once for however many requests wait for it. */
  const read = (presented: string, digest: string, before: Entry | undefined): Promise<Entry | undefined> => {
    const running = reading.get(digest)
    if (running !== undefined) return running
    const asking = ask(presented, digest, before).finally(() => { reading.delete(digest) })
    reading.set(digest, asking)
    return asking
  }

  const readAndSettle = async (presented: string, digest: string, before: Entry | undefined, place: AppPlace): Promise<Session> => {
    let entry: Entry | undefined
    try {
      entry = await read(presented, digest, before)
    } catch (error) {
      // a store that is down ends nobody, unless something was revoked that only it could tell apart
      if (before === undefined || isOutdated(before)) throw error
      entry = before
    }
    if (entry === undefined) throw new PorticoError('PORTICO_API_KEY_INVALID', { wanted: 'a key that exists', got: 'one that does not, or no longer' })
    return settle(entry, place)
  }

  return {
    find: (presented, place) => {
      if (!isApiKey(presented)) throw new PorticoError('PORTICO_API_KEY_INVALID', { wanted: 'a key as it was shown', got: 'a mistyped one' })
      const digest = hash('sha256', presented, 'base64url')
      const entry = known.get(digest)
      const moment = now()
      // the clock may be set back
      const isFresh = entry !== undefined && moment >= entry.readAt && moment < entry.readAt + freshness && entry.ring === configuration().keys && !isOutdated(entry)
      if (!isFresh) return readAndSettle(presented, digest, entry, place)
      // the store may know better by now, but not twice within a second
      if (entry.readAt !== moment && objection(entry, place) !== undefined) return readAndSettle(presented, digest, entry, place)
      return settle(entry, place)
    },

    isLive: session => {
      const entry = given.get(session)
      if (entry === undefined) return undefined
      const place = configuration().places.get(session.host)
      return place !== undefined && !isOutdated(entry) && objection(entry, place) === undefined && isTrusted(entry)
    }
  }
}
