import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisStoreSettings } from '../../config/configuration.ts'

/** Milliseconds. */
const handshakePatience = 5_000
const longestPause = 1_000

/** Soon after the first failure, then once a second; never the same for two processes. */
const pause = (attempts: number): number => Math.min(50 * attempts, longestPause) * (0.5 + Math.random())

/** The addresses, for people: `redis.internal:6379`. */
export const whereOf = ({ through, addresses, master }: RedisStoreSettings): string => {
  const all = addresses.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
  return through === 'server' ? all : through === 'cluster' ? `the Cluster of ${all}` : `the master ${String(master)} of the Sentinels ${all}`
}

/**
 * A client of the Redis that is configured, connecting in the background, and again for ever whenever it is
 * cut off. It queues nothing and repeats nothing: what cannot be sent or answered fails at once. `silence` is
 * after how many milliseconds without an answer that is due a connection counts as dead.
 */
export const connectRedis = (settings: RedisStoreSettings, silence: number): Redis | Cluster => {
  const { through, addresses, master, database, username, password, sentinelUsername, sentinelPassword } = settings
  const { ca, certificate: cert, key, serverName: servername } = settings.tls ?? {}
  const tls = settings.tls === undefined ? undefined : { ...ca !== undefined && { ca }, ...cert !== undefined && { cert }, ...key !== undefined && { key }, ...servername !== undefined && { servername } }
  let lookedAnew = 0
  const common = {
    username,
    password,
    tls,
    protocol: 2,
    connectionName: 'portico',
    disableClientInfo: true,
    connectTimeout: handshakePatience,
    socketTimeout: silence,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // what was promoted or demoted is found anew, once a second
    reconnectOnError (error) {
      if (!error.message.startsWith('READONLY') || Date.now() < lookedAnew + longestPause) return false
      lookedAnew = Date.now()
      return true
    }
  } as const satisfies RedisOptions

  if (through === 'cluster') {
    return new Cluster([...addresses], { redisOptions: common, enableOfflineQueue: false, clusterRetryStrategy: pause, slotsRefreshTimeout: handshakePatience, slotsRefreshInterval: 5_000 })
  }
  const single = { ...common, db: database, enableOfflineQueue: false, retryStrategy: pause } satisfies RedisOptions
  if (through === 'server') return new Redis({ ...single, ...addresses[0] })
  return new Redis({
    ...single,
    sentinels: [...addresses],
    name: master,
    sentinelUsername,
    sentinelPassword,
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: silence,
    enableTLSForSentinelMode: tls !== undefined,
    sentinelTLS: tls
  })
}
