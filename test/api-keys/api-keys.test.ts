import { createPublicKey, verify } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { WebSocket } from 'ws'
import { newApiKey } from '../../src/access/api-key.ts'
import { createGateway } from '../../src/gateway.ts'
import { mostWrongKeys } from '../../src/hosts/wrong-keys.ts'
import { main } from '../../src/main.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { send, type Answer, type Browser, type SendOptions } from '../support/browser.ts'
import { callbackOf, codeOf, linksOf, origins, startGateway, type Echo, type World } from '../support/gateway.ts'

const day = 86_400

/** What an upstream echoed. */
const echoOf = (answer: Answer): Echo => answer.json() as Echo

/** A request of a program: no cookies, no browser's headers. */
const call = (world: Pick<World, 'port'>, page: string, headers: Readonly<Record<string, string | undefined>>, options: SendOptions = {}): Promise<Answer> =>
  send(page, { connect: { port: world.port }, headers: { accept: '*/*', 'sec-fetch-mode': undefined, 'sec-fetch-dest': undefined, 'sec-fetch-site': undefined, 'upgrade-insecure-requests': undefined, ...headers }, ...options })

const bearing = (key: string) => ({ authorization: `Bearer ${key}` })

interface Made { readonly key: string, readonly id: string, readonly expires_at: string }

/** Makes a key on the account page, as a script of that page would. */
const make = async (browser: Browser, fields: Readonly<Record<string, string>> = {}, apps: readonly string[] = ['analytics']): Promise<Answer> => {
  const body = new URLSearchParams({ label: 'nightly export', ...fields })
  for (const app of apps) body.append('app', app)
  return await browser.send(`${origins.auth}/account/keys`, { body, headers: { accept: 'application/json' } })
}

const madeBy = async (browser: Browser, fields: Readonly<Record<string, string>> = {}, apps: readonly string[] = ['analytics']): Promise<Made> => {
  const answer = await make(browser, fields, apps)
  if (answer.status !== 201) throw new Error(`no key: ${answer.status} ${answer.text}`)
  return answer.json() as Made
}

/** Runs a command as beside the running gateway. */
const portico = async (world: World, ...args: string[]): Promise<{ status: number, out: string, err: string }> => {
  let out = ''
  let err = ''
  const config = join(dirname(world.configuration.store.path), 'portico.yaml')
  const status = await main([...args, '--config', config], { env: {}, cwd: '/', out: text => { out += text }, err: text => { err += text } })
  return { status, out, err }
}

/** The first answer that is right: a gateway learns within a second, this waits for as long as it takes. */
const until = async (isRight: (answer: Answer) => boolean, ask: () => Promise<Answer>): Promise<Answer> => {
  for (;;) {
    const answer = await ask()
    if (isRight(answer)) return answer
    await wait(25)
  }
}

const untilRefused = (ask: () => Promise<Answer>): Promise<Answer> => until(({ status }) => status !== 200, ask)

const claimsOf = (assertion: string): Record<string, unknown> => JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

