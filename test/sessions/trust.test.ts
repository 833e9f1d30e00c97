import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { PorticoError } from '../../src/errors.ts'
import { createRevocations } from '../../src/sessions/revocation.ts'
import type { Session } from '../../src/sessions/session.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import type { Revocation } from '../../src/store/store.ts'
import { analytics, auth, breakable, configurationOf, cookieOf, createWorld, eventually, portal } from './world.ts'

const both = { okta: {}, google: { organization: 'globex' } }

t.test('M2 N13 R17 any change of the fingerprint ends the connection\'s sessions, and nobody else\'s', async t => {
  const { sessions, signIn, reload } = await createWorld(t)
  const okta = await signIn()
  const google = await signIn({ connection: 'google' })
  const generation = sessions.trust.generation('okta') ?? NaN
  let told = 0
  sessions.onEnd(() => { told++ })
  const open = sessions.find(okta, analytics) as Session
  await reload({ connections: { ...both, okta: { fingerprint: 'f1' } } })
  t.ok(sessions.find(okta, analytics), 'a reload that changes nothing of it')
  await reload({ connections: { ...both, okta: { fingerprint: 'acme.com went to another provider' } } })
  t.equal(sessions.find(okta, analytics), undefined)
  t.notOk(sessions.isLive(open), 'also what is open')
  t.ok(told > 0)
  t.ok(sessions.find(google, analytics))
  t.ok((sessions.trust.generation('okta') ?? 0) > generation)
  t.ok(sessions.find(await signIn(), analytics), 'a new sign-in is trusted')
  await reload({ connections: both })
  t.equal(sessions.find(okta, analytics), undefined, 'back to the old settings is a change too')
})

t.test('N13 disabling, testing and enabling again revives nothing', async t => {
  for (const status of ['disabled', 'testing'] as const) {
    const { sessions, signIn, reload } = await createWorld(t)
    const cookie = await signIn()
    await reload({ connections: { ...both, okta: { status } } })
    t.equal(sessions.find(cookie, analytics), undefined)
    t.equal(sessions.find(await signIn(), analytics), undefined, `nobody is signed in while ${status}`)
    await reload({ connections: both })
    t.equal(sessions.find(cookie, analytics), undefined)
    t.ok(sessions.find(await signIn(), analytics))
  }
})

t.test('N13 a removed connection ends its sessions, and the same one added again revives none', async t => {
  const { sessions, signIn, reload } = await createWorld(t)
  const cookie = await signIn()
  const { google } = both
  await reload({ connections: { google } })
  t.equal(sessions.find(cookie, analytics), undefined)
  t.equal(sessions.trust.generation('okta'), undefined)
  await reload({ connections: both })
  t.equal(sessions.find(cookie, analytics), undefined)
  t.ok(sessions.find(await signIn(), analytics))
})

t.test('a new configuration ends sessions before anybody tells the trust, and the store', async t => {
  const { sessions, signIn, reload, broken } = await createWorld(t)
  const cookie = await signIn()
  broken.add('adoptTrust')
  const reloading = reload({ connections: { ...both, okta: { fingerprint: 'f2' } } })
  t.equal(sessions.find(cookie, analytics), undefined, 'at once')
  await reloading
})

t.test('after a restart: nothing changed, nothing ends; edits made while stopped count', async t => {
  const world = await createWorld(t)
  const cookie = await world.signIn()
  await world.stop()
  const same = await world.beside()
  t.ok(same.sessions.find(cookie, analytics))
  await same.stop()
  const edited = await world.beside({ connections: { ...both, okta: { fingerprint: 'f2' } } })
  t.equal(edited.sessions.find(cookie, analytics), undefined)
  await edited.stop()
  const back = await world.beside()
  t.equal(back.sessions.find(cookie, analytics), undefined)
  const fresh = await back.signIn()
  await back.stop()
  const without = await world.beside({ connections: {} })
  await without.stop()
  t.equal((await world.beside()).sessions.find(fresh, analytics), undefined, 'removed and added again while stopped')
})

