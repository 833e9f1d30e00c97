import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'
import type { ApiKey } from '../../src/store/api-keys.ts'
import type { Member, MemberClaim } from '../../src/store/members.ts'
import type { SessionRecord } from '../../src/store/sessions.ts'
import type { Revocation, Store, TrustRecord } from '../../src/store/store.ts'

export interface Harness {
  /** A Store over the same data as every other of this harness; closed by the harness. */
  readonly open: () => Promise<Store>
  /** Seconds; the clock of the stores may be set. */
  readonly clock: { now: number }
  /** Items are not swept: what they are kept in forgets them by itself. */
  readonly itemsGoAlone?: boolean
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

/** A person of acme at okta. */
const claimOf = (login: string, changed: Partial<MemberClaim> = {}): MemberClaim =>
  ({ organization: 'acme', connection: 'okta', subject: `https://idp|${login}`, invited: undefined, email: `${login}@acme.com`, name: undefined, groups: [], ...changed })

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
    t.equal(await outcome(store.claimMember(claimOf('ada', { subject: 'x\ud800' }), { takesOver: [], mint: mint(), now: clock.now })), 'PORTICO_VALUE_REFUSED')
  })

  t.test('V38 a member is minted once, and found by organization, connection, subject and invited address alone', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const terms = () => ({ takesOver: [], mint: ids, now: clock.now })
    const ids = mint()
    const ada = claimOf('ada', { name: 'Ada', groups: ['staff', 'a, b'] })
    t.same(await two.foreseeClaim(ada, { takesOver: [] }), { kind: 'created', member: undefined })
    const first = await one.claimMember(ada, terms())
    t.match(first, { kind: 'created', member: { ...ada, invited: undefined, createdAt: clock.now, signedInAt: clock.now, blockedAt: undefined } })
    clock.now += 100
    const again = await two.claimMember({ ...ada, name: undefined, groups: [] }, { ...terms(), now: clock.now + 0.9 })
    t.match(again, { kind: 'known', member: { id: first.member.id, name: undefined, groups: [], createdAt: clock.now - 100, signedInAt: clock.now } })
    t.same(await one.memberById(first.member.id), again.member)
    t.equal(await one.memberById('mbr_none'), undefined)
    t.equal((await one.claimMember(ada, { ...terms(), now: 1 })).member.signedInAt, clock.now, 'an older sign-in is not the latest one')
    const seen = new Set([first.member.id])
    for (const other of [
      { organization: 'globex' }, { connection: 'google' }, { subject: 'https://idp|ADA' }, { subject: 'https://idp|ada ' },
      { subject: 'https://idp|ada\u0000' }, { subject: '' }, { invited: 'ada+cio@acme.com' }
    ]) {
      const { kind, member } = await one.claimMember({ ...ada, email: `other${seen.size}@acme.com`, ...other }, terms())
      t.equal(kind, 'created', JSON.stringify(other))
      t.notOk(seen.has(member.id))
      seen.add(member.id)
    }
  })

  t.test('R25 R14 an e-mail belongs to one organization, and in it to one subject', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const claim = (store: Store, changed: Partial<MemberClaim>, takesOver: readonly string[] = []) =>
      store.claimMember(claimOf('ada', changed), { takesOver, mint: ids, now: clock.now })
    const ids = mint()
    const { member: ada } = await claim(one, {})
    for (const [changed, wanted] of [
      [{ subject: 'another' }, 'conflict'],
      [{ connection: 'google', subject: 'another' }, 'conflict'],
      [{ organization: 'globex', connection: 'globex', subject: 'another' }, 'conflict'],
      // the invited address is somebody's e-mail, and the e-mail somebody's invited address
      [{ organization: 'globex', email: 'x@acme.com', invited: 'ada@acme.com' }, 'conflict'],
      [{ subject: 'bob', email: 'x@acme.com', invited: 'ada@acme.com' }, 'conflict']
    ] as const) {
      t.same(await two.foreseeClaim(claimOf('ada', changed), { takesOver: [] }), { kind: wanted, member: ada })
      t.same(await claim(two, changed), { kind: wanted, member: ada }, JSON.stringify(changed))
    }
    const cio = await claim(one, { email: 'ami@acme.com', subject: 'ami', invited: 'ami+cio@acme.com' })
    const cto = await claim(one, { email: 'ami@acme.com', subject: 'ami', invited: 'ami+cto@acme.com' })
    t.match([cio.kind, cto.kind], ['created', 'created'], 'R20 each invited address is a member')
    t.same((await two.membersByEmail('ami@acme.com')).map(({ id }) => id).sort(), [cio.member.id, cto.member.id].sort())
    t.same(await two.membersByEmail('ami+cto@acme.com'), [cto.member])
    t.same(await two.membersByEmail('nobody@acme.com'), [])
    const { organization, connection, subject } = cio.member
    t.same((await two.membersBySubject(organization, connection, subject ?? '')).map(({ id }) => id).sort(), [cio.member.id, cto.member.id].sort())
    t.same(await two.membersBySubject('globex', connection, subject ?? ''), [])
    t.match(await claim(two, { email: 'ami@acme.com', subject: 'other', invited: 'ami+cio@acme.com' }), { kind: 'conflict', member: cio.member })
    t.match(await claim(two, { organization: 'globex', email: 'ami@acme.com', subject: 'ami' }), { kind: 'conflict' })

    t.match(await claim(two, { email: 'countess@acme.com' }), { kind: 'known', member: { id: ada.id, email: 'countess@acme.com' } }, 'an e-mail that changed at the provider')
    t.match(await claim(one, { email: 'ada@acme.com', subject: 'new here' }), { kind: 'created' }, 'and the earlier one is free')
    t.match(await claim(one, { email: 'ada@acme.com' }), { kind: 'conflict' }, 'not for whoever had it any more')
    t.match(await two.memberById(ada.id), { email: 'countess@acme.com' })

    const { member: grace } = await claim(one, { email: 'grace@acme.com', subject: 'grace' })
    await one.freeSubject(grace.id, 'acme')
    t.match(await claim(two, { email: 'grace@acme.com' }), { kind: 'conflict', member: { id: grace.id }, known: { id: ada.id } }, 'V38 who is a member already takes no other one over')
    t.match(await two.foreseeClaim(claimOf('ada', { email: 'grace@acme.com' }), { takesOver: ['okta'] }), { kind: 'conflict', member: { id: grace.id }, known: { id: ada.id } })
  })

  t.test('R10 a member moves to the connection that took over, by exact address, and keeps the id', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    const claim = (changed: Partial<MemberClaim>, takesOver: readonly string[] = []) =>
      store.claimMember(claimOf('ada', changed), { takesOver, mint: ids, now: clock.now })
    const ids = mint()
    const { member } = await claim({})
    t.same(await claim({ connection: 'entra', subject: 'oid' }, ['google']), { kind: 'conflict', member })
    t.same(await claim({ organization: 'globex', connection: 'entra', subject: 'oid' }, ['okta']), { kind: 'conflict', member }, 'within the organization only')
    t.match(await claim({ connection: 'entra', subject: 'oid', email: 'ada.l@acme.com' }, ['okta']), { kind: 'created' }, 'another e-mail is somebody else')
    const moved = await claim({ connection: 'entra', subject: 'oid 2' }, ['google', 'okta'])
    t.match(moved, { kind: 'moved', member: { id: member.id, connection: 'entra', subject: 'oid 2', createdAt: member.createdAt } })
    t.match(await claim({ connection: 'entra', subject: 'oid 2' }), { kind: 'known', member: { id: member.id } })
    t.match(await claim({}), { kind: 'conflict' }, 'the earlier subject is nobody')
  })

  t.test('members are blocked, freed, moved to another organization and erased', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    const claim = (changed: Partial<MemberClaim> = {}) => store.claimMember(claimOf('ada', changed), { takesOver: ['okta'], mint: ids, now: clock.now })
    const ids = mint()
    const { member } = await claim()
    t.same(await store.blockMember(member.id, clock.now + 0.5), { ...member, blockedAt: clock.now })
    t.match(await store.blockMember(member.id, clock.now + 100), { blockedAt: clock.now }, 'since the first time')
    clock.now += 1
    for (const changed of [{}, { email: 'new@acme.com' }, { connection: 'entra', subject: 'x' }]) {
      t.match(await claim(changed), { kind: 'blocked', member: { id: member.id, email: 'ada@acme.com', signedInAt: clock.now - 1 } }, JSON.stringify(changed))
    }
    t.same(await store.unblockMember(member.id), member)
    t.match(await claim(), { kind: 'known', member: { id: member.id } })

    t.match(await store.freeSubject(member.id, 'acme'), { id: member.id, subject: undefined })
    t.match(await claim({ connection: 'google', subject: 'made anew' }), { kind: 'moved', member: { id: member.id, connection: 'google', subject: 'made anew' } })
    t.match(await claim({ subject: 'a third' }), { kind: 'conflict' }, 'once')
    t.match(await store.freeSubject(member.id, 'globex'), { organization: 'globex', subject: undefined })
    t.match(await claim({ connection: 'google', subject: 'made anew' }), { kind: 'conflict', member: { organization: 'globex' } })
    t.match(await claim({ organization: 'globex', connection: 'globex', subject: 's' }), { kind: 'moved', member: { id: member.id, organization: 'globex' } })

    t.equal(await store.eraseMember(member.id), true)
    t.equal(await store.eraseMember(member.id), false)
    const anew = await claim()
    t.equal(anew.kind, 'created')
    t.not(anew.member.id, member.id)
    for (const call of [store.blockMember('none', 1), store.unblockMember('none'), store.freeSubject('none', 'acme')]) t.equal(await call, undefined)
  })

  t.test('two at once: one person gets one id, and an e-mail one organization', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const ids = mint()
    for (let round = 0; round < 5; round++) {
      const race = (organization: (i: number) => string) => Promise.all(Array.from({ length: 20 }, (_, i) =>
        (i % 2 === 0 ? one : two).claimMember(claimOf(`race${round}`, { organization: organization(i), email: `${organization.length}race${round}@acme.com` }), { takesOver: [], mint: ids, now: clock.now })))
      const same = await race(() => 'acme')
      t.equal(same.filter(({ kind }) => kind === 'created').length, 1)
      t.equal(new Set(same.map(({ member }) => member.id)).size, 1)
      const apart = await race(i => `company${i % 4}`)
      t.equal(apart.filter(({ kind }) => kind === 'created').length, 1)
      t.equal(apart.filter(({ kind }) => kind === 'conflict').length, 15)
      t.equal(new Set(apart.map(({ member }) => member.organization)).size, 1)
    }
  })

  t.test('members are listed in pages, by organization and address', async t => {
    const { open, clock } = await create(t)
    const store = await open()
    const ids = mint()
    for (const login of ['d', 'a', 'c', 'b']) {
      for (const organization of ['globex', 'acme']) {
        await store.claimMember(claimOf(login, { organization, email: `${login}@${organization}.com` }), { takesOver: [], mint: ids, now: clock.now })
      }
    }
    await store.claimMember(claimOf('z', { email: 'z@acme.com', invited: 'b+z@acme.com' }), { takesOver: [], mint: ids, now: clock.now })
    const all = async (organization: string | undefined, limit: number): Promise<string[]> => {
      const found: Member[] = []
      for (;;) {
        const page = await store.listMembers({ organization, after: found.at(-1), limit })
        if (page.length === 0) return found.map(({ email }) => email)
        t.ok(page.length <= limit)
        found.push(...page)
      }
    }
    const acme = ['a@acme.com', 'z@acme.com', 'b@acme.com', 'c@acme.com', 'd@acme.com']
    const globex = ['a', 'b', 'c', 'd'].map(login => `${login}@globex.com`)
    for (const limit of [1, 2, 3, 100]) {
      t.same(await all('acme', limit), acme)
      t.same(await all(undefined, limit), [...acme, ...globex])
    }
    t.same(await all('none', 5), [])
  })

  t.test('R13 an API key is found by its hash alone, counts, is used, and goes with its member or by its id', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const person = async (subject: string, connection = 'okta') => (await one.claimMember(claimOf(subject, { connection }), { takesOver: [], mint: mint(), now: clock.now })).member
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
    t.same(await two.changesSince(changes.cursor), { cursor: changes.cursor, revocations: [], trust: [], identities: [], since: start.since, isLost: false, isMore: false })
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

  t.test('whoever watches is told soon of what others write, and no longer once it stops', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const { cursor } = await two.changesSince('')
    const told: number[] = []
    const stop = two.watch(() => { told.push(told.length) })
    // what it says may come before what was written can be read, or for nothing
    await one.addRevocation({ kind: 'session', value: 'a', issuedBefore: clock.now, expiresAt: clock.now + 60 })
    while (told.length === 0) await setTimeout(5)
    while ((await two.changesSince(cursor)).revocations.length === 0) await setTimeout(5)
    stop()
    stop()
    const before = told.length
    await one.addRevocation({ kind: 'session', value: 'b', issuedBefore: clock.now, expiresAt: clock.now + 60 })
    await two.changesSince(cursor)
    await setTimeout(100)
    t.equal(told.length, before)
  })

  t.test('an identity that is written, or written anew, is told to everybody, and gone when it expires', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    await one.putIdentity('before', 'x', clock.now + 60)
    const start = await two.changesSince('')
    t.same(start.identities, [], 'those from before are not read ahead')
    t.equal(await two.identity('before'), 'x')
    await one.putIdentity('s', 'one', clock.now + 60)
    const first = await two.changesSince(start.cursor)
    t.same(first.identities, ['s'])
    t.equal(await two.identity('s'), 'one')
    await one.putIdentity('s', 'two', clock.now + 60)
    t.same((await two.changesSince(first.cursor)).identities, ['s'])
    t.equal(await two.identity('s'), 'two')
    t.equal(await two.identity('none'), undefined)
    clock.now += 60
    t.equal(await two.identity('s'), undefined)
    await one.sweep(clock.now)
    t.equal(await outcome(one.putIdentity('s', '\ud800', clock.now + 60)), 'PORTICO_VALUE_REFUSED')
  })

  t.test('sessions are found by member, by sid and in pages, until they expire', async t => {
    const { open, clock } = await create(t)
    const [one, two] = await Promise.all([open(), open()])
    const recordOf = (sid: string, changed: Partial<SessionRecord> = {}): SessionRecord => ({
      sid, member: 'mbr_ada', organization: 'acme', connection: 'okta', email: 'ada@acme.com', browser: 'Firefox on Linux', client: '192.0.2.1', basis: '{"generation":1}', startedAt: clock.now, expiresAt: clock.now + 60, ...changed
    })
    const records = [
      recordOf('b', { startedAt: clock.now - 5 }), recordOf('a'), recordOf('c', { browser: undefined }),
      recordOf('d', { member: 'mbr_hari', organization: 'globex', email: 'hari@globex.com', startedAt: clock.now + 1, expiresAt: clock.now + 100 })
    ]
    for (const record of [3, 1, 2, 0].map(i => records[i])) if (record !== undefined) await one.addSession(record)
    await two.addSession(recordOf('a', { member: 'mbr_eve' }))
    t.same(await two.sessionsOf('mbr_ada'), records.slice(0, 3), 'oldest first, and nobody takes a sid over')
    t.same(await two.sessionsOf('mbr_none'), [])
    t.same(await two.sessionById('d'), records[3])
    t.equal(await two.sessionById('none'), undefined)
    const all = async (organization: string | undefined, limit: number): Promise<string[]> => {
      const found: SessionRecord[] = []
      for (;;) {
        const page = await two.listSessions({ organization, after: found.at(-1), limit })
        if (page.length === 0) return found.map(({ sid }) => sid)
        t.ok(page.length <= limit)
        found.push(...page)
      }
    }
    for (const limit of [1, 2, 3, 100]) {
      t.same(await all(undefined, limit), ['b', 'a', 'c', 'd'])
      t.same(await all('acme', limit), ['b', 'a', 'c'])
    }
    await two.removeSessions(['a', 'none'])
    t.same((await one.sessionsOf('mbr_ada')).map(({ sid }) => sid), ['b', 'c'])
    clock.now += 60
    t.same(await one.sessionsOf('mbr_ada'), [])
    t.equal(await one.sessionById('b'), undefined)
    t.same(await all(undefined, 10), ['d'])
    await one.sweep(clock.now)
    t.same(await all(undefined, 10), ['d'])
  })

  t.test('a store knows since when it has been there, whoever asks', async t => {
    const { open, clock } = await create(t)
    const one = await open()
    const { since } = await one.changesSince('')
    t.ok(Math.abs(since - clock.now) <= 1)
    clock.now += 1_000
    t.equal((await (await open()).changesSince('')).since, since)
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
    const { open, clock, itemsGoAlone = false } = await create(t)
    const store = await open()
    for (let i = 0; i < 2_500; i++) await store.put('attempt', `old${i}`, 'x', clock.now + 10)
    await store.put('attempt', 'new', 'x', clock.now + 11)
    await store.recordLastSeen(new Map([['old', 1]]), clock.now + 10)
    await store.recordLastSeen(new Map([['new', 1]]), clock.now + 11)
    await store.sweep(clock.now + 10)
    if (itemsGoAlone) clock.now += 10
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
    const calls: Record<string, () => Promise<unknown>> = {
      put: () => store.put('ticket', 'k', 'v', clock.now),
      putIfAbsent: () => store.putIfAbsent('ticket', 'k', 'v', clock.now),
      get: () => store.get('ticket', 'k'),
      take: () => store.take('ticket', 'k'),
      claim: () => store.claimMember(claimOf('a'), { takesOver: [], mint: mint(), now: 1 }),
      foresee: () => store.foreseeClaim(claimOf('a'), { takesOver: [] }),
      memberById: () => store.memberById('a'),
      membersByEmail: () => store.membersByEmail('a'),
      membersBySubject: () => store.membersBySubject('o', 'c', 's'),
      listMembers: () => store.listMembers({ limit: 1 }),
      blockMember: () => store.blockMember('a', 1),
      unblockMember: () => store.unblockMember('a'),
      freeSubject: () => store.freeSubject('a', 'b'),
      eraseMember: () => store.eraseMember('a'),
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
      addSession: () => store.addSession({ sid: 's', member: 'm', organization: 'o', connection: 'c', email: 'e', browser: undefined, client: '', basis: '{}', startedAt: 1, expiresAt: 2 }),
      sessionsOf: () => store.sessionsOf('m'),
      sessionById: () => store.sessionById('s'),
      listSessions: () => store.listSessions({ limit: 1 }),
      removeSessions: () => store.removeSessions(['s']),
      putIdentity: () => store.putIdentity('s', 'v', 1),
      identity: () => store.identity('s'),
      ping: () => store.ping(),
      sweep: () => store.sweep(clock.now)
    }
    for (const [name, call] of Object.entries(calls)) t.equal(await outcome(call()), 'PORTICO_STORE_UNAVAILABLE', name)
  })
}