t.test('R13 an API key speaks for its owner', async t => {
  const world = await startGateway(t, { lines: ['logs: { level: trace }'] })
  await world.reload({})
  const browser = world.browser()
  await world.signIn(browser, `${origins.analytics}/x`)
  const page = await browser.open(`${origins.auth}/account`)
  t.match(page.text, /name="label"/, 'whoever has just signed in may make one')
  const { key, id, expires_at: expires } = await madeBy(browser)
  const known = { authorization: `Bearer ${key}` }

  await t.test('R13 it is shown once, of a form that is told when mistyped, and 90 days long', async t => {
    t.match(key, /^ptk_[0-9a-f]{56}$/)
    t.ok(Math.abs(Date.parse(expires) - Date.now() - 90 * day * 1_000) < 60_000)
    const listed = await browser.open(`${origins.auth}/account`)
    t.match(listed.text, /nightly export/)
    t.match(listed.text, id)
    t.notMatch(listed.text, key.slice(0, 20))
    const json = await browser.send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })
    t.match(json.json(), { email: 'ada@acme.com', api_keys: [{ id, label: 'nightly export', apps: ['analytics'], state: 'active' }] })
    t.notMatch(json.text, key.slice(0, 20))
    const body = new URLSearchParams({ label: 'by hand', app: 'portal', days: '7' })
    const shown = await browser.send(`${origins.auth}/account/keys`, { body })
    t.equal(shown.status, 200)
    t.match(shown.text, /<code>ptk_[0-9a-f]{56}<\/code>/)
    t.equal(shown.headers.get('cache-control'), 'no-store')
  })

  await t.test('R13 V4 the app gets the owner\'s identity, and an assertion that says how', async t => {
    const signedIn = echoOf(await browser.open(`${origins.analytics}/x`)).headers
    const { status, text } = await call(world, `${origins.analytics}/api?q=1`, { ...known, 'x-auth-user': 'evil', 'x-other': 'kept' })
    t.equal(status, 200)
    const { headers, url } = JSON.parse(text) as Echo
    t.equal(url, '/api?q=1')
    for (const name of ['x-auth-user', 'x-auth-email', 'x-auth-name', 'x-auth-groups', 'x-auth-organization', 'x-auth-connection', 'x-auth-role', 'x-auth-new-user']) {
      if (name !== 'x-auth-new-user') t.equal(headers[name], signedIn[name], name)
    }
    t.equal(headers['x-auth-email'], 'ada@acme.com')
    t.equal(headers['x-auth-groups'], 'staff')
    t.equal(headers['x-other'], 'kept')
    t.equal(headers['authorization'], undefined, 'C7 Portico used it up')
    const assertion = headers['x-auth-assertion'] ?? ''
    t.match(claimsOf(assertion), { amr: ['api_key'], sub: headers['x-auth-user'], aud: origins.analytics, email: 'ada@acme.com', org: 'acme', connection: 'acme_oidc', sid: id, new_user: false })
    const { keys } = (await call(world, `${origins.auth}/.well-known/jwks.json`, {})).json() as { keys: { kid: string }[] }
    const [head = '', body = '', signature = ''] = assertion.split('.')
    const jwk = keys.find(({ kid }) => kid === (JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }).kid)
    t.ok(verify('sha256', Buffer.from(`${head}.${body}`), { key: createPublicKey({ key: jwk ?? {}, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
    t.equal(echoOf(await call(world, `${origins.analytics}/again`, known)).headers['x-auth-assertion'], assertion, 'made once for many requests')
  })

  await t.test('G8 C7 the forms that are a key, and those that are the app\'s own', async t => {
    for (const [name, value] of [['authorization', `bearer ${key}`], ['Authorization', `BEARER  ${key}`], ['x-api-key', key], ['X-API-KEY', ` ${key} `]] as const) {
      const { status, text } = await call(world, `${origins.analytics}/x`, { [name]: value })
      t.equal(status, 200, `${name}: ${value.slice(0, 10)}…`)
      const { headers } = JSON.parse(text) as Echo
      t.equal(headers['authorization'] ?? headers['x-api-key'], undefined)
    }
    const both = await call(world, `${origins.analytics}/x`, { ...known, 'x-api-key': key })
    t.equal(both.status, 200, 'the same twice is no conflict')
    t.notMatch(both.text, key)
    const other = echoOf(await call(world, `${origins.analytics}/x`, { 'x-api-key': key, authorization: 'Basic YTpi' })).headers
    t.equal(other['authorization'], 'Basic YTpi', 'what Portico did not use goes on')
    t.equal(echoOf(await call(world, `${origins.analytics}/x`, { ...known, 'x-api-key': 'the app\'s own' })).headers['x-api-key'], 'the app\'s own')
    for (const value of [`Bearer ${key} x`, `Bearer ${key}x`, `Bearer ${key.slice(0, -1)}`, `Bearer ${key.toUpperCase().replace('PTK', 'ptk')}`, 'Bearer ptk_', 'Bearer ptk_abc def', `Bearer ${key}, ${key}`]) {
      const refused = await call(world, `${origins.analytics}/x`, { authorization: value })
      t.match([refused.status, codeOf(refused)], [401, 'PORTICO_API_KEY_INVALID'], value.slice(0, 12))
    }
    for (const value of [`Basic ${Buffer.from(`${key}:`).toString('base64')}`, `Something ${key}`, 'Bearer', 'Bearer abc def', 'Bearer abcdef', 'bearer', '']) {
      const stranger = await call(world, `${origins.analytics}/x`, { authorization: value })
      t.match([stranger.status, codeOf(stranger)], [401, 'PORTICO_SIGN_IN_REQUIRED'], value.slice(0, 12))
      const signedIn = await browser.send(`${origins.analytics}/x`, { headers: { authorization: value } })
      t.equal(echoOf(signedIn).headers['authorization'], value, 'forwarded for whoever is signed in')
      t.equal(echoOf(signedIn).headers['x-auth-email'], 'ada@acme.com')
    }
  })

  await t.test('G10 a key decides alone: over a cookie, and where it is wrong too', async t => {
    const hari = world.browser()
    await world.signIn(hari, `${origins.portal}/x`, 'hari')
    const { key: forPortal } = await madeBy(browser, {}, ['portal'])
    const own = echoOf(await hari.send(`${origins.portal}/x`)).headers
    t.equal(own['x-auth-email'], 'hari@globex.com')
    const { headers } = echoOf(await hari.send(`${origins.portal}/x`, { headers: bearing(forPortal) }))
    t.equal(headers['x-auth-email'], 'ada@acme.com')
    t.equal(headers['cookie'], undefined)
    const wrong = await hari.send(`${origins.portal}/x`, { headers: bearing(newApiKey()) })
    t.match([wrong.status, codeOf(wrong)], [401, 'PORTICO_API_KEY_INVALID'], 'never the cookie instead')
    const two = await hari.send(`${origins.portal}/x`, { headers: { ...bearing(forPortal), 'x-api-key': newApiKey() } })
    t.match([two.status, codeOf(two)], [400, 'PORTICO_CREDENTIALS_CONFLICT'])
  })

  await t.test('G9 wrong keys are told so in JSON, to browsers too, and nothing else', async t => {
    const before = world.received.length
    for (const options of [{}, { headers: { accept: 'text/html' } }] as const) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const refused = await world.browser().send(`${origins.analytics}/x`, { method, headers: { ...options.headers, ...bearing(newApiKey()) } })
        t.equal(refused.status, 401)
        t.equal(refused.headers.get('www-authenticate'), 'Bearer')
        t.equal(refused.headers.get('content-type'), 'application/problem+json')
        t.equal(refused.location, undefined)
        t.same(refused.setCookies, [])
        t.same(Object.keys(refused.json() as object), ['type', 'title', 'status', 'detail', 'code', 'request_id'])
      }
    }
    const page = await world.browser().send(`${origins.analytics}/x`, { headers: { authorization: 'Bearer something of the app' } })
    t.match([page.status, page.headers.get('www-authenticate'), codeOf(page)], [401, 'Bearer', 'PORTICO_SIGN_IN_REQUIRED'], 'never a page for whoever shows a token')
    t.equal(world.received.length, before)
  })

  await t.test('R13 a key opens the apps that it names', async t => {
    const elsewhere = await call(world, `${origins.portal}/x`, known)
    t.match([elsewhere.status, codeOf(elsewhere)], [401, 'PORTICO_API_KEY_APP'])
    const { key: wide } = await madeBy(browser, { label: 'wide' }, ['analytics', 'dashboard'])
    for (const origin of [origins.analytics, origins.dashboardUs, origins.dashboardEu]) {
      const answer = await call(world, `${origin}/x`, bearing(wide))
      t.equal(answer.status, 200)
      t.equal(claimsOf(echoOf(answer).headers['x-auth-assertion'] ?? '').aud, origin, 'each its own assertion')
    }
  })

  await t.test('B9 B10 on public paths: a good key brings the identity, a wrong one is refused, none is nobody', async t => {
    t.equal(echoOf(await call(world, `${origins.analytics}/public/a`, known)).headers['x-auth-email'], 'ada@acme.com')
    const nobody = echoOf(await call(world, `${origins.analytics}/public/a`, { 'x-auth-user': 'evil', authorization: 'Bearer of the app' })).headers
    t.equal(nobody['x-auth-user'], undefined)
    t.equal(nobody['authorization'], 'Bearer of the app')
    t.equal((await call(world, `${origins.analytics}/public/a`, bearing(newApiKey()))).status, 401)
  })

  await t.test('Portico\'s own paths on app hosts know no keys', async t => {
    t.equal((await call(world, `${origins.analytics}/.portico/begin?return_to=/x`, known)).status, 302)
    t.equal((await call(world, `${origins.analytics}/.portico/x`, known)).status, 404)
    t.equal((await call(world, `${origins.auth}/account`, { ...known, accept: 'application/json' })).status, 401, 'nor does the auth host')
  })

  await t.test('R13 K5 WebSockets by key need no Origin, and end with the key', async t => {
    const { key: forSockets, id } = await madeBy(browser, { label: 'live' })
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws`, { headers: { Host: 'analytics.localhost:8080', Origin: 'https://elsewhere.example', ...bearing(forSockets) } })
    await once(socket, 'open')
    socket.send('hello')
    t.equal(String((await once(socket, 'message'))[0]), 'hello')
    const foreign = new WebSocket(`ws://127.0.0.1:${world.port}/ws`, { headers: { Host: 'analytics.localhost:8080', ...bearing(newApiKey()) } })
    const [, refusal] = await once(foreign, 'unexpected-response') as [unknown, { statusCode: number }]
    t.equal(refusal.statusCode, 401)
    foreign.on('error', () => {})
    foreign.terminate()
    const closed = once(socket, 'close')
    t.equal((await portico(world, 'api-keys', 'revoke', id)).status, 0)
    t.equal((await closed)[0], 1008)
  })

  await t.test('R13 only from Portico\'s own page, for whoever is signed in, in bounds', async t => {
    const fields = new URLSearchParams({ label: 'x', app: 'analytics' })
    const target = `${origins.auth}/account/keys`
    for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: origins.analytics, 'sec-fetch-site': 'same-site' }, { origin: undefined, 'sec-fetch-site': undefined }, { origin: 'null', 'sec-fetch-site': 'cross-site' }]) {
      const refused = await browser.send(target, { body: fields, headers })
      t.match([refused.status, codeOf(refused)], [403, 'PORTICO_CROSS_SITE'])
      const kept = await browser.send(`${target}/revoke`, { body: new URLSearchParams({ id }), headers })
      t.equal(kept.status, 403)
    }
    t.equal((await world.browser().send(target, { body: fields, headers: { accept: 'application/json' } })).status, 401)
    for (const [wish, apps] of [[{ label: '' }, ['analytics']], [{ label: 'x'.repeat(101) }, ['analytics']], [{ label: 'a\nb' }, ['analytics']], [{}, []], [{}, ['nowhere']],
      [{ days: '0' }, ['analytics']], [{ days: '366' }, ['analytics']], [{ days: '-1' }, ['analytics']], [{ days: '1e3' }, ['analytics']]] as const) {
      const refused = await make(browser, wish, apps)
      t.match([refused.status, codeOf(refused)], [422, 'PORTICO_API_KEY_REQUEST'], JSON.stringify([wish, apps]).slice(0, 60))
    }
    const hari = world.browser()
    await world.signIn(hari, `${origins.portal}/x`, 'hari')
    t.equal(codeOf(await make(hari, {}, ['analytics'])), 'PORTICO_API_KEY_REQUEST', 'an app of the own organization')
    t.equal((await hari.send(`${target}/revoke`, { body: new URLSearchParams({ id }), headers: { accept: 'application/json' } })).status, 404, 'nobody else\'s')
    t.equal((await call(world, `${origins.analytics}/x`, known)).status, 200)
  })

  await t.test('R13 whoever signed in a while ago does so again first', async t => {
    const later = world.browser()
    await world.signIn(later, `${origins.analytics}/x`)
    world.setClock(20 * 60)
    const refused = await make(later)
    t.match([refused.status, codeOf(refused)], [403, 'PORTICO_RECENT_SIGN_IN'])
    const page = await later.open(`${origins.auth}/account`)
    t.notMatch(page.text, /name="label"/)
    const again = linksOf(page)['Sign in again to make an API key'] ?? ''
    t.equal((await later.send(again, { headers: { 'sec-fetch-site': 'cross-site' } })).location?.href, `${origins.auth}/account`, 'no other site sends anybody away')
    const begun = await later.send(again)
    t.equal(begun.location?.searchParams.get('prompt'), 'login')
    const back = await world.signIn(later, again)
    t.equal(back.url.href, `${origins.auth}/account`)
    t.match(back.text, /name="label"/, 'and then may')
    world.setClock(0)
  })

  await t.test('R13 fifty are enough', async t => {
    let last = await make(browser)
    for (let i = 0; i < 60 && last.status === 201; i++) last = await make(browser, { label: `key ${i}` })
    t.match([last.status, codeOf(last)], [409, 'PORTICO_API_KEY_LIMIT'])
    const { api_keys: keys } = (await browser.send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })).json() as { api_keys: { id: string, label: string }[] }
    t.equal(keys.length, 50)
    for (const { id, label } of keys.filter(({ label }) => /^key /.test(label))) {
      const revoked = await browser.send(`${origins.auth}/account/keys/revoke`, { body: new URLSearchParams({ id }) })
      t.equal(revoked.location?.href, `${origins.auth}/account`, label)
    }
  })

  await t.test('R13 V14 wrong keys are limited by network, right ones are not', async t => {
    let last = await call(world, `${origins.analytics}/x`, bearing(newApiKey()))
    for (let i = 0; i < mostWrongKeys + 50 && last.status === 401; i++) last = await call(world, `${origins.analytics}/x`, bearing(`${newApiKey()}x`))
    t.match([last.status, codeOf(last), last.headers.get('content-type')], [429, 'PORTICO_TOO_MANY_REQUESTS', 'application/problem+json'])
    t.equal(last.headers.get('retry-after'), '60')
    t.equal((await call(world, `${origins.analytics}/x`, known)).status, 200)
    const { key: fresh } = await madeBy(browser, { label: 'never seen before' })
    t.equal((await call(world, `${origins.analytics}/x`, bearing(fresh))).status, 200)
    world.setClock(61)
    t.equal((await call(world, `${origins.analytics}/x`, bearing(newApiKey()))).status, 401, 'a minute later')
    world.setClock(0)
  })

  await t.test('V23 whatever is in these headers, nobody reaches the app unknown', async t => {
    const before = world.received.length
    const text = fc.oneof(fc.string({ unit: 'grapheme-ascii' }), fc.constantFrom(key, key.slice(0, 30), 'eyJhbGciOiJub25lIn0.e30.', 'ptk_', 'null', 'undefined'))
    await fc.assert(fc.asyncProperty(fc.constantFrom('Bearer', 'bearer', 'Basic', 'Token', ''), text, text, async (scheme, one, two) => {
      if ([one, two].some(value => value.trim() === key)) return
      const clean = (value: string) => value.replace(/[^\x20-\x7e]/g, '').trim()
      const { status } = await call(world, `${origins.analytics}/x`, { authorization: clean(`${scheme} ${one}`), 'x-api-key': clean(two) })
      t.ok([400, 401, 429].includes(status), `${status}`)
    }), { numRuns: 60 })
    t.equal(world.received.length, before)
  })

  await t.test('R13 no key is in a log, a metric, the store, or on any page', async t => {
    const metrics = await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text()
    const folder = dirname(world.configuration.store.path)
    const store = ['portico.db', 'portico.db-wal'].map(name => readFileSync(join(folder, name), 'latin1')).join('')
    const secret = key.slice(4, 30)
    t.notMatch(JSON.stringify(world.lines), secret)
    t.notMatch(metrics, secret)
    t.notMatch(store, secret)
    t.match(store, id, 'what it looks through is the right store')
    t.match(world.lines.find(({ event }) => event === 'api_key_made'), { audit: true, by: 'member', key: id, member: String, organization: 'acme', email: 'ada@acme.com', apps: ['analytics'], client: '127.0.0.1' })
  })
})

