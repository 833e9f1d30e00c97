import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { createSealer } from '../../src/sessions/seal.ts'
import type { Session } from '../../src/sessions/session.ts'
import { analytics, auth, cookieOf, createWorld, eventually, key, portal, valueOf } from './world.ts'

t.test('a session is found again, whole, frozen, and as the same object', async t => {
  const { sessions, session } = await createWorld(t)
  const given = session({ name: 'Ada', idpSession: 's', amr: ['pwd'], acr: 'urn:x', groups: ['a', 'é,b'] })
  const line = await sessions.issue(given, analytics)
  t.match(line, /^__Host-portico=[A-Za-z0-9_.-]+; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Lax$/, 'E1')
  const found = sessions.find(cookieOf(line), analytics)
  t.same(found, { ...given, host: analytics })
  t.equal(sessions.find(`a=b; ${cookieOf(line)}; c=d`, analytics), found)
  t.ok(Object.isFrozen(found))
  t.throws(() => { Reflect.apply(Array.prototype.push, (found as Session).groups, ['admin']) })
  t.ok(sessions.isLive(found as Session))
  t.equal(sessions.find(undefined, analytics), undefined)
  t.equal(sessions.find('', analytics), undefined)
})

t.test('E7 V20 a cookie counts on the host it was sealed for, also after another host has seen it', async t => {
  const { sessions, session, signIn } = await createWorld(t)
  const given = session()
  const cookies = new Map<string, string>()
  for (const host of [auth, analytics, portal]) cookies.set(host, cookieOf(await sessions.issue(given, host)))
  for (let round = 0; round < 2; round++) {
    for (const [from, cookie] of cookies) {
      for (const to of cookies.keys()) t.equal(sessions.find(cookie, to) !== undefined, from === to, `${from} at ${to}`)
      t.equal(sessions.find(cookie, 'evil.localhost'), undefined)
    }
  }
  t.equal(sessions.find(await signIn({}, 'evil.localhost'), 'evil.localhost'), undefined, 'not even on a host that is nobody\'s')
})

t.test('V20 two connections, one subject: what is remembered of one says nothing of the other', async t => {
  const { sessions, signIn, reload } = await createWorld(t)
  const okta = await signIn({ connection: 'okta' })
  const google = await signIn({ connection: 'google' })
  t.match(sessions.find(okta, analytics), { connection: 'okta', organization: 'acme' })
  t.match(sessions.find(google, analytics), { connection: 'google', organization: 'globex' })
  await reload({ connections: { okta: { status: 'disabled' }, google: { organization: 'globex' } } })
  t.equal(sessions.find(okta, analytics), undefined)
  t.match(sessions.find(google, analytics), { connection: 'google' })
  t.equal(sessions.find(await signIn({ connection: 'google', organization: 'acme' }), analytics), undefined, 'not of another organization')
})

t.test('E2 E3 V23 any mutation of a cookie is nobody, and never a throw', async t => {
  const { sessions, signIn } = await createWorld(t)
  const cookie = await signIn()
  const found = sessions.find(cookie, analytics)
  t.ok(found)
  const accepted: string[] = []
  for (let at = 0; at < cookie.length; at++) {
    for (const byte of ['A', '_', '.', ';', '=', '"', '\u00ff', '\t']) {
      const mutated = cookie.slice(0, at) + byte + cookie.slice(at + 1)
      // a blank at either end of a cookie is no part of it
      if (byte !== cookie[at] && sessions.find(mutated, analytics) !== undefined) accepted.push(mutated)
    }
    if (sessions.find(cookie.slice(0, at), analytics) !== undefined) accepted.push(cookie.slice(0, at))
  }
  t.same(accepted, [])
  fc.assert(fc.property(fc.nat(cookie.length), fc.nat(30), fc.string({ unit: 'binary', maxLength: 30 }), (at, cut, text) => {
    const mutated = cookie.slice(0, at) + text + cookie.slice(at + cut)
    const result = sessions.find(mutated, analytics)
    return result === undefined || (result === found && mutated.includes(valueOf(cookie)))
  }), { numRuns: 3_000 })
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), text =>
    sessions.find(text, analytics) === undefined && sessions.find(`__Host-portico=${text}`, analytics) === undefined), { numRuns: 1_000 })
  t.equal(sessions.find(cookie, analytics), found, 'the true one is still remembered')
})

