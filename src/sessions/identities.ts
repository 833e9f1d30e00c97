import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { createCache } from './cache.ts'
import type { Sealer } from './seal.ts'
import { freezeSession, sessionSchema, type Session, type Stub } from './session.ts'

/** Sessions that the store keeps, since they do not fit a cookie or change while they live: each is read once, for all hosts. */
export interface Identities {
  /** What was read of this sid, whatever may be thought of it; the same object until it is written anew. */
  known (sid: string): Session | undefined
  /** Reads the session of a cookie that says no more than these facts. Never rejects: it is known afterwards, or not. */
  load (facts: Stub): Promise<void>
  /** Counts here when it resolves. Throws PORTICO_STORE_UNAVAILABLE or PORTICO_VALUE_REFUSED. `expiresAt` in seconds. */
  write (session: Session, expiresAt: number): Promise<void>
  /** Any process may have written these; without `sids`, any of all. What is known of them counts until it was read again. */
  learn (sids?: readonly string[]): void
  /** Reads again what `learn` named and is known here, as far as the store answers. Never rejects. */
  reread (): Promise<void>
}

/** Characters of sessions that are kept: four thousand of 300 groups each, or a hundred thousand of usual size. */
const room = 45_000_000

export const createIdentities = (deps: { readonly store: Store, readonly sealer: () => Sealer, readonly log: Log }): Identities => {
  const { store, sealer, log } = deps
  const sessions = createCache<Session>(room)
  const loading = new Map<string, Promise<void>>()
  /** Sids that are known here as they were, and were written since. */
  const stale = new Set<string>()
  let rereading: Promise<void> | undefined

  const keep = (session: Session, length: number): void => sessions.set(session.sid, freezeSession(session), length)

  /** Whether the store has it, after it was read. Throws PORTICO_STORE_UNAVAILABLE. */
  const read = async (sid: string): Promise<boolean> => {
    const sealed = await store.identity(sid)
    const { data } = sessionSchema.safeParse(sealed === undefined ? undefined : sealer().open('identity', sealed))
    if (sealed === undefined || data?.sid !== sid) return false
    keep(data, sealed.length)
    return true
  }

  const load = async ({ sid, member, connection }: Stub): Promise<void> => {
    try {
      if (!await read(sid)) log.warn({ member, connection }, 'what did not fit into a session cookie is not in the store: signed out')
    } catch (error) {
      log.error({ err: error }, 'the store does not give what did not fit into a session cookie')
    }
  }

  const rereadAll = async (): Promise<void> => {
    for (const sid of stale) {
      stale.delete(sid)
      try {
        await loading.get(sid)
        await read(sid)
      } catch {
        // told by whoever follows the store, and tried again after that works
        stale.add(sid)
        return
      }
    }
  }

  return {
    known: sid => sessions.get(sid),

    load: facts => {
      const under = loading.get(facts.sid) ?? load(facts).finally(() => loading.delete(facts.sid))
      loading.set(facts.sid, under)
      return under
    },

    async write (session, expiresAt) {
      const sealed = sealer().seal('identity', session)
      await store.putIdentity(session.sid, sealed, expiresAt)
      // a copy: whoever gave it may go on to change it
      if (sessions.has(session.sid)) keep(sessionSchema.parse(session), sealed.length)
      if (loading.has(session.sid)) stale.add(session.sid)
    },

    learn (sids) {
      // one that is being read may be read as it was
      for (const sid of sids ?? [...sessions.keys(), ...loading.keys()]) {
        if (sessions.has(sid) || loading.has(sid)) stale.add(sid)
      }
    },

    async reread () {
      rereading ??= rereadAll().finally(() => { rereading = undefined })
      await rereading
    }
  }
}