t.test('a store that does not take a change of trust: its sessions end now, nobody signs in, and it is retried', async t => {
  const { sessions, signIn, reload, broken, logs, session } = await createWorld(t)
  const cookie = await signIn()
  const other = await signIn({ connection: 'google' })
  const { generation } = session()
  broken.add('adoptTrust')
  await reload({ connections: { ...both, okta: { fingerprint: 'f2' } } })
  t.equal(sessions.find(cookie, analytics), undefined)
  t.equal(sessions.trust.generation('okta'), undefined)
  t.ok(sessions.find(other, analytics), 'it touches nobody else')
  t.ok(logs.some(line => line.includes('"level":50') && line.includes('okta')), 'an alarm')
  await reload({ connections: both })
  t.equal(sessions.find(cookie, analytics), undefined, 'the change that the store missed is not forgotten')
  broken.delete('adoptTrust')
  t.ok(await eventually(() => sessions.trust.generation('okta') !== undefined))
  t.ok((sessions.trust.generation('okta') ?? 0) > generation)
  t.equal(sessions.find(cookie, analytics), undefined)
  t.ok(sessions.find(await signIn(), analytics))
})

t.test('another process that has seen a newer configuration: its word counts here until ours is reloaded', async t => {
  const world = await createWorld(t)
  const cookie = await world.signIn()
  const newer = { connections: { ...both, okta: { fingerprint: 'f2' } } }
  const beside = await world.beside()
  t.ok(beside.sessions.find(cookie, analytics))
  await beside.reload(newer)
  t.ok(await eventually(() => world.sessions.find(cookie, analytics) === undefined))
  t.equal(world.sessions.trust.generation('okta'), undefined)
  const fresh = await beside.signIn()
  t.equal(world.sessions.find(fresh, analytics), undefined)
  await world.reload(newer)
  t.equal(world.sessions.trust.generation('okta'), beside.sessions.trust.generation('okta'))
  t.ok(world.sessions.find(fresh, analytics), 'both agree on the generation')
  t.ok(beside.sessions.find(fresh, analytics))
})

const T = 1_800_000_100
/** globex's google takes over from globex's entra, which somebody is signed in through, at T. */
const handover = (at = T) => ({
  connections: {
    okta: {},
    entra: { organization: 'globex', replacedBy: { id: 'google', status: 'testing', activateAt: at } },
    google: { organization: 'globex', status: 'testing', activateAt: at, replaces: 'entra' }
  } as const
})

t.test('R10 N13 at a date the replaced connection ends and the new one begins, with nobody told; a clock set back revives nothing', async t => {
  const { sessions, signIn, clock } = await createWorld(t, handover())
  const old = await signIn({ connection: 'entra' })
  const okta = await signIn()
  const open = sessions.find(old, analytics) as Session
  const before = sessions.trust.generation('google')
  t.equal(sessions.find(await signIn({ connection: 'google' }), analytics), undefined, 'testing until then')
  let told = 0
  sessions.onEnd(() => { if (!sessions.isLive(open)) told++ })
  clock.now = T - 1
  t.ok(sessions.find(old, analytics))
  clock.now = T
  t.equal(sessions.find(old, analytics), undefined, 'at once, with nothing but the clock')
  t.notOk(sessions.isLive(open))
  t.equal(sessions.trust.generation('entra'), undefined, 'between the date and the store')
  t.equal(sessions.trust.generation('google'), undefined)
  const settled = await sessions.trust.settled('google')
  t.ok(settled !== undefined && settled > (before ?? NaN), 'whoever signs in at that moment need not wait')
  const fresh = await signIn({ connection: 'google' })
  t.ok(sessions.find(fresh, analytics))
  t.ok(sessions.find(okta, analytics), 'nobody else is touched')
  t.ok(told > 0, 'what is open is told')

  clock.now = T - 50
  t.equal(sessions.find(old, analytics), undefined, 'the clock was set back: what was ended is')
  t.equal(sessions.find(fresh, analytics), undefined, 'and what has not begun')
  t.ok(await eventually(() => sessions.trust.generation('entra') !== undefined), 'by the clock it is in force')
  t.equal(sessions.find(old, analytics), undefined)
  const again = await signIn({ connection: 'entra' })
  t.ok(sessions.find(again, analytics))
  clock.now = T + 50
  t.equal(sessions.find(again, analytics), undefined)
  t.ok(await eventually(() => sessions.trust.generation('google') !== undefined))
  t.equal(sessions.find(fresh, analytics), undefined, 'nor does a clock that goes on')
  t.ok(sessions.find(okta, analytics))
})