t.test('V23 what is authentic but no session is nobody', async t => {
  const { sessions, sealer, session } = await createWorld(t)
  const issuedAt = 1_800_000_000
  const whole = session({ host: analytics })
  const find = (data: Record<string, unknown>) => sessions.find(`__Host-portico=${sealer.seal('session', data)}`, analytics)
  t.ok(find({ issuedAt, session: whole }), 'the control')
  for (const field of Object.keys(whole)) {
    if (field === 'groups') continue
    const { [field]: dropped, ...rest } = { ...whole } as Record<string, unknown>
    t.equal(find({ issuedAt, session: rest }), undefined, `without ${field}`)
    t.equal(find({ issuedAt, session: { ...whole, [field]: [dropped] } }), undefined, `odd ${field}`)
  }
  for (const odd of [{}, { issuedAt }, { session: whole }, { issuedAt, session: [] }, { issuedAt: '1', session: whole }]) t.equal(find(odd), undefined)
})

t.test('E4 E5 key rotation over a restart: the previous key is accepted, a retired one refused at once', async t => {
  const world = await createWorld(t)
  const cookie = await world.signIn()
  const next = randomBytes(32)
  const beside = await world.beside()
  beside.sealer = await createSealer([next, key])
  t.ok(beside.sessions.find(cookie, analytics), 'E5')
  const fresh = await beside.signIn()
  t.equal(world.sessions.find(fresh, analytics), undefined, 'E4')
  t.equal(world.sessions.find(fresh, analytics), undefined, 'E4, remembered')
  world.sealer = beside.sealer
  t.ok(world.sessions.find(fresh, analytics), 'a new ring forgets what did not open')
  beside.sealer = await createSealer([next])
  t.equal(beside.sessions.find(cookie, analytics), undefined, 'E5, although it was remembered')
  t.ok(beside.sessions.find(fresh, analytics))
})

t.test('E6 the sealed values of sign-in are no sessions, and a session is none of them', async t => {
  const { sessions, sealer, session, signIn } = await createWorld(t)
  const whole = session({ host: analytics })
  for (const purpose of ['attempt', 'begin', 'request', 'state', 'ticket', 'handle', 'email', 'farewell', 'identity'] as const) {
    const sealed = sealer.seal(purpose, { issuedAt: 1_800_000_000, session: whole, ...whole })
    t.equal(sessions.find(`__Host-portico=${sealed}`, analytics), undefined, purpose)
    t.equal(sealer.open(purpose, valueOf(await signIn())), undefined, purpose)
  }
})

t.test('E8 future-dated sessions are refused, within the skew of honest clocks they are not', async t => {
  const { sessions, clock, signIn } = await createWorld(t)
  const { now } = clock
  t.ok(sessions.find(await signIn({ startedAt: now + 300, authTime: now + 300 }), analytics))
  const ahead = await signIn({ startedAt: now + 301 })
  t.equal(sessions.find(ahead, analytics), undefined)
  t.equal(sessions.find(await signIn({ authTime: now + 301 }), analytics), undefined)
  clock.now += 1
  t.ok(sessions.find(ahead, analytics), 'judged each time')
})

t.test('E8 sessions end when they were idle for too long, and at the absolute limit however busy', async t => {
  const { sessions, clock, signIn } = await createWorld(t, { idle: 100, absolute: 350 })
  const cookie = await signIn()
  const found = sessions.find(cookie, analytics) as Session
  for (let i = 0; i < 3; i++) {
    clock.now += 99
    t.ok(sessions.isLive(found))
    t.equal(await sessions.find(cookie, analytics), found, 'each visit counts')
  }
  clock.now += 52
  t.ok(sessions.isLive(found), '349 seconds old')
  clock.now += 1
  t.notOk(sessions.isLive(found))
  t.equal(await sessions.find(cookie, analytics), undefined, 'the absolute limit')

  const other = await signIn()
  const idler = sessions.find(other, analytics) as Session
  clock.now += 99
  t.ok(sessions.isLive(idler), 'being asked about is not activity')
  clock.now += 1
  t.notOk(sessions.isLive(idler))
  t.equal(await sessions.find(other, analytics), undefined, 'the idle limit')
  t.equal(await sessions.find(other, analytics), undefined, 'asking again is no activity')
})

t.test('idle time is counted over all hosts', async t => {
  const { sessions, clock, session } = await createWorld(t, { idle: 100 })
  const given = session()
  const atAuth = cookieOf(await sessions.issue(given, auth))
  const atApp = cookieOf(await sessions.issue(given, analytics))
  for (let i = 0; i < 5; i++) {
    clock.now += 80
    t.ok(sessions.find(atApp, analytics))
  }
  t.ok(sessions.find(atAuth, auth), 'the busy app kept it alive')
  clock.now += 100
  t.equal(await sessions.find(atAuth, auth), undefined)
  t.equal(await sessions.find(atApp, analytics), undefined)
})

