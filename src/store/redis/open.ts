import type { RedisStoreSettings } from '../../config/configuration.ts'
import type { Log } from '../../telemetry/log.ts'
import { PorticoError } from '../../errors.ts'
import { createLog } from '../../telemetry/log.ts'
import type { MemberStore } from '../members.ts'
import type { Store } from '../store.ts'
import { createEpoch, type Epoch } from './epoch.ts'
import { createEvictionLook } from './eviction.ts'
import { createRedisLink } from './link.ts'
import { createRedisMembers } from './members.ts'
import { createMirroring, mirrored, type Mirroring } from './mirroring.ts'
import { createNames } from './names.ts'
import { createRecords } from './records.ts'
import { createRedisStore } from './redis.ts'
import { createRestore, type Restoration } from './restore.ts'

/** Milliseconds for which an empty Redis is left to running processes that know what was in it. */
const deference = 2_000
/** Milliseconds for which whoever starts waits for Redis. */
const arrival = 5_000

/**
 * The store in the Redis that is configured. With `follows` this process keeps what it must be able to say again, and
 * answers from it while Redis is away. `restored` is told when this process has brought back a Redis that had
 * forgotten. One that is down answers PORTICO_STORE_UNAVAILABLE later.
 */
export const openRedisStore = async ({ settings, log, follows, restored = () => {}, patience }: {
  readonly settings: RedisStoreSettings
  readonly log: Log
  readonly follows: boolean
  readonly restored?: ((how: Restoration) => void) | undefined
  /** Milliseconds, as the link has it. */
  readonly patience?: number | undefined
}): Promise<Store> => {
  const { prefix } = settings
  const names = createNames(prefix)
  const now = (): number => Date.now() / 1000
  const link = createRedisLink({
    settings,
    log,
    arrived (mark) {
      epoch.check(mark)
      if (follows) setImmediate(lookForEviction)
    },
    ...patience !== undefined && { patience }
  })
  const lookForEviction = createEvictionLook({ link, log })
  const epoch: Epoch = createEpoch({
    link, names, now, patience: deference, founded: () => log.warn({ prefix }, 'Redis is empty: a new store begins')
  })
  await link.arrival(arrival)

  let mirroring: Mirroring | undefined
  const store = createRedisStore({
    link,
    prefix,
    epoch,
    reading (records) {
      if (!follows) return records
      mirroring = createMirroring({ link, names, epoch, records, log })
      return mirrored(records, mirroring)
    },
    restore: createRestore({ link, names, epoch, mirroring: () => mirroring, log, restored, now }),
    now
  })
  return {
    ...store,
    async close () {
      mirroring?.close()
      await store.close()
    }
  }
}

/**
 * The members of a Redis, for reading alone: nothing is founded and nothing written. Undefined where no Portico has used it.
 * Throws PORTICO_STORE_UNAVAILABLE.
 */
export const openRedisMembers = async (settings: RedisStoreSettings): Promise<{ readonly members: MemberStore, readonly close: () => Promise<void> } | undefined> => {
  const names = createNames(settings.prefix)
  const link = createRedisLink({ settings, log: createLog({ level: 'silent', destination: { write () {} } }) })
  try {
    await link.arrival(arrival)
    const mark = await link.send('GET', names.epoch)
    if (typeof mark === 'string') {
      const lose = (): PorticoError => new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'a Redis that remembers what it was told', got: 'one that was emptied' })
      const records = createRecords({ link, names, epoch: { current: async () => ({ mark, since: 0 }), lose }, commit: async () => { throw lose() } })
      return { members: createRedisMembers({ records, reader: records }), close: link.close }
    }
  } catch (error) {
    await link.close()
    throw error
  }
  await link.close()
  return undefined
}
