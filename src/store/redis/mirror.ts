import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { decodeRecord, encodeRecord, recordKinds, type RecordKind, type RecordReader, type StoredRecord } from './record.ts'

/** Where in the stream something stands: `1732212345678-0`. */
export type Place = string

/** What is known of one name: the record, or that there is none any more. */
export interface Learnt {
  readonly kind: RecordKind
  readonly key: string
  readonly record: StoredRecord | undefined
}

/** A copy of all records, as of a place in the stream: what this process knows by itself. */
export interface Mirror extends RecordReader {
  /** Takes over what became of records, as of a place. */
  learn (learnt: readonly Learnt[], place: Place): void
  /** What was learnt after a place. */
  learntAfter (place: Place): Iterable<Learnt>
  /** Forgets that there were records that went before so many milliseconds of the stream's time. */
  forget (before: number): void
  count (): number
  close (): void
}

/** KiB of it that are kept in memory; the rest is in a temporary file that no other process can open. */
const cache = 8_192
/** Records of one batch of `all`. */
const batch = 200

const row = z.object({ kind: z.enum(recordKinds), key: z.string(), raw: z.string().nullable() })
const counted = z.object({ count: z.number() })

const decoded = (found: unknown): readonly StoredRecord[] => {
  const { kind, key, raw } = row.parse(found)
  return raw === null ? [] : [decodeRecord(kind, key, raw)]
}

const numbers = (place: Place): readonly [number, number] => {
  const [time = 0, number = 0] = place.split('-').map(Number)
  return [time, number]
}

const open = (): DatabaseSync => {
  const database = new DatabaseSync('')
  database.exec(`
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${cache};
    CREATE TABLE record (
      id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, raw TEXT, time INTEGER NOT NULL, number INTEGER NOT NULL,
      UNIQUE (kind, key)
    ) STRICT;
    CREATE INDEX record_by_place ON record (time, number);
    CREATE TABLE standing (
      kind TEXT NOT NULL, name TEXT NOT NULL, sort BLOB NOT NULL, key TEXT NOT NULL,
      PRIMARY KEY (kind, name, sort, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX standing_by_key ON standing (kind, key);
  `)
  return database
}

const statements = (database: DatabaseSync) => ({
  write: database.prepare(`INSERT INTO record (kind, key, raw, time, number) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (kind, key) DO UPDATE SET raw = excluded.raw, time = excluded.time, number = excluded.number`),
  stand: database.prepare('INSERT INTO standing (kind, name, sort, key) VALUES (?, ?, ?, ?)'),
  fall: database.prepare('DELETE FROM standing WHERE kind = ? AND key = ?'),
  isKnown: database.prepare('SELECT 1 FROM record WHERE kind = ? AND key = ?'),
  get: database.prepare('SELECT kind, key, raw FROM record WHERE kind = ? AND key = ?'),
  find: database.prepare(`SELECT record.kind, record.key, raw FROM standing JOIN record ON record.kind = standing.kind AND record.key = standing.key
    WHERE standing.kind = ? AND name = ? ORDER BY sort, standing.key`),
  page: database.prepare(`SELECT record.kind, record.key, raw FROM standing JOIN record ON record.kind = standing.kind AND record.key = standing.key
    WHERE standing.kind = ? AND name = ? AND (sort, standing.key) > (?, ?) ORDER BY sort, standing.key LIMIT ?`),
  all: database.prepare('SELECT kind, key, raw FROM record WHERE kind = ? AND key > ? ORDER BY key LIMIT ?'),
  after: database.prepare('SELECT kind, key, raw FROM record WHERE (time, number) > (?, ?) ORDER BY time, number'),
  forget: database.prepare('DELETE FROM record WHERE raw IS NULL AND time < ?'),
  count: database.prepare('SELECT count(*) AS count FROM record WHERE raw IS NOT NULL')
})

/** An empty one. */
export const createMirror = (): Mirror => {
  const database = open()
  const sql = statements(database)

  const write = ({ kind, key, record }: Learnt, place: Place): void => {
    // nothing to be removed of one that is new
    if (sql.isKnown.get(kind, key) !== undefined) sql.fall.run(kind, key)
    sql.write.run(kind, key, record === undefined ? null : encodeRecord(record), ...numbers(place))
    for (const { name, sort } of record?.indexes ?? []) sql.stand.run(kind, name, Buffer.from(sort), key)
  }

  return {
    learn (learnt, place) {
      database.exec('BEGIN')
      try {
        for (const one of learnt) write(one, place)
      } finally {
        // nothing of it fails but the disk, and then every later reading does
        database.exec('COMMIT')
      }
    },

    * learntAfter (place) {
      for (const found of sql.after.iterate(...numbers(place))) {
        const { kind, key } = row.parse(found)
        yield { kind, key, record: decoded(found)[0] }
      }
    },

    forget (before) {
      sql.forget.run(before)
    },

    count: () => counted.parse(sql.count.get()).count,

    async get (kind, keys) {
      return keys.flatMap(key => {
        const found = sql.get.get(kind, key)
        return found === undefined ? [] : decoded(found)
      })
    },

    async find (kind, names) {
      const found = names.flatMap(name => sql.find.all(kind, name).flatMap(decoded))
      return [...new Map(found.map(record => [record.key, record])).values()]
    },

    async page (kind, { name, after, limit }) {
      return sql.page.all(kind, name, Buffer.from(after?.sort ?? ''), after?.key ?? '', limit).flatMap(decoded)
    },

    async * all (kind) {
      for (let last: string | undefined = ''; last !== undefined;) {
        const found: readonly unknown[] = sql.all.all(kind, last, batch)
        if (found.length > 0) yield found.flatMap(decoded)
        last = found.length < batch ? undefined : row.parse(found.at(-1)).key
      }
    },

    close () {
      if (database.isOpen) database.close()
    }
  }
}