t.test('R10 N13 what a date has ended stays ended when the next file takes the date back, however soon', async t => {
  for (const broken of [false, true]) {
    const world = await createWorld(t, handover())
    const old = await world.signIn({ connection: 'entra' })
    world.clock.now = T
    if (broken) world.broken.add('adoptTrust')
    // nobody has looked since the date: not even the tick
    await world.reload({ connections: { entra: { organization: 'globex' } } })
    world.broken.clear()
    t.ok(await eventually(() => world.sessions.trust.generation('entra') !== undefined))
    t.equal(world.sessions.find(old, analytics), undefined)
    t.ok(world.sessions.find(await world.signIn({ connection: 'entra' }), analytics))
  }
})

t.test('R10 N13 a date that passed while stopped, and a store that fails at a date', async t => {
  const world = await createWorld(t, handover())
  const old = await world.signIn({ connection: 'entra' })
  await world.stop()
  world.clock.now = T
  const after = await world.beside(handover())
  t.equal(after.sessions.find(old, analytics), undefined)
  t.ok(after.sessions.find(await after.signIn({ connection: 'google' }), analytics), 'at once after the start')
  await after.stop()
  const back = await after.beside({ connections: { entra: { organization: 'globex' } } })
  t.equal(back.sessions.find(old, analytics), undefined, 'taken back while stopped')

  const other = await createWorld(t, handover(T + 100))
  other.clock.now = T
  const victim = await other.signIn({ connection: 'entra' })
  other.broken.add('adoptTrust')
  other.clock.now = T + 100
  t.equal(other.sessions.find(victim, analytics), undefined)
  t.equal(await other.sessions.trust.settled('google'), undefined, 'nobody signs in until the store has it')
  t.ok(other.logs.some(line => line.includes('"level":50') && line.includes('google')), 'an alarm')
  other.broken.clear()
  t.not(await other.sessions.trust.settled('google'), undefined)
  t.equal(other.sessions.find(victim, analytics), undefined)
})

t.test('R10 N13 a process with an older file announces neither dates that were moved nor settings that it has not changed', async t => {
  const old = await createWorld(t, { connections: { ...handover().connections, okta: { fingerprint: 'f0' } } })
  const newer = await old.beside({ connections: { ...handover(T + 1_000).connections, okta: { fingerprint: 'f1' } } })
  const okta = await newer.signIn()
  const entra = await newer.signIn({ connection: 'entra' })
  t.ok(await eventually(() => old.logs.some(line => line.includes('newer configuration'))), 'said there')
  // its own tick, a reload that changes something else, and one that changes nothing
  await old.reload({ idle: 3_000, connections: { ...handover().connections, okta: { fingerprint: 'f0' } } })
  old.clock.now = T
  await old.sessions.trust.settled('google')
  await old.reload({ idle: 3_001, connections: { ...handover().connections, okta: { fingerprint: 'f0' } } })
  t.equal(old.sessions.find(entra, analytics), undefined, 'here it is over')
  t.equal(old.sessions.trust.generation('google'), undefined, 'and nothing has begun')
  t.equal(old.sessions.trust.generation('okta'), undefined)
  const beside = await newer.beside({ connections: { ...handover(T + 1_000).connections, okta: { fingerprint: 'f1' } } })
  for (const { sessions } of [newer, beside]) {
    t.ok(sessions.find(entra, analytics), 'not where the newer file is')
    t.ok(sessions.find(okta, analytics))
  }
  await old.reload({ connections: { ...handover(T + 1_000).connections, okta: { fingerprint: 'f1' } } })
  t.ok(old.sessions.find(entra, analytics), 'it agrees once it has the newer file')
  t.ok(old.sessions.find(okta, analytics))
  old.clock.now = T + 1_000
  await Promise.all([old, newer].map(({ sessions }) => sessions.trust.settled('google')))
  const fresh = await old.signIn({ connection: 'google' })
  t.ok(await eventually(() => newer.sessions.find(fresh, analytics) !== undefined), 'and the date is the same one for all')
  t.equal(newer.sessions.find(entra, analytics), undefined)
})

