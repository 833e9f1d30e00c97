import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { createApiKeyHashes, isApiKey, newApiKey } from '../../src/access/api-key.ts'
import { makeApiKey } from '../../src/access/api-key-making.ts'
import { createApiKeyUse } from '../../src/access/api-key-use.ts'
import { createApiKeys } from '../../src/access/api-keys.ts'
import type { Configuration } from '../../src/config/configuration.ts'
import { PorticoError } from '../../src/errors.ts'
import { credentialIn } from '../../src/hosts/credential.ts'
import { createWrongKeys, mostWrongKeys } from '../../src/hosts/wrong-keys.ts'
import { deriveKeys } from '../../src/sessions/keyring.ts'
import { createRevocations } from '../../src/sessions/revocation.ts'
import type { Session } from '../../src/sessions/session.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import { configurationOf, connectionOf, organizationOf, placeOf } from '../support/configuration.ts'

const log = pino({ level: 'silent' })
const codeOf = (error: unknown): string => error instanceof PorticoError ? error.code : String(error)

/** A member with a key, and a way to find it that counts what the store is asked. */
const start = async (t: Test) => {
  const places = ['analytics', 'portal'].map(id => placeOf(id))
  const organization = organizationOf('acme')
  const connection = connectionOf('okta', organization)
  let configuration: Configuration = configurationOf({
    keys: [randomBytes(32)],
    apps: new Map(places.map(place => [place.app.id, place.app])),
    places: new Map(places.map(place => [place.host, place])),
    organizations: new Map([['acme', organization]]),
    connections: new Map([['okta', connection]])
  })
  const clock = { now: 1_800_000_000 }
  const path = join(t.testdir(), 'portico.db')
  const store = createSqliteStore({ path, now: () => clock.now })
  t.teardown(() => store.close())
  const { member } = await store.claimMember(
    { organization: 'acme', connection: 'okta', subject: 'ada', invited: undefined, email: 'ada@acme.com', name: 'Ada', groups: ['staff'] },
    { takesOver: [], mint: () => 'mbr_ada', now: clock.now })
  const { text, key } = await makeApiKey(store, configuration, member, { label: 'x', apps: ['analytics', 'portal'] }, clock.now)
  const revocations = createRevocations()
  const asked: string[] = []
  const down = { now: false }
  const counted = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
    asked.push(name)
    if (down.now) throw new PorticoError('PORTICO_STORE_UNAVAILABLE')
    return await call(...args)
  }
  const use = createApiKeyUse({ store: { recordApiKeyUse: counted('use', store.recordApiKeyUse) }, log })
  const generation: { now: number | undefined } = { now: 1 }
  const keys = createApiKeys({
    store: { findApiKey: counted('find', store.findApiKey), memberById: counted('member', store.memberById), rehashApiKey: counted('rehash', store.rehashApiKey) },
    configuration: () => configuration,
    sessions: { isRevoked: revocations.matches, trust: { generation: () => generation.now, adopt: async () => {}, settled: async () => generation.now } },
    use,
    log,
    now: () => clock.now
  })
  const [analytics, portal] = places
  if (analytics === undefined || portal === undefined) throw new Error('two places')
  return {
    clock,
    store,
    member,
    text,
    key,
    revocations,
    asked,
    down,
    use,
    generation,
    keys,
    analytics,
    portal,
    organization,
    connection,
    configure: (changed: Partial<Configuration>) => { configuration = { ...configuration, ...changed } },
    find: async (presented = text, place = analytics): Promise<Session | string> => {
      try {
        return await keys.find(presented, place)
      } catch (error) {
        return codeOf(error)
      }
    }
  }
}

