import t from 'tap'
import { WebSocket } from 'ws'
import type { Answer, Browser } from '../support/browser.ts'
import { codeOf, linksOf, origins, startGateway, type World } from '../support/gateway.ts'
import { startSamlGateway } from '../support/saml/gateway.ts'

const page = `${origins.analytics}/reports?x=1`
const analytics = 'max_age: 600'

const echoOf = (answer: Answer): { url: string, headers: Record<string, string> } => JSON.parse(answer.text)

const claimsOf = (answer: Answer): Record<string, unknown> =>
  JSON.parse(Buffer.from(echoOf(answer).headers['x-auth-assertion']?.split('.')[1] ?? '', 'base64url').toString())

/** Requests of this browser to the provider's authorization endpoint, since `from` of its history. */
const asked = (world: World, browser: Browser, from = 0): URLSearchParams[] => browser.history.slice(from)
  .filter(({ url }) => url.port === String(world.acme.port) && url.pathname === '/auth').map(({ url }) => url.searchParams)

/** Status of a WebSocket's handshake. */
const handshake = (world: World, browser: Browser, origin: string): Promise<number> => new Promise((resolve, reject) => {
  const { host } = new URL(origin)
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/socket`, { headers: { host, origin, cookie: browser.jar.header(new URL(origin)) ?? '' } })
  socket.once('open', () => { resolve(101); socket.terminate() })
  socket.once('unexpected-response', (_, response) => { resolve(response.statusCode ?? 0); socket.terminate() })
  socket.once('error', reject)
})

/** Opens a page whose provider does as if nothing but these had been asked of it. */
const openDeaf = async (world: World, browser: Browser, target: string, heard: Readonly<Record<string, string>>): Promise<Answer> => {
  const { location } = await browser.open(target, { until: ({ port }) => port === String(world.acme.port) })
  const url = new URL(location ?? '')
  for (const name of ['prompt', 'max_age']) url.searchParams.delete(name)
  for (const [name, value] of Object.entries(heard)) url.searchParams.set(name, value)
  return await browser.open(url)
}

t.test('V2 an app with max_age', async t => {
  const world = await startGateway(t, { analytics })
  t.afterEach(() => world.setClock(0))

  await t.test('V2 a sign-in for the app asks for max_age, and nothing more of who has just signed in', async t => {
    const browser = world.browser()
    const answer = await world.signIn(browser, page)
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: page })
    t.same(asked(world, browser).slice(0, 1).map(query => [query.get('max_age'), query.get('prompt')]), [['600', null]])
    const seen = browser.history.length
    t.equal((await browser.open(`${origins.portal}/x`)).status, 200)
    t.same(asked(world, browser, seen), [], 'another app opens as before')
  })

  await t.test('V2 once it is over, the page asks the provider anew, which asks its person; other apps do not', async t => {
    const browser = world.browser()
    await world.signIn(browser, page)
    await browser.open(`${origins.portal}/x`)
    const before = browser.jar.find('__Host-portico', 'analytics.localhost')?.value
    world.setClock(601)
    const seen = browser.history.length
    t.equal((await browser.open(`${origins.portal}/x`)).status, 200)
    t.same(asked(world, browser, seen), [])

    const answer = await world.signIn(browser, page)
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: page })
    const [query] = asked(world, browser, seen)
    t.same([query?.get('max_age'), query?.get('prompt'), query?.get('login_hint')], ['600', 'login', 'ada@acme.com'])
    t.ok(browser.history.slice(seen).some(({ url, method }) => url.pathname.startsWith('/interaction') && method === 'POST'), 'the person signed in there')
    t.ok(Number(claimsOf(answer).auth_time) >= Date.now() / 1_000 - 60, 'the app is told')
    t.not(browser.jar.find('__Host-portico', 'analytics.localhost')?.value, before)
    t.equal((await browser.open(`${origins.portal}/y`)).status, 200, 'the other app is open again by itself')
  })

  await t.test('V2 requests of scripts and WebSockets are told where to sign in', async t => {
    const browser = world.browser()
    await world.signIn(browser, page)
    t.equal(await handshake(world, browser, origins.analytics), 101)
    world.setClock(601)
    const answer = await browser.send(`${origins.analytics}/api`, { mode: 'cors' })
    t.match({ status: answer.status, problem: answer.json() }, { status: 401, problem: { code: 'PORTICO_STEP_UP_REQUIRED', login_url: `${origins.auth}/login?app=analytics` } })
    t.same(answer.setCookies, [])
    const posted = await browser.send(`${origins.analytics}/form`, { body: 'a=b' })
    t.match({ status: posted.status, code: codeOf(posted) }, { status: 401, code: 'PORTICO_STEP_UP_REQUIRED' })
    t.equal(await handshake(world, browser, origins.analytics), 401)
    const open = await browser.send(`${origins.analytics}/public/x`, { mode: 'cors' })
    t.equal(open.status, 200)
    t.equal(echoOf(open).headers['x-auth-user'], undefined, 'what is public stays open, to nobody in particular')

    const { login_url: link } = answer.json() as { login_url: string }
    t.equal((await world.signIn(browser, link)).url.origin, origins.analytics)
    t.equal((await browser.send(`${origins.analytics}/api`, { mode: 'cors' })).status, 200)
  })

  await t.test('V2 whoever comes from another app with an old sign-in is asked first', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    world.setClock(700)
    const seen = browser.history.length
    const answer = await world.signIn(browser, page)
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: page })
    t.same(asked(world, browser, seen).map(query => query.get('prompt')), ['login'])
  })

  await t.test('V2 an open WebSocket ends with it', async t => {
    const browser = world.browser()
    await world.signIn(browser, page)
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/socket`, { headers: { host: new URL(page).host, cookie: browser.jar.header(new URL(page)) ?? '' } })
    await new Promise(resolve => socket.once('open', resolve))
    const closed = new Promise<number>(resolve => socket.once('close', resolve))
    world.setClock(601)
    t.equal(await closed, 1008)
  })
})

