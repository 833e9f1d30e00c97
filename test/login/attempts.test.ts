import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import { createJar, type Answer, type Browser, type CookieJar } from '../support/browser.ts'
import { callbackOf, codeOf, linksOf, origins, startGateway, type World } from '../support/gateway.ts'

const attemptsOf = (jar: CookieJar) => jar.all().filter(({ name }) => name.startsWith('__Host-portico-attempt-'))
const beginsOf = (jar: CookieJar) => jar.all().filter(({ name }) => name.startsWith('__Host-portico-begin-'))

const returnOf = (answer: Answer): URL => {
  if (answer.location?.pathname !== '/login/acme_oidc/callback') throw new Error(`not a return: HTTP ${answer.status} ${answer.location?.pathname ?? answer.text.slice(0, 200)}`)
  return answer.location
}

/** Another tab of the same browser: the same cookies, a history of its own. */
const tab = (world: World, browser: Browser): Browser => world.browser(browser.jar)

const tokenHits = (world: World): number => world.acme.hits.get('/token') ?? 0

/** A page that says what happened, with a code, a request id and a way on. */
const isFriendly = (t: Test, answer: Answer, code: string, page?: string): void => {
  t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code })
  t.match(answer.text, answer.headers.get('x-request-id') ?? 'none')
  t.equal(answer.headers.get('cache-control'), 'no-store', 'A12')
  if (page !== undefined) t.equal(new URL(linksOf(answer)['Try again'] ?? '').searchParams.get('return_to'), page, 'it starts again at the page asked for')
}

