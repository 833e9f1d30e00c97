import { fork } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { RedisStoreSettings } from '../../src/config/configuration.ts'
import { changesAfter } from '../../src/store/changes.ts'
import { createEpoch } from '../../src/store/redis/epoch.ts'
import { decodeRecord, recordKinds } from '../../src/store/redis/record.ts'
import { createRedisStore } from '../../src/store/redis/redis.ts'
import type { Revocation, Store } from '../../src/store/store.ts'
import { noRedis, redisSettings, startCluster, startRedis } from '../support/redis.ts'
import { conformance } from './conformance.ts'
import { connectStore } from './redis-store.ts'
import type { Taken } from './taking.ts'

const options = { skip: noRedis }
const server = noRedis === false ? await startRedis(t) : undefined
const port = server?.port ?? 0

let worlds = 0

/** Stores over data of their own, and the way to it. */
const createWorld = async (t: Test, settings: RedisStoreSettings = redisSettings(port)) => {
  const clock = { now: 1_800_000_000 }
  const prefix = `portico${worlds++}`
  const connect = async () => {
    const connected = await connectStore({ ...settings, prefix }, () => clock.now)
    t.teardown(() => connected.link.close())
    return connected
  }
  return { clock, prefix, open: async (): Promise<Store> => (await connect()).store, ...await connect() }
}

type World = Awaited<ReturnType<typeof createWorld>>

const strings = (answer: unknown): string[] => Array.isArray(answer) ? answer.map(String) : []

/** What stands in the indexes, and what ought to, by the records that are there. */
const indexesOf = async ({ link, names, prefix }: World) => {
  const there: string[] = []
  for (const index of strings(await link.send('KEYS', `{${prefix}}:index:*`))) {
    for (const entry of strings(await link.send('ZRANGE', index, 0, -1))) there.push(`${index} ${entry}`)
  }
  const wanted: string[] = []
  for (const kind of recordKinds) {
    const flat = strings(await link.send('HGETALL', names.records(kind)))
    for (let i = 0; i < flat.length; i += 2) {
      const key = flat[i] ?? ''
      for (const { name, sort } of decodeRecord(kind, key, flat[i + 1] ?? '').indexes) wanted.push(`${names.index(kind, name)} ${sort}\0${key}`)
    }
  }
  return { there: there.sort(), wanted: wanted.sort() }
}

const claimOf = (login: string) =>
  ({ organization: 'acme', connection: 'okta', subject: login, invited: undefined, email: `${login}@acme.com`, name: undefined, groups: [] })

const termsOf = (clock: { now: number }, id: string) => ({ takesOver: [], mint: () => id, now: clock.now })

const sessionOf = (sid: string, clock: { now: number }, member = 'mbr_ada') => ({
  sid, member, organization: 'acme', connection: 'okta', email: 'ada@acme.com', browser: undefined, client: '', basis: '{}', startedAt: clock.now, expiresAt: clock.now + 60
})

const revocationOf = (value: string, clock: { now: number }): Revocation => ({ kind: 'session', value, issuedBefore: clock.now, expiresAt: clock.now + 60 })

t.test('conformance', options, async t => {
  conformance(t, async t => {
    const { clock, open } = await createWorld(t)
    return { clock, open, itemsGoAlone: true }
  })
})

t.test('conformance over a Cluster', options, async t => {
  const { masters } = await startCluster(t)
  const addresses = masters.map(({ port }) => ({ host: '127.0.0.1', port }))
  conformance(t, async t => {
    const { clock, open } = await createWorld(t, redisSettings(0, { through: 'cluster', addresses }))
    return { clock, open, itemsGoAlone: true }
  })
})