t.test('V34 E12 an ended session is dead at once, on every host, in every process, and after a restart', async t => {
  const world = await createWorld(t)
  const given = world.session()
  const [atAuth = '', atApp = ''] = await Promise.all([auth, analytics].map(async host => cookieOf(await world.sessions.issue(given, host))))
  const other = await world.signIn()
  const beside = await world.beside()
  const open = beside.sessions.find(atApp, analytics) as Session
  let told = 0
  beside.sessions.onEnd(() => { if (!beside.sessions.isLive(open)) told++ })
  const ending = world.sessions.end(given, 'test')
  t.equal(world.sessions.find(atApp, analytics), undefined, 'before the store has answered')
  await ending
  t.equal(world.sessions.find(atAuth, auth), undefined)
  t.ok(await eventually(() => beside.sessions.find(atApp, analytics) === undefined))
  t.ok(told > 0, 'what is open there is told')
  await beside.stop()
  await world.stop()
  const after = await world.beside()
  t.equal(after.sessions.find(atApp, analytics), undefined)
  t.equal(after.sessions.find(atAuth, auth), undefined)
  t.ok(after.sessions.find(other, analytics))
})

t.test('V34 a revocation that the store does not take holds here, and reaches the store later', async t => {
  const world = await createWorld(t)
  const given = world.session()
  const cookie = cookieOf(await world.sessions.issue(given, analytics))
  const beside = await world.beside()
  world.broken.add('addRevocation')
  await world.sessions.end(given, 'test')
  await world.sessions.end(world.session(), 'another')
  t.equal(world.sessions.find(cookie, analytics), undefined)
  t.ok(world.logs.some(line => line.includes('"level":50')))
  t.ok(beside.sessions.find(cookie, analytics), 'the control: the other process cannot know')
  world.broken.delete('addRevocation')
  t.ok(await eventually(() => beside.sessions.find(cookie, analytics) === undefined))
  t.equal((await world.store.changesSince('')).revocations.length, 2, 'each once')
})

t.test('every kind of revocation ends what it names, and what began before it', async t => {
  const world = await createWorld(t)
  const { clock, sessions } = world
  const cases: [Revocation['kind'], string][] = [
    ['member', 'mbr_ada'], ['subject', 'okta|https://idp.acme.com|ada'], ['idp_session', 'okta|their-sid'],
    ['connection', 'okta'], ['organization', 'acme'], ['everybody', '']
  ]
  for (const [kind, value] of cases) {
    const victim = await world.signIn({ idpSession: 'their-sid' })
    const bystander = await world.signIn({ connection: 'google', member: 'mbr_grace', idpSession: 'their-sid' })
    await sessions.revoke({ kind, value: `${value}x`, issuedBefore: clock.now, expiresAt: 0 })
    t.ok(sessions.find(victim, analytics), `${kind}: the control`)
    await sessions.revoke({ kind, value, issuedBefore: clock.now, expiresAt: 0 })
    t.equal(sessions.find(victim, analytics), undefined, kind)
    t.equal(sessions.find(bystander, analytics) === undefined, kind === 'everybody', `${kind}: bystander`)
    clock.now += 1
    t.ok(sessions.find(await world.signIn({ idpSession: 'their-sid' }), analytics), `${kind}: a later sign-in`)
    t.equal((await world.beside()).sessions.find(victim, analytics), undefined, `${kind}: after a restart`)
  }
})

