import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { SessionStore } from './sessions.ts'
import type { SqliteTools } from './sqlite-tools.ts'

const record = z.object({
  sid: z.string(),
  member: z.string(),
  organization: z.string(),
  connection: z.string(),
  email: z.string(),
  browser: z.string().nullable().transform(browser => browser ?? undefined),
  client: z.string(),
  basis: z.string(),
  startedAt: z.number(),
  expiresAt: z.number()
})
const holder = z.object({ value: z.string(), expiresAt: z.number() })

const columns = 'sid, member, organization, connection, email, browser, client, basis, started_at AS startedAt, expires_at AS expiresAt'

const statements = (database: DatabaseSync) => ({
  add: database.prepare(`INSERT INTO session (sid, member, organization, connection, email, browser, client, basis, started_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
  ofMember: database.prepare(`SELECT ${columns} FROM session WHERE member = ? AND expires_at > ? ORDER BY started_at, sid`),
  byId: database.prepare(`SELECT ${columns} FROM session WHERE sid = ? AND expires_at > ?`),
  list: database.prepare(`SELECT ${columns} FROM session WHERE (started_at, sid) > (?, ?) AND expires_at > ? AND (?4 IS NULL OR organization = ?4)
    ORDER BY started_at, sid LIMIT ?5`),
  remove: database.prepare('DELETE FROM session WHERE sid = ?'),
  // a new row rather than the old one changed: its number is how others see it
  putIdentity: database.prepare('INSERT OR REPLACE INTO identity (sid, value, expires_at) VALUES (?, ?, ?)'),
  identity: database.prepare('SELECT value, expires_at AS expiresAt FROM identity WHERE sid = ?')
})

/** Sessions in the SQLite store; the tables are made by sqlite-schema.ts. `now` in seconds. */
export const createSqliteSessions = ({ database, guarded, transaction, batched, text }: SqliteTools, now: () => number): SessionStore => {
  const sql = guarded(() => statements(database))

  return {
    async addSession ({ sid, member, organization, connection, email, browser, client, basis, startedAt, expiresAt }) {
      await batched(() => sql.add.run(
        text(sid), text(member), text(organization), text(connection), text(email), browser === undefined ? null : text(browser), text(client),
        text(basis), Math.floor(startedAt), Math.ceil(expiresAt)))
    },

    async sessionsOf (member) {
      return guarded(() => sql.ofMember.all(text(member), now()).map(row => record.parse(row)))
    },

    async sessionById (sid) {
      return guarded(() => {
        const row = sql.byId.get(text(sid), now())
        return row === undefined ? undefined : record.parse(row)
      })
    },

    async listSessions ({ organization, after, limit }) {
      return guarded(() => sql.list.all(after?.startedAt ?? -1, after?.sid ?? '', now(), organization === undefined ? null : text(organization), limit)
        .map(row => record.parse(row)))
    },

    async removeSessions (sids) {
      guarded(() => transaction(() => {
        for (const sid of sids) sql.remove.run(text(sid))
      }))
    },

    async putIdentity (sid, value, expiresAt) {
      await batched(() => sql.putIdentity.run(text(sid), text(value), Math.floor(expiresAt)))
    },

    async identity (sid) {
      const row = guarded(() => sql.identity.get(text(sid)))
      if (row === undefined) return undefined
      const { value, expiresAt } = holder.parse(row)
      return expiresAt > now() ? value : undefined
    }
  }
}
