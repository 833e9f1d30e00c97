import pino from 'pino'
import type { RedisStoreSettings } from '../../src/config/configuration.ts'
import { createEpoch } from '../../src/store/redis/epoch.ts'
import { createRedisLink } from '../../src/store/redis/link.ts'
import { createNames } from '../../src/store/redis/names.ts'
import { createRedisStore } from '../../src/store/redis/redis.ts'

/** The Redis store by itself, that founds an epoch at once and keeps nothing: whoever wants those that do, opens one with `openStore`. */
export const connectStore = async (settings: RedisStoreSettings, now = () => Date.now() / 1000) => {
  const { prefix } = settings
  const link = createRedisLink({ settings, log: pino({ level: 'silent' }) })
  await link.arrival(10_000)
  const names = createNames(prefix)
  const store = createRedisStore({ link, prefix, epoch: createEpoch({ link, names, now }), async restore () {}, now })
  return { store, link, names }
}
