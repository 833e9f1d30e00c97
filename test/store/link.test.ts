import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { RedisStoreSettings } from '../../src/config/configuration.ts'
import { createRedisLink, type OpenedLink } from '../../src/store/redis/link.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { noRedis, redisSettings, startCluster, startRedis, startSentinels } from '../support/redis.ts'

const away = { code: 'PORTICO_STORE_UNAVAILABLE' }

const open = async (t: Test, settings: RedisStoreSettings, patience = 300): Promise<{ link: OpenedLink, lines: Record<string, unknown>[] }> => {
  const lines: Record<string, unknown>[] = []
  const log = createLog({ level: 'info', destination: { write: line => { lines.push(JSON.parse(line)) } } })
  const link = createRedisLink({ settings, log, patience })
  t.teardown(() => link.close())
  await link.arrival(5_000)
  return { link, lines }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await wait(20)
}

const sum = { name: 'sum', lua: 'return redis.call("INCRBY", KEYS[1], ARGV[1])' }

t.test('one server', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  const { link, lines } = await open(t, redisSettings(redis.port))

  t.equal(await link.send('SET', 'a', 'one'), 'OK')
  t.same(await link.sendAll([['GET', 'a'], ['INCRBY', 'n', 2], ['GET', 'none']]), ['one', 2, null], 'answers come in order')
  t.same(await link.sendAll([]), [])
  t.equal(await link.run(sum, ['n'], [3]), 5)
  redis.ask('script', 'flush')
  t.equal(await link.run(sum, ['n'], [4]), 9, 'a script that Redis has forgotten is sent again')

  t.test('an error of one command is one of that command', async t => {
    await t.rejects(link.send('INCR', 'a'), away)
    await t.rejects(link.sendAll([['GET', 'a'], ['INCR', 'a']]), away)
    const error: unknown = await link.send('NONSENSE', 'a secret').catch((error: unknown) => error)
    t.match(error, away)
    t.notMatch(`${String(error)} ${JSON.stringify(error)} ${String(Reflect.get(Object(error), 'cause'))}`, /a secret/, 'what was sent is not repeated')
    t.ok(link.isUp())
  })

  t.test('whoever follows a stream hears of it', async t => {
    let heard = 0
    const stop = link.follow('{portico}:stream', () => { heard++ })
    await until(() => heard > 0)
    const { link: other } = await open(t, redisSettings(redis.port))
    for (let i = 0; i < 3; i++) {
      const before = heard
      await other.send('XADD', '{portico}:stream', '*', 'kind', 'x')
      await until(() => heard > before)
    }
    stop()
    const before = heard
    await other.send('XADD', '{portico}:stream', '*', 'kind', 'x')
    await wait(100)
    t.equal(heard, before, 'until it stops')
  })

  t.test('killed, it is away at once, and back by itself', async t => {
    let heard = 0
    t.teardown(link.follow('{portico}:stream', () => { heard++ }))
    await until(() => heard > 0)
    lines.length = 0
    const under = link.send('BLPOP', 'nothing', 10)
    await Promise.all([t.rejects(under, away, 'what is under way fails'), redis.kill()])
    t.notOk(link.isUp())
    await t.rejects(link.send('GET', 'a'), away)
    await t.rejects(link.sendAll([['GET', 'a']]), away)
    await t.rejects(link.run(sum, ['n'], [1]), away)
    const before = heard
    await redis.start()
    await until(link.isUp)
    t.equal(await link.send('GET', 'a'), null)
    t.ok(heard > before, 'whoever follows is told')
    await until(() => lines.some(({ msg }) => msg === 'Redis answers'))
    t.equal(lines.filter(({ msg }) => msg === 'Redis answers').length, 1)
    t.ok(lines.filter(({ msg }) => msg === 'Redis is away').length <= 3, 'said when it changes')
  })

  t.test('hung, it is away soon, and back by itself', async t => {
    let heard = 0
    t.teardown(link.follow('{portico}:stream', () => { heard++ }))
    await until(() => heard > 0)
    redis.hang()
    await Promise.all(Array.from({ length: 3 }, () => t.rejects(link.send('GET', 'a'), away)))
    t.notOk(link.isUp())
    await t.rejects(link.send('GET', 'a'), away, 'and then at once')
    // longer than a handshake is waited for
    await wait(1_000)
    t.notOk(link.isUp())
    redis.resume()
    await until(link.isUp)
    t.equal(await link.send('SET', 'a', 'two'), 'OK')
    const before = heard
    await link.send('XADD', '{portico}:stream', '*', 'kind', 'x')
    await until(() => heard > before)
  })

  t.test('closed, it says so', async t => {
    await link.close()
    await t.rejects(link.send('GET', 'a'), { ...away, got: 'a store that is closed' })
  })
})

t.test('nobody there', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  await redis.kill()
  const { link } = await open(t, redisSettings(redis.port), 100)
  await t.rejects(link.send('PING'), { ...away, got: 'nobody who listens there' })
  await redis.start()
  await until(link.isUp)
})

t.test('a Redis that takes no writes is away, and that is said when it begins', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  const { link, lines } = await open(t, redisSettings(redis.port))
  lines.length = 0
  redis.ask('replicaof', '127.0.0.1', '1')
  await t.rejects(link.send('SET', 'a', 'one'), { ...away, got: 'a replica' })
  // it goes on to try
  await until(() => Number(/cmdstat_set:.*rejected_calls=(\d+)/.exec(redis.ask('info', 'commandstats'))?.[1]) >= 20)
  t.notOk(link.isUp())
  await t.rejects(link.send('GET', 'a'), { ...away, got: 'a replica' })
  t.ok(lines.length <= 3, JSON.stringify(lines))
  redis.ask('replicaof', 'no', 'one')
  await until(link.isUp)
  t.equal(await link.send('SET', 'a', 'one'), 'OK')

  redis.ask('config', 'set', 'maxmemory', '1')
  await t.rejects(link.send('SET', 'a', 'two'), { ...away, got: 'a Redis whose memory is full' })
  t.equal(await link.send('GET', 'a'), 'one', 'of one that is full nothing but that is lost')
  const { link: later } = await open(t, redisSettings(redis.port))
  t.equal(await later.send('GET', 'a'), 'one')
})

