import { createHmac, KeyObject, sign } from 'node:crypto'
import t from 'tap'
import type { Answer, Browser } from '../support/browser.ts'
import { codeOf, origins, startGateway, type Test, type World } from '../support/gateway.ts'
import { createSigningKey, encodePart, signJwt, startHostileProvider, type HostileProvider, type SigningKey } from '../support/hostile-provider.ts'
import { signOutThere } from '../support/provider.ts'
import { withoutStore } from '../support/store-outage.ts'
import { everywhere, liveOf, traces } from '../support/traces.ts'

type Claims = Record<string, unknown>

const event = 'http://schemas.openid.net/event/backchannel-logout'

interface Person {
  readonly browser: Browser
  /** What the browser held, by origin, even if it has thrown it away since. */
  readonly cookies: Readonly<Record<string, string>>
}

const personOf = (browser: Browser): Person =>
  ({ browser, cookies: Object.fromEntries([origins.auth, origins.portal, origins.analytics].map(origin => [origin, browser.jar.header(new URL(origin)) ?? ''])) })

/** Seconds that the clocks are ahead. */
let ahead = 0

/** A sign-out ends whatever began by its second: each sign-in is in one of its own. */
const wait = (world: World, seconds: number): void => {
  ahead += seconds
  world.setClock(ahead)
}

const seconds = (): number => Math.floor(Date.now() / 1_000)

const connections = { hooli: 'hooli.com', twin: 'twin.example', later: 'later.example', gone: 'gone.test' } as const

/** One provider that says what it is told to, behind two active connections, one in testing and one disabled; and a SAML one. */
const startWorld = async (t: Test) => {
  const provider = await startHostileProvider()
  t.teardown(provider.close)
  const yaml = (connection: keyof typeof connections, status = 'active'): string => [
    `name: ${connection}`,
    'connections:',
    `  ${connection}_oidc:`,
    ...['connector: oidc', `status: ${status}`, `domains: [${connections[connection]}]`, `discovery_url: ${provider.issuer}`, 'client_id: portico', 'client_secret: a secret of hooli'].map(line => `    ${line}`)
  ].join('\n')
  const world = await startGateway(t, {
    organizations: usual => ({ ...usual, hooli: yaml('hooli'), twin: yaml('twin'), later: yaml('later', 'testing'), gone: yaml('gone', 'disabled') })
  })
  return { world, provider }
}

/** Signs somebody in at a provider that has no pages: what a browser would do there is done for it. */
const signIn = async (world: World, provider: HostileProvider, { sub = 'ada', sid = 'session-1', connection = 'hooli', groups = [] }: { sub?: string, sid?: string | null, connection?: keyof typeof connections, groups?: readonly string[] } = {}): Promise<Person> => {
  wait(world, 2)
  const browser = world.browser()
  await browser.open(await returnOf(provider, browser, { sub, sid, connection, groups }))
  await browser.open(`${origins.analytics}/x`)
  return personOf(browser)
}

/** As far as the address that the provider sends the browser back to. */
const returnOf = async (provider: HostileProvider, browser: Browser, { sub, sid, connection, groups = [] }: { sub: string, sid: string | null, connection: keyof typeof connections, groups?: readonly string[] }): Promise<string> => {
  const asked = await browser.open(`${origins.auth}/login/${connection}_oidc?app=portal`, { until: url => url.port === String(provider.port) })
  provider.script.profile = { email: `${sub}@${connections[connection]}`, email_verified: true, name: sub, groups }
  provider.script.claims = claims => ({ ...claims, sub, sid: sid ?? undefined })
  return `${origins.auth}/login/${connection}_oidc/callback?${provider.authorize(asked.location?.href ?? '')}`
}

let made = 0

