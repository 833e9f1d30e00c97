import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { PorticoError } from '../../src/errors.ts'
import { createBatch } from '../../src/store/sqlite-batch.ts'
import { createGuard, storeFailure } from '../../src/store/sqlite-failure.ts'
import { createTransaction } from '../../src/store/sqlite-transaction.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { conformance } from './conformance.ts'

let harnesses = 0

t.test('conformance', async t => {
  conformance(t, async t => {
    const path = join(t.testdir(), `data${harnesses++}`, 'portico.db')
    const clock = { now: 1_800_000_000 }
    return {
      clock,
      open: async (): Promise<Store> => {
        const store = createSqliteStore({ path, now: () => clock.now })
        t.teardown(() => store.close())
        return store
      }
    }
  })
})

const codeOf = (error: unknown): unknown => error instanceof PorticoError ? error.code : error

const failure = (work: () => unknown): PorticoError => {
  try {
    work()
  } catch (error) {
    if (error instanceof PorticoError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

t.test('the folder and the file are for this user alone', async t => {
  const folder = join(t.testdir(), 'deep', 'data')
  const store = createSqliteStore({ path: join(folder, 'portico.db') })
  t.teardown(() => store.close())
  await store.put('ticket', 'a', 'b', Date.now())
  t.equal(statSync(folder).mode & 0o777, 0o700)
  for (const file of ['portico.db', 'portico.db-wal', 'portico.db-shm']) {
    t.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
  }
})

t.test('a file that cannot be used is refused with a code, what came and what to do', async t => {
  const folder = t.testdir({ 'text.db': 'this is no database, however long one reads on in it\n'.repeat(100), folder: {} })
  const other = new DatabaseSync(join(folder, 'other.db'))
  other.exec('CREATE TABLE theirs (a)')
  other.close()
  const newer = createSqliteStore({ path: join(folder, 'newer.db') })
  await newer.close()
  const raise = new DatabaseSync(join(folder, 'newer.db'))
  raise.exec('PRAGMA user_version = 99')
  raise.close()
  const cases: Record<string, RegExp> = {
    'text.db': /not a database/,
    folder: /cannot be opened/,
    'text.db/portico.db': /cannot be opened/,
    'other.db': /another program/,
    'newer.db': /version 99/
  }
  for (const [file, got] of Object.entries(cases)) {
    const error = failure(() => createSqliteStore({ path: join(folder, file) }))
    t.equal(error.code, 'PORTICO_STORE_UNAVAILABLE', file)
    t.match(error.got, got, file)
    t.ok(error.wanted)
    t.ok(error.remedy)
  }
  t.equal(new DatabaseSync(join(folder, 'other.db')).prepare('SELECT count(*) AS n FROM theirs').get()?.['n'], 0, 'left as it was')
})

t.test('a folder that may not be written', async t => {
  // /proc takes nobody's files, not even root's; elsewhere the permission is taken away
  const folder = existsSync('/proc/self') ? '/proc' : join(t.testdir(), 'locked')
  if (folder !== '/proc') mkdirSync(folder, { mode: 0o500 })
  t.equal(failure(() => createSqliteStore({ path: join(folder, 'portico.db') })).code, 'PORTICO_STORE_UNAVAILABLE')
})

t.test('SQLite\'s and the system\'s failures are named', async t => {
  const sqlite = (errcode: number) => storeFailure(Object.assign(new Error('x'), { code: 'ERR_SQLITE_ERROR', errcode }), '/data/portico.db')
  t.match(sqlite(13).got, /full disk/)
  t.match(sqlite(8 | 1 << 8).got, /may not be written/)
  t.match(sqlite(5).got, /locked/)
  t.match(sqlite(10 | 2 << 8).got, /input\/output/)
  t.match(storeFailure(Object.assign(new Error('x'), { code: 'EACCES' }), '/data/portico.db').got, /may not be written/)
  t.equal(storeFailure('thrown', '/data/portico.db').code, 'PORTICO_STORE_UNAVAILABLE')
})

t.test('another program that holds the lock is a failure with a code, not a hang; reading goes on', async t => {
  const path = join(t.testdir(), 'portico.db')
  const store = createSqliteStore({ path, patience: 50 })
  t.teardown(() => store.close())
  await store.put('ticket', 'a', 'b', Date.now())
  const holder = new DatabaseSync(path)
  holder.exec('BEGIN IMMEDIATE')
  await t.rejects(store.take('ticket', 'a'), { code: 'PORTICO_STORE_UNAVAILABLE' })
  t.equal(await store.get('ticket', 'a'), 'b')
  holder.close()
  t.equal(await store.take('ticket', 'a'), 'b')
})

t.test('writes of one moment are one transaction, and each stands or falls on its own', async t => {
  const path = join(t.testdir(), 'portico.db')
  const store = createSqliteStore({ path, patience: 50 })
  t.teardown(() => store.close())
  const other = new DatabaseSync(path)
  t.teardown(() => other.close())
  const changes = (): unknown => other.prepare('PRAGMA data_version').get()?.['data_version']
  const later = Date.now() / 1_000 + 60
  const before = changes()
  const told = await Promise.allSettled([
    store.put('ticket', 'a', '1', later),
    store.putIfAbsent('attempt', 'b', '', later),
    store.put('ticket', 'lone \ud800', '1', later),
    store.putIfAbsent('attempt', 'b', '', later),
    store.take('ticket', 'a'),
    store.take('ticket', 'a')
  ])
  t.same(told.map(one => one.status === 'fulfilled' ? one.value : codeOf(one.reason)), [undefined, true, 'PORTICO_VALUE_REFUSED', false, '1', undefined])
  t.equal(changes(), Number(before) + 1, 'seen elsewhere as one change, and once they are told')

  other.exec('BEGIN IMMEDIATE')
  const refused = await Promise.allSettled([store.put('ticket', 'c', '1', later), store.take('attempt', 'b')])
  other.exec('ROLLBACK')
  t.same(refused.map(one => one.status === 'rejected' && codeOf(one.reason)), ['PORTICO_STORE_UNAVAILABLE', 'PORTICO_STORE_UNAVAILABLE'])
  t.equal(await store.get('ticket', 'c'), undefined)
  t.equal(await store.get('attempt', 'b'), '')

  const last = store.put('ticket', 'd', '1', later)
  await store.close()
  await last
  t.match(other.prepare('SELECT value FROM item WHERE key = ?').get('d'), { value: '1' }, 'what waits when it closes is written')
})

t.test('a disk that fills up in the middle of a transaction: what was told is what is there', async t => {
  const database = new DatabaseSync(':memory:')
  t.teardown(() => database.close())
  database.exec('CREATE TABLE item (value TEXT); PRAGMA max_page_count = 4')
  const { batched } = createBatch({ database, guarded: createGuard('here'), transaction: createTransaction(database) })
  const add = database.prepare('INSERT INTO item VALUES (?)')
  const told = await Promise.allSettled(['small', 'x'.repeat(100_000), 'small'].map(value => batched(() => add.run(value))))
  t.equal(told[1]?.status === 'rejected' && codeOf(told[1].reason), 'PORTICO_STORE_UNAVAILABLE')
  const kept = database.prepare('SELECT count(*) AS kept FROM item').get()?.['kept']
  t.equal(kept, told.filter(({ status }) => status === 'fulfilled').length)

  const undone = await Promise.allSettled([
    batched(() => add.run('a')),
    batched(() => {
      // as SQLite does by itself where it cannot go on (https://www.sqlite.org/lang_transaction.html)
      database.exec('ROLLBACK')
      throw new Error('disk I/O error')
    }),
    batched(() => add.run('b'))
  ])
  t.same(undone.map(({ status }) => status), ['rejected', 'rejected', 'rejected'])
  t.equal(database.prepare('SELECT count(*) AS kept FROM item').get()?.['kept'], kept, 'none of them happened')
})

t.test('a file that was replaced while open is noticed', async t => {
  const path = join(t.testdir(), 'portico.db')
  const store = createSqliteStore({ path })
  t.teardown(() => store.close())
  await store.ping()
  renameSync(path, `${path}.old`)
  await t.rejects(store.ping(), { code: 'PORTICO_STORE_UNAVAILABLE' })
  writeFileSync(path, '')
  await t.rejects(store.ping(), { code: 'PORTICO_STORE_UNAVAILABLE' })
})

t.test('processes that open and use one new file at once: every item has one taker, every name one member', async t => {
  const path = join(t.testdir(), 'data', 'portico.db')
  const items = 60
  const children = Array.from({ length: 4 }, () => fork(new URL('./taker.ts', import.meta.url), [path, String(items)]))
  const reports = await Promise.all(children.map(async child => {
    const [[report]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
    return report
  }))
  const taken = reports.flatMap(({ taken }: { taken: string[] }) => taken)
  t.equal(taken.length, items)
  t.equal(new Set(taken).size, items)
  t.equal(reports.reduce((sum: number, { created }: { created: number }) => sum + created, 0), items)
  t.equal(new Set(reports.map(({ members }: { members: string }) => members)).size, 1, 'all see the same members')
  t.equal(new Set(reports.map(({ generation }: { generation: number }) => generation)).size, 1)
  t.equal(reports.reduce((sum: number, { keys }: { keys: number }) => sum + keys, 0), 7, 'a member has as many API keys as it may')
})

t.test('no look-up of members reads them all', async t => {
  const path = join(t.testdir(), 'portico.db')
  const seen: string[] = []
  const prepare = DatabaseSync.prototype.prepare
  DatabaseSync.prototype.prepare = function (sql) {
    seen.push(sql)
    return prepare.call(this, sql)
  }
  t.teardown(() => { DatabaseSync.prototype.prepare = prepare })
  const store = createSqliteStore({ path })
  t.teardown(() => store.close())
  const database = new DatabaseSync(path)
  t.teardown(() => database.close())
  const ofMembers = seen.filter(sql => /\bmember\b/.test(sql) && !/^\s*PRAGMA/.test(sql))
  t.ok(ofMembers.length >= 12)
  for (const sql of ofMembers) {
    const plan = prepare.call(database, `EXPLAIN QUERY PLAN ${sql}`).all().map(row => String(row['detail']))
    t.notMatch(plan.join('\n'), /SCAN member\b(?! USING INDEX member_by_(?:address|connection))/, sql)
  }
})

t.test('members of the first schema are still who they were', async t => {
  const path = join(t.testdir(), 'portico.db')
  const old = new DatabaseSync(path)
  old.exec(`
    CREATE TABLE item (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (kind, key)) STRICT;
    CREATE TABLE last_seen (sid TEXT NOT NULL PRIMARY KEY, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE revocation (sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, value TEXT NOT NULL, issued_before INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT;
    CREATE TABLE trust (connection TEXT NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL, generation INTEGER NOT NULL, sequence INTEGER NOT NULL UNIQUE) STRICT;
    CREATE TABLE member (id TEXT NOT NULL PRIMARY KEY, organization TEXT NOT NULL, connection TEXT NOT NULL, subject TEXT NOT NULL, email TEXT NOT NULL,
      created_at INTEGER NOT NULL, UNIQUE (organization, connection, subject)) STRICT;
    INSERT INTO member VALUES ('mbr_1', 'acme', 'okta', 's', 'ada@acme.com', 7), ('mbr_2', 'acme', 'google', 's', 'ada@acme.com', 8);
    PRAGMA application_id = ${0x506f7274}; PRAGMA user_version = 1`)
  old.close()
  const store = createSqliteStore({ path })
  t.teardown(() => store.close())
  const claim = { organization: 'acme', connection: 'okta', subject: 's', invited: undefined, email: 'ada@acme.com', name: 'Ada', groups: ['staff'] }
  t.same(await store.claimMember(claim, { takesOver: [], mint: () => 'mbr_3', now: 9 }), {
    kind: 'known', member: { ...claim, id: 'mbr_1', createdAt: 7, signedInAt: 9, blockedAt: undefined }
  })
  t.match(await store.claimMember({ ...claim, connection: 'google' }, { takesOver: [], mint: () => 'mbr_3', now: 9 }), { kind: 'known', member: { id: 'mbr_2' } })
})