t.test('an ACL user, with no more than docs/store.md lists', { skip: noRedis }, async t => {
  const rules = /^user portico .*$/m.exec(readFileSync(new URL('../../docs/store.md', import.meta.url), 'utf8'))?.[0] ?? ''
  const redis = await startRedis(t, { lines: ['user default off', rules] })
  const { link } = await open(t, redisSettings(redis.port, { username: 'portico', password: 'a-long-password' }))
  t.equal(await link.send('SET', 'portico:item:ticket:a', 'x', 'PX', 1000), 'OK')
  t.equal(await link.run(sum, ['{portico}:n'], [3]), 3)
  await t.rejects(link.send('SET', 'another:a', 'x'), { ...away, got: 'a user that may not do that' })
  await t.rejects(link.send('FLUSHALL'), { ...away, got: 'a user that may not do that' })
  t.ok(link.isUp())

  const { link: stranger, lines } = await open(t, redisSettings(redis.port, { username: 'portico', password: 'a wrong password' }))
  await t.rejects(stranger.send('PING'), { ...away, got: 'a user name or password that it does not know' })
  t.notMatch(JSON.stringify(lines), /a wrong password/)
  const { link: other } = await open(t, redisSettings(redis.port, { username: 'portico', password: 'a-long-password', prefix: 'other' }), 100)
  await t.rejects(other.send('PING'), { ...away, got: 'a user that may not do that' })
  const { link: nobody } = await open(t, redisSettings(redis.port))
  await t.rejects(nobody.send('PING'), { ...away, got: 'the demand for a password' })
})

t.test('TLS: the authority, the name and the client certificate count', { skip: noRedis }, async t => {
  const { certificates, port } = await startRedis(t, { isEncrypted: true })
  if (certificates === undefined) throw new Error('no certificates')
  const pem = (file: string): string => readFileSync(file, 'utf8')
  const tls = { ca: pem(certificates.ca), certificate: pem(certificates.client.certificate), key: pem(certificates.client.key), serverName: undefined }
  const refusal = async (changed: Partial<Record<keyof typeof tls, string | undefined>> | undefined): Promise<unknown> => {
    const { link } = await open(t, redisSettings(port, { tls: changed === undefined ? undefined : { ...tls, ...changed } }), 100)
    return await link.send('PING').catch((error: unknown) => error)
  }
  t.equal(await refusal({}), 'PONG')
  t.equal(await refusal({ serverName: 'redis.test' }), 'PONG')
  t.match(await refusal({ serverName: 'other.test' }), { ...away, got: 'a certificate of another name' })
  t.match(await refusal({ ca: undefined }), { ...away, got: 'a certificate of an authority that is not trusted' })
  t.match(await refusal({ certificate: undefined, key: undefined }), away)
  t.match(await refusal(undefined), away)
})

t.test('Sentinels: the new master is found when the old one is gone', { skip: noRedis }, async t => {
  const { master, replica, sentinels } = await startSentinels(t)
  const { link } = await open(t, redisSettings(0, { through: 'sentinels', addresses: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })), master: 'mymaster' }))
  t.equal(await link.send('SET', 'a', 'one'), 'OK')
  await until(() => replica.ask('get', 'a') === 'one')
  let heard = 0
  t.teardown(link.follow('{portico}:stream', () => { heard++ }))
  await until(() => heard > 0)
  await master.kill()
  await until(() => !link.isUp())
  await until(link.isUp)
  t.equal(await link.send('GET', 'a'), 'one')
  t.equal(await link.send('SET', 'b', 'two'), 'OK')
  t.equal(replica.ask('get', 'b'), 'two')
  const before = heard
  await link.send('XADD', '{portico}:stream', '*', 'kind', 'x')
  await until(() => heard > before)
})

t.test('a Cluster: keys of any slot, scripts of one, and a node that comes back', { skip: noRedis }, async t => {
  const { masters } = await startCluster(t)
  const [first] = masters
  if (first === undefined) throw new Error('no node')
  const { link } = await open(t, redisSettings(first.port, { through: 'cluster' }), 500)
  const keys = Array.from({ length: 50 }, (_, i) => `portico:item:ticket:${i}`)
  await Promise.all(keys.map(key => link.send('SET', key, key)))
  t.same(await link.sendAll(keys.map(key => ['GET', key])), keys)
  t.ok(masters.every(({ ask }) => Number(ask('dbsize')) > 0), 'on every node')
  t.equal(await link.run(sum, ['{portico}:n', '{portico}:other'], [3]), 3)
  let heard = 0
  t.teardown(link.follow('{portico}:stream', () => { heard++ }))
  await until(() => heard > 0)
  const before = heard
  await link.send('XADD', '{portico}:stream', '*', 'kind', 'x')
  await until(() => heard > before)

  const home = masters.find(({ ask }) => ask('exists', '{portico}:n') === '1')
  if (home === undefined) throw new Error('nobody has it')
  for (const [leave, back] of [[home.hang, home.resume], [home.kill, home.start]] as const) {
    await leave()
    await t.rejects(link.send('GET', '{portico}:n'), away)
    t.notOk(link.isUp())
    await back()
    await until(link.isUp)
    t.equal(await link.send('SET', '{portico}:n', 1), 'OK')
  }
})
