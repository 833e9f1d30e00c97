import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { ApiKey } from '../../src/store/api-keys.ts'
import { openRecords } from '../../src/explain/recorded.ts'
import { addKnown } from '../../src/store/redis/adding.ts'
import { createMirror } from '../../src/store/redis/mirror.ts'
import { createNames } from '../../src/store/redis/names.ts'
import { openRedisStore } from '../../src/store/redis/open.ts'
import { createRedisLink } from '../../src/store/redis/link.ts'
import type { StoredRecord } from '../../src/store/redis/record.ts'
import type { Changes, Revocation, Store } from '../../src/store/store.ts'
import { createLog, type Log } from '../../src/telemetry/log.ts'
import { noRedis, redisSettings, startRedis, type RedisOptions, type RunningRedis } from '../support/redis.ts'

const away = { code: 'PORTICO_STORE_UNAVAILABLE' }
const day = 86_400
const now = (): number => Math.floor(Date.now() / 1000)

/** What a process is to a store: it follows, and brings back what is lost, as sessions do. */
interface Process {
  readonly store: Store
  /** What it has been told, or has told. */
  readonly revocations: Map<string, Revocation>
  readonly restored: string[]
  readonly lines: Record<string, unknown>[]
  /** Reads what is new once; brings back what is lost. */
  follow (): Promise<Changes>
  revoke (revocation: Revocation): Promise<void>
}

const logOf = (lines: Record<string, unknown>[]): Log => createLog({ level: 'info', destination: { write: line => { lines.push(JSON.parse(line)) } } })

const open = async (t: Test, { port }: RunningRedis, follows = true): Promise<Process> => {
  const restored: string[] = []
  const lines: Record<string, unknown>[] = []
  const store = await openRedisStore({ settings: redisSettings(port), log: logOf(lines), follows, restored: how => restored.push(how), patience: 400 })
  t.teardown(() => store.close())
  const revocations = new Map<string, Revocation>()
  let cursor = ''
  const learn = (some: readonly Revocation[]): void => { for (const revocation of some) revocations.set(revocation.value, revocation) }
  return {
    store,
    revocations,
    restored,
    lines,
    async follow () {
      const changes = await store.changesSince(cursor)
      if (changes.isLost) await store.restore({ revocations: revocations.values(), learn })
      else cursor = changes.cursor
      learn(changes.revocations)
      return changes
    },
    async revoke (revocation) {
      revocations.set(revocation.value, revocation)
      await store.addRevocation(revocation)
    }
  }
}

/** Until this process knows everything in Redis. */
const known = async ({ lines, follow }: Process, times = 1): Promise<void> => {
  await follow()
  while (lines.filter(({ msg }) => msg === 'everything in Redis is known here').length < times) await wait(20)
}

/** Until this process has got it back, and has read it. */
const settled = async ({ follow }: Process): Promise<Changes> => {
  for (;;) {
    const changes = await follow().catch(() => undefined)
    if (changes?.isLost === false) return changes
    await wait(20)
  }
}

const revocationOf = (value: string): Revocation => ({ kind: 'session', value, issuedBefore: now(), expiresAt: now() + day })

const claim = (store: Store, login: string, id: string) => store.claimMember(
  { organization: 'acme', connection: 'okta', subject: login, invited: undefined, email: `${login}@acme.com`, name: undefined, groups: [] },
  { takesOver: [], mint: () => id, now: now() })

const keyOf = (id: string, member: string): ApiKey =>
  ({ id, hash: `hash of ${id}`, member, organization: 'acme', label: '', apps: ['analytics'], createdAt: now(), expiresAt: now() + day, lastUsedAt: undefined })

const large = 'x'.repeat(15_000)

