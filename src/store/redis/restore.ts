import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Revocation, Store } from '../store.ts'
import { addKnown } from './adding.ts'
import { createCommit } from './commit.ts'
import { newMark, type Epoch } from './epoch.ts'
import type { RedisCommand, RedisLink } from './link.ts'
import type { Kept, Mirroring } from './mirroring.ts'
import type { Names } from './names.ts'
import { decodeRecord, recordKinds, type StoredRecord } from './record.ts'
import { writing } from './records.ts'
import { keeping } from './revocations.ts'

/** Whether whoever brought a Redis back had everything. */
export type Restoration = 'complete' | 'partial'

/** Milliseconds for which the lock holds unless it is renewed; each batch does. */
const lease = 10_000
/** Milliseconds between looks whether another process is done. */
const glance = 100
/** Revocations, or names of what goes, in one script. */
const batch = 1_000

const scanned = z.tuple([z.string(), z.array(z.string())])

const indexesOf = (names: Names, kind: StoredRecord['kind'], key: string, raw: string): readonly string[] => {
  try {
    return decodeRecord(kind, key, raw).indexes.map(({ name }) => names.index(kind, name))
  } catch {
    // what cannot be read is not found by an index either
    return []
  }
}

/**
 * Brings back a Redis that was emptied or put back (docs/decisions/0013): one process writes all it knows, and founds
 * an epoch; those that come after add what it did not know. One that has not got everything first waits `patience`
 * milliseconds for one that has. `now` in seconds.
 */
export const createRestore = ({ link, names, epoch, mirroring, log, restored, now, patience = 2_000 }: {
  readonly link: RedisLink
  readonly names: Names
  readonly epoch: Epoch
  /** Undefined in a process that keeps nothing. */
  readonly mirroring: () => Mirroring | undefined
  readonly log: Log
  readonly restored: (how: Restoration) => void
  readonly now: () => number
  readonly patience?: number
}): Store['restore'] => {
  /** Whether this is all that there was in the epoch: what follows another one may lack what was decided since. */
  const isWhole = (kept: Kept | undefined, mark: string | undefined): boolean => kept?.isComplete === true && kept.mark === mark

  /** Writes all of it, as the only one that may. */
  const bringBack = async (token: string, forgotten: string | undefined, kept: Kept | undefined, revocations: Iterable<Revocation>): Promise<void> => {
    let place = ''
    const commit = createCommit({
      link,
      // guarded by the lock, as other writes are by the epoch
      names: { ...names, epoch: names.lock },
      epoch: { current: async () => ({ mark: token, since: 0 }), lose: () => new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'to be alone in bringing Redis back', got: 'another process' }) },
      wrote (_, id) { place = id }
    })
    const write = async (...commands: readonly RedisCommand[]): Promise<void> => {
      await commit({ records: [], indexes: [], commands: [['PEXPIRE', names.lock, lease], ...commands] })
    }

    // from here on nobody else takes it for what they knew
    await write(['DEL', names.epoch])
    for (const kind of recordKinds) {
      let from = '0'
      do {
        const [next, list] = scanned.parse(await link.send('HSCAN', names.records(kind), from, 'COUNT', batch))
        const indexes = new Set(list.flatMap((key, i) => i % 2 === 0 ? indexesOf(names, kind, key, list[i + 1] ?? '') : []))
        await write(...[...indexes].map(index => ['UNLINK', index] as const))
        from = next
      } while (from !== '0')
      await write(['UNLINK', names.records(kind)], ['UNLINK', names.expiries(kind)])
    }
    await write(...[names.stream, names.revocations, names.seen, names.seenUntil, names.restored].map(name => ['UNLINK', name] as const))

    // a command of a thousand is some ten times as fast as a thousand commands
    const [name, key, condition] = keeping(names, { kind: 'everybody', value: '', issuedBefore: 0, expiresAt: 0 })
    let some: (string | number)[] = []
    for (const revocation of revocations) {
      some.push(...keeping(names, revocation).slice(3))
      if (some.length < 2 * batch) continue
      await write([name, String(key), String(condition), ...some])
      some = []
    }
    if (some.length > 0) await write([name, String(key), String(condition), ...some])
    // trust comes last: should this process end before, no session from before counts
    for (const kind of recordKinds.toSorted((one, other) => Number(one === 'trust') - Number(other === 'trust'))) {
      for await (const records of kept?.mirror.all(kind) ?? []) await write(...records.flatMap(record => writing(names, record)))
    }

    const mark = newMark(now())
    await write(
      ['SET', names.restored, JSON.stringify({ mark: forgotten ?? '', place: isWhole(kept, forgotten) ? kept?.place : '' })],
      ['SET', names.epoch, mark],
      ['DEL', names.lock],
      ['XADD', names.stream, '*', 'kind', 'epoch', 'key', '']
    )
    if (kept !== undefined) mirroring()?.carry(kept, mark, place)
    epoch.join(mark)
  }

  const tell = (kept: Kept | undefined, how: Restoration): void => {
    const what = { records: kept?.mirror.count() ?? 0 }
    if (how === 'complete') log.warn(what, 'Redis had forgotten: everything was brought back')
    else log.error(what, 'Redis had forgotten, and no process knew everything: members and API keys are missing')
    restored(how)
  }

  return async remembered => {
    const forgotten = epoch.known()
    const token = randomBytes(12).toString('base64url')
    for (const until = Date.now() + patience; ; await wait(glance)) {
      const held = await link.send('GET', names.epoch)
      const kept = mirroring()?.best()
      if (typeof held === 'string' && held !== forgotten) {
        await addKnown({ link, names, mark: held, forgotten, kept, remembered, now: now() })
        return epoch.join(held)
      }
      const how = isWhole(kept, forgotten) ? 'complete' : 'partial'
      if (how === 'partial' && Date.now() < until) continue
      if (await link.send('SET', names.lock, token, 'NX', 'PX', lease) !== 'OK') continue
      try {
        // somebody may have finished since
        if (await link.send('GET', names.epoch) !== held) continue
        await bringBack(token, forgotten, kept, remembered.revocations)
        return tell(kept, how)
      } finally {
        if (link.isUp() && await link.send('GET', names.lock) === token) await link.send('DEL', names.lock)
      }
    }
  }
}
