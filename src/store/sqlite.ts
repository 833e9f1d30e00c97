import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { PorticoError } from '../errors.ts'
import { expiredKept } from './api-keys.ts'
import { createSqliteApiKeys } from './sqlite-api-keys.ts'
import { createBatch } from './sqlite-batch.ts'
import { createGuard } from './sqlite-failure.ts'
import { createSqliteMembers } from './sqlite-members.ts'
import { migrate } from './sqlite-schema.ts'
import { createSqliteSessions } from './sqlite-sessions.ts'
import type { SqliteTools } from './sqlite-tools.ts'
import { createTransaction } from './sqlite-transaction.ts'
import { revocationKinds, type Store } from './store.ts'
import { text } from './text.ts'

/** Rows that one transaction deletes at most, so that a sweep never holds up a sign-in. */
const sweepSize = 1_000
/** Revocations that are told at once. */
const part = 2_000
/** Milliseconds between looks at whether another process has written: each costs a few microseconds. */
const glance = 20

const trust = z.object({ connection: z.string(), fingerprint: z.string(), generation: z.number() })
const revocation = z.object({ kind: z.enum(revocationKinds), value: z.string(), issuedBefore: z.number(), expiresAt: z.number() })
const sequenced = z.object({ sequence: z.number() })
const identified = z.object({ sid: z.string() })
const version = z.object({ data_version: z.number() })
const founded = z.object({ since: z.number() })
const moment = z.object({ seenAt: z.number() })
const holder = z.object({ value: z.string(), expiresAt: z.number() })