t.test('processes that use one Redis at once: every item has one taker, every name one member, and no index is left behind', options, async t => {
  const world = await createWorld(t)
  const items = 60
  const children = Array.from({ length: 4 }, () => fork(new URL('./redis-taker.ts', import.meta.url), [String(port), world.prefix, String(items)]))
  const reports = await Promise.all(children.map(async (child): Promise<Taken> => {
    const [[report]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
    return report
  }))
  const taken = reports.flatMap(({ taken }) => taken)
  t.equal(taken.length, items)
  t.equal(new Set(taken).size, items)
  t.equal(reports.reduce((sum, { created }) => sum + created, 0), items)
  t.equal(reports.reduce((sum, { keys }) => sum + keys, 0), 7, 'a member has as many API keys as it may')
  t.equal(new Set(reports.map(({ members }) => members)).size, 1, 'all see the same members')
  t.equal(new Set(reports.map(({ generation }) => generation)).size, 1)
  const { there, wanted } = await indexesOf(world)
  t.same(there, wanted)
  t.ok(there.length > 4 * items)
})

t.test('indexes are those of the records, whatever is written at once, and nothing is left of what is removed', options, async t => {
  const world = await createWorld(t)
  const { clock, link, prefix } = world
  const stores = await Promise.all([world.open(), world.open(), world.open()])
  const ids = ['mbr_0', 'mbr_1', 'mbr_2', 'mbr_3']
  // a fixed order of events, so that a failure comes again; their interleaving is Redis's
  const deeds = Array.from({ length: 300 }, (_, i) => async () => {
    const store = stores[i % 3] ?? world.store
    const id = ids[i * 7 % 4] ?? ''
    const key = `key_${i * 5 % 11}`
    switch (i % 10) {
      case 0: return store.claimMember({ ...claimOf(`p${i % 4}`), email: `mail${i % 6}@acme.com`, ...i % 20 === 0 && { invited: `mail${i % 5}@acme.com` } }, { takesOver: ['okta'], mint: () => `mbr_new_${i}`, now: clock.now + i })
      case 1: return store.claimMember(claimOf(`p${i % 4}`), termsOf(clock, id))
      case 2: return store.addApiKey({ id: `${key}_${i}`, hash: key, member: id, organization: 'acme', label: '', apps: [], createdAt: i, expiresAt: clock.now + 10, lastUsedAt: undefined }, 3)
      case 3: return store.rehashApiKey(key, `hash ${i}`)
      case 4: return store.blockMember(id, clock.now)
      case 5: return store.unblockMember(id)
      case 6: return store.freeSubject(id, i % 4 === 0 ? 'globex' : 'acme')
      case 7: return store.addSession(sessionOf(`s${i % 13}`, clock, id))
      case 8: return store.removeSessions([`s${i % 13}`, `s${i % 3}`])
      default: return i % 30 === 9 ? store.eraseMember(id) : store.putIdentity(`s${i % 13}`, String(i), clock.now + 60)
    }
  })
  // ten at a time
  for (let i = 0; i < deeds.length; i += 10) await Promise.all(deeds.slice(i, i + 10).map(deed => deed()))
  const { there, wanted } = await indexesOf(world)
  t.same(there, wanted)
  t.ok(there.length > 0)

  for (const { id } of await world.store.listMembers({ limit: 1_000 })) await world.store.eraseMember(id)
  t.same(await world.store.apiKeys(), [], 'API keys go with their members')
  await Promise.all(stores.map(store => store.sweep(clock.now + 60)))
  t.same(strings(await link.send('KEYS', `{${prefix}}:*`)).sort(), [`{${prefix}}:epoch`, `{${prefix}}:stream`])
})

t.test('a hundred decisions over one member at once are made one after the other', options, async t => {
  const { clock, store, open } = await createWorld(t)
  const stores = [store, await open()]
  const names = Array.from({ length: 100 }, (_, i) => `name ${i}`)
  const claimed = await Promise.all(names.map((name, i) => stores[i % 2]?.claimMember({ ...claimOf('ada'), name }, termsOf(clock, `mbr_${i}`))))
  t.equal(new Set(claimed.map(claim => claim?.member.id)).size, 1)
  t.equal(claimed.filter(claim => claim?.kind === 'created').length, 1)
  const { cursor } = await store.changesSince('')
  const [ada] = await store.membersByEmail('ada@acme.com')
  await store.claimMember({ ...claimOf('ada'), name: ada?.name }, termsOf(clock, 'mbr_none'))
  t.equal((await store.changesSince(cursor)).cursor, cursor, 'what changes nothing is not written')

  for (let round = 0; round < 10; round++) {
    const id = `mbr_b${round}`
    await store.claimMember(claimOf(id), termsOf(clock, id))
    const [{ kind }] = await Promise.all([store.claimMember({ ...claimOf(id), name: 'Ada' }, termsOf(clock, id)), stores[1]?.blockMember(id, clock.now)])
    t.match(await store.memberById(id), { blockedAt: clock.now, name: kind === 'known' ? 'Ada' : undefined }, 'neither is undone by the other')
  }
})

t.test('a sweep takes what there is in batches, several processes at once, and leaves what was renewed', options, async t => {
  const { clock, store, open, link, names } = await createWorld(t)
  const others = await Promise.all([open(), open()])
  const many = Array.from({ length: 1_100 }, (_, i) => i)
  await Promise.all(many.map(i => store.addSession(sessionOf(`s${i}`, clock, `mbr_${i}`))))
  await Promise.all(many.map(i => store.addRevocation(revocationOf(`s${i}`, clock))))
  await Promise.all(many.map(i => store.putIdentity(`s${i}`, 'x', clock.now + 60)))
  await store.addRevocation({ ...revocationOf('s7', clock), expiresAt: clock.now + 61 })
  await store.addRevocation(revocationOf('s7', clock))
  await store.recordLastSeen(new Map([['s7', clock.now]]), clock.now + 61)
  await store.recordLastSeen(new Map(many.map(i => [`s${i}`, clock.now])), clock.now + 60)
  await store.putIdentity('s7', 'y', clock.now + 61)
  await Promise.all([store, ...others].map(store => store.sweep(clock.now + 60)))
  for (const [command, key, left] of [
    ['HLEN', names.records('session'), 0], ['ZCARD', names.expiries('session'), 0], ['HLEN', names.records('identity'), 1],
    ['ZCARD', names.expiries('identity'), 1], ['ZCARD', names.seen, 1], ['ZCARD', names.seenUntil, 1], ['ZCARD', names.revocations, 1]
  ] as const) t.equal(await link.send(command, key), left, `${command} ${key}`)
  t.equal(await store.identity('s7'), 'y')
  t.match((await store.changesSince('')).revocations, [{ value: 's7', expiresAt: clock.now + 61 }])
})

t.test('what is renewed in the middle of a sweep stays', options, async t => {
  const { clock, store, prefix, link, names } = await createWorld(t)
  const sweeping = createRedisStore({
    link: {
      ...link,
      async sendAll (commands) {
        const answers = await link.sendAll(commands)
        if (commands[0]?.[0] === 'ZRANGE' && commands[0][1] === names.expiries('identity')) await store.putIdentity('s', 'renewed', clock.now + 120)
        return answers
      }
    },
    prefix,
    epoch: createEpoch({ link, names, now: () => clock.now }),
    async restore () {},
    now: () => clock.now
  })
  await store.putIdentity('s', 'first', clock.now + 60)
  await store.putIdentity('other', 'x', clock.now + 60)
  await sweeping.sweep(clock.now + 60)
  t.equal(await store.identity('s'), 'renewed')
  t.equal(await store.identity('other'), undefined)
})

t.test('Redis forgets items by itself, later than the store does', options, async t => {
  const { clock, store, link, names } = await createWorld(t)
  await store.put('ticket', 'a', 'v', clock.now + 600)
  await store.putIfAbsent('attempt', 'b', 'v', clock.now + 600)
  await store.put('handle', 'c', 'v', clock.now - 5)
  await store.put('discovery', 'd', 'v', Number.MAX_SAFE_INTEGER)
  for (const [kind, key, least, most] of [['ticket', 'a', 600, 660], ['attempt', 'b', 600, 660], ['handle', 'c', 1, 60], ['discovery', 'd', 86_400, 11 * 365 * 86_400]] as const) {
    const left = Number(await link.send('PTTL', names.item(kind, key))) / 1_000
    t.ok(left > least && left <= most, `${kind}: ${left} s`)
  }
  t.equal(await store.get('handle', 'c'), undefined)
  t.equal(await store.get('discovery', 'd'), 'v')
})

t.test('odd text and a million characters, wherever people and providers have a say', options, async t => {
  const { clock, store, open } = await createWorld(t)
  const other = await open()
  const odd = ['\u0000', 'a\u0000b', 'é', 'e\u0301', '😀', '"]', '\n', ' a ', 'x'.repeat(1_000_000), '']
  const claims = odd.map((text, i) => ({ ...claimOf(text), email: `odd${i}@acme.com`, invited: i % 2 === 0 ? undefined : `${text.slice(0, 10)}+${i}@acme.com`, name: text, groups: [text, 'b'] }))
  for (const [i, claim] of claims.entries()) {
    const created = await store.claimMember(claim, termsOf(clock, `mbr_${i}`))
    t.equal(created.kind, 'created')
    t.same(await other.memberById(`mbr_${i}`), created.member)
    t.match(await other.claimMember(claim, termsOf(clock, 'mbr_none')), { kind: 'known', member: { id: `mbr_${i}` } })
    t.same((await other.membersBySubject('acme', 'okta', claim.subject)).map(({ id }) => id), [`mbr_${i}`])
  }
  const listed: string[] = []
  for (;;) {
    const last = listed.at(-1)
    const page = await other.listMembers({ limit: 3, after: last === undefined ? undefined : await other.memberById(last) })
    if (page.length === 0) break
    listed.push(...page.map(({ id }) => id))
  }
  t.same([...listed].sort(), odd.map((_, i) => `mbr_${i}`).sort())
  for (const [i, text] of odd.entries()) {
    await store.putIdentity(text, text, clock.now + 60)
    await store.addSession({ ...sessionOf(`s${i}`, clock, text), browser: text, client: text })
    t.equal(await other.addApiKey({ id: `key_${i}`, hash: `h${text.slice(0, 10)}`, member: `mbr_${i}`, organization: 'acme', label: text, apps: [text], createdAt: 1, expiresAt: clock.now, lastUsedAt: undefined }, 1), true)
    await store.addRevocation({ ...revocationOf(text, clock), kind: 'subject' })
    await store.adoptTrust(new Map([[text, text]]))
  }
  for (const [i, text] of odd.entries()) {
    t.equal(await other.identity(text) === text, true)
    t.same((await other.sessionsOf(text)).map(({ sid }) => sid), [`s${i}`])
    t.equal((await other.findApiKey([`h${text.slice(0, 10)}`]))?.label === text, true)
  }
  const { revocations, trust } = await other.changesSince('')
  t.same(revocations.map(({ value }) => value.length).sort(), odd.map(({ length }) => length).sort())
  t.same(trust.map(({ connection, fingerprint }) => connection === fingerprint).sort(), odd.map(() => true))
  const refused: (() => Promise<unknown>)[] = [
    () => store.memberById('\ud800'), () => store.membersByEmail('\ud800'), () => store.membersBySubject('a', 'b', '\ud800'), () => store.sessionsOf('\ud800'),
    () => store.listSessions({ organization: '\ud800', limit: 1 }), () => store.findApiKey(['\ud800']), () => store.identity('\ud800'), () => store.lastSeen('\ud800'),
    () => store.recordLastSeen(new Map([['\ud800', 1]]), 1), () => store.addRevocation(revocationOf('\ud800', clock)), () => store.adoptTrust(new Map([['c', '\ud800']])),
    () => store.addSession({ ...sessionOf('s', clock), client: '\ud800' }), () => store.putIdentity('\ud800', 'x', 1), () => store.putIdentity('x', 'x'.repeat(1_000_001), 1)
  ]
  for (const call of refused) await t.rejects(call(), { code: 'PORTICO_VALUE_REFUSED' }, String(call))
})

t.test('whoever is further behind than the stream reaches back is told everything again', options, async t => {
  const { clock, store, open, link, names } = await createWorld(t)
  const behind = await open()
  const { cursor, since } = await behind.changesSince('')
  const [trust] = await store.adoptTrust(new Map([['okta', 'f']]))
  for (const value of ['a', 'b']) await store.addRevocation(revocationOf(value, clock))
  await store.putIdentity('s', 'x', clock.now + 60)
  await store.addRevocation(revocationOf('c', clock))
  await link.send('XTRIM', names.stream, 'MAXLEN', 1)
  const all = await behind.changesSince(cursor)
  t.same(all.revocations.map(({ value }) => value).sort(), ['a', 'b', 'c'])
  t.match(all, { trust: [trust], identities: ['s'], since, isLost: false })
  t.match(await (await open()).changesSince(`earlier ${cursor}`), { identities: ['s'], revocations: [{}, {}, {}] }, 'and whoever has lived through another epoch')
  await store.addRevocation(revocationOf('d', clock))
  t.same((await behind.changesSince(all.cursor)).revocations.map(({ value }) => value), ['d'])
  const many = Array.from({ length: 2_500 }, (_, i) => `m${i}`)
  await Promise.all(many.map(value => store.addRevocation(revocationOf(value, clock))))
  t.equal((await behind.changesSince(all.cursor)).revocations.length, 2_501, 'more than one look reads')
  t.equal((await (await open()).changesSince('')).revocations.length, 2_504)
})

t.test('a great many revocations are told in parts, none of them missing, whatever is written and swept meanwhile', options, async t => {
  const { clock, store, open, link, names } = await createWorld(t)
  const count = 12_000
  for (let i = 0; i < count; i += 1_000) {
    await link.send('ZADD', names.revocations, ...Array.from({ length: 1_000 }, (_, j) => [clock.now + 10 + (i + j) % 5_000, JSON.stringify(['session', `s${i + j}`, clock.now])]).flat())
  }
  await store.adoptTrust(new Map([['okta', 'f']]))
  clock.now += 10
  const told: string[] = []
  let parts = 0
  for await (const { revocations, trust, cursor } of changesAfter(await open(), '')) {
    told.push(...revocations.map(({ value }) => value))
    t.equal(trust.length, parts === 0 ? 1 : 0)
    t.ok(revocations.length <= 5_000)
    if (parts++ === 0) {
      await store.addRevocation({ ...revocationOf('meanwhile', clock), expiresAt: clock.now + 9_000 })
      await store.sweep(clock.now)
    }
    t.ok(cursor)
  }
  t.ok(parts > 3)
  t.equal(new Set(told).size, count - 3 + 1, 'all but those that had expired, and the one that came meanwhile')
})

t.test('a Redis that has gone back behind a cursor, or behind what this process wrote, has forgotten', options, async t => {
  const lastId = async ({ link, names }: World): Promise<string> => {
    const [last] = [await link.send('XREVRANGE', names.stream, '+', '-', 'COUNT', 1)].flat()
    return strings(last)[0] ?? ''
  }
  const cases: Record<string, (world: World, reader: Store) => Promise<string>> = {
    'behind the cursor': async (world, reader) => {
      await world.store.addRevocation(revocationOf('a', world.clock))
      const { cursor } = await reader.changesSince('')
      await world.link.send('XDEL', world.names.stream, await lastId(world))
      return cursor
    },
    'behind the cursor, and on another way since': async (world, reader) => {
      await world.store.addRevocation(revocationOf('a', world.clock))
      const { cursor } = await reader.changesSince('')
      await world.link.send('XDEL', world.names.stream, await lastId(world))
      await world.store.addRevocation(revocationOf('b', world.clock))
      return cursor
    },
    'behind what this process wrote': async (world, reader) => {
      const { cursor } = await reader.changesSince('')
      await reader.addRevocation(revocationOf('a', world.clock))
      await world.link.send('XDEL', world.names.stream, await lastId(world))
      return cursor
    },
    'behind what this process wrote, and on another way since': async (world, reader) => {
      const { cursor } = await reader.changesSince('')
      await reader.addRevocation(revocationOf('a', world.clock))
      await world.link.send('XDEL', world.names.stream, await lastId(world))
      await world.store.addRevocation(revocationOf('b', world.clock))
      return cursor
    },
    emptied: async ({ link, names }, reader) => {
      const { cursor } = await reader.changesSince('')
      await link.send('DEL', names.epoch, names.stream)
      return cursor
    },
    'brought back by another process': async ({ link, names }, reader) => {
      const { cursor } = await reader.changesSince('')
      await link.send('SET', names.epoch, 'another 1')
      return cursor
    }
  }
  for (const [name, forget] of Object.entries(cases)) {
    const world = await createWorld(t)
    const reader = await world.open()
    const cursor = await forget(world, reader)
    t.match(await reader.changesSince(cursor), { isLost: true, revocations: [], trust: [], identities: [] }, name)
    t.match(await reader.changesSince(cursor), { isLost: true }, `${name}: until it is brought back`)
    const calls: (() => Promise<unknown>)[] = [
      () => reader.ping(), () => reader.take('ticket', 'a'), () => reader.memberById('a'), () => reader.lastSeen('a'), () => reader.addRevocation(revocationOf('z', world.clock)),
      () => reader.sweep(1), () => reader.findApiKey(['a'])
    ]
    for (const call of calls) await t.rejects(call(), { code: 'PORTICO_STORE_UNAVAILABLE' }, name)
  }
})

t.test('an answer from before everything was brought back says nothing of what is there now', options, async t => {
  const { clock, prefix, link, names } = await createWorld(t)
  const epoch = createEpoch({ link, names, now: () => clock.now })
  const renew = async <T>(answer: Promise<T>): Promise<T> => {
    const before = await answer
    epoch.join(String(await link.send('GET', names.epoch)))
    return before
  }
  const store = createRedisStore({
    link: { ...link, send: (...command) => renew(link.send(...command)), sendAll: commands => renew(link.sendAll(commands)), run: (...script) => renew(link.run(...script)) },
    prefix,
    epoch,
    async restore () {},
    now: () => clock.now
  })
  const { cursor } = await store.changesSince('')
  const calls: (() => Promise<unknown>)[] = [() => store.identity('s'), () => store.sessionsOf('m'), () => store.putIdentity('s', 'x', clock.now + 60)]
  for (const [i, call] of calls.entries()) {
    await link.send('SET', names.epoch, `another${i} 1`)
    await t.rejects(call(), { code: 'PORTICO_STORE_UNAVAILABLE' })
    await store.ping()
  }
  await link.send('SET', names.epoch, 'last 1')
  t.match(await store.changesSince(cursor), { isLost: true })
  t.match(await store.changesSince(cursor), { isLost: false })
})

t.test('nothing is decided on a Redis that was emptied a moment ago, though nobody has noticed yet', options, async t => {
  const calls: Record<string, (store: Store, clock: { now: number }) => Promise<unknown>> = {
    claimMember: (store, clock) => store.claimMember(claimOf('ada'), termsOf(clock, 'mbr_2')),
    memberById: store => store.memberById('mbr_1'),
    findApiKey: store => store.findApiKey(['h']),
    adoptTrust: store => store.adoptTrust(new Map([['okta', 'f']])),
    addRevocation: (store, clock) => store.addRevocation(revocationOf('a', clock)),
    putIdentity: (store, clock) => store.putIdentity('s', 'x', clock.now + 60),
    sessionsOf: store => store.sessionsOf('mbr_1')
  }
  for (const [name, call] of Object.entries(calls)) {
    const { clock, store, link, names, prefix } = await createWorld(t)
    await store.claimMember(claimOf('ada'), termsOf(clock, 'mbr_1'))
    await link.send('DEL', ...strings(await link.send('KEYS', `{${prefix}}:*`)))
    await t.rejects(call(store, clock), { code: 'PORTICO_STORE_UNAVAILABLE' }, name)
    t.equal(await link.send('EXISTS', names.records('member'), names.stream, names.revocations), 0, `${name} wrote nothing`)
  }
})

t.test('what another program or version wrote is a failure with a code', options, async t => {
  const { store, link, names } = await createWorld(t)
  await link.send('HSET', names.records('member'), 'a', 'theirs', 'b', '[{"id":1},null,[]]')
  for (const id of ['a', 'b']) await t.rejects(store.memberById(id), { code: 'PORTICO_STORE_UNAVAILABLE' })
  const { cursor } = await store.changesSince('')
  await link.send('XADD', names.stream, '*', 'their', 'entry')
  await t.rejects(store.changesSince(cursor), { code: 'PORTICO_STORE_UNAVAILABLE' })
})
