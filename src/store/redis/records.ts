import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import { text } from '../text.ts'
import type { Commit } from './commit.ts'
import type { Epoch } from './epoch.ts'
import type { RedisCommand, RedisLink } from './link.ts'
import type { Names } from './names.ts'
import { decodeRecord, encodeRecord, recordKinds, type RecordKind, type RecordReader, type StoredRecord } from './record.ts'
import { findScript } from './scripts.ts'
import { addition } from './stream.ts'

/** What a decision reads and writes: nothing is written before its work is done, and then all of it, or it begins again. */
export interface Transaction extends Pick<RecordReader, 'get' | 'find'> {
  /** Writes a record: of those that were not read, only one that is new. */
  put (record: StoredRecord): void
  /** Removes a record that was read. */
  remove (record: Pick<StoredRecord, 'kind' | 'key'>): void
}

export interface Records extends RecordReader {
  /** Runs `work`, maybe several times, until what it has read was still so when it wrote. Answers with what it answered last. */
  transact <T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /** Writes a record of a kind without indexes, whatever was there. */
  put (record: StoredRecord): Promise<void>
  /** Removes the records that are swept at `now`. */
  sweep (now: number): Promise<void>
}

/** How often a decision is made anew while others keep changing what it is made from. */
const attempts = 20
/** Milliseconds that whoever was overtaken waits at most before the next attempt, times the square of the attempts made. */
const stagger = 2
/** Records that one command reads at most, and one script removes. */
const batch = 200

const rows = z.array(z.array(z.string().nullable()))
const values = z.array(z.string().nullable())
const scanned = z.tuple([z.string(), z.array(z.string())])

const entryOf = (sort: string, key: string): string => `${sort}\0${key}`
const keyOf = (entry: string): string => entry.slice(entry.lastIndexOf('\0') + 1)

/** A record as a decision has read it; `raw` is '' where there is none. */
interface Read {
  readonly hash: string
  readonly key: string
  readonly raw: string
  readonly record: StoredRecord | undefined
}

function * pairs <T> (list: readonly T[]): Generator<readonly [T, T]> {
  for (let i = 0; i + 1 < list.length; i += 2) {
    const [first, second] = [list[i], list[i + 1]]
    if (first !== undefined && second !== undefined) yield [first, second]
  }
}

/** The same in lists of so many that one script changes them in a moment; of none, one of none, so that a store that is down says so. */
export const inBatches = <T>(list: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.max(1, Math.ceil(list.length / batch)) }, (_, i) => list.slice(i * batch, (i + 1) * batch))

/** What removes a record that is there; nothing of it tells the stream. */
const removing = (names: Names, { kind, key, indexes }: StoredRecord): readonly RedisCommand[] => [
  ...indexes.map(({ name, sort }) => ['ZREM', names.index(kind, name), entryOf(sort, key)] as const),
  ['ZREM', names.expiries(kind), key],
  ['HDEL', names.records(kind), key]
]

/** What writes a record, encoded as `raw`, where there is none; nothing of it tells the stream. Throws PORTICO_VALUE_REFUSED. */
export const writing = (names: Names, record: StoredRecord, raw = encodeRecord(record)): readonly RedisCommand[] => {
  const { kind, expiresAt, indexes } = record
  const key = text(record.key)
  return [
    ...indexes.map(({ name, sort }) => ['ZADD', names.index(kind, name), 0, entryOf(sort, key)] as const),
    ...expiresAt === undefined ? [] : [['ZADD', names.expiries(kind), expiresAt, key] as const],
    ['HSET', names.records(kind), key, raw]
  ]
}

