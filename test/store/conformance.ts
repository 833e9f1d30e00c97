import type { Test } from 'tap'
import type { ApiKey } from '../../src/store/api-keys.ts'
import type { Revocation, Store, TrustRecord } from '../../src/store/store.ts'

export interface Harness {
  /** A Store over the same data as every other of this harness; closed by the harness. */
  readonly open: () => Promise<Store>
  /** Seconds; the clock of the stores may be set. */
  readonly clock: { now: number }
}

const outcome = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'ok'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no code'
  }
}

const mint = (): (() => string) => {
  let count = 0
  return () => `mbr_${count++}_${Math.random()}`
}

const adopt = async (store: Store, connection: string, fingerprint: string): Promise<TrustRecord> => {
  const [record, ...others] = await store.adoptTrust(new Map([[connection, fingerprint]]))
  if (record === undefined || others.length > 0) throw new Error('not one record for one fingerprint')
  return record
}

/** What every store must do. `create` makes an empty harness for one test and cleans up after it. */
export const conformance = (t: Test, create: (t: Test) => Promise<Harness>): void => {
  t.test('items are kept, replaced, and forgotten when they expire', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    t.equal(await store.get('ticket', 'a'), undefined)
    await store.put('ticket', 'a', 'one', clock.now + 60)
    t.equal(await store.get('ticket', 'a'), 'one')
    t.equal(await store.get('handle', 'a'), undefined, 'kinds are apart')
    await store.put('ticket', 'a', 'two', clock.now + 60)
    t.equal(await store.get('ticket', 'a'), 'two')
    await store.put('ticket', 'fraction', 'three', clock.now + 60.5)
    clock.now += 59
    t.equal(await store.get('ticket', 'a'), 'two')
    clock.now += 1
    t.equal(await store.get('ticket', 'a'), undefined, 'expiresAt itself is too late')
    t.equal(await store.take('ticket', 'a'), undefined)
  })

  t.test('an item is taken once, and only while it lives', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    await store.put('ticket', 'a', 'one', clock.now + 60)
    t.equal(await store.take('handle', 'a'), undefined)
    t.equal(await store.take('ticket', 'a'), 'one')
    t.equal(await store.take('ticket', 'a'), undefined)
    t.equal(await store.get('ticket', 'a'), undefined)
  })

  t.test('of many takers and many claimants over two connections exactly one wins', async t => {
    const { open, clock } = await create(t)
    const stores = await Promise.all([open(), open()])
    for (let round = 0; round < 20; round++) {
      await stores[0].put('ticket', `t${round}`, 'value', clock.now + 60)
      const taken = await Promise.all(Array.from({ length: 10 }, (_, i) => stores[i % 2]?.take('ticket', `t${round}`)))
      t.same(taken.filter(value => value !== undefined), ['value'])
      const claimed = await Promise.all(Array.from({ length: 10 }, (_, i) =>
        stores[i % 2]?.putIfAbsent('attempt', `a${round}`, `by ${i}`, clock.now + 60)))
      t.equal(claimed.filter(won => won === true).length, 1)
      t.equal(await stores[1].get('attempt', `a${round}`), `by ${claimed.indexOf(true)}`)
    }
  })

  t.test('a claim stands until it expires', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    t.equal(await store.putIfAbsent('attempt', 'a', 'one', clock.now + 60), true)
    t.equal(await store.putIfAbsent('attempt', 'a', 'two', clock.now + 60), false)
    t.equal(await store.get('attempt', 'a'), 'one')
    clock.now += 60
    t.equal(await store.putIfAbsent('attempt', 'a', 'three', clock.now + 60), true)
    t.equal(await store.get('attempt', 'a'), 'three')
  })

  t.test('text comes back as it went in, and what cannot is refused with a code', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    const odd = ['', '\u0000', 'a\u0000b', '\'; DROP TABLE item; --', 'é', 'e\u0301', '😀', ' a ', 'A', 'a', '\r\n', 'x'.repeat(1_000_000)]
    for (const value of odd) {
      await store.put('handle', value.slice(0, 100), value, clock.now + 60)
      t.equal(await store.get('handle', value.slice(0, 100)) === value, true, JSON.stringify(value.slice(0, 20)))
    }
    for (const value of odd) t.equal(await store.take('handle', value.slice(0, 100)) === value, true, 'no two keys are the same')
    t.equal(await outcome(store.put('handle', 'a', 'x'.repeat(1_000_001), clock.now + 60)), 'PORTICO_VALUE_REFUSED')
    t.equal(await outcome(store.put('handle', 'a', '\ud800', clock.now + 60)), 'PORTICO_VALUE_REFUSED')
    t.equal(await outcome(store.put('handle', '\ud800', 'a', clock.now + 60)), 'PORTICO_VALUE_REFUSED')
    const key = { organization: 'acme', connection: 'okta', subject: 'x\ud800', email: 'a@acme.com' }
    t.equal(await outcome(store.findOrCreateMember(key, mint(), clock.now)), 'PORTICO_VALUE_REFUSED')
  })

  t.test('a member is minted once, and found by organization, connection and subject alone', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const ids = mint()
    const ada = { organization: 'acme', connection: 'okta', subject: 'https://idp|ada', email: 'ada@acme.com' }
    const first = await one.findOrCreateMember(ada, ids, clock.now)
    t.match(first, { created: true, member: { ...ada, createdAt: clock.now } })
    clock.now += 100
    const again = await two.findOrCreateMember({ ...ada, email: 'countess@acme.com' }, ids, clock.now)
    t.match(again, { created: false, member: { id: first.member.id, email: 'countess@acme.com', createdAt: clock.now - 100 } })
    t.match(await one.findOrCreateMember({ ...ada, email: 'countess@acme.com' }, ids, clock.now), again)
    const others = [
      { ...ada, organization: 'globex' }, { ...ada, connection: 'google' }, { ...ada, subject: 'https://idp|ADA' },
      { ...ada, subject: 'https://idp|ada ' }, { ...ada, subject: 'https://idp|ada\u0000' }, { ...ada, subject: '' }
    ]
    const seen = new Set([first.member.id])
    for (const other of others) {
      const { member, created } = await one.findOrCreateMember(other, ids, clock.now)
      t.equal(created, true)
      t.notOk(seen.has(member.id), 'the same e-mail alone is nobody')
      seen.add(member.id)
    }
    const race = await Promise.all(Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? one : two).findOrCreateMember({ ...ada, subject: 'race' }, ids, clock.now)))
    t.equal(race.filter(({ created }) => created).length, 1)
    t.equal(new Set(race.map(({ member }) => member.id)).size, 1)
  })

  t.test('R13 an API key is found by its hash alone, counts, is used, and goes with its member or by its id', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const person = async (subject: string, connection = 'okta') => (await one.findOrCreateMember({ organization: 'acme', connection, subject, email: `${subject}@acme.com` }, mint(), clock.now)).member
    const ada = await person('ada')
    const grace = await person('grace', 'google')
    const keyOf = (id: string, member: string, changed: Partial<ApiKey> = {}): ApiKey => ({
      id, hash: `hash of ${id}`, member, organization: 'acme', label: 'the nightly export', apps: ['analytics', 'portal'], createdAt: clock.now, expiresAt: clock.now + 600, lastUsedAt: undefined, ...changed
    })
    const first = keyOf('key_1', ada.id)
    t.equal(await one.addApiKey(first, 2), true)
    t.equal(await two.addApiKey(keyOf('key_2', ada.id), 2), true)
    t.equal(await two.addApiKey(keyOf('key_3', ada.id), 2), false, 'enough')
    t.equal(await one.addApiKey(keyOf('key_4', grace.id), 2), true, 'of another member')
    t.equal(await one.addApiKey(keyOf('key_5', 'mbr_nobody'), 2), false)
    t.same(await two.findApiKey(['no such hash', first.hash]), first)
    t.equal(await two.findApiKey(['hash of key_3', '', first.id]), undefined)
    t.equal(await two.findApiKey([]), undefined)
    t.same(await one.apiKeyById('key_1'), first)
    t.same((await one.apiKeys(ada.id)).map(({ id }) => id), ['key_1', 'key_2'])
    t.same((await one.apiKeys()).map(({ id }) => id), ['key_1', 'key_2', 'key_4'])

    await one.recordApiKeyUse(new Map([['key_1', clock.now + 50], ['key_gone', clock.now]]))
    await two.recordApiKeyUse(new Map([['key_1', clock.now + 40]]))
    t.equal((await two.apiKeyById('key_1'))?.lastUsedAt, clock.now + 50, 'an older time never replaces a newer one')
    await two.rehashApiKey('key_1', 'a newer hash')
    t.equal(await one.findApiKey([first.hash]), undefined)
    t.match(await one.findApiKey(['a newer hash']), { id: 'key_1', label: first.label })

    t.same([...await one.apiKeyConnections()].sort(), ['google', 'okta'])
    t.same((await one.apiKeysThrough('okta')).map(({ id }) => id), ['key_1', 'key_2'])
    t.same((await one.removeApiKeys(['key_2', 'key_gone'])).map(({ id }) => id), ['key_2'])
    t.same(await two.removeApiKeys(['key_2']), [])
    t.equal(await two.findApiKey(['hash of key_2']), undefined)
    t.equal(await two.addApiKey(keyOf('key_6', ada.id, { expiresAt: clock.now + 10 }), 2), true, 'there is room again')

    await one.sweep(clock.now + 20)
    t.ok(await one.apiKeyById('key_6'), 'its owner is told that it has expired')
    await one.sweep(clock.now + 100 * 86_400)
    t.same(await one.apiKeys(), [], 'for a while')

    const race = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two).addApiKey(keyOf(`race_${i}`, ada.id), 5)))
    t.equal(race.filter(added => added).length, 5)
    t.equal(await outcome(one.addApiKey(keyOf('key_7', grace.id, { label: '\ud800' }), 50)), 'PORTICO_VALUE_REFUSED')
  })

  t.test('an older last-seen time never replaces a newer one', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    t.equal(await one.lastSeen('s'), undefined)
    await one.recordLastSeen(new Map([['s', 100], ['r', 7]]), clock.now + 60)
    await two.recordLastSeen(new Map([['s', 90]]), clock.now + 60)
    t.equal(await one.lastSeen('s'), 100)
    await two.recordLastSeen(new Map([['s', 110]]), clock.now + 50)
    t.equal(await one.lastSeen('s'), 110)
    t.equal(await one.lastSeen('r'), 7)
    await one.recordLastSeen(new Map(), clock.now)
  })

  t.test('V34 revocations and trust reach every connection to the store, once and in order', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const revocation = (value: string, lifetime = 60): Revocation =>
      ({ kind: 'session', value, issuedBefore: clock.now, expiresAt: clock.now + lifetime })
    const start = await two.changesSince('')
    t.match(start, { revocations: [], trust: [] })
    await one.addRevocation(revocation('a'))
    await two.addRevocation({ ...revocation('okta|ada'), kind: 'subject' })
    const trust = await adopt(one, 'okta', 'f1')
    const changes = await two.changesSince(start.cursor)
    t.same(changes.revocations, [revocation('a'), { ...revocation('okta|ada'), kind: 'subject' }])
    t.same(changes.trust, [trust])
    t.same(await two.changesSince(changes.cursor), { cursor: changes.cursor, revocations: [], trust: [] })
    await one.addRevocation(revocation('b', 600))
    t.same((await two.changesSince(changes.cursor)).revocations, [revocation('b', 600)])
    clock.now += 60
    await one.sweep(clock.now)
    t.same((await (await open()).changesSince('')).revocations.map(({ value }) => value), ['b'])
    clock.now += 600
    await one.sweep(clock.now)
    const emptied = await two.changesSince(changes.cursor)
    await one.addRevocation(revocation('c'))
    t.same((await two.changesSince(emptied.cursor)).revocations, [revocation('c')], 'cursors survive a sweep of everything')
    t.same((await (await open()).changesSince('')).trust, [trust])
  })

  t.test('each change of a fingerprint is a greater generation, also back to an earlier one', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const first = await adopt(one, 'okta', 'f1')
    t.match(first, { connection: 'okta', fingerprint: 'f1' })
    t.same(await adopt(two, 'okta', 'f1'), first, 'the same again changes nothing')
    const second = await adopt(two, 'okta', 'f2')
    t.ok(second.generation > first.generation)
    const third = await adopt(one, 'okta', 'f1')
    t.ok(third.generation > second.generation)
    await adopt(one, 'google', 'f1')
    t.same((await two.changesSince('')).trust.find(({ connection }) => connection === 'okta'), third)
    await Promise.all(Array.from({ length: 10 }, (_, i) => adopt(i % 2 === 0 ? one : two, 'race', 'f')))
    t.same((await two.changesSince('')).trust.filter(({ connection }) => connection === 'race').length, 1)
    t.equal((await adopt(one, 'race', 'f')).generation, clock.now, 'ten at once were one change')

    const many = new Map(Array.from({ length: 1_000 }, (_, i) => [`c${i}`, 'f']))
    const records = await one.adoptTrust(many)
    t.same(records.map(({ connection }) => connection), [...many.keys()])
    t.same(await two.adoptTrust(many), records)
    t.same(await two.adoptTrust(new Map()), [])

    const emptied = await create(t)
    emptied.clock.now = clock.now + 10
    t.ok((await adopt(await emptied.open(), 'okta', 'f1')).generation > third.generation,
      'an emptied store does not begin anew at a generation that cookies still carry')
  })

  t.test('a sweep deletes what has expired and nothing else', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    for (let i = 0; i < 2_500; i++) await store.put('attempt', `old${i}`, 'x', clock.now + 10)
    await store.put('attempt', 'new', 'x', clock.now + 11)
    await store.recordLastSeen(new Map([['old', 1]]), clock.now + 10)
    await store.recordLastSeen(new Map([['new', 1]]), clock.now + 11)
    await store.sweep(clock.now + 10)
    t.equal(await store.get('attempt', 'old2499'), undefined, 'gone although the store\'s own clock thinks it lives')
    t.equal(await store.get('attempt', 'new'), 'x')
    t.equal(await store.lastSeen('old'), undefined)
    t.equal(await store.lastSeen('new'), 1)
  })

  t.test('a store that cannot answer says so with its code', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    t.equal(await outcome(store.ping()), 'ok')
    await store.close()
    await store.close()
    const key = { organization: 'o', connection: 'c', subject: 's', email: 'e' }
    const calls: Record<string, () => Promise<unknown>> = {
      put: () => store.put('ticket', 'k', 'v', clock.now),
      putIfAbsent: () => store.putIfAbsent('ticket', 'k', 'v', clock.now),
      get: () => store.get('ticket', 'k'),
      take: () => store.take('ticket', 'k'),
      member: () => store.findOrCreateMember(key, mint(), clock.now),
      see: () => store.recordLastSeen(new Map([['s', 1]]), clock.now),
      lastSeen: () => store.lastSeen('s'),
      revoke: () => store.addRevocation({ kind: 'everybody', value: '', issuedBefore: 1, expiresAt: 2 }),
      adopt: () => store.adoptTrust(new Map([['c', 'f']])),
      addApiKey: () => store.addApiKey({ id: 'k', hash: 'h', member: 'm', organization: 'o', label: '', apps: [], createdAt: 1, expiresAt: 2, lastUsedAt: undefined }, 1),
      findApiKey: () => store.findApiKey(['h']),
      apiKeyById: () => store.apiKeyById('k'),
      apiKeys: () => store.apiKeys(),
      rehashApiKey: () => store.rehashApiKey('k', 'h'),
      recordApiKeyUse: () => store.recordApiKeyUse(new Map()),
      removeApiKeys: () => store.removeApiKeys(['k']),
      apiKeyConnections: () => store.apiKeyConnections(),
      apiKeysThrough: () => store.apiKeysThrough('c'),
      changes: () => store.changesSince(''),
      ping: () => store.ping(),
      sweep: () => store.sweep(clock.now)
    }
    for (const [name, call] of Object.entries(calls)) t.equal(await outcome(call()), 'PORTICO_STORE_UNAVAILABLE', name)
  })
}