t.test('revocations outlive every session that they could match, and then leave', async t => {
  const { sessions, session, clock, store, reload } = await createWorld(t, { absolute: 3_600, idle: 3_600 })
  const given = session()
  const cookie = cookieOf(await sessions.issue(given, analytics))
  await sessions.end(given, 'test')
  clock.now += 4_000
  await store.sweep(clock.now)
  await reload({ absolute: 100_000, idle: 100_000 })
  t.equal(sessions.find(cookie, analytics), undefined, 'a longer lifetime does not revive it')
  const revocations = createRevocations()
  revocations.add({ kind: 'session', value: 's', issuedBefore: 1, expiresAt: 100 })
  revocations.add({ kind: 'member', value: 'm', issuedBefore: 1, expiresAt: 100 })
  const who = { sid: 's', member: 'm', organization: 'o', connection: 'c', startedAt: 1 }
  revocations.sweep(99)
  t.ok(revocations.matches({ ...who, sid: 'other' }))
  t.ok(revocations.matches({ ...who, member: 'other' }))
  revocations.sweep(100)
  t.notOk(revocations.matches(who))
})

t.test('last-seen times survive a stop, and count over processes', async t => {
  const world = await createWorld(t, { idle: 100 })
  const given = world.session()
  const cookie = cookieOf(await world.sessions.issue(given, analytics))
  world.clock.now += 90
  t.ok(world.sessions.find(cookie, analytics))
  await world.stop()
  world.clock.now += 90
  const after = await world.beside({ idle: 100 })
  const found = after.sessions.find(cookie, analytics)
  t.ok(found instanceof Promise, 'the cookie alone is too old: the store is asked')
  t.ok(await found)
  t.ok(after.sessions.find(cookie, analytics), 'and no more')
  const quiet = await world.beside({ idle: 100 })
  world.clock.now += 90
  const { sid } = after.sessions.find(cookie, analytics) as Session
  t.ok(await eventually(async () => await after.store.lastSeen(sid) === world.clock.now))
  world.clock.now += 20
  t.ok(await quiet.sessions.find(cookie, analytics), 'a process that has never seen it learns that another one did')
  world.clock.now += 70
  t.match(after.sessions.find(cookie, analytics), { sid })
  world.clock.now += 40
  t.equal(await quiet.sessions.find(cookie, analytics), undefined, 'idle, as far as it knows')
  t.ok(await eventually(async () => await after.store.lastSeen(sid) === world.clock.now - 40))
  world.clock.now += 2
  t.ok(await quiet.sessions.find(cookie, analytics), 'and asks again')
})

t.test('a crash loses no more than the grain of last-seen times', async t => {
  const world = await createWorld(t, { idle: 100 })
  const cookie = await world.signIn()
  world.clock.now += 90
  t.ok(world.sessions.find(cookie, analytics))
  t.ok(await eventually(async () => await world.store.lastSeen((world.sessions.find(cookie, analytics) as Session).sid) === world.clock.now))
  await world.stop(true)
  world.clock.now += 90
  t.ok(await (await world.beside({ idle: 100 })).sessions.find(cookie, analytics))
})

t.test('a store that does not say when a session was last seen: judged by the cookie\'s own age', async t => {
  const world = await createWorld(t, { idle: 100 })
  const cookie = await world.signIn()
  world.clock.now += 60
  t.ok(world.sessions.find(cookie, analytics))
  await world.stop()
  const after = await world.beside({ idle: 100 })
  after.broken.add('lastSeen')
  world.clock.now += 39
  const young = await after.sessions.find(cookie, analytics)
  t.ok(young, 'nobody can have been idle for longer than the cookie exists')
  await after.stop()
  const later = await world.beside({ idle: 100 })
  later.broken.add('lastSeen')
  world.clock.now += 99
  t.equal(await later.sessions.find(cookie, analytics), undefined, 'unknown is idle')
  t.equal(later.sessions.find(cookie, analytics), undefined, 'the store is not asked on every request')
  later.broken.delete('lastSeen')
  await later.stop()
  t.ok(await (await world.beside({ idle: 100 })).sessions.find(cookie, analytics), 'and it was only unknown')
})