t.test('R13 what ends a key, and what pauses it', async t => {
  const world = await startGateway(t, { client: { redirect_uris: ['acme_oidc', 'acme_next', 'globex_oidc'].map(callbackOf) } })
  const browser = world.browser()
  await world.signIn(browser, `${origins.analytics}/x`)
  const other = await createGateway({ configuration: world.configuration, log: createLog({ level: 'silent' }) })
  const { public: { port } } = await other.listen()
  t.teardown(() => other.close())
  const at = (key: string, instance: Pick<World, 'port'> = world) => () => call(instance, `${origins.analytics}/x`, bearing(key))

  await t.test('R13 revoked on the page or by command, on every instance', async t => {
    for (const revoke of [
      (id: string) => browser.send(`${origins.auth}/account/keys/revoke`, { body: new URLSearchParams({ id }) }),
      (id: string) => portico(world, 'api-keys', 'revoke', id)
    ]) {
      const { key, id } = await madeBy(browser)
      for (const instance of [world, { port }]) t.equal((await at(key, instance)()).status, 200)
      await revoke(id)
      for (const instance of [{ port }, world]) t.equal(codeOf(await untilRefused(at(key, instance))), 'PORTICO_API_KEY_INVALID')
    }
    t.equal((await portico(world, 'api-keys', 'revoke', 'key_nobody')).status, 1)
  })

  await t.test('R13 expired, and paused until its owner signs in', async t => {
    const { key: short } = await madeBy(browser, { days: '1' })
    const { key } = await madeBy(browser, { days: '60' })
    world.setClock(day + 60)
    t.equal(codeOf(await at(short)()), 'PORTICO_API_KEY_EXPIRED')
    t.equal((await at(key)()).status, 200)
    world.setClock(31 * day)
    const paused = await at(key)()
    t.match([paused.status, codeOf(paused)], [401, 'PORTICO_API_KEY_PAUSED'])
    t.match(paused.text, /sign in once/)
    const later = world.browser()
    await world.signIn(later, `${origins.analytics}/x`)
    t.equal((await until(({ status }) => status === 200, at(key))).status, 200)
    world.setClock(61 * day)
    t.equal(codeOf(await at(key)()), 'PORTICO_API_KEY_EXPIRED')
    world.setClock(0)
  })

  await t.test('R13 V33 with the member, the app, the connection', async t => {
    const { key } = await madeBy(browser)
    t.equal((await at(key)()).status, 200)
    const { acme = '' } = world.files
    await world.reload({ acme: `blocked: [ada@acme.com]\n${acme}` })
    t.equal(codeOf(await at(key)()), 'PORTICO_API_KEY_INVALID', 'blocked by configuration')
    await world.reload({ acme: `apps: [portal]\n${acme}` })
    t.equal(codeOf(await at(key)()), 'PORTICO_API_KEY_APP')
    await world.reload({ acme: `members: { invited: [grace@acme.co.uk] }\n${acme}` })
    t.equal(codeOf(await at(key)()), 'PORTICO_API_KEY_INVALID', 'no longer invited')
    await world.reload({ acme })
    t.equal((await at(key)()).status, 200, 'as long as it is only that')

    await world.reload({ acme: acme.replace('status: active', 'status: disabled') })
    t.equal(codeOf(await at(key)()), 'PORTICO_API_KEY_INVALID')
    await world.reload({ acme })
    t.equal(codeOf(await at(key)()), 'PORTICO_API_KEY_INVALID', 'R17 off and on again revives nothing')
    t.match(world.lines.find(({ event, by }) => event === 'api_key_revoked' && by === 'connection'), { audit: true, organization: 'acme' })
  })

  await t.test('R13 V33 blocked and erased by command, on every instance', async t => {
    for (const end of [['block'], ['erase']]) {
      const ada = world.browser()
      await world.signIn(ada, `${origins.analytics}/x`)
      const { key } = await madeBy(ada)
      // the other instance may not have heard yet what the tests before changed and changed back
      for (const instance of [world, { port }]) await until(({ status }) => status === 200, at(key, instance))
      t.equal((await portico(world, 'members', ...end, '--email', 'ada@acme.com')).status, 0, end.join(' '))
      for (const instance of [{ port }, world]) t.equal(codeOf(await untilRefused(at(key, instance))), 'PORTICO_API_KEY_INVALID', end.join(' '))
      if (end.includes('block')) {
        t.equal((await portico(world, 'members', 'unblock', '--email', 'ada@acme.com')).status, 0)
        await portico(world, 'members', 'erase', '--email', 'ada@acme.com')
      }
    }
  })

  await t.test('R10 a connection that takes over keeps the keys, before and after its people sign in', async t => {
    const { acme = '' } = world.files
    const ada = world.browser()
    await world.signIn(ada, `${origins.analytics}/x`)
    const { key } = await madeBy(ada)
    const before = echoOf(await at(key)()).headers
    const [, settings = ''] = /acme_oidc:\n([\s\S]*)/.exec(acme) ?? []
    const both = `${acme}\n  acme_next:\n    replaces: acme_oidc\n${settings}`
    await world.reload({ acme: both })
    t.equal(echoOf(await at(key)()).headers['x-auth-email'], 'ada@acme.com')
    const page = await world.signIn(ada, `${origins.analytics}/x`)
    t.match(echoOf(page).headers, { 'x-auth-connection': 'acme_next', 'x-auth-user': before['x-auth-user'] })
    const after = await until(({ text }) => text.includes('acme_next'), at(key))
    t.match(echoOf(after).headers, { 'x-auth-connection': 'acme_next', 'x-auth-user': before['x-auth-user'] })
    await world.reload({ acme: both.replace('status: active', 'status: disabled') })
    t.equal((await at(key)()).status, 200, 'the old one is off for good')
    await world.reload({ acme })
    t.equal(codeOf(await at(key)()), 'PORTICO_API_KEY_INVALID', 'the new one is gone, and nothing takes over from it')
  })
})