/** Two processes over one Redis, somebody who has an API key, and a session that fits no cookie. */
const start = async (t: Test, options?: RedisOptions): Promise<{ redis: RunningRedis, one: Process, two: Process }> => {
  const redis = await startRedis(t, options)
  const one = await open(t, redis)
  await claim(one.store, 'ada', 'mbr_ada')
  await one.store.addApiKey(keyOf('key_1', 'mbr_ada'), 10)
  const two = await open(t, redis)
  await Promise.all([known(one), known(two)])
  // what follows the beginning is told by the stream
  await one.store.putIdentity('sid_1', large, now() + day)
  await claim(one.store, 'grace', 'mbr_grace')
  await one.store.eraseMember('mbr_grace')
  await claim(one.store, 'hari', 'mbr_hari')
  return { redis, one, two }
}

const hasEverything = async (t: Test, store: Store, message: string): Promise<void> => {
  t.match(await store.memberById('mbr_ada'), { email: 'ada@acme.com' }, message)
  t.match(await store.membersByEmail('hari@acme.com'), [{ id: 'mbr_hari' }])
  t.match(await store.findApiKey(['another', 'hash of key_1']), { id: 'key_1' })
  t.match(await store.apiKeys('mbr_ada'), [{ id: 'key_1' }])
  t.equal(await store.identity('sid_1'), large)
  t.match(await store.listMembers({ organization: 'acme', limit: 10 }), [{ id: 'mbr_ada' }, { id: 'mbr_hari' }])
}

t.test('while Redis is away every process reads what all of them have written', { skip: noRedis }, async t => {
  for (const way of ['hung', 'killed'] as const) {
    const { redis, one, two } = await start(t, { isPersistent: true })
    while ((await two.store.membersByEmail('hari@acme.com')).length === 0) await wait(20)
    // the stream is followed within a moment
    await wait(300)
    if (way === 'hung') redis.hang()
    else await redis.kill()
    for (const { store } of [one, two]) {
      await hasEverything(t, store, way)
      await t.rejects(store.memberById('mbr_grace'), away, 'nobody is said to be gone')
      await t.rejects(store.identity('sid_2'), away)
      await t.rejects(store.findApiKey(['another']), away)
      await t.rejects(store.get('ticket', 'a'), away)
      await t.rejects(claim(store, 'new', 'mbr_new'), away)
      await t.rejects(store.ping(), away)
      await t.rejects(store.changesSince(''), away)
    }
    if (way === 'hung') redis.resume()
    else await redis.start()
    const [{ isLost }] = await Promise.all([settled(one), settled(two)])
    t.equal(isLost, false, 'a Redis that has kept everything is the same one')
    t.equal(await two.store.memberById('mbr_grace'), undefined)
    t.same([...one.restored, ...two.restored], [])
  }
})

t.test('an emptied Redis gets everything back, and is told what only some knew', { skip: noRedis }, async t => {
  const { redis, one, two } = await start(t)
  await one.revoke(revocationOf('sid_of_everybody'))
  await two.follow()
  const { since, cursor } = await one.follow()
  await wait(300)
  await redis.kill()
  // ended while Redis was away: each process knows one
  for (const [process, sid] of [[one, 'sid_of_one'], [two, 'sid_of_two']] as const) await process.revoke(revocationOf(sid)).catch(() => {})
  await redis.start()
  while (await one.store.ping().then(() => true, error => error.got?.includes('emptied') !== true)) await wait(20)
  await t.rejects(one.store.get('ticket', 'a'), { ...away, got: 'one that was emptied or put back, and is being brought back' }, 'nothing is answered before')
  await t.rejects(claim(one.store, 'new', 'mbr_new'), away)
  t.match(await one.store.memberById('mbr_ada'), { id: 'mbr_ada' }, 'but for what is known here')

  const [changes] = await Promise.all([settled(one), settled(two)])
  t.ok(changes.since > since - 1 && changes.since >= now() - 60)
  t.not(changes.cursor.split(' ')[0], cursor.split(' ')[0])
  t.same([...one.restored, ...two.restored], ['complete'], 'one of them did')
  t.equal([...one.lines, ...two.lines].filter(({ level }) => level === 'error').length, 0)

  const three = await open(t, redis)
  const all = await three.follow()
  t.same(all.revocations.map(({ value }) => value).sort(), ['sid_of_everybody', 'sid_of_one', 'sid_of_two'])
  await hasEverything(t, three.store, 'a new process')
  t.equal(await three.store.memberById('mbr_grace'), undefined, 'who was erased stays so')
  t.match(await claim(three.store, 'ada', 'mbr_other'), { kind: 'known', member: { id: 'mbr_ada' } })
  await Promise.all([settled(one), settled(two)])
  t.same([...one.revocations.keys()].sort(), ['sid_of_everybody', 'sid_of_one', 'sid_of_two'], 'what one added reaches the others')

  t.test('and once more', async t => {
    await Promise.all([known(one, 2), known(two, 2)])
    await redis.kill()
    await redis.start()
    await Promise.all([settled(one), settled(two), settled(three)])
    await hasEverything(t, three.store, 'again')
    t.equal([...one.restored, ...two.restored, ...three.restored].length, 2)
  })
})