t.test('a store that fails altogether changes nothing for who is signed in, and is followed again afterwards', async t => {
  const world = await createWorld(t)
  const cookie = await world.signIn()
  const beside = await world.beside()
  const victim = beside.session()
  const doomed = cookieOf(await beside.sessions.issue(victim, portal))
  for (const name of ['changesSince', 'recordLastSeen', 'lastSeen', 'get', 'sweep'] as const) world.broken.add(name)
  await beside.sessions.end(victim, 'test')
  t.ok(await eventually(() => world.logs.filter(line => line.includes('following the store')).length > 0))
  t.ok(world.sessions.find(cookie, analytics))
  world.broken.clear()
  t.ok(await eventually(() => world.sessions.find(doomed, portal) === undefined))
  t.ok(world.sessions.find(cookie, analytics))
  t.equal(world.logs.filter(line => line.includes('following the store')).length, 2, 'said when it began and when it was over')
})

t.test('a store in which others write all the time keeps this process from nothing', async t => {
  const world = await createWorld(t)
  const cookie = await world.signIn()
  const told: string[] = []
  let looks = 0
  const sessions = createSessions({
    store: {
      ...world.store,
      changesSince: async () => {
        const changes = await world.store.changesSince('')
        await setTimeout(5)
        return { ...changes, cursor: String(looks++) }
      },
      watch: listener => {
        const timer = setInterval(listener, 1)
        return () => clearInterval(timer)
      },
      recordLastSeen: async seen => { told.push(...seen.keys()) }
    },
    configuration: () => configurationOf(),
    sealer: () => world.sealer,
    log: pino({ level: 'silent' }),
    now: () => world.clock.now
  })
  await sessions.start()
  const { sid } = sessions.find(cookie, analytics) as Session
  t.ok(await eventually(() => told.includes(sid)))
  await sessions.stop()
})

t.test('a revocation that no store can keep holds here, and holds up no other', async t => {
  const world = await createWorld(t)
  const other = await world.beside()
  const cookie = await world.signIn({ subject: '\ud800' })
  const victim = world.session()
  const doomed = cookieOf(await world.sessions.issue(victim, analytics))
  t.ok(other.sessions.find(doomed, analytics))
  await world.sessions.revoke({ kind: 'subject', value: 'okta|\ud800', issuedBefore: world.clock.now, expiresAt: 0 })
  t.equal(world.sessions.find(cookie, analytics), undefined)
  await world.sessions.end(victim, 'test')
  t.ok(await eventually(() => other.sessions.find(doomed, analytics) === undefined))
  t.equal(world.logs.filter(line => line.includes('no store can keep')).length, 1)
})

t.test('a store that has forgotten is told again when everybody was last seen, and what it does not take is said when it begins', async t => {
  const world = await createWorld(t)
  const cookie = await world.signIn()
  const told: string[] = []
  const logs: string[] = []
  let isLost = false
  let isFull = true
  let tried = 0
  const sessions = createSessions({
    store: {
      ...world.store,
      changesSince: async cursor => ({ ...await world.store.changesSince(cursor), isLost }),
      restore: async () => { isLost = false },
      recordLastSeen: async seen => {
        tried++
        if (isFull) throw new PorticoError('PORTICO_STORE_UNAVAILABLE')
        told.push(...seen.keys())
      }
    },
    configuration: () => configurationOf(),
    sealer: () => world.sealer,
    log: pino({ level: 'error' }, { write: line => { logs.push(line) } }),
    now: () => world.clock.now
  })
  await sessions.start()
  const { sid } = sessions.find(cookie, analytics) as Session
  t.ok(await eventually(() => tried >= 3))
  t.equal(logs.length, 1)
  isFull = false
  t.ok(await eventually(() => told.includes(sid)))
  told.length = 0
  isLost = true
  t.ok(await eventually(() => told.includes(sid)), 'also of whoever was quiet since the store was told')
  isFull = true
  world.clock.now += 3_600
  t.ok(sessions.find(cookie, analytics))
  t.ok(await eventually(() => logs.length === 2), 'and again when it begins again')
  await sessions.stop()
})

t.test('a store that cannot say what was revoked: nothing is served', async t => {
  const world = await createWorld(t)
  const cookie = await world.signIn()
  const { store, broken } = breakable(world.store)
  broken.add('changesSince')
  const sessions = createSessions({
    store, configuration: () => configurationOf(), sealer: () => world.sealer, log: pino({ level: 'silent' }), now: () => world.clock.now
  })
  await t.rejects(sessions.start())
  t.equal(sessions.find(cookie, analytics), undefined)
})
