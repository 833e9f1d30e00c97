import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import { followStream } from './changes.ts'
import type { Epoch } from './epoch.ts'
import type { RedisLink } from './link.ts'
import { createMirror, type Learnt, type Mirror, type Place } from './mirror.ts'
import type { Names } from './names.ts'
import { recordKinds, type RecordKind, type RecordReader } from './record.ts'
import { readEntries, type Entry } from './stream.ts'

/** A mirror, and what it is one of. */
export interface Kept {
  readonly mirror: Mirror
  /** Of the epoch. */
  readonly mark: string
  readonly place: Place
  /** Whether it has had everything that there was at its place. */
  readonly isComplete: boolean
}

export interface Mirroring {
  /** The best that this process has; undefined before it has anything. */
  best (): Kept | undefined
  /** What this process keeps is what Redis was given at this place of a new epoch: it is followed on from there. */
  carry (kept: Kept, mark: string, place: Place): void
  close (): void
}

/** Records that one command reads. */
const batch = 200
/** Of those, how many are written between two requests while everything is loaded. */
const slice = 50
/** Milliseconds of the stream for which removed records are remembered: longer than a process that follows is ever behind. */
const removedKept = 3_600_000

const known = 'everything in Redis is known here'

const isAway = (error: unknown): boolean => error instanceof PorticoError && error.code === 'PORTICO_STORE_UNAVAILABLE'

const isRecord = (entry: Entry): entry is Entry & { readonly kind: RecordKind } => z.enum(recordKinds).safeParse(entry.kind).success

/**
 * Keeps a mirror of the records: loads it in the background, follows the stream, and loads another one where Redis
 * has a new epoch or the stream was cut off before it was read. The old one serves until then.
 */
export const createMirroring = ({ link, names, epoch, records, log }: {
  readonly link: RedisLink
  readonly names: Names
  readonly epoch: Epoch
  /** Redis itself. */
  readonly records: RecordReader
  readonly log: Log
}): Mirroring => {
  const closing = new AbortController()
  const { signal } = closing
  let kept: Kept | undefined
  let isMore = false
  let isWorking = false

  const follow = async ({ mirror, mark, place }: Kept): Promise<Kept | undefined> => {
    const following = await followStream(link, names, place, '')
    if (following.kind === 'forgotten') throw epoch.lose()
    if (following.kind === 'cut') return undefined
    const written = following.entries.filter(isRecord)
    const last = following.entries.at(-1)?.id ?? place
    for (const kind of recordKinds) {
      const keys = [...new Set(written.flatMap(entry => entry.kind === kind && 'key' in entry ? [entry.key] : []))]
      for (let from = 0; from < keys.length; from += batch) {
        const some = keys.slice(from, from + batch)
        const found = new Map((await records.get(kind, some)).map(record => [record.key, record]))
        if (signal.aborted) throw new PorticoError('PORTICO_STORE_UNAVAILABLE')
        mirror.learn(some.map(key => ({ kind, key, record: found.get(key) })), last)
      }
    }
    mirror.forget(Number(last.split('-')[0]) - removedKept)
    return { mirror, mark, place: last, isComplete: true }
  }

  const load = async (mark: string): Promise<void> => {
    const [latest] = readEntries(await link.send('XREVRANGE', names.stream, '+', '-', 'COUNT', 1))
    if (latest === undefined) throw epoch.lose()
    const mirror = createMirror()
    const begun: Kept = { mirror, mark, place: latest.id, isComplete: false }
    // better than nothing
    if (kept?.isComplete !== true) kept = begun
    let loaded: Kept | undefined
    try {
      for (const kind of recordKinds) {
        for await (const some of records.all(kind)) {
          for (let from = 0; from < some.length; from += slice) {
            if (signal.aborted) return
            mirror.learn(some.slice(from, from + slice).map((record): Learnt => ({ kind, key: record.key, record })), latest.id)
            await setImmediate()
          }
        }
      }
      loaded = await follow(begun)
    } finally {
      const before = kept
      if (loaded !== undefined) kept = loaded
      for (const { mirror } of [before, begun]) if (mirror !== kept?.mirror) mirror.close()
    }
    log.info({ records: mirror.count() }, known)
  }

  /** As the stream is now. */
  const catchUp = async (): Promise<void> => {
    const { mark } = await epoch.current()
    const next = kept?.isComplete === true && kept.mark === mark ? await follow(kept) : undefined
    if (next === undefined) await load(mark)
    else kept = next
  }

  const wake = async (): Promise<void> => {
    isMore = true
    if (isWorking) return
    isWorking = true
    while (isMore && !signal.aborted) {
      isMore = false
      try {
        await catchUp()
      } catch (error) {
        // the way to Redis tells itself, and wakes this when it is back
        if (!isAway(error) && !signal.aborted) log.error({ err: error }, 'what is in Redis could not be kept here as well')
      }
    }
    isWorking = false
  }

  const stop = link.follow(names.stream, wake)

  return {
    best: () => kept,
    carry ({ mirror }, mark, place) {
      if (kept?.mirror !== mirror) return
      kept = { mirror, mark, place, isComplete: true }
      log.info({ records: mirror.count() }, known)
    },
    close () {
      closing.abort()
      stop()
      kept?.mirror.close()
      kept = undefined
    }
  }
}

/** Records from Redis, and while it cannot answer from the mirror. What the mirror does not have may have come since: it is not said to be absent. */
export const mirrored = (records: RecordReader, mirroring: Mirroring): RecordReader => {
  const read = async <T>(from: (reader: RecordReader) => Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await from(records)
    } catch (error) {
      const kept = mirroring.best()
      if (!isAway(error) || kept === undefined) throw error
      const found = await from(kept.mirror)
      if (found.length === 0) throw error
      return found
    }
  }
  return {
    get: (kind, keys) => read(reader => reader.get(kind, keys)),
    find: (kind, indexes) => read(reader => reader.find(kind, indexes)),
    page: (kind, page) => read(reader => reader.page(kind, page)),
    all: records.all
  }
}