t.test('emptied while it runs, it is found out', { skip: noRedis }, async t => {
  const { redis, one, two } = await start(t)
  await wait(300)
  redis.ask('flushall')
  await t.rejects(one.store.claimMember(
    { organization: 'acme', connection: 'okta', subject: 'ada', invited: undefined, email: 'ada@acme.com', name: undefined, groups: [] },
    { takesOver: [], mint: () => 'mbr_twice', now: now() }), away, 'nothing is decided by what is not there')
  await Promise.all([settled(one), settled(two)])
  await hasEverything(t, two.store, 'brought back')
})

t.test('a Redis that was put back loses nothing of what came after', { skip: noRedis }, async t => {
  const { redis, one, two } = await start(t)
  await claim(one.store, 'old', 'mbr_old')
  redis.ask('save')
  await one.store.eraseMember('mbr_old')
  await claim(one.store, 'late', 'mbr_late')
  await one.revoke(revocationOf('sid_late'))
  await one.store.rehashApiKey('key_1', 'another hash of key_1')
  await Promise.all([one.follow(), two.follow()])
  await wait(300)
  await redis.kill()
  await redis.start()
  await Promise.all([settled(one), settled(two)])
  const three = await open(t, redis)
  t.match((await three.follow()).revocations, [{ value: 'sid_late' }])
  t.match(await three.store.membersByEmail('late@acme.com'), [{ id: 'mbr_late' }])
  t.same(await three.store.membersByEmail('old@acme.com'), [])
  t.equal(await three.store.findApiKey(['hash of key_1']), undefined)
  t.match(await three.store.findApiKey(['another hash of key_1']), { id: 'key_1' })
  t.match(await three.store.listMembers({ organization: 'acme', limit: 10 }), [{ id: 'mbr_ada' }, { id: 'mbr_hari' }, { id: 'mbr_late' }])
})

t.test('a process that starts on an empty Redis leaves it to those that know', { skip: noRedis }, async t => {
  const { redis, one } = await start(t)
  await wait(300)
  await redis.kill()
  await redis.start()
  const [three] = await Promise.all([open(t, redis).then(async three => {
    await three.follow()
    return three
  }), wait(500).then(() => settled(one))])
  await hasEverything(t, three.store, 'the new one')
  t.notOk(three.lines.some(({ msg }) => msg === 'Redis is empty: a new store begins'))
})

t.test('also where one that was bringing it back has ended before it was done', { skip: noRedis }, async t => {
  const { redis, one } = await start(t)
  await wait(300)
  await redis.kill()
  await redis.start()
  const { lock } = createNames('portico')
  redis.ask('set', lock, 'another', 'px', '2500')
  const three = await open(t, redis)
  const joined = three.follow()
  while (redis.ask('exists', lock) === '1') await wait(20)
  await wait(500)
  await settled(one)
  await joined
  await hasEverything(t, three.store, 'the new one')
  t.notOk(three.lines.some(({ msg }) => msg === 'Redis is empty: a new store begins'))
})