/** Records in Redis: read as they are, and written by decisions of which two are never made from the same state. */
export const createRecords = ({ link, names, epoch, commit }: {
  readonly link: RedisLink
  readonly names: Names
  readonly epoch: Pick<Epoch, 'current' | 'lose'>
  readonly commit: Commit
}): Records => {
  /** Answers of commands that read, followed by one that tells whether they were read from the epoch that is known. */
  const reading = async (command: RedisCommand): Promise<unknown> => {
    const { mark } = await epoch.current()
    const [answer, held] = await link.sendAll([command, ['GET', names.epoch]])
    if (held !== mark) throw epoch.lose(mark)
    return answer
  }

  /** What is under each key, '' for nothing. */
  const raws = async (kind: RecordKind, keys: readonly string[]): Promise<readonly string[]> => {
    const answers = await Promise.all(inBatches(keys).map(async some =>
      some.length === 0 ? [] : values.parse(await reading(['HMGET', names.records(kind), ...some.map(text)]))))
    return answers.flat().map(raw => raw ?? '')
  }

  /** Entries and what is under their keys, for each index. */
  const standing = async (kind: RecordKind, indexes: readonly string[], from: string, limit: number) => {
    const { mark } = await epoch.current()
    const answer = await link.run(findScript, [names.epoch, names.records(kind), ...indexes.map(name => names.index(kind, name))], [mark, from, limit])
    if (answer === null) throw epoch.lose(mark)
    return rows.parse(answer).map(row => [...pairs(row)].map(([entry, raw]) => ({ entry: entry ?? '', key: keyOf(entry ?? ''), raw: raw ?? '' })))
  }

  const decoded = (kind: RecordKind, read: Iterable<readonly [key: string, raw: string]>): readonly StoredRecord[] =>
    [...read].flatMap(([key, raw]) => raw === '' ? [] : [decodeRecord(kind, key, raw)])

  const get = async (kind: RecordKind, keys: readonly string[]): Promise<readonly StoredRecord[]> => {
    const read = await raws(kind, keys)
    return decoded(kind, keys.map((key, i) => [key, read[i] ?? '']))
  }

  const find = async (kind: RecordKind, indexes: readonly string[]): Promise<readonly StoredRecord[]> =>
    decoded(kind, new Map((await standing(kind, indexes, '-', -1)).flat().map(({ key, raw }) => [key, raw])))

  /** Makes one attempt; undefined where others were faster. */
  const attempt = async <T>(work: (transaction: Transaction) => Promise<T>): Promise<{ readonly result: T } | undefined> => {
    const read = new Map<string, Read>()
    const indexes: { readonly index: string, readonly entries: readonly string[] }[] = []
    const written = new Map<string, { readonly kind: RecordKind, readonly key: string, readonly record?: StoredRecord }>()
    let readings = 0

    const note = (kind: RecordKind, key: string, raw: string): Read => {
      const one = { hash: names.records(kind), key, raw, record: raw === '' ? undefined : decodeRecord(kind, key, raw) }
      read.set(`${kind} ${key}`, one)
      return one
    }

    const result = await work({
      async get (kind, keys) {
        if (keys.length > 0) readings++
        const found = await raws(kind, keys)
        return keys.flatMap((key, i) => note(kind, key, found[i] ?? '').record ?? [])
      },
      async find (kind, wanted) {
        readings++
        const found = await standing(kind, wanted, '-', -1)
        found.forEach((rows, i) => indexes.push({ index: names.index(kind, wanted[i] ?? ''), entries: rows.map(({ entry }) => entry) }))
        return [...new Map(found.flat().map(({ key, raw }) => [key, raw]))].flatMap(([key, raw]) => note(kind, key, raw).record ?? [])
      },
      put (record) {
        const { kind, key } = record
        written.set(`${kind} ${key}`, { kind, key, record })
      },
      remove ({ kind, key }) {
        written.set(`${kind} ${key}`, { kind, key })
      }
    })

    const commands = [...written].flatMap(([name, { kind, key, record }]) => {
      const before = read.get(name) ?? note(kind, key, '')
      const raw = record === undefined ? '' : encodeRecord(record)
      if (raw === before.raw) return []
      return [
        ...before.record === undefined ? [] : removing(names, before.record),
        ...record === undefined ? [] : writing(names, record, raw),
        addition(names, kind, key)
      ]
    })
    // one look is of one moment, whatever it found
    if (commands.length === 0 && readings === 1) return { result }
    return await commit({ records: [...read.values()], indexes, commands }) ? { result } : undefined
  }

  const transact = async <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => {
    for (let made = 0; made < attempts; made++) {
      if (made > 0) await setTimeout(Math.random() * stagger * made ** 2)
      const done = await attempt(work)
      if (done !== undefined) return done.result
    }
    throw new PorticoError('PORTICO_STORE_UNAVAILABLE', {
      wanted: 'records that stay as they are for as long as a decision takes',
      got: `ones that others changed ${attempts} times meanwhile`,
      remedy: 'Try again; if it stays so, look for a client that signs in over and over.'
    })
  }

  return {
    get,
    find,

    async page (kind, { name, after, limit }) {
      const found = await standing(kind, [name], after === undefined ? '-' : `(${entryOf(after.sort, after.key)}`, limit)
      return decoded(kind, found.flat().map(({ key, raw }) => [key, raw]))
    },

    async * all (kind) {
      let from = '0'
      do {
        const [next, list] = scanned.parse(await reading(['HSCAN', names.records(kind), from, 'COUNT', batch]))
        yield decoded(kind, pairs(list))
        from = next
      } while (from !== '0')
    },

    transact,

    async put (record) {
      const { kind, key } = record
      await commit({ records: [], indexes: [], commands: [...writing(names, record), addition(names, kind, key)] })
    },

    async sweep (now) {
      for (const kind of recordKinds) {
        for (let isMore = true; isMore;) {
          isMore = await transact(async ({ get, remove }) => {
            const due = z.array(z.string()).parse(await reading(['ZRANGE', names.expiries(kind), '-inf', Math.floor(now), 'BYSCORE', 'LIMIT', 0, batch]))
            // one that was renewed meanwhile stays
            const over = (await get(kind, due)).filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now)
            over.forEach(remove)
            return over.length === batch
          })
        }
      }
    }
  }
}
