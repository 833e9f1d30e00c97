import { z } from 'zod'
import type { Changes, Store } from '../store.ts'
import type { Epoch } from './epoch.ts'
import type { RedisLink } from './link.ts'
import type { Names } from './names.ts'
import { readAs } from './record.ts'
import type { Records } from './records.ts'
import { revocationsFrom } from './revocations.ts'
import { isBefore, readEntries, type Entry } from './stream.ts'
import { allTrust, readTrust } from './trust.ts'

/** Entries that one command reads. */
const batch = 1_000

const keys = z.array(z.string())

type Told = Pick<Changes, 'cursor' | 'revocations' | 'trust' | 'identities' | 'isMore'>

/** What became of a place in the stream: what came after it; or it is so long ago that it was cut off; or Redis has forgotten it. */
export type Following = { readonly kind: 'entries', readonly entries: readonly Entry[] } | { readonly kind: 'cut' } | { readonly kind: 'forgotten' }

/**
 * Reads on from a place in the stream. `written` is the latest place that this process has written to, or '': it must be there as well.
 * Throws PORTICO_STORE_UNAVAILABLE.
 */
export const followStream = async (link: RedisLink, names: Names, from: string, written: string): Promise<Following> => {
  const entries: Entry[] = []
  for (let start = from; ;) {
    const some = readEntries(await link.send('XRANGE', names.stream, start, '+', 'COUNT', batch))
    const next = some.at(-1)
    // each look begins with the entry that the one before ended with
    if (some[0]?.id !== start || next === undefined) {
      const [first] = readEntries(await link.send('XRANGE', names.stream, '-', '+', 'COUNT', 1))
      return { kind: first !== undefined && isBefore(start, first.id) ? 'cut' : 'forgotten' }
    }
    entries.push(...some.slice(1))
    if (some.length < batch) {
      const isThere = written === '' || isBefore(written, from) || written === from || entries.some(({ id }) => id === written)
      return isThere ? { kind: 'entries', entries } : { kind: 'forgotten' }
    }
    start = next.id
  }
}

/** What the Redis store tells of its changes. `written` is the latest place in the stream that this process has written to in an epoch, or ''. `now` in seconds. */
export const createRedisChanges = (deps: {
  readonly link: RedisLink
  readonly names: Names
  readonly epoch: Epoch
  readonly records: Records
  readonly written: (mark: string) => string
  readonly now: () => number
}): Pick<Store, 'changesSince' | 'watch'> => {
  const { link, names, epoch, records, written, now } = deps

  /** What there is of revocations past the first `told`, to be followed from `place` on when that is all; and with the first of them everything else. */
  const everything = async (mark: string, place: string, told: number, isNew: boolean): Promise<Told> => {
    const { revocations, isAll } = await revocationsFrom(link, names, now(), told)
    return {
      cursor: isAll ? `${mark} ${place}` : `${mark} ${place} ${told + revocations.length}`,
      revocations,
      trust: told > 0 ? [] : await allTrust(records),
      // whoever was too far behind cannot be told which of them were written anew
      identities: told > 0 || isNew ? [] : readAs(keys, 'identities', await link.send('ZRANGE', names.expiries('identity'), 0, -1)),
      // the last part has taken long as well
      isMore: told > 0 || !isAll
    }
  }

  /** What became of everything; undefined where Redis has forgotten. */
  const begin = async (mark: string, isNew: boolean): Promise<Told | undefined> => {
    // first the place: what is written from now on is told after
    const [latest] = readEntries(await link.send('XREVRANGE', names.stream, '+', '-', 'COUNT', 1))
    return latest === undefined || isBefore(latest.id, written(mark)) ? undefined : everything(mark, latest.id, 0, isNew)
  }

  /** What came after a place; undefined where Redis has forgotten. */
  const goOn = async (mark: string, place: string): Promise<Told | undefined> => {
    const following = await followStream(link, names, place, written(mark))
    if (following.kind === 'cut') return begin(mark, false)
    if (following.kind === 'forgotten') return undefined
    const { entries } = following
    const named = (kind: Entry['kind']): readonly string[] =>
      [...new Set(entries.flatMap(entry => entry.kind === kind && 'key' in entry ? [entry.key] : []))]
    return {
      cursor: `${mark} ${entries.at(-1)?.id ?? place}`,
      revocations: entries.flatMap(entry => entry.kind === 'revocation' && entry.revocation.expiresAt > now() ? [entry.revocation] : []),
      trust: (await records.get('trust', named('trust'))).map(readTrust),
      identities: named('identity'),
      isMore: false
    }
  }

  return {
    async changesSince (cursor) {
      const lost: Changes = { cursor, revocations: [], trust: [], identities: [], since: 0, isLost: true, isMore: false }
      if (epoch.isLost()) return lost
      const { mark, since } = await epoch.current()
      const [place, told] = cursor.startsWith(`${mark} `) ? cursor.slice(mark.length + 1).split(' ') : []
      const isHeld = await link.send('GET', names.epoch) === mark
      const found = !isHeld
        ? undefined
        : place === undefined
          ? await begin(mark, cursor === '')
          : told === undefined ? await goOn(mark, place) : await everything(mark, place, Number(told), true)
      if (found !== undefined) return { ...found, since, isLost: false }
      epoch.lose(mark)
      return lost
    },

    watch: listener => link.follow(names.stream, listener)
  }
}
