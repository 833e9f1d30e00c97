import type { Epoch } from './epoch.ts'
import type { RedisCommand, RedisLink } from './link.ts'
import type { Names } from './names.ts'
import { commitScript } from './scripts.ts'

/** What a decision was made from, and what it writes. */
export interface Change {
  /** Records as they were read, raw: '' where there was none. */
  readonly records: readonly { readonly hash: string, readonly key: string, readonly raw: string }[]
  /** Indexes with all of their entries, in order. */
  readonly indexes: readonly { readonly index: string, readonly entries: readonly string[] }[]
  /** The first argument of each is its key. The last one adds to the stream. */
  readonly commands: readonly RedisCommand[]
}

/** Writes all of a change, or, where anything that it was made from is otherwise by now, nothing: tells which. Throws PORTICO_STORE_UNAVAILABLE. */
export type Commit = (change: Change) => Promise<boolean>

/** Makes it; `wrote` is told the place in the stream of each change that this process has written, and in which epoch. */
export const createCommit = (deps: {
  readonly link: RedisLink
  readonly names: Names
  readonly epoch: Pick<Epoch, 'current' | 'lose'>
  readonly wrote: (mark: string, id: string) => void
}): Commit => {
  const { link, names, epoch, wrote } = deps

  return async ({ records, indexes, commands }) => {
    const { mark } = await epoch.current()
    const keys = new Map([[names.epoch, 1]])
    const place = (key: string): number => {
      const known = keys.get(key) ?? keys.size + 1
      keys.set(key, known)
      return known
    }
    const args = [
      mark,
      records.length, ...records.flatMap(({ hash, key, raw }) => [place(hash), key, raw]),
      indexes.length, ...indexes.flatMap(({ index, entries }) => [place(index), entries.length, ...entries]),
      ...commands.flatMap(([name, key, ...rest]) => [name, place(String(key)), rest.length, ...rest])
    ]
    const answer = await link.run(commitScript, [...keys.keys()], args)
    if (answer === 'lost') throw epoch.lose(mark)
    if (answer === 'changed') return false
    if (commands.length > 0) wrote(mark, String(answer))
    return true
  }
}
