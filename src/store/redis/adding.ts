import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import type { Revocation } from '../store.ts'
import { createCommit } from './commit.ts'
import type { RedisLink } from './link.ts'
import type { Learnt } from './mirror.ts'
import type { Kept } from './mirroring.ts'
import type { Names } from './names.ts'
import { recordKinds } from './record.ts'
import { createRecords } from './records.ts'
import { keeping } from './revocations.ts'
import { isBefore, readEntries, revocationAddition } from './stream.ts'

/** Revocations, or entries of the stream, that one command reads. */
const batch = 1_000

const scores = z.array(z.string().nullable())

const restoration = z.string().transform((text): unknown => JSON.parse(text)).pipe(z.object({ mark: z.string(), place: z.string() }))

const nameOf = ({ kind, key }: Pick<Learnt, 'kind' | 'key'>): string => `${kind} ${key}`

/**
 * Adds what this process knows to a Redis that another one has brought back, and that did not know it: revocations, and
 * records. Where both have followed the same epoch, that is what came after the place where the other one had arrived;
 * otherwise what is not there. What was written since then counts more. Throws PORTICO_STORE_UNAVAILABLE.
 */
export const addKnown = async ({ link, names, mark, forgotten, kept, revocations }: {
  readonly link: RedisLink
  readonly names: Names
  /** Of the new epoch, and of the one that this process lived in before. */
  readonly mark: string
  readonly forgotten: string | undefined
  readonly kept: Kept | undefined
  readonly revocations: Iterable<Revocation>
}): Promise<void> => {
  const epoch = {
    current: async () => ({ mark, since: 0 }),
    lose: () => new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'a Redis that was just brought back', got: 'one that has forgotten again' })
  }
  const commit = createCommit({ link, names, epoch, wrote () {} })
  const records = createRecords({ link, names, epoch, commit })

  const addRevocations = async (some: readonly Revocation[]): Promise<void> => {
    if (some.length === 0) return
    const held = scores.parse(await link.send('ZMSCORE', names.revocations, ...some.map(revocation => String(keeping(names, revocation).at(-1)))))
    const missing = some.filter(({ expiresAt }, i) => Number(held[i] ?? -Infinity) < expiresAt)
    if (missing.length > 0) await commit({ records: [], indexes: [], commands: missing.flatMap(revocation => [keeping(names, revocation), revocationAddition(names, revocation)]) })
  }
  let some: Revocation[] = []
  for (const revocation of revocations) {
    some.push(revocation)
    if (some.length < batch) continue
    await addRevocations(some)
    some = []
  }
  await addRevocations(some)

  if (kept === undefined) return
  const since = new Set<string>()
  for (let from = '-'; ;) {
    const entries = readEntries(await link.send('XRANGE', names.stream, from, '+', 'COUNT', batch))
    for (const entry of entries) if ('key' in entry) since.add(nameOf(entry))
    const last = entries.at(-1)
    if (last === undefined || entries.length < batch) break
    from = `(${last.id}`
  }

  const add = (learnt: Learnt, isNewer: boolean): Promise<void> => records.transact(async ({ get, find, put, remove }) => {
    const { kind, key, record } = learnt
    const [there] = await get(kind, [key])
    if (record === undefined) {
      if (there !== undefined) remove(there)
      return
    }
    if (there !== undefined && !isNewer) return
    // who was recorded anew meanwhile stays who they are
    const others = kind === 'member' ? await find(kind, record.indexes.map(({ name }) => name).filter(name => /^(?:address|subject) /.test(name))) : []
    if (!others.some(other => other.key !== key && since.has(nameOf(other)))) put(record)
  })

  const { success, data } = restoration.safeParse(await link.send('GET', names.restored))
  if (success && data.mark === kept.mark && data.place !== '') {
    if (!isBefore(data.place, kept.place)) return
    for (const learnt of [...kept.mirror.learntAfter(data.place)]) if (!since.has(nameOf(learnt))) await add(learnt, true)
    return
  }
  // what this process keeps is from an epoch before, to which it had added it: what is absent now was removed since
  if (success && data.mark === forgotten && data.place !== '') return
  for (const kind of recordKinds) {
    for await (const found of kept.mirror.all(kind)) {
      const present = new Set((await records.get(kind, found.map(({ key }) => key))).map(({ key }) => key))
      for (const record of found) {
        if (!present.has(record.key) && !since.has(nameOf(record))) await add({ kind, key: record.key, record }, false)
      }
    }
  }
}