t.test('R13 a key that nobody made is told from one that was, by itself', async t => {
  const key = newApiKey()
  t.equal(isApiKey(key), true)
  t.not(newApiKey(), key)
  for (let at = 0; at < key.length; at++) {
    for (const character of ['0', '1', 'f', 'F', 'z', ' ', '']) {
      const mistyped = key.slice(0, at) + character + key.slice(at + 1)
      if (mistyped !== key) t.equal(isApiKey(mistyped), false, `${at} ${character}`)
    }
  }
  const swapped = key.slice(0, 10) + [...key.slice(10, 20)].reverse().join('') + key.slice(20)
  t.equal(isApiKey(swapped), swapped === key)
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => !isApiKey(text) && !isApiKey(`ptk_${text}`)))
})

t.test('V4 what the store keeps is an HMAC under a key of its own', async t => {
  const ring = [randomBytes(32), randomBytes(32)]
  const hashes = createApiKeyHashes(() => ring)
  const key = newApiKey()
  t.equal(hashes.all(key).length, 2)
  t.equal(hashes.first(key), hashes.all(key)[0])
  t.equal(new Set([...hashes.all(key), ...createApiKeyHashes(() => [randomBytes(32)]).all(key)]).size, 3)
  const purposes = ['api-key', 'assertion', 'seal/session', 'seal/ticket', 'seal/attempt'].map(purpose => deriveKeys(ring, purpose)[0]?.toString('hex'))
  t.equal(new Set(purposes).size, purposes.length)
})

t.test('R13 a key that was seen is no round trip, and the same session', async t => {
  const { find, asked, clock, portal, use, store, key, keys, text, analytics } = await start(t)
  const first = await find()
  t.match(first, { member: 'mbr_ada', email: 'ada@acme.com', amr: ['api_key'], sid: key.id })
  t.same(asked, ['find', 'member'])
  for (let i = 0; i < 100; i++) t.equal(keys.find(text, analytics), first, 'at once')
  const other = await find(text, portal)
  t.not(other, first, 'each host its own, for the assertion of its app')
  t.equal(await find(text, portal), other)
  t.same(asked, ['find', 'member'])
  clock.now += 11
  t.equal(await find(), first, 'asked again, and nothing was new')
  t.same(asked, ['find', 'member', 'find', 'member'])
  await Promise.all(Array.from({ length: 20 }, () => find()))
  await use.flush()
  await use.flush()
  t.same(asked.filter(name => name === 'use'), ['use'], 'uses are told in one go')
  t.equal((await store.apiKeyById(key.id))?.lastUsedAt, clock.now)
})

t.test('R13 uses that the store does not take are kept, and that is said when it begins', async t => {
  const logs: string[] = []
  let isDown = true
  const told: ReadonlyMap<string, number>[] = []
  const use = createApiKeyUse({
    log: pino({ level: 'error' }, { write: line => { logs.push(line) } }),
    store: {
      recordApiKeyUse: async used => {
        if (isDown) throw new PorticoError('PORTICO_STORE_UNAVAILABLE')
        told.push(used)
      }
    }
  })
  const { key } = await start(t)
  use.touch(key, 1_800_000_100)
  for (let i = 0; i < 3; i++) await use.flush()
  t.equal(logs.length, 1)
  isDown = false
  await use.flush()
  t.same(told, [new Map([[key.id, 1_800_000_100]])])
  isDown = true
  use.touch(key, 1_800_000_200)
  await use.flush()
  t.equal(logs.length, 2)
})

t.test('R13 many at once wait for one question', async t => {
  const { find, asked } = await start(t)
  const found = await Promise.all(Array.from({ length: 50 }, () => find()))
  t.equal(new Set(found).size, 1)
  t.same(asked, ['find', 'member'])
})

t.test('R13 a malformed key is no question to the store at all', async t => {
  const { find, asked, text } = await start(t)
  for (const wrong of ['', 'ptk_', text.slice(0, -1), `${text}0`, text.replace(/.$/, last => last === '0' ? '1' : '0'), 'ptk_'.repeat(10_000)]) {
    t.equal(await find(wrong), 'PORTICO_API_KEY_INVALID')
  }
  t.same(asked, [])
  t.equal(await find(newApiKey()), 'PORTICO_API_KEY_INVALID')
  t.same(asked, ['find'], 'one question, by its hash')
})