t.test('the limits and the apps of today\'s configuration apply, the stricter organization\'s included', async t => {
  const { sessions, clock, signIn, reload } = await createWorld(t, { idle: 1_000, absolute: 10_000 })
  const acme = await signIn()
  const globex = await signIn({ connection: 'google' })
  const acmeAtPortal = await signIn({}, portal)
  const acmeAtAuth = await signIn({}, auth)
  clock.now += 60
  await reload({ idle: 1_000, absolute: 10_000, acmeSession: { idle: 50, absolute: 10_000 } })
  t.equal(await sessions.find(acme, analytics), undefined)
  t.ok(sessions.find(globex, analytics))
  await reload({ idle: 1_000, absolute: 10_000, acmeSession: { idle: 5_000, absolute: 50_000 }, acmeApps: ['portal'] })
  t.equal(await sessions.find(acme, analytics), undefined, 'its organization may not use this app')
  t.ok(sessions.find(acmeAtPortal, portal))
  t.ok(sessions.find(acmeAtAuth, auth), 'the auth host is no app')
  t.ok(sessions.find(globex, analytics))
  await reload({ idle: 1_000, absolute: 60 })
  t.equal(sessions.find(globex, analytics), undefined)
  await reload({ idle: 1_000, absolute: 61, acmeSession: { idle: 5_000, absolute: 50_000 } })
  t.ok(sessions.find(acme, analytics))
  clock.now += 1
  t.equal(sessions.find(acme, analytics), undefined, 'an organization cannot lengthen')
})

t.test('E9 N10 a planted cookie neither hides the session nor becomes one', async t => {
  const { sessions, signIn } = await createWorld(t)
  const good = await signIn()
  const bad = ['__Host-portico=', '__Host-portico=x', `__Host-portico=${'A'.repeat(8_000)}`, '__Host-portico="', `__Host-portico=${'\u00ff'.repeat(200)}`, `${good.slice(0, -3)}AAA`]
  for (const planted of bad) {
    t.ok(sessions.find(`${good}; ${planted}`, analytics), 'first good')
    t.ok(sessions.find(`${planted}; ${good}`, analytics), 'first bad')
    t.equal(sessions.find(planted, analytics), undefined, 'bad alone')
  }
  t.ok(sessions.find(`${bad.join('; ')}; ${good}`, analytics))
  const ended = sessions.find(good, analytics) as Session
  const other = await signIn({ member: 'mbr_grace' })
  await sessions.end(ended, 'test')
  t.match(sessions.find(`${good}; ${other}`, analytics), { member: 'mbr_grace' }, 'an ended one does not hide a live one')
  const flood = `${'__Host-portico=AAAA; '.repeat(500)}${other}`
  t.equal(sessions.find(flood, analytics), undefined, 'but a flood is not searched to its end')
})

t.test('N6 E12 V44 a new sign-in is a new session id, and the old one is dead on every host', async t => {
  const { sessions, session } = await createWorld(t)
  const before = session()
  const old = [auth, analytics, portal]
  const cookies = await Promise.all(old.map(async host => cookieOf(await sessions.issue(before, host))))
  const after = session()
  t.not(after.sid, before.sid)
  await sessions.end(before, 'replaced')
  const fresh = cookieOf(await sessions.issue(after, auth))
  for (const [i, host] of old.entries()) t.equal(sessions.find(cookies[i], host), undefined, host)
  t.match(sessions.find(fresh, auth), { sid: after.sid })
  t.equal(sessions.find(cookieOf(await sessions.issue(before, portal)), portal), undefined, 'a ticket redeemed late revives nothing')
})

t.test('an identity that does not fit a cookie goes to the store, sealed, and comes back whole', async t => {
  const world = await createWorld(t)
  const groups = Array.from({ length: 300 }, () => randomBytes(18).toString('hex'))
  const large: Record<string, Partial<Session>> = {
    'three hundred groups': { groups },
    'a name as long as a page': { name: 'é'.repeat(20_000) },
    'a giant subject, and session at the provider': { subject: 's'.repeat(5_000), idpSession: 'i'.repeat(5_000) }
  }
  for (const [what, over] of Object.entries(large)) {
    const given = world.session(over)
    const line = await world.sessions.issue(given, analytics)
    t.ok(line.length < 4_000, what)
    const sealed = await world.store.identity(given.sid)
    t.notMatch(sealed, given.email)
    for (const { sessions } of [world, await world.beside()]) {
      const [found, same] = await Promise.all([sessions.find(cookieOf(line), analytics), sessions.find(cookieOf(line), analytics)])
      t.same(found, { ...given, host: analytics })
      t.equal(same, found)
      t.equal(sessions.find(cookieOf(line), analytics), found, 'asked for once')
    }
    t.equal(world.sessions.find(cookieOf(line), portal), undefined, 'E7')
  }
  await t.rejects(world.sessions.issue(world.session({ name: 'x'.repeat(2_000_000) }), analytics), { code: 'PORTICO_VALUE_REFUSED' })
})