const open = (path: string, patience: number): DatabaseSync => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // SQLite would create it readable for everybody; its -wal and -shm files copy this file's mode
  closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { timeout: patience })
  try {
    const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
    if (mode !== 'wal') {
      throw new PorticoError('PORTICO_STORE_UNAVAILABLE', {
        wanted: `a file system for ${path} that SQLite's write-ahead log works on`,
        got: `journal mode ${String(mode)}`,
        remedy: 'Put store.path on a local disk.'
      })
    }
    // an fsync at each checkpoint only: what a power cut could lose costs a sign-in its last step
    database.exec('PRAGMA synchronous = NORMAL')
    migrate(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

const statements = (database: DatabaseSync) => ({
  put: database.prepare(`INSERT INTO item (kind, key, value, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`),
  putIfAbsent: database.prepare(`INSERT INTO item (kind, key, value, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at WHERE item.expires_at <= ?`),
  get: database.prepare('SELECT value, expires_at AS expiresAt FROM item WHERE kind = ? AND key = ?'),
  take: database.prepare('DELETE FROM item WHERE kind = ? AND key = ? RETURNING value, expires_at AS expiresAt'),
  see: database.prepare(`INSERT INTO last_seen (sid, seen_at, expires_at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET seen_at = max(seen_at, excluded.seen_at), expires_at = max(expires_at, excluded.expires_at)`),
  lastSeen: database.prepare('SELECT seen_at AS seenAt FROM last_seen WHERE sid = ?'),
  revoke: database.prepare('INSERT INTO revocation (kind, value, issued_before, expires_at) VALUES (?, ?, ?, ?)'),
  revocations: database.prepare(`SELECT sequence, kind, value, issued_before AS issuedBefore, expires_at AS expiresAt FROM revocation
    WHERE sequence > ? ORDER BY sequence LIMIT ${part}`),
  adopt: database.prepare(`INSERT INTO trust (connection, fingerprint, generation, sequence)
    VALUES (?, ?, ?, (SELECT coalesce(max(sequence), 0) + 1 FROM trust))
    ON CONFLICT (connection) DO UPDATE SET fingerprint = excluded.fingerprint, generation = generation + 1, sequence = excluded.sequence
    WHERE fingerprint <> excluded.fingerprint`),
  trusted: database.prepare('SELECT connection, fingerprint, generation FROM trust WHERE connection = ?'),
  trust: database.prepare('SELECT sequence, connection, fingerprint, generation FROM trust WHERE sequence > ? ORDER BY sequence'),
  identities: database.prepare('SELECT sequence, sid FROM identity WHERE sequence > ? ORDER BY sequence'),
  newestIdentity: database.prepare('SELECT coalesce(max(sequence), 0) AS sequence FROM identity'),
  version: database.prepare('PRAGMA data_version'),
  sweeps: [
    database.prepare('DELETE FROM session WHERE sid IN (SELECT sid FROM session WHERE expires_at <= ? LIMIT ?)'),
    database.prepare('DELETE FROM identity WHERE sequence IN (SELECT sequence FROM identity WHERE expires_at <= ? LIMIT ?)'),
    database.prepare('DELETE FROM item WHERE rowid IN (SELECT rowid FROM item WHERE expires_at <= ? LIMIT ?)'),
    database.prepare('DELETE FROM last_seen WHERE sid IN (SELECT sid FROM last_seen WHERE expires_at <= ? LIMIT ?)'),
    database.prepare('DELETE FROM revocation WHERE sequence IN (SELECT sequence FROM revocation WHERE expires_at <= ? LIMIT ?)'),
    database.prepare(`DELETE FROM api_key WHERE rowid IN (SELECT rowid FROM api_key WHERE expires_at <= ? - ${expiredKept} LIMIT ?)`)
  ]
})

/**
 * The store of one machine: an SQLite file that any number of processes share (product.md, "What it
 * is built on"). The folder is created for this user alone. `patience` is how many milliseconds a
 * write waits for another process: long for a writer, short for a request. `now` is in seconds.
 * Throws PORTICO_STORE_UNAVAILABLE where the file cannot be used.
 */
export const createSqliteStore = (options: { readonly path: string, readonly patience?: number, readonly now?: () => number }): Store => {
  const { path, patience = 3_000, now = () => Date.now() / 1000 } = options
  const guarded = createGuard(path)

  const { database, sql, inode, since } = guarded(() => {
    const database = open(path, patience)
    database.prepare('INSERT INTO store SELECT ? WHERE NOT EXISTS (SELECT 1 FROM store)').run(Math.floor(now()))
    const { since } = founded.parse(database.prepare('SELECT since FROM store').get())
    return { database, sql: statements(database), inode: statSync(path).ino, since }
  })

  const transaction = createTransaction(database)

  /** On the disk before it returns: a power cut must not bring back what was ended. */
  const durably = <T>(work: () => T): T => {
    database.exec('PRAGMA synchronous = FULL')
    try {
      return work()
    } finally {
      database.exec('PRAGMA synchronous = NORMAL')
    }
  }

  /** The value of an item that is there and alive. */
  const alive = (row: unknown): string | undefined => {
    if (row === undefined) return undefined
    const { value, expiresAt } = holder.parse(row)
    return expiresAt > now() ? value : undefined
  }

  const { batched, flush } = createBatch({ database, guarded, transaction })
  const tools: SqliteTools = { database, guarded, transaction, batched, durably, text }

  return {
    ...createSqliteMembers(tools),
    ...createSqliteApiKeys(tools),
    ...createSqliteSessions(tools, now),

    async put (kind, key, value, expiresAt) {
      await batched(() => sql.put.run(kind, text(key), text(value), Math.floor(expiresAt)))
    },

    async putIfAbsent (kind, key, value, expiresAt) {
      return await batched(() => sql.putIfAbsent.run(kind, text(key), text(value), Math.floor(expiresAt), now()).changes === 1)
    },

    async get (kind, key) {
      return guarded(() => alive(sql.get.get(kind, text(key))))
    },

    async take (kind, key) {
      return await batched(() => alive(sql.take.get(kind, text(key))))
    },

    async recordLastSeen (seen, expiresAt) {
      guarded(() => transaction(() => {
        for (const [sid, at] of seen) sql.see.run(text(sid), Math.floor(at), Math.floor(expiresAt))
      }))
    },

    async lastSeen (sid) {
      const row = guarded(() => sql.lastSeen.get(text(sid)))
      return row === undefined ? undefined : moment.parse(row).seenAt
    },

    async addRevocation ({ kind, value, issuedBefore, expiresAt }) {
      guarded(() => durably(() => sql.revoke.run(kind, text(value), Math.floor(issuedBefore), Math.ceil(expiresAt))))
    },

    async adoptTrust (fingerprints) {
      return guarded(() => durably(() => transaction(() => [...fingerprints].map(([connection, fingerprint]) => {
        sql.adopt.run(text(connection), text(fingerprint), Math.floor(now()))
        return trust.parse(sql.trusted.get(connection))
      }))))
    },

    async changesSince (cursor) {
      const [revoked = 0, adopted = 0, written] = cursor === '' ? [] : cursor.split('.').map(Number)
      return guarded(() => {
        const revocations = sql.revocations.all(revoked)
        const records = sql.trust.all(adopted)
        const known = written ?? sequenced.parse(sql.newestIdentity.get()).sequence
        const identities = sql.identities.all(known)
        const last = (rows: readonly unknown[], before: number): number =>
          rows.length === 0 ? before : sequenced.parse(rows.at(-1)).sequence
        return {
          cursor: `${last(revocations, revoked)}.${last(records, adopted)}.${last(identities, known)}`,
          revocations: revocations.map(row => revocation.parse(row)).filter(({ expiresAt }) => expiresAt > now()),
          trust: records.map(row => trust.parse(row)),
          identities: identities.map(row => identified.parse(row).sid),
          since,
          isLost: false,
          isMore: revocations.length === part
        }
      })
    },

    watch (listener) {
      // what this very connection writes does not change it
      const read = (): number => version.parse(sql.version.get()).data_version
      let before = database.isOpen ? read() : 0
      const timer = setInterval(() => {
        if (!database.isOpen) return
        const current = read()
        if (current === before) return
        before = current
        listener()
      }, glance).unref()
      return () => clearInterval(timer)
    },

    async restore () {
      // a file that was exchanged is told by `ping`, and one that was put back while stopped is believed
    },

    async ping () {
      guarded(() => {
        // takes the write lock, and gives it back
        database.exec('BEGIN IMMEDIATE; ROLLBACK')
        if (statSync(path).ino === inode) return
        throw new PorticoError('PORTICO_STORE_UNAVAILABLE', {
          wanted: `the database that was opened at ${path}`,
          got: 'another file in its place',
          remedy: 'Restart Portico; replace the file only while it is stopped.'
        })
      })
    },

    async sweep (now) {
      for (const statement of sql.sweeps) {
        while (guarded(() => Number(statement.run(Math.floor(now), sweepSize).changes)) === sweepSize) await setImmediate()
      }
    },

    async close () {
      if (!database.isOpen) return
      flush()
      guarded(() => database.close())
    }
  }
}
