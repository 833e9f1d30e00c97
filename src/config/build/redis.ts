import type { RedisStoreSettings } from '../configuration.ts'
import { parseRedisUrl, type RedisAddress, type RedisSettings } from '../schema/store.ts'
import { present } from './checked.ts'

const parsed = (url: string): RedisAddress => {
  const address = parseRedisUrl(url)
  if ('message' in address) throw new TypeError('a Redis URL passed the checks')
  return address
}

/** Builds `store:` of kind redis; `value` answers with what its references hold. */
export const buildRedis = (settings: RedisSettings, value: (...path: string[]) => string | undefined): RedisStoreSettings => {
  const { sentinels, cluster, master, tls } = settings
  const urls = sentinels ?? cluster ?? [present(value('store', 'url'), 'store.url')]
  const addresses = urls.map(parsed)
  const [first] = addresses
  const usualPort = sentinels === undefined ? 6379 : 26379
  return {
    kind: 'redis',
    through: sentinels !== undefined ? 'sentinels' : cluster !== undefined ? 'cluster' : 'server',
    addresses: addresses.map(({ host, port }) => ({ host, port: port ?? usualPort })),
    master,
    database: first?.database ?? 0,
    username: first?.username ?? settings.username,
    password: first?.password ?? value('store', 'password'),
    sentinelUsername: settings.sentinel_username,
    sentinelPassword: value('store', 'sentinel_password'),
    tls: first?.isEncrypted === true
      ? { ca: value('store', 'tls', 'ca'), certificate: value('store', 'tls', 'certificate'), key: value('store', 'tls', 'key'), serverName: tls?.server_name }
      : undefined,
    prefix: settings.prefix
  }
}