t.test('attempts', async t => {
  const world = await startGateway(t)

  for (const order of [[0, 1], [1, 0]]) {
    await t.test(`F1 two tabs, finished in order ${order.join(', ')}: each gets its page`, async t => {
      const browser = world.browser()
      const pages = [`${origins.portal}/first`, `${origins.dashboardEu}/second`]
      const returns = []
      for (const page of pages) returns.push(returnOf(await world.reachProvider(tab(world, browser), page)))
      t.equal(attemptsOf(browser.jar).length, 2)
      for (const i of order) {
        const answer = await tab(world, browser).open(returns[i] ?? '')
        t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: pages[i] })
      }
      t.equal(attemptsOf(browser.jar).length, 0)
      for (const page of pages) t.equal((await browser.open(page)).status, 200, 'and both stay open')
    })
  }

  await t.test('F1 two tabs on the same app and page', async t => {
    const browser = world.browser()
    const [a, b] = [await world.reachProvider(tab(world, browser), `${origins.portal}/same`), await world.reachProvider(tab(world, browser), `${origins.portal}/same`)]
    for (const back of [b, a]) t.equal((await tab(world, browser).open(returnOf(back))).url.href, `${origins.portal}/same`)
  })

  await t.test('F2 ten tabs restored at once, finished at once: each gets its page', async t => {
    const browser = world.browser()
    const pages = Array.from({ length: 10 }, (_, i) => `${i % 2 === 0 ? origins.portal : origins.analytics}/tab/${i}`)
    const returns = await Promise.all(pages.map(async page => returnOf(await world.reachProvider(tab(world, browser), page))))
    const ends = await Promise.all(returns.map(async back => await tab(world, browser).open(back)))
    t.same(ends.map(({ url, status }) => `${status} ${url.href}`), pages.map(page => `200 ${page}`))
    t.equal(attemptsOf(browser.jar).length + beginsOf(browser.jar).length, 0, 'nothing is left over')
  })

  await t.test('F2 F13 ten tabs with addresses of 400 characters, begun within one second and finished newest first', async t => {
    const browser = world.browser()
    const pages = Array.from({ length: 10 }, (_, i) => `${i % 2 === 0 ? origins.portal : origins.analytics}/tab/${i}?${'q'.repeat(400)}`)
    const returns: string[] = []
    for (const page of pages) returns.push(returnOf(await world.reachProvider(tab(world, browser), page)).href)
    t.equal(attemptsOf(browser.jar).length, 10)
    for (const [i, page] of [...pages.entries()].reverse()) {
      const { url, status } = await tab(world, browser).open(returns[i] ?? '')
      t.equal(`${status} ${url.href}`, `200 ${page}`)
    }
  })

  await t.test('F3 the same return twice: no second session, and the page asked for', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/twice`))
    const attempt = attemptsOf(browser.jar)[0]
    t.equal((await browser.open(back)).status, 200)
    const session = browser.jar.find('__Host-portico', 'auth.localhost')?.value
    const tokens = tokenHits(world)
    const again = await browser.open(back)
    t.match({ status: again.status, url: again.url.href }, { status: 200, url: `${origins.portal}/twice` }, 'F4')
    // as if the cookie's removal had been lost: the store knows that the attempt is used
    browser.jar.set('auth.localhost', attempt?.name ?? '', attempt?.value ?? '')
    t.equal((await browser.open(back)).url.href, `${origins.portal}/twice`)
    t.equal(browser.jar.find('__Host-portico', 'auth.localhost')?.value, session, 'no new session')
    browser.jar.remove('__Host-portico', 'auth.localhost')
    browser.jar.set('auth.localhost', attempt?.name ?? '', attempt?.value ?? '')
    isFriendly(t, await browser.send(back), 'PORTICO_ATTEMPT_LOST', `${origins.portal}/twice`)
    t.equal(tokenHits(world), tokens, 'F8 the code is never spent again')
  })

  await t.test('F3 the same return many times at once: one session', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/race`))
    const tokens = tokenHits(world)
    const header = browser.jar.header(back)
    const answers = await Promise.all(Array.from({ length: 8 }, async () => await world.browser(createJar()).send(back, { headers: { cookie: header } })))
    t.equal(answers.filter(({ status }) => status === 303).length, 1)
    t.equal(answers.filter(answer => codeOf(answer) === 'PORTICO_ATTEMPT_LOST').length, 7)
    t.equal(tokenHits(world), tokens + 1)
  })

  await t.test('F3 F4 a code that the provider takes no more', async t => {
    const browser = world.browser()
    const spoilt = async (page: string) => {
      const back = returnOf(await world.reachProvider(tab(world, browser), page))
      back.searchParams.set('code', 'spent')
      return back
    }
    const [first, second] = [await spoilt(`${origins.portal}/1`), await spoilt(`${origins.portal}/2`)]
    isFriendly(t, await browser.open(first), 'PORTICO_IDP_CODE_REFUSED', `${origins.portal}/1`)
    await world.signIn(browser, `${origins.portal}/3`)
    t.equal((await browser.open(second)).url.href, `${origins.portal}/2`, 'who is signed in goes on')
  })

  await t.test('F4 F15 back and forward after the sign-in: every address of it leads to the page', async t => {
    const browser = world.browser()
    const page = `${origins.portal}/wanted?x=1`
    await world.signIn(browser, page)
    const visited = browser.history.filter(({ url }) => url.hostname.endsWith('.localhost')).map(({ url }) => url)
    t.ok(visited.length > 4)
    for (const url of visited.filter(({ searchParams }) => !searchParams.has('email'))) {
      t.equal((await browser.open(url)).url.href, page, url.pathname)
    }
    const retyped = visited.find(({ searchParams }) => searchParams.has('email'))
    t.equal((await browser.open(retyped ?? '')).url.href, page, 'the e-mail that is signed in is no other account')
  })

  await t.test('F5 V10 no state, a short one, a long one, garbage: a code and a way on', async t => {
    const states = [undefined, '', 'x', 'x'.repeat(33), 'A'.repeat(16_000), 'é%00\u0007', randomBytes(200).toString('base64url'), `${'A'.repeat(100)}.${'B'.repeat(32)}`]
    const tokens = tokenHits(world)
    for (const state of states) {
      const query = new URLSearchParams({ code: 'x', ...state !== undefined && { state } })
      const answer = await world.browser().send(`${callbackOf('acme_oidc')}?${query}`)
      isFriendly(t, answer, 'PORTICO_ATTEMPT_LOST')
      t.ok(linksOf(answer)['Try again'])
    }
    const longest = await world.browser().send(`${callbackOf('acme_oidc')}?state=${'x'.repeat(100_000)}`)
    t.equal(longest.status, 431, 'what no server reads has a code too')
    t.match(longest.text, /PORTICO_HEADERS_TOO_LARGE/)
    t.equal(tokenHits(world), tokens, 'F8')
  })

  await t.test('F6 F8 a return that another browser began signs nobody in and spends nothing', async t => {
    const [ada, victim] = [world.browser(), world.browser()]
    const back = returnOf(await world.reachProvider(ada, `${origins.portal}/hers`))
    const tokens = tokenHits(world)
    isFriendly(t, await victim.send(back), 'PORTICO_ATTEMPT_LOST', `${origins.portal}/hers`)
    await world.reachProvider(victim, `${origins.portal}/his`)
    isFriendly(t, await victim.send(back), 'PORTICO_ATTEMPT_LOST', `${origins.portal}/hers`)
    t.equal(tokenHits(world), tokens)
    t.notOk(victim.jar.find('__Host-portico'))
    t.equal((await ada.open(back)).status, 200, 'and whose it is goes on')
  })

  await t.test('F6 with somebody’s live session it leads to the page, and who is signed in stays', async t => {
    const [ada, hari] = [world.browser(), world.browser()]
    await world.signIn(hari, `${origins.portal}/x`, 'hari')
    const back = returnOf(await world.reachProvider(ada, `${origins.portal}/hers`))
    const answer = await hari.open(back)
    t.equal(answer.url.href, `${origins.portal}/hers`)
    t.equal(JSON.parse(answer.text).headers['x-auth-email'], 'hari@globex.com')
    const lost = await hari.open(`${callbackOf('acme_oidc')}?code=x&state=y`)
    t.equal(lost.url.href, `${origins.portal}/start`, 'without a state, to the first app')
  })

  await t.test('F7 O19 V35 an error of the provider is shown as a code, and none of its words', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
    back.searchParams.delete('code')
    back.searchParams.set('error', 'access_denied')
    back.searchParams.set('error_description', '<script>alert(1)</script>"onload=\'x')
    back.searchParams.set('error_uri', 'javascript:alert(1)')
    const answer = await browser.send(back)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_IDP_REFUSED' })
    t.notMatch(answer.text, /alert|onload|javascript/)
    t.equal(new URL(linksOf(answer)['Try again'] ?? '').searchParams.get('return_to'), `${origins.portal}/x`)
    t.notMatch(JSON.stringify(world.lines.filter(({ level }) => level === 'error')), /alert\(1\)/)
  })

  await t.test('F9 O9 a return at another connection’s address, and an iss that is another’s', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/mix`))
    const hits = tokenHits(world) + (world.globex.hits.get('/token') ?? 0)
    const moved = new URL(callbackOf('globex_oidc'))
    moved.search = back.search
    isFriendly(t, await browser.send(moved), 'PORTICO_RESPONSE_STATE', `${origins.portal}/mix`)
    const mixed = new URL(back)
    mixed.searchParams.set('iss', world.globex.issuer)
    const answer = await browser.send(mixed)
    t.equal(codeOf(answer), 'PORTICO_RESPONSE_ISSUER')
    t.equal(tokenHits(world) + (world.globex.hits.get('/token') ?? 0), hits, 'no code went to either')
  })

  await t.test('F9 E6 E2 a tampered state, and sealed values in each other’s places', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
    const state = back.searchParams.get('state') ?? ''
    const attempt = attemptsOf(browser.jar)[0]
    const others = [attempt?.value ?? '', beginsOf(browser.jar)[0]?.value ?? '']
    const tampered = Array.from({ length: 12 }, (_, i) => {
      const at = Math.floor(state.length * i / 12)
      return state.slice(0, at) + (state[at] === 'A' ? 'B' : 'A') + state.slice(at + 1)
    })
    for (const other of [...others, ...tampered, state.slice(0, -1), `${state}A`, `${state}=`]) {
      const wrong = new URL(back)
      wrong.searchParams.set('state', other)
      isFriendly(t, await browser.send(wrong), 'PORTICO_ATTEMPT_LOST')
    }
    for (const name of ['__Host-portico', '__Host-portico-email']) {
      for (const value of [state, ...others]) browser.jar.set('auth.localhost', name, value)
      t.match(await browser.send(`${origins.auth}/account`), { status: 302 }, `${name} is nobody’s session`)
    }
    t.equal((await browser.open(back)).status, 200, 'the true one still works')
  })

  for (const name of ['code', 'state', 'iss', 'error', 'session_state', 'error_description']) {
    await t.test(`F19 O10 ${name} twice`, async t => {
      const browser = world.browser()
      const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
      const tokens = tokenHits(world)
      back.searchParams.append(name, back.searchParams.get(name) ?? 'x')
      back.searchParams.append(name, 'x')
      isFriendly(t, await browser.send(back), 'PORTICO_RESPONSE_INVALID')
      t.equal(tokenHits(world), tokens)
    })
  }

  await t.test('V27 V28 reaching the next step is no proof: empty returns and posts', async t => {
    const browser = world.browser()
    await world.reachProvider(browser, `${origins.portal}/x`)
    const posted = await browser.open(callbackOf('acme_oidc'), { method: 'POST', body: '' })
    isFriendly(t, posted, 'PORTICO_ATTEMPT_LOST')
    isFriendly(t, await browser.open(`${callbackOf('acme_oidc')}?response=x`), 'PORTICO_ATTEMPT_LOST')
    for (const body of ['', 'handle=', 'handle=x', `handle=${'A'.repeat(43)}`, 'handle=a&handle=b']) {
      isFriendly(t, await browser.send(`${origins.auth}/login/replace`, { method: 'POST', body }), 'PORTICO_ATTEMPT_LOST')
    }
    t.notOk(browser.jar.find('__Host-portico'))
  })

  await t.test('F13 N11 attempts and beginnings are capped, the oldest goes, and the latest works', async t => {
    const browser = world.browser()
    const long = 'x'.repeat(1_500)
    let back: Answer | undefined
    for (let i = 0; i < 30; i++) {
      world.setClock(i)
      back = await world.reachProvider(browser, `${origins.portal}/${i}/${long}`)
    }
    t.ok(attemptsOf(browser.jar).length <= 12 && attemptsOf(browser.jar).length >= 2)
    t.ok(beginsOf(browser.jar).length <= 12 && beginsOf(browser.jar).length >= 2, `${beginsOf(browser.jar).map(({ value }) => value.length)}`)
    for (const origin of [origins.auth, origins.portal]) {
      t.ok((browser.jar.header(new URL(origin)) ?? '').length < 8_000, `${browser.jar.header(new URL(origin))?.length} characters fit into one header line`)
    }
    for (const { name, value } of [...attemptsOf(browser.jar), ...beginsOf(browser.jar)]) t.ok(name.length + value.length < 4_000, 'and a browser keeps each')
    const answer = await browser.open(back === undefined ? '' : returnOf(back))
    t.equal(answer.url.href, `${origins.portal}/29/${long}`)
    const short = world.browser()
    for (let i = 0; i < 15; i++) await short.send(`${origins.portal}/${i}`)
    t.equal(beginsOf(short.jar).length, 12, 'by number')
    for (let i = 0; i < 15; i++) await short.send(`${origins.auth}/login/acme_oidc?app=portal`)
    t.ok([8, 9, 10].includes(attemptsOf(short.jar).length), `${attemptsOf(short.jar).length} attempts`)
    world.setClock(0)
  })

  await t.test('an address that is too long to keep leads home, not into the void', async t => {
    const answer = await world.signIn(world.browser(), `${origins.portal}/${'x'.repeat(3_000)}`)
    t.equal(answer.url.href, `${origins.portal}/start`)
  })

  await t.test('F14 an attempt is over after half an hour; the page of it starts again', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/late`))
    const cookie = browser.jar.header(back)
    world.setClock(31 * 60)
    isFriendly(t, await world.browser().send(back, { headers: { cookie } }), 'PORTICO_ATTEMPT_LOST', `${origins.portal}/late`)
    world.setClock(0)
    t.equal((await browser.open(back)).status, 200)
  })

  await t.test('F18 instances whose clocks differ by most of a minute', async t => {
    for (const seconds of [-50, 50]) {
      const browser = world.browser()
      const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
      world.setClock(seconds)
      t.equal((await browser.send(back)).status, 303, `${seconds} s`)
      world.setClock(0)
    }
  })

  await t.test('F16 a browser that keeps no cookies is told so, at the provider’s return and on the app host', async t => {
    const forgetful = world.browser()
    const send = async (url: string | URL) => {
      forgetful.jar.clear()
      return await forgetful.send(url)
    }
    const first = await send(`${origins.auth}/login/acme_oidc?app=portal&return_to=/x`)
    const back = new URL(`${callbackOf('acme_oidc')}?code=x&state=${first.location?.searchParams.get('state')}`)
    const lost = await send(back)
    isFriendly(t, lost, 'PORTICO_ATTEMPT_LOST', `${origins.portal}/x`)
    const again = linksOf(lost)['Try again'] ?? ''
    const second = await send(`${again}&email=ada@acme.com`)
    const blocked = await send(`${callbackOf('acme_oidc')}?code=x&state=${second.location?.searchParams.get('state')}`)
    isFriendly(t, blocked, 'PORTICO_COOKIES_BLOCKED', `${origins.portal}/x`)

    const browser = world.browser()
    await world.signIn(browser, `${origins.analytics}/x`)
    let answer = await browser.send(`${origins.portal}/y`)
    let hops = 0
    for (; answer.location !== undefined && hops < 30; hops++) {
      for (const { name, domain } of browser.jar.all()) if (domain === 'portal.localhost') browser.jar.remove(name, domain)
      answer = await browser.send(answer.location)
    }
    isFriendly(t, answer, 'PORTICO_COOKIES_BLOCKED', `${origins.portal}/y`)
    t.ok(hops < 16, `${hops} hops`)
  })

  await t.test('F16 a browser that loses the session alone is not sent round for ever', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.analytics}/x`)
    let answer = await browser.send(`${origins.portal}/y`)
    let hops = 0
    for (; answer.location !== undefined && hops < 60; hops++) {
      browser.jar.remove('__Host-portico', 'portal.localhost')
      answer = await browser.send(answer.location)
    }
    isFriendly(t, answer, 'PORTICO_REDIRECT_LOOP', `${origins.portal}/y`)
    t.ok(hops < 30, `${hops} hops`)
  })
})

t.test('F12 a return by form_post', async t => {
  const world = await startGateway(t)
  const browser = world.browser()
  const back = returnOf(await world.reachProvider(browser, `${origins.portal}/posted`))
  const answer = await browser.send(callbackOf('acme_oidc'), { method: 'POST', body: back.searchParams, crossSitePost: true })
  t.equal(answer.status, 303)
  t.equal(`${answer.location?.origin}${answer.location?.pathname}`, callbackOf('acme_oidc'))
  t.same(answer.setCookies, [], 'whoever posts from elsewhere changes nothing')
  t.notMatch(answer.location?.href ?? '', new RegExp(back.searchParams.get('code') ?? 'none'), 'the code is in no address')
  const tampered = new URL(answer.location ?? '')
  tampered.searchParams.set('response', `A${tampered.searchParams.get('response')?.slice(1)}`)
  t.equal(codeOf(await browser.send(tampered)), 'PORTICO_ATTEMPT_LOST')
  world.setClock(90)
  t.equal(codeOf(await browser.send(answer.location ?? '')), 'PORTICO_ATTEMPT_LOST', 'it has a minute')
  world.setClock(0)
  t.equal((await world.browser().send(answer.location ?? '')).status, 400, 'another browser')
  const end = await browser.follow(answer)
  t.match({ status: end.status, url: end.url.href }, { status: 200, url: `${origins.portal}/posted` })
  const again = await browser.open(answer.location ?? '')
  t.equal(again.url.href, `${origins.portal}/posted`, 'F3 F4 and again')
  const twice = new URLSearchParams(back.searchParams)
  twice.append('code', 'x')
  t.equal(codeOf(await browser.follow(await browser.send(callbackOf('acme_oidc'), { method: 'POST', body: twice }))), 'PORTICO_RESPONSE_INVALID', 'F19')
  const huge = await browser.send(callbackOf('acme_oidc'), { method: 'POST', body: `state=${'x'.repeat(10_000)}` })
  t.match({ status: huge.status, code: codeOf(huge) }, { status: 400, code: 'PORTICO_RESPONSE_INVALID' })
})

t.test('N6 V44 E12 a new session for each sign-in, and the old one is dead', async t => {
  const world = await startGateway(t)
  const browser = world.browser()
  await world.signIn(browser, `${origins.portal}/x`)
  const before = { auth: browser.jar.find('__Host-portico', 'auth.localhost'), portal: browser.jar.find('__Host-portico', 'portal.localhost') }
  // a second sign-in of the same person: an attempt that was under way
  const header = browser.jar.header(new URL(origins.auth))
  browser.jar.remove('__Host-portico', 'auth.localhost')
  const back = returnOf(await world.reachProvider(browser, `${origins.auth}/login/acme_oidc?app=portal&return_to=/second`))
  browser.jar.set('auth.localhost', '__Host-portico', before.auth?.value ?? '')
  // so that the auth host alone ends it
  browser.jar.remove('__Host-portico', 'portal.localhost')
  t.equal((await browser.open(back)).url.href, `${origins.portal}/second`)
  t.not(browser.jar.find('__Host-portico', 'auth.localhost')?.value, before.auth?.value)
  const account = await world.browser().send(`${origins.auth}/account`, { headers: { cookie: header, accept: 'application/json' } })
  t.equal(account.status, 401, 'the old one of the auth host')
  const app = await world.browser().send(`${origins.portal}/x`, { mode: 'cors', headers: { cookie: `__Host-portico=${before.portal?.value}` } })
  t.equal(app.status, 401, 'and that of the app')

  const planted = world.browser()
  planted.jar.set('auth.localhost', '__Host-portico', 'planted')
  planted.jar.set('portal.localhost', '__Host-portico', 'planted')
  const answer = await world.signIn(planted, `${origins.portal}/x`)
  t.equal(answer.status, 200)
  t.not(planted.jar.find('__Host-portico', 'portal.localhost')?.value, 'planted')
})