t.test('who does not know everything waits, then says so, and is completed by whoever does', { skip: noRedis }, async t => {
  const { redis, one } = await start(t)
  const command = await open(t, redis, false)
  await command.follow()
  await wait(300)
  await redis.kill()
  await redis.start()
  await settled(command)
  t.same(command.restored, ['partial'])
  t.match(command.lines.filter(({ level }) => level === 'error'), [{ msg: /members and API keys are missing/ }])
  t.equal(await command.store.memberById('mbr_ada'), undefined)
  // signs in before the others are there
  await claim(command.store, 'hari', 'mbr_hari_anew')
  await settled(one)
  t.match(await command.store.memberById('mbr_ada'), { id: 'mbr_ada' })
  t.match(await command.store.findApiKey(['hash of key_1']), { id: 'key_1' })
  t.match(await command.store.membersByEmail('hari@acme.com'), [{ id: 'mbr_hari_anew' }], 'one person stays one')
})

t.test('forgotten again while all is being read anew: what was decided in between counts', { skip: noRedis }, async t => {
  const { redis, one, two } = await start(t)
  // so many that they are not read in a moment
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 40 }, (_, j) => one.store.putIdentity(`sid_${i}_${j}`, 'x', now() + day)))
  await wait(1_000)
  redis.ask('flushall')
  await Promise.all([settled(one), settled(two)])
  const command = await open(t, redis, false)
  await command.store.blockMember('mbr_ada', now())
  await command.store.removeApiKeys(['key_1'])
  await wait(20)
  redis.ask('flushall')
  await Promise.all([settled(one), settled(two)])
  t.match(await one.store.memberById('mbr_ada'), { blockedAt: Number }, 'who was blocked stays so')
  t.equal(await one.store.findApiKey(['hash of key_1']), undefined)
  t.match(await two.store.membersByEmail('hari@acme.com'), [{ id: 'mbr_hari' }])
  t.same([...one.restored, ...two.restored], ['complete', 'complete'])
})

t.test('while somebody else brings it back, nobody does', { skip: noRedis }, async t => {
  const { redis, one } = await start(t)
  await wait(300)
  await redis.kill()
  await redis.start()
  redis.ask('set', createNames('portico').lock, 'another', 'px', '1500')
  const until = Date.now() + 1_000
  const done = settled(one)
  while (Date.now() < until) {
    t.equal(redis.ask('exists', createNames('portico').epoch), '0')
    await wait(200)
  }
  await done
  t.same(one.restored, ['complete'], 'who does not finish is not waited for')
})

t.test('of two that followed the same, the later one adds what came after', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  const process = await open(t, redis)
  await process.follow()
  const names = createNames('portico')
  const link = createRedisLink({ settings: redisSettings(redis.port), log: logOf([]) })
  t.teardown(() => link.close())
  await link.arrival(5_000)

  const record = (key: string, value: string): StoredRecord => ({ kind: 'identity', key, value, expiresAt: now() + day, indexes: [] })
  const put = async (key: string) => process.store.putIdentity(key, 'theirs', now() + day)
  const mirror = createMirror()
  t.teardown(mirror.close)
  const learn = (place: string, ...keys: string[]) => mirror.learn(keys.map(key => ({ kind: 'identity', key, record: record(key, 'mine') })), place)
  learn('100-0', 'there', 'removed by them')
  learn('100-1', 'newer', 'only here')
  mirror.learn([{ kind: 'identity', key: 'removed here', record: undefined }], '100-2')
  learn('100-2', 'written since')

  for (const key of ['there', 'newer', 'removed here', 'written since']) await put(key)
  // as if the others were there when it was brought back: the stream tells of the last alone
  await link.send('XTRIM', names.stream, 'MAXLEN', 1)
  const mark = String(await link.send('GET', names.epoch))
  await link.send('SET', names.restored, JSON.stringify({ mark: 'old', place: '100-0' }))
  await process.revoke(revocationOf('sid_ended'))
  const learnt: (readonly [sid: string, isAdded: string])[] = []
  const remembered = {
    revocations: [],
    learn: (some: readonly Revocation[]) => { for (const { value } of some) learnt.push([value, redis.ask('hexists', names.records('identity'), 'only here')]) }
  }
  await addKnown({ link, names, mark, forgotten: 'old', kept: { mirror, mark: 'old', place: '100-2', isComplete: true }, remembered, now: now() })
  t.same(learnt, [['sid_ended', '0']], 'what others have revoked is told first')
  t.same(await Promise.all(['there', 'newer', 'only here', 'removed by them', 'removed here', 'written since'].map(process.store.identity)),
    ['theirs', 'mine', 'mine', undefined, undefined, 'theirs'])
})

