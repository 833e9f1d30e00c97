import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import type { Configuration } from '../config/configuration.ts'
import type { SessionRecord } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Audit } from '../telemetry/audit.ts'
import { browserName } from './browser-name.ts'
import { concurrentFor, limitsFor } from './lifetime.ts'
import { sessionSchema, type Facts, type Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** A session that is live, as lists show it. */
export interface ListedSession extends SessionRecord {
  /** When it was last seen, in seconds: within a minute. */
  readonly seenAt: number
}

const endReasons = {
  concurrent: 'more sessions at once than are allowed',
  elsewhere: 'signed out from another browser'
} as const

/** Why a session has ended that its own browser did not end. */
export type EndReason = keyof typeof endReasons

export interface SessionRecords {
  /**
   * Records a session that begins, with the browser that it begins in. Where its member has more at once
   * than are allowed, the oldest others end. Throws PORTICO_STORE_UNAVAILABLE.
   */
  begin (session: Session, from: { readonly userAgent: string | undefined, readonly client: string }): Promise<void>
  /** The live sessions of a member, oldest first. Throws PORTICO_STORE_UNAVAILABLE. */
  of (member: string): Promise<readonly ListedSession[]>
  /** Ends one of them, and keeps for whoever comes with it why. Throws PORTICO_STORE_UNAVAILABLE. */
  end (record: SessionRecord, reason: EndReason): Promise<void>
  /** What `end` has kept of this sid: the same for each tab, since several ask at once. Throws PORTICO_STORE_UNAVAILABLE. */
  reasonOf (sid: string): Promise<EndReason | undefined>
}

/** Seconds that one sign-in may keep the others of its member waiting, should its process die; milliseconds between two tries of those. */
const turn = 3
const pause = 50

const basisSchema = sessionSchema.pick({ generation: true, authTime: true, subject: true, idpSession: true, saml: true, invited: true })

const basis = z.string().transform((text): unknown => JSON.parse(text)).pipe(basisSchema)

/** What the record says of the session, as the auth host would judge it; undefined for one that another version wrote. */
export const factsOf = (record: SessionRecord, host: string): Facts | undefined => {
  const { data } = basis.safeParse(record.basis)
  const { sid, member, organization, connection, email, startedAt } = record
  return data === undefined ? undefined : { ...data, sid, host, member, organization, connection, email, startedAt }
}

/** Lists of sessions, and how many a member may have at once. `now` in seconds. */
export const createSessionRecords = (deps: {
  readonly store: Pick<Store, 'addSession' | 'sessionsOf' | 'put' | 'putIfAbsent' | 'get' | 'take'>
  readonly sessions: Pick<Sessions, 'seenAt' | 'end'>
  readonly configuration: () => Configuration
  readonly audit: Pick<Audit, 'sessionEnded'>
  readonly now: () => number
}): SessionRecords => {
  const { store, sessions, configuration, audit, now } = deps

  const reasonKey = (sid: string): string => `ended/${createHash('sha256').update(sid).digest('base64url')}`

  const of: SessionRecords['of'] = async member => {
    const listed = await Promise.all((await store.sessionsOf(member)).map(async record => {
      const facts = factsOf(record, configuration().authHost)
      const seenAt = facts === undefined ? undefined : await sessions.seenAt(facts)
      return seenAt === undefined ? [] : [{ ...record, seenAt }]
    }))
    return listed.flat()
  }

  const end: SessionRecords['end'] = async (record, reason) => {
    // first what to say: whoever comes with it once it has ended is told
    await store.put('notice', reasonKey(record.sid), reason, record.expiresAt)
    await sessions.end(record, endReasons[reason])
    audit.sessionEnded({ ...record, reason: endReasons[reason] })
  }

  const endOldest = async ({ sid, member }: Session, most: number): Promise<void> => {
    const others = (await of(member)).filter(other => other.sid !== sid)
    for (const record of others.slice(0, Math.max(0, others.length + 1 - most))) await end(record, 'concurrent')
  }

  /** One sign-in of a member after the other, on whatever instance: two that see each other would both end. */
  const inTurn = async (member: string, work: () => Promise<void>): Promise<void> => {
    const key = `begin|${member}`
    let isOurs = false
    for (let tries = turn * 1_000 / pause; !isOurs && tries > 0; tries--) {
      isOurs = await store.putIfAbsent('lease', key, '', now() + turn)
      if (!isOurs) await setTimeout(pause)
    }
    try {
      await work()
    } finally {
      // what is not given back runs out
      if (isOurs) await store.take('lease', key).catch(() => {})
    }
  }

  return {
    of,
    end,

    async begin (session, { userAgent, client }) {
      const { sid, member, organization, connection, email, startedAt } = session
      const owner = configuration().organizations.get(organization)
      if (owner === undefined) return
      const expiresAt = startedAt + limitsFor(configuration(), owner).absolute
      const add = async (): Promise<void> => await store.addSession({
        sid, member, organization, connection, email, browser: browserName(userAgent), client, basis: JSON.stringify(basisSchema.parse(session)), startedAt, expiresAt
      })
      const most = concurrentFor(configuration(), owner)
      if (most === undefined) return await add()
      await inTurn(member, async () => {
        await add()
        await endOldest(session, most)
      })
    },

    async reasonOf (sid) {
      const { data } = z.enum(['concurrent', 'elsewhere']).safeParse(await store.get('notice', reasonKey(sid)))
      return data
    }
  }
}
