import type { RedisStoreSettings } from '../../config/configuration.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Store } from '../store.ts'
import { createEpoch, type Epoch } from './epoch.ts'
import { createRedisLink } from './link.ts'
import { createMirroring, mirrored, type Mirroring } from './mirroring.ts'
import { createNames } from './names.ts'
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
  const link = createRedisLink({ settings, log, arrived: mark => epoch.check(mark), ...patience !== undefined && { patience } })
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