t.test('a Redis that would drop what it keeps is an alarm, once', { skip: noRedis }, async t => {
  const redis = await startRedis(t, { isPersistent: true, lines: ['maxmemory-policy allkeys-lru'] })
  const one = await open(t, redis)
  await known(one)
  const alarms = () => one.lines.filter(({ level, msg }) => level === 'error' && /noeviction/.test(String(msg)))
  while (alarms().length === 0) await wait(20)
  await redis.kill()
  await redis.start()
  await settled(one)
  await one.store.put('ticket', 'a', 'x', now() + day)
  t.match(alarms(), [{ maxmemory_policy: 'allkeys-lru' }])
  t.equal(alarms().length, 1)
})

t.test('explain reads members, and writes nothing', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  const store = redisSettings(redis.port)
  t.match(await openRecords({ store }), { kind: 'none' })
  t.equal(redis.ask('dbsize'), '0')
  const process = await open(t, redis)
  await claim(process.store, 'ada', 'mbr_ada')
  const before = redis.ask('xlen', createNames('portico').stream)
  const records = await openRecords({ store })
  if (records.kind !== 'open') throw new Error('not open')
  t.match(await records.members.membersByEmail('ada@acme.com'), [{ id: 'mbr_ada' }])
  t.match(await records.members.foreseeClaim({ organization: 'acme', connection: 'okta', subject: 'ada', invited: undefined, email: 'ada@acme.com', name: undefined, groups: [] }, { takesOver: [] }), { kind: 'known' })
  await records.close()
  t.equal(redis.ask('xlen', createNames('portico').stream), before)
  await redis.kill()
  t.match(await openRecords({ store }), { kind: 'unreadable', why: /nobody who listens there/ })
})

t.test('a mirror answers as Redis does', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  const { store, ...process } = await open(t, redis)
  for (const login of ['b', 'a', 'ä', 'c', 'aa']) await claim(store, login, `mbr_${login}`)
  await store.claimMember({ organization: 'a-first', connection: 'okta', subject: 'z', invited: 'z@x.com', email: 'y@x.com', name: 'Z', groups: ['g'] }, { takesOver: [], mint: () => 'mbr_z', now: now() })
  for (const id of ['2', '1']) await store.addApiKey(keyOf(`key_${id}`, 'mbr_a'), 10)
  const readings = async (): Promise<unknown[]> => {
    const pages = []
    for (const organization of [undefined, 'acme']) {
      for (let page = await store.listMembers({ organization, limit: 2 }); page.length > 0; page = await store.listMembers({ organization, limit: 2, after: page.at(-1) }).catch(() => [])) pages.push(page)
    }
    return [pages, await store.membersByEmail('z@x.com'), await store.membersBySubject('acme', 'okta', 'ä'), await store.apiKeys(), await store.apiKeys('mbr_a'), await store.findApiKey(['x', 'hash of key_2'])]
  }
  await known({ store, ...process })
  await wait(300)
  const told = await readings()
  await redis.kill()
  t.same(await readings(), told)
})
