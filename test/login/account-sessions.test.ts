import t from 'tap'
import { browserName } from '../../src/sessions/browser-name.ts'
import { createBrowser, type Answer, type Browser } from '../support/browser.ts'
import { codeOf, linksOf, origins, startGateway, submit, type World } from '../support/gateway.ts'
import { everywhere, liveOf } from '../support/traces.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const safari = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

interface Place {
  readonly browser: Browser
  /** What its hosts were given, kept whatever becomes of it. */
  readonly cookies: Readonly<Record<string, string>>
}

const signedIn = async (world: World, userAgent: string, login?: string): Promise<Place> => {
  const browser = createBrowser({ userAgent, connect: ({ hostname }) => hostname.endsWith('.localhost') ? { port: world.port } : undefined })
  await world.signIn(browser, `${origins.portal}/x`, login)
  await browser.open(`${origins.analytics}/x`)
  return { browser, cookies: Object.fromEntries([origins.auth, origins.portal, origins.analytics].map(origin => [origin, browser.jar.header(new URL(origin)) ?? ''])) }
}

interface Shown { readonly id: string, readonly browser?: string, readonly current: boolean, readonly [name: string]: unknown }

const account = async ({ browser }: Place): Promise<readonly Shown[]> =>
  JSON.parse((await browser.send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })).text).sessions

const end = ({ browser }: Place, id: string, headers: Readonly<Record<string, string | undefined>> = {}): Promise<Answer> =>
  browser.send(`${origins.auth}/account/sessions/end`, { body: new URLSearchParams({ id }), headers: { 'sec-fetch-site': 'same-origin', ...headers } })

t.test('a person sees where they are signed in, and signs out there', async t => {
  const world = await startGateway(t)
  const laptop = await signedIn(world, firefox)
  world.setClock(5)
  const phone = await signedIn(world, safari)
  const other = await signedIn(world, firefox, 'grace')

  await t.test('the list', async t => {
    t.match(await account(phone), [
      { browser: 'Safari on iPhone', client: '127.0.0.1', connection: 'acme_oidc', current: true, signed_in_at: /^\d{4}-.*Z$/, last_seen_at: /^\d{4}-.*Z$/ },
      { browser: 'Firefox on Linux', current: false }
    ])
    t.equal((await account(phone)).length, 2)
    t.equal((await account(other)).length, 1)
    const page = await phone.browser.open(`${origins.auth}/account`)
    t.match(page.text, /Safari on iPhone<\/strong> · this browser/)
    t.equal(page.text.match(/Sign out there/g)?.length, 1, 'not this one')
    const sids = world.lines.filter(({ event }) => event === 'sign_in').map(({ sid }) => String(sid))
    t.equal(sids.length, 3)
    for (const sid of sids) t.notOk(page.text.includes(sid), 'V3 no id of a session')
  })

  await t.test('L4 only a page of the auth host ends one, and only one’s own', async t => {
    const [, mine] = await account(phone)
    const id = mine?.id ?? ''
    for (const headers of [
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: origins.portal },
      { 'sec-fetch-site': undefined, origin: undefined }
    ]) t.equal(codeOf(await end(phone, id, headers)), 'PORTICO_CROSS_SITE')
    t.equal(codeOf(await end(other, id)), 'PORTICO_NOT_FOUND')
    t.equal(codeOf(await end(phone, 'none')), 'PORTICO_NOT_FOUND')
    t.equal((await world.browser().send(`${origins.auth}/account/sessions/end`, { body: new URLSearchParams({ id }) })).location?.pathname, '/login')
    t.equal((await phone.browser.send(`${origins.auth}/account/sessions/end`)).status, 405)
    t.same(await liveOf(world, laptop.cookies), everywhere)
  })

  await t.test('L6 signing out there ends it on every host, and nothing else', async t => {
    const [, mine] = await account(phone)
    const answer = await end(phone, mine?.id ?? '')
    t.match({ status: answer.status, to: answer.location?.href }, { status: 303, to: `${origins.auth}/account` })
    t.same(await liveOf(world, laptop.cookies), [])
    t.same(await liveOf(world, phone.cookies), everywhere)
    t.same((await account(phone)).map(({ current }) => current), [true])
    t.match(world.lines.find(({ event }) => event === 'session_ended'), { audit: true, email: 'ada@acme.com', reason: 'signed out from another browser' })
    const told = await laptop.browser.open(`${origins.portal}/x`)
    t.match({ status: told.status, path: told.url.pathname, text: told.text }, { status: 200, path: '/login', text: /from another browser/ })
    const next = await laptop.browser.open(linksOf(told)['Sign in again'] ?? '')
    t.match(next.text, /name="email"[^>]* value=""/, 'the address is forgotten')
    const asked = await submit(laptop.browser, next, { email: 'ada@acme.com' })
    t.equal(asked.location?.searchParams.get('prompt'), 'login', 'and the provider asks who is there')
  })

  await t.test('what ended otherwise is not listed: signed out, blocked, idle, or of a connection that is not trusted any more', async t => {
    const third = await signedIn(world, firefox)
    t.equal((await account(phone)).length, 2)
    await third.browser.open(`${origins.auth}/logout`)
    t.equal((await account(phone)).length, 1)
    await signedIn(world, firefox)
    world.setClock(8 * 3_600 - 60)
    await phone.browser.open(`${origins.portal}/x`)
    world.setClock(8 * 3_600 + 120)
    t.same((await account(phone)).map(({ current }) => current), [true], 'the other one was idle for too long')
    await world.reload({ acme: world.files.acme?.replace('status: active', 'status: disabled') })
    await world.reload({ acme: world.files.acme })
    t.same((await account(await signedIn(world, firefox))).map(({ current }) => current), [true])
  })
})