t.test('E10 no cookie is chunked: the largest that is ever set, and the smallest that is not', async t => {
  const { sessions, session } = await createWorld(t)
  let stored = 0
  for (let length = 2_000; length < 2_800; length += 1) {
    const line = await sessions.issue(session({ name: 'x'.repeat(length) }), analytics)
    t.ok(cookieOf(line).length <= 3_800) || t.fail(`${length}`)
    const found = sessions.find(cookieOf(line), analytics)
    if (found instanceof Promise) stored++
    if ((await found)?.name?.length !== length) t.fail(`${length}`)
  }
  t.ok(stored > 0 && stored < 800)
})

t.test('a large identity is revoked by what only the store knows of it', async t => {
  const { sessions, session, clock } = await createWorld(t)
  const given = session({ name: 'x'.repeat(5_000), idpSession: 'their-sid' })
  const cookie = cookieOf(await sessions.issue(given, analytics))
  await sessions.revoke({ kind: 'idp_session', value: 'okta|their-sid', issuedBefore: clock.now, expiresAt: clock.now })
  t.equal(await sessions.find(cookie, analytics), undefined)
})

t.test('a large identity that the store lost, or does not give now, is nobody, and asked for again', async t => {
  const { sessions, session, store, broken, clock } = await createWorld(t)
  const given = session({ name: 'x'.repeat(5_000) })
  const cookie = cookieOf(await sessions.issue(given, analytics))
  broken.add('identity')
  t.equal(await sessions.find(cookie, analytics), undefined)
  t.equal(sessions.find(cookie, analytics), undefined, 'not asked on every request')
  broken.delete('identity')
  clock.now += 2
  t.ok(await sessions.find(cookie, analytics))

  const other = session({ name: 'x'.repeat(5_000), member: 'mbr_grace' })
  const lost = cookieOf(await sessions.issue(other, analytics))
  const swapped = await store.identity(other.sid)
  await store.putIdentity(other.sid, '', clock.now - 1)
  t.equal(await sessions.find(lost, analytics), undefined)
  await store.putIdentity(other.sid, (await store.identity(given.sid)) ?? '', clock.now + 100)
  clock.now += 2
  t.equal(await sessions.find(lost, analytics), undefined, 'another person\'s identity is not taken for it')
  await store.putIdentity(other.sid, swapped ?? '', clock.now + 100)
  clock.now += 2
  t.match(await sessions.find(lost, analytics), { member: 'mbr_grace' })
  broken.add('putIdentity')
  await t.rejects(sessions.issue(session({ name: 'x'.repeat(5_000) }), analytics), 'never a silently smaller session')
})

t.test('what is renewed counts at once here, within a second elsewhere, on every host, and never signs anybody out', async t => {
  const world = await createWorld(t)
  const beside = await world.beside()
  const given = world.session({ refreshes: true, groups: ['staff'] })
  const lines = new Map([auth, analytics].map(host => [host, world.sessions.issue(given, host)]))
  const cookies = new Map<string, string>()
  for (const [host, line] of lines) cookies.set(host, cookieOf(await line))
  const groupsAt = async ({ sessions }: typeof world, host: string) => (await sessions.find(cookies.get(host), host))?.groups
  for (const process of [world, beside]) for (const host of cookies.keys()) t.same(await groupsAt(process, host), ['staff'])

  const held = await beside.sessions.find(cookies.get(analytics), analytics) as Session
  await world.sessions.renew({ ...given, groups: ['admin'], name: 'Ada' })
  t.same(await groupsAt(world, analytics), ['admin'])
  t.ok(await eventually(async () => (await groupsAt(beside, analytics))?.[0] === 'admin'))
  t.same(await groupsAt(beside, auth), ['admin'])
  t.match(await beside.sessions.find(cookies.get(auth), auth), { name: 'Ada', host: auth, sid: given.sid })
  t.ok(beside.sessions.isLive(held), 'who holds the old object goes on')

  await world.sessions.issue(given, portal)
  t.match(await (await world.beside()).sessions.find(cookies.get(auth), auth), { name: 'Ada' }, 'a ticket from before brings nothing back')

  beside.broken.add('identity')
  await world.sessions.renew({ ...given, groups: ['other'] })
  await new Promise(resolve => setTimeout(resolve, 400))
  t.same(await groupsAt(beside, analytics), ['admin'], 'kept until the new one is there')
  beside.broken.delete('identity')
  t.ok(await eventually(async () => (await groupsAt(beside, analytics))?.[0] === 'other'), 'and asked for again')

  world.broken.add('putIdentity')
  await t.rejects(world.sessions.renew({ ...given, groups: ['lost'] }))
  t.same(await groupsAt(world, analytics), ['other'])
  await beside.sessions.end(given, 'test')
  world.broken.delete('putIdentity')
  await world.sessions.renew({ ...given, groups: ['admin'] })
  t.ok(await eventually(async () => await groupsAt(world, analytics) === undefined), 'nothing renews what is ended')
  t.equal(await groupsAt(beside, auth), undefined)
})