const claimsOf = (provider: HostileProvider, changed: Claims = {}): Claims => {
  const claims = { iss: provider.issuer, aud: 'portico', iat: seconds(), exp: seconds() + 120, jti: `token-${++made}`, events: { [event]: {} }, sid: 'session-1', ...changed }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

const signed = async (provider: HostileProvider, changed: Claims = {}, header: Claims = {}, key: SigningKey = provider.key): Promise<string> =>
  await signJwt({ alg: key.alg, kid: key.kid, typ: 'logout+jwt', ...header }, claimsOf(provider, changed), key.privateKey)

const backChannelOf = (connection: string): string => `${origins.auth}/logout/${connection}/backchannel`

/** As a server sends it. */
const post = async (world: World, body: string | URLSearchParams, { at = backChannelOf('hooli_oidc'), headers = {} }: { at?: string, headers?: Record<string, string> } = {}): Promise<Answer> =>
  await world.browser().send(at, { method: 'POST', body, mode: 'cors', headers: { origin: undefined, 'sec-fetch-site': undefined, 'sec-fetch-mode': undefined, 'sec-fetch-dest': undefined, ...headers } })

const tell = async (world: World, token: string, at?: string): Promise<Answer> => await post(world, new URLSearchParams({ logout_token: token }), at === undefined ? {} : { at })

t.test('O17 L5 L6 by the back channel, from a provider nobody here wrote', async t => {
  const world = await startGateway(t, { logout: true })
  const issuer = new URL(world.acme.issuer)
  const told: unknown[] = []
  world.acme.provider.on('backchannel.success', () => told.push('success'))
  world.acme.provider.on('backchannel.error', (_ctx, error) => told.push(error))
  const signInThere = async (login: string): Promise<Person> => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`, login)
    await browser.open(`${origins.analytics}/x`)
    return personOf(browser)
  }
  const person = await signInThere('ada')
  const elsewhere = await signInThere('ada')
  const grace = await signInThere('grace')
  t.same(await liveOf(world, person.cookies), everywhere)

  const asked = await person.browser.open(`${world.acme.issuer}/session/end`)
  t.equal(asked.url.host, issuer.host)
  await signOutThere(asked, person.browser)
  t.same(told, ['success'])
  t.same(await liveOf(world, person.cookies), [])
  for (const other of [elsewhere, grace]) t.same(await liveOf(world, other.cookies), everywhere)
  t.match(world.lines.findLast(({ event }) => event === 'provider_sign_out'), { audit: true, connection: 'acme_oidc', organization: 'acme', by: 'back_channel', sessions: 1, request_id: String })

  await t.test('and a sign-out that began here comes back that way as well', async t => {
    const leaving = await elsewhere.browser.open(`${origins.auth}/logout`)
    const done = await elsewhere.browser.follow(await signOutThere(leaving, elsewhere.browser))
    t.match({ status: done.status, path: done.url.pathname }, { status: 200, path: '/logout/done' })
    t.same(told, ['success', 'success'], 'of a session that is over already: fine')
    t.same(await liveOf(world, grace.cookies), everywhere)
  })
})

t.test('the back channel', async t => {
  const { world, provider } = await startWorld(t)

  await t.test('O17 L5 L6 by sid: this session on every host, and nobody else’s', async t => {
    const ada = await signIn(world, provider)
    const elsewhere = await signIn(world, provider, { sid: 'session-2' })
    const none = await signIn(world, provider, { sid: null })
    const namesake = await signIn(world, provider, { connection: 'twin' })
    t.same(await liveOf(world, ada.cookies), everywhere)
    const answer = await tell(world, await signed(provider))
    t.match({ status: answer.status, cache: answer.headers.get('cache-control'), text: answer.text, cookies: answer.setCookies }, { status: 200, cache: 'no-store', text: '', cookies: [] })
    t.same(await liveOf(world, ada.cookies), [])
    for (const other of [elsewhere, none, namesake]) t.same(await liveOf(world, other.cookies), everywhere, 'V20 V38')
  })

  await t.test('O17 L5 by sid and sub: that session alone (Back-Channel Logout §2.4)', async t => {
    const ada = await signIn(world, provider)
    const elsewhere = await signIn(world, provider, { sid: 'session-2' })
    t.equal((await tell(world, await signed(provider, { sub: 'ada' }))).status, 200)
    t.same(await liveOf(world, ada.cookies), [])
    t.same(await liveOf(world, elsewhere.cookies), everywhere)
  })

  await t.test('O17 L5 by sid and sub, from a provider that named no session at sign-in: that person’s sessions without a name', async t => {
    const nameless = await signIn(world, provider, { sid: null })
    const named = await signIn(world, provider, { sid: 'session-2' })
    const grace = await signIn(world, provider, { sub: 'grace', sid: null })
    const large = await signIn(world, provider, { sid: null, groups: Array.from({ length: 120 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`) })
    t.equal((await tell(world, await signed(provider, { sid: 'unheard-of', sub: 'ada' }))).status, 200)
    for (const { cookies } of [nameless, large]) t.same(await liveOf(world, cookies), [])
    for (const { cookies } of [named, grace]) t.same(await liveOf(world, cookies), everywhere)
    t.same(await liveOf(world, (await signIn(world, provider, { sid: null })).cookies), everywhere)
  })

  await t.test('O17 L5 V38 by sub alone: all that this person has here, and nobody else', async t => {
    const people = [
      await signIn(world, provider),
      await signIn(world, provider, { sid: 'session-2' }),
      await signIn(world, provider, { sid: null }),
      // more than a cookie holds: the store has the rest of it
      await signIn(world, provider, { groups: Array.from({ length: 120 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`) })
    ]
    const grace = await signIn(world, provider, { sub: 'grace' })
    const namesake = await signIn(world, provider, { connection: 'twin' })
    for (const { cookies } of people) t.same(await liveOf(world, cookies), everywhere)
    t.equal((await tell(world, await signed(provider, { sid: undefined, sub: 'ada' }))).status, 200)
    for (const { cookies } of people) t.same(await liveOf(world, cookies), [])
    for (const { cookies } of [grace, namesake]) t.same(await liveOf(world, cookies), everywhere)
    t.match(world.lines.findLast(({ event }) => event === 'provider_sign_out'), { by: 'back_channel', subject: `${provider.issuer} ada`, sessions: 0 })
    t.same(await liveOf(world, (await signIn(world, provider)).cookies), everywhere, 'who signs in again is signed in')
  })

  await t.test('L5 whom nobody here knows: 200', async t => {
    for (const changed of [{ sid: 'never-seen' }, { sid: undefined, sub: 'nobody' }]) t.equal((await tell(world, await signed(provider, changed))).status, 200)
  })

  await t.test('L5 E12 a sign-in under way ends as well', async t => {
    for (const changed of [{ sid: 'session-9' }, { sid: undefined, sub: 'ada' }]) {
      wait(world, 2)
      const browser = world.browser()
      const back = await returnOf(provider, browser, { sub: 'ada', sid: 'session-9', connection: 'hooli' })
      t.equal((await tell(world, await signed(provider, changed))).status, 200)
      const answer = await browser.open(back)
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_ATTEMPT_REVOKED' })
      t.same(await liveOf(world, personOf(browser).cookies), [])
    }
  })

  for (const [name, changed, header] of [
    ['typ in capitals', {}, { typ: 'LOGOUT+JWT' }],
    ['the whole media type', {}, { typ: 'application/logout+jwt' }],
    ['typ JWT, as providers from before write', {}, { typ: 'JWT' }],
    ['no typ at all', {}, { typ: undefined }],
    ['G1 a list of audiences with ours', { aud: ['another', 'portico'] }, {}],
    ['F18 a clock that is four minutes behind', { iat: -240, exp: 60 }, {}],
    ['F18 a clock that is four minutes ahead', { iat: 240, exp: 360 }, {}],
    ['an event with something in it', { events: { [event]: { reason: 'x' }, 'https://other.example/event': {} } }, {}],
    ['claims that nobody here knows', { trace_id: 'x', tid: 'y' }, {}],
    ['a long sid', { sid: 's'.repeat(1_000) }, {}]
  ] as const) {
    await t.test(`O17 accepted: ${name}`, async t => {
      const sid = 'sid' in changed ? changed.sid : 'session-1'
      const person = await signIn(world, provider, { sid })
      const times = 'iat' in changed ? { iat: seconds() + changed.iat, exp: seconds() + changed.exp } : {}
      t.equal((await tell(world, await signed(provider, { ...changed, ...times }, header))).status, 200)
      t.same(await liveOf(world, person.cookies), [])
    })
  }

  const stranger = await createSigningKey('ES256', provider.key.kid)
  const unlisted = await createSigningKey('ES384', 'key-384')
  const spent = await signed(provider, { sid: 'never-seen' })
  t.equal((await tell(world, spent)).status, 200)
  const person = await signIn(world, provider)
  const parts = async (): Promise<string[]> => (await signed(provider)).split('.')
  const bare = (header: Claims, claims: Claims, signature = ''): string => `${encodePart(header)}.${encodePart(claims)}.${signature}`
  const idTokenClaims = (): Claims => ({ iss: provider.issuer, aud: 'portico', sub: 'ada', sid: 'session-1', iat: seconds(), exp: seconds() + 300, nonce: 'n', jti: `id-${++made}` })

  for (const [name, make] of [
    ['O2 G4 alg none', async () => bare({ alg: 'none', typ: 'logout+jwt' }, claimsOf(provider))],
    ['O2 G4 alg none, in capitals, with a signature', async () => bare({ alg: 'NONE' }, claimsOf(provider), 'AAAA')],
    ['O2 G4 HS256 with the public key', async () => {
      const input = `${encodePart({ alg: 'HS256', kid: provider.key.kid })}.${encodePart(claimsOf(provider))}`
      return `${input}.${createHmac('sha256', JSON.stringify(provider.key.publicJwk)).update(input).digest('base64url')}`
    }],
    ['O2 HS256 with the client secret', async () => {
      const input = `${encodePart({ alg: 'HS256' })}.${encodePart(claimsOf(provider))}`
      return `${input}.${createHmac('sha256', 'a secret of hooli').update(input).digest('base64url')}`
    }],
    ['O2 an algorithm that the provider does not list', async () => await signed(provider, {}, {}, unlisted)],
    ['O1 V6 signed by a stranger under the same kid', async () => await signed(provider, {}, {}, stranger)],
    ['O1 signed by a stranger who brings the key along', async () => await signed(provider, {}, { jwk: stranger.publicJwk }, stranger)],
    ['O1 a kid that leads elsewhere', async () => await signed(provider, {}, { kid: '../../etc/passwd', jku: 'https://evil.example/jwks' }, stranger)],
    ['O1 V6 without a signature', async () => (await parts()).slice(0, 2).join('.') + '.'],
    ['O1 other claims than were signed', async () => { const [header, , signature] = await parts(); return `${header}.${encodePart(claimsOf(provider, { sub: 'ada' }))}.${signature}` }],
    ['O3 G2 another issuer', async () => await signed(provider, { iss: 'https://evil.example' })],
    ['O3 G2 the issuer with a slash behind', async () => await signed(provider, { iss: `${provider.issuer}/` })],
    ['O3 no issuer', async () => await signed(provider, { iss: undefined })],
    ['O5 G1 another audience', async () => await signed(provider, { aud: 'another' })],
    ['O5 G1 a list without ours', async () => await signed(provider, { aud: ['another', 'portico2'] })],
    ['O5 G1 no audience', async () => await signed(provider, { aud: undefined })],
    ['O5 G1 ours in an object', async () => await signed(provider, { aud: { portico: 'portico' } })],
    ['O11 G3 expired', async () => await signed(provider, { iat: seconds() - 200, exp: seconds() - 80 })],
    ['O11 without exp', async () => await signed(provider, { exp: undefined })],
    ['O11 exp as text', async () => await signed(provider, { exp: String(seconds() + 120) })],
    ['O11 issued long ago, and good for ever', async () => await signed(provider, { iat: seconds() - 3_600, exp: seconds() + 1e9 })],
    ['O11 issued in the future', async () => await signed(provider, { iat: seconds() + 3_600, exp: seconds() + 7_200 })],
    ['O11 without iat', async () => await signed(provider, { iat: undefined })],
    ['G3 not yet', async () => await signed(provider, { nbf: seconds() + 3_600 })],
    ['with a nonce', async () => await signed(provider, { nonce: 'n' })],
    ['with a nonce that is null', async () => await signed(provider, { nonce: null })],
    ['without events', async () => await signed(provider, { events: undefined })],
    ['with another event', async () => await signed(provider, { events: { 'http://schemas.openid.net/event/other': {} } })],
    ['with the event as a list', async () => await signed(provider, { events: [event] })],
    ['with the event as text', async () => await signed(provider, { events: event })],
    ['with an event that is no object', async () => await signed(provider, { events: { [event]: true } })],
    ['with an event that is null', async () => await signed(provider, { events: { [event]: null } })],
    ['with an event by inheritance', async () => await signed(provider, { events: JSON.parse(`{"__proto__":{"${event}":{}}}`) })],
    ['without jti', async () => await signed(provider, { jti: undefined })],
    ['with an empty jti', async () => await signed(provider, { jti: '' })],
    ['with a jti that is no text', async () => await signed(provider, { jti: 7 })],
    ['with neither sid nor sub', async () => await signed(provider, { sid: undefined })],
    ['with an empty sid', async () => await signed(provider, { sid: '' })],
    ['with a sid that is no text', async () => await signed(provider, { sid: ['session-1'] })],
    ['with a sub that is no text beside a good sid', async () => await signed(provider, { sub: { toString: 'ada' } })],
    ['with a sid beyond all measure', async () => await signed(provider, { sid: 's'.repeat(2_000) })],
    ['L5 used before', async () => spent],
    ['V4 an ID token', async () => await signJwt({ alg: provider.key.alg, kid: provider.key.kid }, idTokenClaims(), provider.key.privateKey)],
    ['V4 an ID token that claims an event', async () => await signJwt({ alg: provider.key.alg, kid: provider.key.kid }, { ...idTokenClaims(), events: { [event]: {} } }, provider.key.privateKey)],
    ['V4 an access token', async () => await signed(provider, {}, { typ: 'at+jwt' })],
    ['V4 a security event of another kind', async () => await signed(provider, {}, { typ: 'secevent+jwt' })],
    ['with an extension that must be understood', async () => {
      const input = `${encodePart({ alg: 'ES256', kid: provider.key.kid, crit: ['soon'], soon: true })}.${encodePart(claimsOf(provider))}`
      return `${input}.${sign('sha256', Buffer.from(input), { key: KeyObject.from(provider.key.privateKey), dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
    }],
    ['G12 a huge one', async () => await signed(provider, { padding: 'x'.repeat(20_000) })],
    ['an encrypted one', async () => `${encodePart({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.AAAA.AAAA.AAAA.AAAA`],
    ['two parts', async () => 'AAAA.AAAA'],
    ['V10 claims that are no JSON', async () => `${encodePart({ alg: 'ES256' })}.${encodePart('{')}.AAAA`],
    ['V10 claims that are a list', async () => `${encodePart({ alg: 'ES256' })}.${encodePart('[]')}.AAAA`],
    ['V10 claims that are null', async () => `${encodePart({ alg: 'ES256' })}.${encodePart('null')}.AAAA`],
    ['V10 not a token', async () => '\u0000<script>'],
    ['nothing', async () => '']
  ] as const) {
    await t.test(`O17 L5 refused: ${name}`, async t => {
      const before = await traces(world)
      const token = await make()
      const answer = await tell(world, token)
      t.match({ status: answer.status, type: answer.headers.get('content-type'), cache: answer.headers.get('cache-control'), cookies: answer.setCookies }, { status: 400, type: /^application\/json/, cache: 'no-store', cookies: [] })
      t.match(answer.json(), { error: 'invalid_request', error_description: String, code: 'PORTICO_LOGOUT_TOKEN', request_id: String })
      t.same(await liveOf(world, person.cookies), everywhere)
      t.same((await traces(world)).revocations, before.revocations)
      if (token.length > 60) t.notOk(JSON.stringify([world.lines, answer.text]).includes(token.slice(-40)), 'V36 in no log line')
    })
  }

  await t.test('O17 a good one at last, by the same person’s session', async t => {
    t.equal((await tell(world, await signed(provider))).status, 200)
    t.same(await liveOf(world, person.cookies), [])
  })

  await t.test('O10 F19 the request: a form, once, of bounded size', async t => {
    const token = await signed(provider, { sid: 'never-seen' })
    const json = { 'content-type': 'application/json' }
    for (const [name, answer, wanted] of [
      ['twice', await post(world, `logout_token=${token}&logout_token=${token}`), { status: 400, code: 'PORTICO_LOGOUT_TOKEN' }],
      ['another name', await post(world, `token=${token}`), { status: 400, code: 'PORTICO_LOGOUT_TOKEN' }],
      ['in the query', await post(world, 'x=y', { at: `${backChannelOf('hooli_oidc')}?logout_token=${token}` }), { status: 400, code: 'PORTICO_LOGOUT_TOKEN' }],
      ['as JSON', await post(world, JSON.stringify({ logout_token: token }), { headers: json }), { status: 415, code: 'PORTICO_MEDIA_TYPE' }],
      ['beyond 64 kB', await post(world, `logout_token=${token}&x=${'x'.repeat(66_000)}`), { status: 413, code: 'PORTICO_BODY_TOO_LARGE' }],
      ['by GET', await world.browser().send(`${backChannelOf('hooli_oidc')}?logout_token=${token}`), { status: 405, code: 'PORTICO_METHOD_NOT_ALLOWED' }]
    ] as const) t.match({ status: answer.status, code: codeOf(answer) }, wanted, name)
    t.equal((await tell(world, token)).status, 200, 'none of that has used it up')
  })

  await t.test('N9 V20 a connection that signs nobody in has no such address; another one has its own people', async t => {
    const namesake = await signIn(world, provider, { connection: 'twin' })
    for (const connection of ['later_oidc', 'gone_oidc', 'no_such', '__proto__', 'constructor', 'acme']) {
      const answer = await tell(world, await signed(provider), backChannelOf(connection))
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 404, code: 'PORTICO_NOT_FOUND' }, connection)
    }
    t.match(await tell(world, await signed(provider), backChannelOf('acme_oidc')), { status: 400 }, 'of another provider')
    t.same(await liveOf(world, namesake.cookies), everywhere)
    const jti = 'the same at both'
    t.equal((await tell(world, await signed(provider, { jti, sid: 'never-seen' }))).status, 200)
    t.equal((await tell(world, await signed(provider, { jti }), backChannelOf('twin_oidc'))).status, 200, 'no replay of the other connection’s')
    t.same(await liveOf(world, namesake.cookies), [])
  })

  await t.test('L5 many at once: one is told that it is good', async t => {
    const token = await signed(provider)
    const statuses = (await Promise.all(Array.from({ length: 8 }, async () => await tell(world, token)))).map(({ status }) => status)
    t.same(statuses.sort(), [200, 400, 400, 400, 400, 400, 400, 400])
  })

  await t.test('G4 O14 new keys are fetched for it', async t => {
    const person = await signIn(world, provider)
    wait(world, 61)
    const next = await createSigningKey('ES256', 'key-2')
    provider.script.keys = [next]
    t.equal((await tell(world, await signed(provider, {}, {}, next))).status, 200)
    t.same(await liveOf(world, person.cookies), [])
    t.equal((await tell(world, await signed(provider))).status, 400, 'the old one is withdrawn')
    delete provider.script.keys
    wait(world, 301)
  })

  await t.test('V34 L7 the store does not answer: 503, over here all the same, and good once more when it is back', async t => {
    const person = await signIn(world, provider)
    const token = await signed(provider)
    const answer = await withoutStore(world, async () => await tell(world, token))
    t.match({ status: answer.status, cache: answer.headers.get('cache-control'), body: answer.json() }, { status: 503, cache: 'no-store', body: { error: 'temporarily_unavailable', code: 'PORTICO_STORE_UNAVAILABLE' } })
    t.same(await liveOf(world, person.cookies), [])
    t.equal((await tell(world, token)).status, 200)
    t.equal((await tell(world, token)).status, 400)
  })

  await t.test('the provider’s keys are out of reach: 503, and nobody is signed out', async t => {
    const person = await signIn(world, provider)
    wait(world, 301)
    await provider.stop()
    const answer = await tell(world, await signed(provider))
    t.match({ status: answer.status, body: answer.json() }, { status: 503, body: { error: 'temporarily_unavailable', code: 'PORTICO_IDP_UNREACHABLE' } })
    t.same(await liveOf(world, person.cookies), everywhere)
    await provider.listen()
  })
})

t.test('the front channel', async t => {
  const { world, provider } = await startWorld(t)
  const at = (query: Readonly<Record<string, string>> | string, connection = 'hooli_oidc'): string => `${origins.auth}/logout/${connection}/frontchannel?${new URLSearchParams(query)}`
  const framed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }
  const good = () => ({ iss: provider.issuer, sid: 'session-1' })

  await t.test('L5 L6 iss and sid: that session on every host, by a frame that brings no cookie', async t => {
    const ada = await signIn(world, provider)
    const elsewhere = await signIn(world, provider, { sid: 'session-2' })
    const namesake = await signIn(world, provider, { connection: 'twin' })
    const answer = await world.browser().send(at(good()), { headers: framed })
    t.same(await liveOf(world, ada.cookies), [])
    for (const other of [elsewhere, namesake]) t.same(await liveOf(world, other.cookies), everywhere)
    t.match({ status: answer.status, cookies: answer.setCookies, cache: answer.headers.get('cache-control'), frame: answer.headers.get('x-frame-options') }, { status: 200, cookies: [], cache: 'no-store', frame: null })
    t.match(answer.headers.get('content-security-policy'), new RegExp(`^default-src 'none';.*; frame-ancestors ${provider.issuer}$`))
    t.match(world.lines.findLast(({ event }) => event === 'provider_sign_out'), { connection: 'hooli_oidc', organization: 'hooli', by: 'front_channel', sessions: 1 })
  })

  await t.test('what cookies come along says nothing, and nothing is set', async t => {
    const grace = await signIn(world, provider, { sub: 'grace', sid: 'session-3' })
    const ada = await signIn(world, provider)
    const answer = await grace.browser.send(at(good()), { headers: framed })
    t.match({ status: answer.status, cookies: answer.setCookies }, { status: 200, cookies: [] })
    t.same(await liveOf(world, ada.cookies), [])
    t.same(await liveOf(world, grace.cookies), everywhere)
  })

  await t.test('a session that nobody came with leaves no trace, and cannot be told from one that somebody did', async t => {
    const ada = await signIn(world, provider)
    const before = await traces(world)
    const strange = await world.browser().send(at({ ...good(), sid: 'made-up' }), { headers: framed })
    t.same((await traces(world)).revocations, before.revocations)
    const known = await world.browser().send(at(good()), { headers: framed })
    t.equal((await traces(world)).revocations.length, before.revocations.length + 1)
    t.same(await liveOf(world, ada.cookies), [])
    t.equal(strange.text, known.text)
    for (const name of ['content-security-policy', 'cache-control', 'content-type']) t.equal(strange.headers.get(name), known.headers.get(name))
  })

  const person = await signIn(world, provider)

  for (const [name, query] of [
    ['no iss', () => ({ sid: 'session-1' })],
    ['no sid', () => ({ iss: provider.issuer })],
    ['neither', () => ({})],
    ['O3 another issuer', () => ({ iss: 'https://evil.example', sid: 'session-1' })],
    ['O3 an issuer that begins the same', () => ({ iss: `${provider.issuer}.evil.example`, sid: 'session-1' })],
    ['V12 the issuer of another provider', () => ({ iss: world.acme.issuer, sid: 'session-1' })],
    ['O10 two sids', () => 'sid=session-1&sid=session-1&iss=x'],
    ['a sid beyond all measure', () => ({ iss: provider.issuer, sid: 'x'.repeat(2_000) })]
  ] as const) {
    await t.test(`L5 refused: ${name}`, async t => {
      const answer = await world.browser().send(at(query()), { headers: framed })
      t.match({ status: answer.status, code: codeOf(answer), frame: answer.headers.get('x-frame-options'), cookies: answer.setCookies }, { status: 400, code: 'PORTICO_FRONT_CHANNEL_LOGOUT', frame: 'DENY', cookies: [] })
      t.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/)
      t.same(await liveOf(world, person.cookies), everywhere)
    })
  }

  await t.test('N9 a connection that signs nobody in has no such address; POST is none', async t => {
    for (const connection of ['later_oidc', 'gone_oidc', 'no_such', '__proto__']) {
      const answer = await world.browser().send(at(good(), connection), { headers: framed })
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 404, code: 'PORTICO_NOT_FOUND' }, connection)
    }
    t.match(await world.browser().send(at(good()), { method: 'POST', body: '' }), { status: 405 })
    t.same(await liveOf(world, person.cookies), everywhere)
  })

  await t.test('V34 a store that cannot be written: over here all the same', async t => {
    t.equal((await withoutStore(world, async () => await world.browser().send(at(good()), { headers: framed }))).status, 200)
    t.same(await liveOf(world, person.cookies), [])
  })
})