t.test('a person may be signed in only in so many places at once', async t => {
  const world = await startGateway(t, {
    lines: ['session: { concurrent: 3 }'],
    organizations: usual => ({ acme: `${usual.acme}\nsession: { concurrent: 2 }` })
  })
  const first = await signedIn(world, firefox)
  world.setClock(2)
  const second = await signedIn(world, safari)
  const grace = await signedIn(world, firefox, 'grace')
  t.same(await liveOf(world, first.cookies), everywhere)
  world.setClock(4)
  const third = await signedIn(world, firefox)
  t.same(await liveOf(world, first.cookies), [], 'the oldest ends, on every host')
  for (const place of [second, third, grace]) t.same(await liveOf(world, place.cookies), everywhere)
  t.equal((await account(third)).length, 2)
  t.match(world.lines.find(({ event }) => event === 'session_ended'), { audit: true, reason: 'more sessions at once than are allowed' })

  const told = await first.browser.open(`${origins.portal}/deep?page=1`)
  t.match({ status: told.status, path: told.url.pathname, text: told.text }, { status: 200, path: '/login', text: /You were signed out here/ })
  t.same(await liveOf(world, second.cookies), everywhere, 'nobody is signed in or out by being told')
  world.setClock(6)
  const again = linksOf(told)['Sign in again'] ?? ''
  t.match(await world.signIn(first.browser, again), { status: 200, url: { href: `${origins.portal}/deep?page=1` } }, 'told once, and on to where they were going')
  t.same(await liveOf(world, second.cookies), [], 'the next one in age')
  t.same(await liveOf(world, third.cookies), everywhere)

  t.match((await second.browser.send(`${origins.portal}/api`, { mode: 'cors', headers: { accept: 'application/json' } })).text, 'PORTICO_SIGN_IN_REQUIRED')
  world.setClock(8)
  await world.signIn(third.browser, `${origins.auth}/login/acme_oidc?app=portal&prompt=login`)
  t.equal((await account(first)).length, 2, 'a new sign-in in the same browser takes the place of the old one')
})

t.test('what people recognize a browser by', async t => {
  const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36'
  for (const [userAgent, name] of [
    [firefox, 'Firefox on Linux'],
    [safari, 'Safari on iPhone'],
    [windows, 'Chrome on Windows'],
    [`${windows} Edg/138.0.0.0`, 'Edge on Windows'],
    [`${windows} OPR/120.0.0.0`, 'Opera on Windows'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15', 'Safari on macOS'],
    ['Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36', 'Samsung Internet on Android'],
    ['Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36', 'Chrome on ChromeOS'],
    ['curl/8.5.0', undefined],
    ['', undefined],
    [undefined, undefined],
    [`${'x'.repeat(100_000)} Firefox/1`, undefined]
  ] as const) t.equal(browserName(userAgent), name, String(userAgent).slice(0, 60))
})

t.test('E14 E13 L6 a session that does not fit a cookie: one cookie a host, cleared by signing out, and nothing in the store revives it', async t => {
  const login = 'many@acme.com'
  const groups = Array.from({ length: 150 }, (_, i) => `${String(i).padStart(4, '0')}-${'g'.repeat(31)}`)
  const world = await startGateway(t, { people: { acme: { [login]: { email: login, email_verified: true, groups } } } })
  const { browser, cookies } = await signedIn(world, firefox, login)
  t.equal(world.received.at(-1)?.headers['x-auth-email'], login)
  for (const origin of [origins.auth, origins.portal, origins.analytics]) {
    const header = browser.jar.header(new URL(origin)) ?? ''
    t.equal(header.match(/__Host-portico=/g)?.length, 1, origin)
    t.ok(header.length < 4_000)
  }
  t.same(await liveOf(world, cookies), everywhere)
  const out = await browser.send(`${origins.portal}/.portico/logout`)
  t.match(out.setCookies, [/^__Host-portico=; Max-Age=0/])
  await browser.follow(out)
  for (const origin of [origins.auth, origins.portal]) t.notOk(browser.jar.header(new URL(origin))?.includes('__Host-portico='), origin)
  t.same(await liveOf(world, cookies), [])
})
