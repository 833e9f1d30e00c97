import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import pino from 'pino'
import t, { type Test } from 'tap'
import type { RedisStoreSettings } from '../../src/config/configuration.ts'
import { createEpoch } from '../../src/store/redis/epoch.ts'
import { createRedisLink } from '../../src/store/redis/link.ts'
import { createNames } from '../../src/store/redis/names.ts'
import { createRedisStore } from '../../src/store/redis/redis.ts'
import type { Store } from '../../src/store/store.ts'
import { freePort } from '../support/free-port.ts'
import { conformance } from './conformance.ts'

const isMissing = process.env['CI'] !== 'true' && spawnSync('redis-server', ['--version']).status !== 0
const skip = isMissing ? 'there is no redis-server here' : false

const port = await freePort()

const settingsOf = (prefix: string): RedisStoreSettings => ({
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

if (!isMissing) {
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], { stdio: 'ignore' })
  t.teardown(async () => {
    server.kill()
    await once(server, 'exit')
  })
}

let harnesses = 0

const openStore = async (t: Test, prefix: string, now: () => number) => {
  const link = createRedisLink({ settings: settingsOf(prefix), log: pino({ level: 'silent' }) })
  t.teardown(() => link.close())
  await link.arrival(5_000)
  const names = createNames(prefix)
  const store: Store = createRedisStore({ link, prefix, epoch: createEpoch({ link, names, now }), async restore () {}, now })
  return { store, link, names }
}

t.test('conformance', { skip }, async t => {
  conformance(t, async t => {
    const clock = { now: 1_800_000_000 }
    const prefix = `portico${harnesses++}`
    return {
      clock,
      itemsGoAlone: true,
      open: async () => (await openStore(t, prefix, () => clock.now)).store
    }
  })
})
