import { z } from 'zod'
import type { SessionRecord, SessionStore } from '../sessions.ts'
import { text } from '../text.ts'
import { readAs, type RecordReader, type StoredRecord } from './record.ts'
import { inBatches, type Records } from './records.ts'

const session = z.object({
  sid: z.string(),
  member: z.string(),
  organization: z.string(),
  connection: z.string(),
  email: z.string(),
  browser: z.string().optional(),
  client: z.string(),
  basis: z.string(),
  startedAt: z.number(),
  expiresAt: z.number()
})

/** So that texts of times are in the order of the times. */
const sortOf = (startedAt: number): string => String(Math.max(0, startedAt)).padStart(12, '0')

const everything = 'everything'
const ofMember = (member: string): string => `member ${text(member)}`
const ofOrganization = (organization: string): string => `organization ${text(organization)}`

const read = ({ value }: StoredRecord): SessionRecord => {
  const { browser, ...rest } = readAs(session, 'a session', value)
  return { ...rest, browser }
}

const stored = (value: SessionRecord): StoredRecord => {
  const sort = sortOf(value.startedAt)
  return {
    kind: 'session',
    key: value.sid,
    value,
    expiresAt: value.expiresAt,
    indexes: [everything, ofMember(value.member), ofOrganization(value.organization)].map(name => ({ name, sort }))
  }
}

/** Sessions in the Redis store. `reader` answers what is only read. `now` in seconds. */
export const createRedisSessions = ({ records, reader, now }: {
  readonly records: Pick<Records, 'transact' | 'put'>
  readonly reader: RecordReader
  readonly now: () => number
}): SessionStore => {
  const isAlive = ({ expiresAt }: { readonly expiresAt?: number | undefined }): boolean => expiresAt !== undefined && expiresAt > now()

  return {
    async addSession (begun) {
      await records.transact(async ({ get, put }) => {
        const [there] = await get('session', [begun.sid])
        if (there === undefined) put(stored({ ...begun, startedAt: Math.floor(begun.startedAt), expiresAt: Math.ceil(begun.expiresAt) }))
      })
    },

    async sessionsOf (member) {
      return (await reader.find('session', [ofMember(member)])).map(read).filter(isAlive)
    },

    async sessionById (sid) {
      return (await reader.get('session', [sid])).map(read).find(isAlive)
    },

    async listSessions ({ organization, after, limit }) {
      const name = organization === undefined ? everything : ofOrganization(organization)
      const alive: SessionRecord[] = []
      let last = after
      while (alive.length < limit) {
        const wanted = limit - alive.length
        const found = (await reader.page('session', {
          name, limit: wanted, after: last && { sort: sortOf(last.startedAt), key: last.sid }
        })).map(read)
        alive.push(...found.filter(isAlive))
        last = found.at(-1)
        if (found.length < wanted) break
      }
      return alive
    },

    async removeSessions (sids) {
      for (const some of inBatches(sids)) {
        await records.transact(async ({ get, remove }) => { (await get('session', some)).forEach(remove) })
      }
    },

    async putIdentity (sid, value, expiresAt) {
      await records.put({ kind: 'identity', key: sid, value, expiresAt: Math.floor(expiresAt), indexes: [] })
    },

    async identity (sid) {
      const [found] = (await reader.get('identity', [sid])).filter(isAlive)
      return found === undefined ? undefined : readAs(z.string(), 'an identity', found.value)
    }
  }
}