t.test('V2 a provider that asks nobody anew ends the way with a page that says so, and without a circle', async t => {
  for (const [name, heard] of [['its old auth_time', { max_age: '999999' }], ['no auth_time', {}]] as const) {
    await t.test(name, async t => {
      const world = await startGateway(t, { analytics: 'max_age: 300' })
      const browser = world.browser()
      await world.signIn(browser, `${origins.portal}/x`)
      // the provider's own session lives on
      world.setClock(400)
      const seen = browser.history.length
      const answer = await openDeaf(world, browser, page, heard)
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_STEP_UP_REFUSED' })
      t.equal(asked(world, browser, seen).length, 1)
      t.equal((await browser.open(`${origins.portal}/x`)).status, 200, 'nobody is signed out by it')
      const again = linksOf(answer)['Try again']
      t.equal(codeOf(await openDeaf(world, browser, again ?? '', heard)), 'PORTICO_STEP_UP_REFUSED')
      world.setClock(0)
    })
  }
})

t.test('V2 SAML: ForceAuthn, and AuthnInstant is believed only where it is new', async t => {
  const world = await startSamlGateway(t, { analytics })
  t.afterEach(() => world.setClock(0))
  const browser = world.browser()
  t.equal((await world.signInBySaml(browser, page)).status, 200)
  t.equal(world.idp.requests.at(-1)?.attribute('ForceAuthn'), undefined)
  world.setClock(700)
  const answer = await world.signInBySaml(browser, page)
  t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: page })
  t.equal(world.idp.requests.at(-1)?.attribute('ForceAuthn'), 'true')

  world.setClock(1_400)
  world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), authnInstant: -700 }))
  const refused = await world.signInBySaml(browser, page)
  t.match({ status: refused.status, code: codeOf(refused) }, { status: 403, code: 'PORTICO_STEP_UP_REFUSED' })
})