t.test('R13 api-keys create, list, revoke', async t => {
  const world = await startGateway(t)
  const browser = world.browser()
  const stranger = await portico(world, 'api-keys', 'create', '--email', 'ada@acme.com', '--app', 'analytics')
  t.match([stranger.status, stranger.out], [1, ''])
  t.match(stranger.err, /must sign in once/)
  await world.signIn(browser, `${origins.analytics}/x`)

  const odd = await portico(world, 'api-keys', 'create', '--email', 'ada@acme.com', '--app', 'portal', '--label', 'a\u202eb')
  t.equal(odd.status, 0, odd.err)
  const listing = await portico(world, 'api-keys', 'list')
  t.match(listing.out, /a\?b\n$/, 'no label turns what a terminal shows round')
  t.equal((await portico(world, 'api-keys', 'revoke', listing.out.split(' ')[0] ?? '')).status, 0)

  const made = await portico(world, 'api-keys', 'create', '--email', 'Ada@acme.com', '--app', 'analytics', '--app', 'portal', '--label', 'ci', '--expires', '7d')
  t.equal(made.status, 0, made.err)
  t.match(made.out, /^ptk_[0-9a-f]{56}\n$/)
  const key = made.out.trim()
  t.notMatch(made.err, key)
  t.match(JSON.parse(made.err), { audit: true, event: 'api_key_made', by: 'operator', email: 'ada@acme.com' })
  for (const origin of [origins.analytics, origins.portal]) t.equal((await call(world, `${origin}/x`, bearing(key))).status, 200)

  const listed = await portico(world, 'api-keys', 'list', '--json')
  const [first, ...others] = JSON.parse(listed.out) as { id: string, expires_at: string }[]
  t.same(others, [])
  t.match(first, { id: /^key_/, label: 'ci', email: 'ada@acme.com', organization: 'acme', apps: ['analytics', 'portal'], state: 'active' })
  t.ok(Math.abs(Date.parse(first?.expires_at ?? '') - Date.now() - 7 * day * 1_000) < 60_000)
  t.match((await portico(world, 'api-keys', 'list')).out, /^key_\S+ {2}active {3}ada@acme\.com of acme {2}analytics, portal {2}expires/)
  t.same(JSON.parse((await portico(world, 'api-keys', 'list', '--json', '--organization', 'globex')).out), [])

  t.equal((await portico(world, 'api-keys', 'revoke', first?.id ?? '')).status, 0)
  t.equal(codeOf(await untilRefused(() => call(world, `${origins.analytics}/x`, bearing(key)))), 'PORTICO_API_KEY_INVALID')

  for (const [args, status] of [
    [['create', '--email', 'ada@acme.com', '--app', 'nowhere'], 1],
    [['create', '--email', 'ada@acme.com', '--app', 'analytics', '--expires', 'soon'], 1],
    [['create', '--email', 'ada@acme.com', '--app', 'analytics', '--expires', '900d'], 1],
    [['create', '--email', 'ada@acme.com', '--app', 'analytics', '--organization', 'globex'], 1],
    [['create', '--email', 'no address', '--app', 'analytics'], 1],
    [['create', '--email', 'ada@acme.com'], 2],
    [['create', '--email', 'ada@acme.com', '--email', 'b@acme.com', '--app', 'analytics'], 2],
    [['revoke'], 2]
  ] as const) t.equal((await portico(world, 'api-keys', ...args)).status, status, args.join(' '))
  t.same(JSON.parse((await portico(world, 'api-keys', 'list', '--json')).out), [])
})
