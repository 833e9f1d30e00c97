import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { ApiKeyStore } from './api-keys.ts'
import type { SqliteTools } from './sqlite-tools.ts'

const apps = z.string().transform((text): unknown => JSON.parse(text)).pipe(z.array(z.string()))
const apiKey = z.object({
  id: z.string(),
  hash: z.string(),
  member: z.string(),
  organization: z.string(),
  label: z.string(),
  apps,
  createdAt: z.number(),
  expiresAt: z.number(),
  lastUsedAt: z.number().nullable().transform(at => at ?? undefined)
})
const connected = z.object({ connection: z.string() })

const columns = `api_key.id, api_key.hash, api_key.member, api_key.organization, api_key.label, api_key.apps,
  api_key.created_at AS createdAt, api_key.expires_at AS expiresAt, api_key.last_used_at AS lastUsedAt`

const statements = (database: DatabaseSync) => ({
  add: database.prepare(`INSERT INTO api_key (id, hash, member, organization, label, apps, created_at, expires_at, last_used_at)
    SELECT ?, ?, id, ?, ?, ?, ?, ?, ? FROM member WHERE id = ? AND (SELECT count(*) FROM api_key WHERE api_key.member = member.id) < ?`),
  find: database.prepare(`SELECT ${columns} FROM api_key WHERE hash = ?`),
  byId: database.prepare(`SELECT ${columns} FROM api_key WHERE id = ?`),
  ofMember: database.prepare(`SELECT ${columns} FROM api_key WHERE member = ? ORDER BY created_at, rowid`),
  all: database.prepare(`SELECT ${columns} FROM api_key ORDER BY created_at, rowid`),
  rehash: database.prepare('UPDATE api_key SET hash = ? WHERE id = ?'),
  use: database.prepare('UPDATE api_key SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?'),
  remove: database.prepare('DELETE FROM api_key WHERE id = ?'),
  connections: database.prepare('SELECT DISTINCT member.connection AS connection FROM api_key JOIN member ON member.id = api_key.member'),
  through: database.prepare(`SELECT ${columns} FROM api_key JOIN member ON member.id = api_key.member
    WHERE member.connection = ? ORDER BY api_key.created_at, api_key.rowid`)
})

/** API keys in the SQLite store. */
export const createSqliteApiKeys = ({ database, guarded, transaction, durably, text }: SqliteTools): ApiKeyStore => {
  const sql = guarded(() => statements(database))

  return {
    async addApiKey ({ id, hash, member, organization, label, apps, createdAt, expiresAt, lastUsedAt }, most) {
      return guarded(() => durably(() => sql.add.run(
        text(id), text(hash), text(organization), text(label), text(JSON.stringify(apps)),
        Math.floor(createdAt), Math.floor(expiresAt), lastUsedAt === undefined ? null : Math.floor(lastUsedAt), text(member), most
      ).changes === 1))
    },

    async findApiKey (hashes) {
      return guarded(() => {
        for (const hash of hashes) {
          const row = sql.find.get(text(hash))
          if (row !== undefined) return apiKey.parse(row)
        }
        return undefined
      })
    },

    async apiKeyById (id) {
      return guarded(() => {
        const row = sql.byId.get(text(id))
        return row === undefined ? undefined : apiKey.parse(row)
      })
    },

    async apiKeys (member) {
      return guarded(() => (member === undefined ? sql.all.all() : sql.ofMember.all(text(member))).map(row => apiKey.parse(row)))
    },

    async rehashApiKey (id, hash) {
      guarded(() => durably(() => sql.rehash.run(text(hash), text(id))))
    },

    async recordApiKeyUse (used) {
      guarded(() => transaction(() => {
        for (const [id, at] of used) sql.use.run(Math.floor(at), text(id))
      }))
    },

    async removeApiKeys (ids) {
      return guarded(() => durably(() => transaction(() => ids.flatMap(id => {
        const row = sql.byId.get(text(id))
        sql.remove.run(text(id))
        return row === undefined ? [] : [apiKey.parse(row)]
      }))))
    },

    async apiKeyConnections () {
      return guarded(() => sql.connections.all().map(row => connected.parse(row).connection))
    },

    async apiKeysThrough (connection) {
      return guarded(() => sql.through.all(text(connection)).map(row => apiKey.parse(row)))
    }
  }
}