t.test('R13 a store that is down: known keys go on, unknown ones are not guessed at', async t => {
  const { find, down, clock, revocations, key, member } = await start(t)
  down.now = true
  t.equal(await find(), 'PORTICO_STORE_UNAVAILABLE')
  down.now = false
  const session = await find()
  t.match(session, { member: 'mbr_ada' })
  down.now = true
  clock.now += 3_600
  t.equal(await find(), session)
  t.equal(await find(newApiKey()), 'PORTICO_STORE_UNAVAILABLE')
  revocations.add({ kind: 'member', value: member.id, issuedBefore: clock.now, expiresAt: clock.now + 1_000 })
  t.equal(await find(), 'PORTICO_STORE_UNAVAILABLE', 'what was revoked about its owner only the store knows')
  revocations.add({ kind: 'api_key', value: key.id, issuedBefore: clock.now, expiresAt: clock.now + 1_000 })
  down.now = false
  t.equal(await find(), 'PORTICO_API_KEY_INVALID')
})

t.test('R13 V33 what is learnt of its owner counts at once, whatever is remembered', async t => {
  const { find, clock, revocations, store, member, key, keys, generation, configure, organization, connection, analytics } = await start(t)
  const session = await find()
  if (typeof session === 'string') throw new Error(session)
  t.equal(keys.isLive(session), true)
  t.equal(keys.isLive({ ...session }), undefined, 'no session of a key')

  clock.now += 5
  revocations.add({ kind: 'member', value: member.id, issuedBefore: clock.now, expiresAt: clock.now + 1_000 })
  t.equal(keys.isLive(session), false)
  t.equal(await find(), session, 'signed out everywhere, but nobody took the key away')
  await store.blockMember(member.id, clock.now)
  clock.now += 1
  revocations.add({ kind: 'member', value: member.id, issuedBefore: clock.now, expiresAt: clock.now + 1_000 })
  t.equal(await find(), 'PORTICO_API_KEY_INVALID', 'blocked')
  await store.unblockMember(member.id)
  clock.now += 1
  t.match(await find(), { member: member.id })

  generation.now = undefined
  t.equal(await find(), 'PORTICO_STORE_UNAVAILABLE', 'nobody is let in by a configuration that is known to be older')
  generation.now = 1
  const away = { ...connection, domains: new Set(['other.example']), assertable: new Set(['other.example']) }
  configure({ connections: new Map([['okta', away]]) })
  t.equal(await find(), 'PORTICO_API_KEY_INVALID', 'its e-mail is no longer of the connection')
  configure({ connections: new Map([['okta', { ...connection, organization: organizationOf('globex') }]]) })
  t.equal(await find(), 'PORTICO_API_KEY_INVALID', 'the connection is another organization\'s')
  configure({ connections: new Map([['okta', connection]]), organizations: new Map([['acme', organization]]) })
  t.match(await find(), { member: member.id })
  const grouped = { ...analytics, app: { ...analytics.app, groups: new Map([['acme', new Set(['boss'])]]) } }
  t.equal(await find(undefined, grouped), 'PORTICO_API_KEY_APP', 'the app is for another group now')

  await store.eraseMember(member.id)
  clock.now += 11
  t.equal(await find(), 'PORTICO_API_KEY_INVALID')
  t.equal(await store.apiKeyById(key.id), undefined, 'it went with the member')
})

