import pino from 'pino'
import type { RedisStoreSettings } from '../../src/config/configuration.ts'
import { createEpoch } from '../../src/store/redis/epoch.ts'
import { createRedisLink } from '../../src/store/redis/link.ts'
import { createNames } from '../../src/store/redis/names.ts'
import { createRedisStore } from '../../src/store/redis/redis.ts'

const settingsOf = (port: number, prefix: string): RedisStoreSettings => ({
  kind: 'redis',
  through: 'server',
  addresses: [{ host: '127.0.0.1', port }],
  master: undefined,
  database: 0,
  username: undefined,
  password: undefined,
  sentinelUsername: undefined,
  sentinelPassword: undefined,
  tls: undefined,
  prefix
})

/** The Redis store by itself, that founds an epoch at once and keeps nothing: whoever wants those that do, opens one with `openStore`. */
export const connectStore = async ({ port, prefix, now = () => Date.now() / 1000 }: { readonly port: number, readonly prefix: string, readonly now?: () => number }) => {
  const link = createRedisLink({ settings: settingsOf(port, prefix), log: pino({ level: 'silent' }) })
  await link.arrival(10_000)
  const names = createNames(prefix)
  const store = createRedisStore({ link, prefix, epoch: createEpoch({ link, names, now }), async restore () {}, now })
  return { store, link, names }
}
