import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { Answer, Browser } from '../support/browser.ts'
import { codeOf, formOf, linksOf, refreshOf, origins, startGateway, submit, type World } from '../support/gateway.ts'

const isTicket = (url: URL): boolean => url.pathname === '/.portico/ticket'

/** A browser that has signed in, on the way to this page, before it redeems its ticket. */
const ticketFor = async (world: World, browser: Browser, page: string, login?: string): Promise<URL> => {
  const back = await world.reachProvider(browser, page, login)
  const answer = isTicket(back.location ?? new URL(origins.auth)) ? back : await browser.follow(back, isTicket)
  if (answer.location === undefined || !isTicket(answer.location)) throw new Error(`no ticket: HTTP ${answer.status} ${answer.url.href}`)
  return answer.location
}

const whoIs = (answer: Answer): string => JSON.parse(answer.text).headers['x-auth-email']

t.test('tickets', async t => {
  const world = await startGateway(t)

  await t.test('N5 a ticket is used once; its address then leads to the page', async t => {
    const browser = world.browser()
    const ticket = await ticketFor(world, browser, `${origins.portal}/page?x=1`)
    const header = browser.jar.header(ticket)
    const redeemed = await browser.send(ticket)
    t.match({ status: redeemed.status, to: redeemed.location?.href, own: redeemed.headers.get('x-portico-intercepted'), cache: redeemed.headers.get('cache-control') },
      { status: 303, to: `${origins.portal}/page?x=1`, own: 'true', cache: 'no-store' })
    t.equal((await browser.open(ticket)).url.href, `${origins.portal}/page?x=1`, 'F15')
    const replay = await world.browser().send(ticket, { headers: { cookie: header } })
    t.equal(replay.location?.pathname, '/.portico/begin', 'what this browser had before gives nothing again')
    t.notOk(replay.setCookies.some(line => /^__Host-portico=[^;]/.test(line)))
  })

  await t.test('a ticket many times at once gives one session', async t => {
    const browser = world.browser()
    const ticket = await ticketFor(world, browser, `${origins.portal}/race`)
    const cookie = browser.jar.header(ticket)
    const answers = await Promise.all(Array.from({ length: 8 }, async () => await world.browser().send(ticket, { headers: { cookie } })))
    t.equal(answers.filter(({ setCookies }) => setCookies.some(line => /^__Host-portico=[^;]/.test(line))).length, 1)
  })

  await t.test('N6 a ticket in another browser gives nothing, and is not used up', async t => {
    const [ada, thief] = [world.browser(), world.browser()]
    const ticket = await ticketFor(world, ada, `${origins.portal}/mine`)
    const bare = await thief.send(ticket)
    t.equal(bare.location?.pathname, '/.portico/begin')
    const own = await ticketFor(world, thief, `${origins.portal}/his`, 'hari')
    const mixed = new URL(ticket)
    mixed.searchParams.set('begin', own.searchParams.get('begin') ?? '')
    t.equal((await thief.send(mixed)).location?.pathname, '/.portico/begin', 'with a beginning of his own')
    t.notOk(thief.jar.find('__Host-portico', 'portal.localhost'))
    t.equal((await thief.open(ticket)).url.origin, origins.portal, 'it begins again on his own behalf')
    t.equal(whoIs(await thief.open(`${origins.portal}/x`)), 'hari@globex.com')
    t.equal(whoIs(await ada.open(ticket)), 'ada@acme.com', 'and whose it is can still use it')
  })

  await t.test('N6 a ticket on another host', async t => {
    const browser = world.browser()
    const ticket = await ticketFor(world, browser, `${origins.portal}/x`)
    const begin = browser.jar.all().find(({ name }) => name.startsWith('__Host-portico-begin-'))
    browser.jar.set('analytics.localhost', begin?.name ?? '', begin?.value ?? '')
    const moved = new URL(ticket.pathname + ticket.search, origins.analytics)
    t.equal((await browser.send(moved)).location?.pathname, '/.portico/begin')
    t.notOk(browser.jar.find('__Host-portico', 'analytics.localhost'))
    t.equal((await browser.open(ticket)).status, 200)
  })

  await t.test('a ticket is good for a minute', async t => {
    const browser = world.browser()
    const ticket = await ticketFor(world, browser, `${origins.portal}/late`)
    world.setClock(61)
    const late = await browser.send(ticket)
    t.equal(late.location?.pathname, '/.portico/begin')
    t.equal((await browser.follow(late)).url.href, `${origins.portal}/late`, 'and the browser gets another by itself')
    world.setClock(0)
  })

  await t.test('tickets that are none', async t => {
    for (const query of ['', '?ticket=', '?ticket=x&begin=y', '?ticket=a&ticket=b&begin=c', `?ticket=${'x'.repeat(8_000)}&begin=${'y'.repeat(8_000)}`, '?begin=__proto__&ticket=%00', '?round=x', '?round=1e9', '?round=-1']) {
      const answer = await world.browser().send(`${origins.portal}/.portico/ticket${query}`)
      t.ok((answer.status === 303 && answer.location?.pathname === '/.portico/begin') || codeOf(answer) === 'PORTICO_COOKIES_BLOCKED', `${query.slice(0, 30)} ${answer.status}`)
    }
    for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
      const answer = await world.browser().send(`${origins.portal}/.portico/ticket`, { method })
      t.match({ status: answer.status, allow: answer.headers.get('allow') }, { status: 405, allow: 'GET, HEAD, POST' })
    }
  })

  await t.test('no ticket without a binding: a sign-in that began elsewhere passes /.portico/begin', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.auth}/login/acme_oidc?app=portal&return_to=/tile`)
    const paths = browser.history.map(({ url }) => url.pathname)
    t.same(paths.slice(paths.indexOf('/login/acme_oidc/callback')), ['/login/acme_oidc/callback', '/.portico/begin', '/login', '/.portico/ticket', '/tile'])
  })

  await t.test('N6 a sealed request that another browser began leads to one’s own page, as oneself', async t => {
    const [attacker, victim] = [world.browser(), world.browser()]
    const begun = await attacker.send(`${origins.portal}/x`)
    await world.signIn(victim, `${origins.analytics}/y`)
    const answer = await victim.open(begun.location ?? '')
    t.equal(answer.url.href, `${origins.portal}/x`)
    t.equal(whoIs(answer), 'ada@acme.com')
    t.notOk(victim.history.some(({ url, setCookies }) => isTicket(url) && url.searchParams.get('begin') === begun.location?.searchParams.get('begin') && setCookies.length > 0))
    t.equal((await attacker.send(`${origins.portal}/x`)).status, 302, 'who began it has nothing of it')
  })

  await t.test('without an app the account page is where it ends', async t => {
    const answer = await world.signIn(world.browser(), `${origins.auth}/login?email=ada@acme.com`)
    t.equal(answer.url.href, `${origins.auth}/account`)
    t.match(answer.text, /ada@acme\.com/)
  })
})

t.test('another identity is asked for first', async t => {
  const world = await startGateway(t)
  const question = async (browser: Browser): Promise<Answer> => {
    await world.signIn(browser, `${origins.portal}/x`)
    const asked = await browser.open(`${origins.auth}/login?app=portal&return_to=/y&email=`)
    const back = await browser.follow(await submit(browser, asked, { email: 'hari@globex.com' }), url => url.port === String(world.globex.port))
    return await world.signIn(browser, back.location?.href ?? '', 'hari')
  }

  await t.test('it tells who is who, and staying changes nothing', async t => {
    const browser = world.browser()
    const page = await question(browser)
    t.match({ status: page.status, url: page.url.pathname }, { status: 200, url: '/login/globex_oidc/callback' })
    t.match(page.text, /ada@acme\.com[\s\S]*hari@globex\.com/)
    const stay = linksOf(page)['Stay signed in as ada@acme.com'] ?? ''
    const answer = await browser.open(stay)
    t.equal(answer.url.href, `${origins.portal}/y`)
    t.equal(whoIs(answer), 'ada@acme.com')
  })

  await t.test('going on replaces it everywhere, once, from this page only', async t => {
    const browser = world.browser()
    const page = await question(browser)
    const { action, fields } = formOf(page)
    const body = new URLSearchParams(fields)
    for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'null', 'sec-fetch-site': 'cross-site' }, { origin: 'null', 'sec-fetch-site': undefined }, { origin: origins.portal, 'sec-fetch-site': 'same-site' }, { origin: undefined, 'sec-fetch-site': undefined }]) {
      const forged = await browser.send(action, { body, headers })
      t.match({ status: forged.status, code: codeOf(forged) }, { status: 403, code: 'PORTICO_CROSS_SITE' }, JSON.stringify(headers))
    }
    t.equal(codeOf(await world.browser().send(action, { body })), 'PORTICO_ATTEMPT_LOST', 'another browser')
    const second = world.browser()
    const asked = await question(second)
    const old = second.jar.header(new URL(origins.portal))
    const answer = await second.follow(await submit(second, asked))
    t.equal(answer.url.href, `${origins.portal}/y`)
    t.equal(whoIs(answer), 'hari@globex.com')
    t.equal((await world.browser().send(`${origins.portal}/x`, { headers: { cookie: old }, mode: 'cors' })).status, 401, 'the replaced session is dead')
    t.equal(codeOf(await submit(second, asked)), 'PORTICO_ATTEMPT_LOST', 'V27 once')
  })

  await t.test('an app host that still has the other one asks, too', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    const old = browser.jar.header(new URL(origins.portal))
    browser.jar.remove('__Host-portico', 'auth.localhost')
    browser.jar.remove('__Host-portico-email', 'auth.localhost')
    const page = await world.signIn(browser, `${origins.auth}/login/globex_oidc?app=portal&return_to=/y`, 'hari')
    t.match({ status: page.status, path: page.url.pathname }, { status: 200, path: '/.portico/ticket' })
    t.equal(linksOf(page)['Stay signed in as ada@acme.com'], `${origins.portal}/y`)
    t.equal(whoIs(await browser.open(`${origins.portal}/z`)), 'ada@acme.com', 'not answered, nothing changes')
    const { action, fields } = formOf(page)
    const forged = await browser.send(action, { body: new URLSearchParams(fields), headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } })
    t.notOk(forged.setCookies.some(line => line.startsWith('__Host-portico=')), 'another site does not answer for the person')
    const answer = await browser.follow(await submit(browser, page))
    t.equal(answer.url.href, `${origins.portal}/y`)
    t.equal(whoIs(answer), 'hari@globex.com')
    t.equal((await world.browser().send(`${origins.portal}/x`, { headers: { cookie: old }, mode: 'cors' })).status, 401)
  })
})

t.test('when parts are down', async t => {
  const world = await startGateway(t)

  await t.test('a provider that is down: a code, a way on, and the others work', async t => {
    await world.reload({ globex: world.files.globex?.replace(world.globex.issuer, 'http://127.0.0.1:9') })
    const page = await world.browser().send(`${origins.auth}/login?app=portal&return_to=/x&email=hari@globex.com`)
    t.match({ status: page.status, code: codeOf(page) }, { status: 503, code: 'PORTICO_IDP_UNREACHABLE' })
    t.equal(linksOf(page)['Try again'], `${origins.auth}/login?app=portal&return_to=${encodeURIComponent(`${origins.portal}/x`)}&email=hari%40globex.com`)
    t.notMatch(page.text, /127\.0\.0\.1|ECONNREFUSED/, 'and nothing internal')
    t.equal((await world.signIn(world.browser(), `${origins.portal}/x`)).status, 200)
  })

  await t.test('V34 a store that cannot be written: 503, a code, and it goes on by itself and by hand', async t => {
    const browser = world.browser()
    const back = await world.reachProvider(browser, `${origins.portal}/kept`)
    const lock = new DatabaseSync(world.configuration.store.path)
    lock.exec('BEGIN EXCLUSIVE')
    const down = await browser.send(back.location ?? '')
    t.match({ status: down.status, code: codeOf(down) }, { status: 503, code: 'PORTICO_STORE_UNAVAILABLE' })
    t.equal(new URL(linksOf(down)['Try again'] ?? '').searchParams.get('return_to'), `${origins.portal}/kept`)
    t.notMatch(down.text, /sqlite|SQLITE|portico\.db/)
    t.match({ after: down.headers.get('retry-after'), refresh: refreshOf(down)?.href }, { after: '5', refresh: back.location?.href }, 'the page asks for the same address again')
    lock.exec('ROLLBACK')
    lock.close()
    const answer = await browser.open(back.location ?? '')
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.portal}/kept` }, 'the same address works when it is back')
  })

  await t.test('V34 so it is with a ticket', async t => {
    const browser = world.browser()
    const ticket = await ticketFor(world, browser, `${origins.portal}/kept`)
    const lock = new DatabaseSync(world.configuration.store.path)
    lock.exec('BEGIN EXCLUSIVE')
    const down = await browser.send(ticket)
    lock.exec('ROLLBACK')
    lock.close()
    t.match({ status: down.status, code: codeOf(down), own: down.headers.get('x-portico-intercepted') }, { status: 503, code: 'PORTICO_STORE_UNAVAILABLE', own: 'true' })
    t.equal(new URL(linksOf(down)['Try again'] ?? '').searchParams.get('return_to'), `${origins.portal}/kept`)
    t.equal(refreshOf(down)?.href, linksOf(down)['Try again'], 'and so does the page by itself')
    t.equal((await browser.open(ticket)).url.href, `${origins.portal}/kept`)
  })
})