t.test('R13 E5 under a new first key it is found by the older one, and kept under the new one from then on', async t => {
  const { text, key, store, clock, member, find, configure } = await start(t)
  t.match(await find(), { member: member.id })
  configure({ keys: [randomBytes(32)] })
  t.equal(await find(), 'PORTICO_API_KEY_INVALID', 'a ring without its key knows nothing of it, at once')
  const [older, newer] = [randomBytes(32), randomBytes(32)]
  await store.removeApiKeys([key.id])
  const under = (keys: readonly Buffer[]) => createApiKeyHashes(() => keys)
  await store.addApiKey({ ...key, hash: under([older]).first(text) }, 50)
  const place = placeOf('analytics')
  const organization = organizationOf('acme')
  const finder = (keys: readonly Buffer[]) => createApiKeys({
    store,
    configuration: () => configurationOf({ keys, apps: new Map([['analytics', place.app]]), organizations: new Map([['acme', organization]]), connections: new Map([['okta', connectionOf('okta', organization)]]) }),
    sessions: { isRevoked: () => false, trust: { generation: () => 1, adopt: async () => {}, settled: async () => 1 } },
    use: { touch: () => {}, flush: async () => {} },
    log,
    now: () => clock.now
  })
  t.match(await finder([newer, older]).find(text, place), { member: member.id }, 'every configured key is tried')
  t.equal((await store.apiKeyById(key.id))?.hash, under([newer]).first(text), 'and the first one is the one from now on')
  t.match(await finder([newer]).find(text, place), { member: member.id }, 'so that the older one may go')
})

t.test('R13 V13 V14 wrong keys are counted by network, however it is written, in bounded room', async t => {
  const clock = { now: 1_000 }
  const wrong = createWrongKeys(() => clock.now)
  for (let i = 0; i < mostWrongKeys; i++) t.equal(wrong.count('192.0.2.1'), undefined)
  t.equal(wrong.count('192.0.2.1'), 60)
  t.equal(wrong.count('192.0.2.2'), undefined, 'of another')
  for (let i = 0; i < mostWrongKeys; i++) wrong.count(`2001:db8::${i.toString(16)}`)
  t.equal(wrong.count('2001:db8::ffff'), 60, 'a /64 is one')
  t.equal(wrong.count('2001:DB8:0:0:0::1'), 60)
  for (let i = 0; i < 25_000; i++) wrong.count(`10.0.${i >> 8}.${i & 255}`)
  t.equal(wrong.count('192.0.2.1'), undefined, 'forgotten rather than kept for ever')
  for (let i = 0; i < mostWrongKeys; i++) wrong.count('192.0.2.3')
  t.equal(wrong.count('192.0.2.3'), 60)
  clock.now += 60
  t.equal(wrong.count('192.0.2.3'), undefined, 'a minute later')
})

t.test('G8 G10 C7 what of the headers is a credential', async t => {
  const [a, b] = [newApiKey(), newApiKey()]
  const kinds = (...raw: string[]) => credentialIn(raw)?.kind
  t.equal(kinds('Host', 'x', 'Authorization', `bEaReR\t${a}`), 'key')
  t.equal(kinds('X-Api-Key', a), 'key')
  t.equal(kinds('x-api-key', a, 'authorization', `Bearer ${a}`), 'key')
  t.equal(kinds('x-api-key', a, 'x-api-key', a), 'conflict', 'a header twice')
  t.equal(kinds('authorization', `Bearer ${a}`, 'Authorization', 'Basic x'), 'conflict')
  t.equal(kinds('authorization', `Bearer ${a}`, 'x-api-key', b), 'conflict')
  t.equal(kinds('x-api-key', 'the app\'s', 'x-api-key', a), 'conflict')
  t.equal(kinds('authorization', 'Bearer x', 'authorization', 'Bearer y'), 'bearer', 'the app\'s own, until one is a token of ours')
  for (const raw of [['authorization', a], ['authorization', `Basic ${a}`], ['authorization', 'Bearer'], ['authorization', 'Bearer '], ['x-api-key', 'x'], ['x_api_key', a], ['cookie', a], ['proxy-authorization', `Bearer ${a}`], []]) {
    t.equal(kinds(...raw), undefined, raw.join(': ').slice(0, 40))
  }
  const both = credentialIn(['x-api-key', a, 'authorization', 'Bearer x'])
  t.same(both?.kind === 'key' ? [[...both.headers], both.bearers] : [], [['x-api-key'], ['x']])
})
