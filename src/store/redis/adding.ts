import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import type { Remembered, Revocation } from '../store.ts'
import { createCommit } from './commit.ts'
import type { RedisLink } from './link.ts'
import type { Learnt } from './mirror.ts'
import type { Kept } from './mirroring.ts'
import type { Names } from './names.ts'
import { recordKinds, type RecordKind, type StoredRecord } from './record.ts'
import { createRecords, inBatches } from './records.ts'
import { keeping, revocationsFrom } from './revocations.ts'
import { isBefore, readEntries, revocationAddition } from './stream.ts'

/** Revocations, or entries of the stream, that one command reads. */
const batch = 1_000

const scores = z.array(z.string().nullable())

const restoration = z.string().transform((text): unknown => JSON.parse(text)).pipe(z.object({ mark: z.string(), place: z.string() }))

const nameOf = ({ kind, key }: Pick<Learnt, 'kind' | 'key'>): string => `${kind} ${key}`

/** The indexes by which a member is found as the person they are. */
const identifying = ({ indexes }: StoredRecord): readonly string[] =>
  indexes.flatMap(({ name }) => /^(?:address|subject) /.test(name) ? [name] : [])

/**
 * Adds what this process knows to a Redis that another one has brought back, and that did not know it: revocations, and
 * records. Where both have followed the same epoch, that is what came after the place where the other one had arrived;
 * otherwise what is not there. What was written since then counts more. Throws PORTICO_STORE_UNAVAILABLE.
 */
export const addKnown = async ({ link, names, mark, forgotten, kept, remembered, now }: {
  readonly link: RedisLink
  readonly names: Names
  /** Of the new epoch, and of the one that this process lived in before. */
  readonly mark: string
  readonly forgotten: string | undefined
  readonly kept: Kept | undefined
  readonly remembered: Remembered
  /** Seconds. */
  readonly now: number
}): Promise<void> => {
  // first what others have revoked: this process may have been away for long, and the rest takes time
  for (let told = 0, isMore = true; isMore;) {
    const { revocations, isAll } = await revocationsFrom(link, names, now, told)
    remembered.learn(revocations)
    told += revocations.length
    isMore = !isAll
  }

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
  for (const revocation of remembered.revocations) {
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

  const add = (kind: RecordKind, learnt: readonly Learnt[], isNewer: boolean): Promise<void> => records.transact(async ({ get, find, put, remove }) => {
    const there = new Map((await get(kind, learnt.map(({ key }) => key))).map(record => [record.key, record]))
    const wanted = learnt.flatMap(({ key, record }) => {
      const before = there.get(key)
      if (record === undefined && before !== undefined) remove(before)
      return record !== undefined && (before === undefined || isNewer) ? [record] : []
    })
    // who was recorded anew meanwhile stays who they are
    const names = kind === 'member' ? [...new Set(wanted.flatMap(identifying))] : []
    const others = names.length === 0 ? [] : (await find(kind, names)).filter(other => since.has(nameOf(other)))
    const isTaken = (record: StoredRecord): boolean =>
      others.some(other => other.key !== record.key && identifying(other).some(name => identifying(record).includes(name)))
    for (const record of wanted) if (!isTaken(record)) put(record)
  })

  /** The same of any number, and of any kinds, but for what was written since. */
  const addAll = async (learnt: readonly Learnt[], isNewer: boolean): Promise<void> => {
    for (const kind of recordKinds) {
      const ours = learnt.filter(one => one.kind === kind && !since.has(nameOf(one)))
      if (ours.length > 0) for (const some of inBatches(ours)) await add(kind, some, isNewer)
    }
  }

  const { success, data } = restoration.safeParse(await link.send('GET', names.restored))
  if (success && data.mark === kept.mark && data.place !== '') {
    if (isBefore(data.place, kept.place)) await addAll([...kept.mirror.learntAfter(data.place)], true)
    return
  }
  // what this process keeps is from an epoch before, to which it had added it: what is absent now was removed since
  if (success && data.mark === forgotten && data.place !== '') return
  for (const kind of recordKinds) {
    for await (const found of kept.mirror.all(kind)) await addAll(found.map(record => ({ kind, key: record.key, record })), false)
  }
}
