import t from 'tap'
import { send } from '../support/browser.ts'
import { giveEmail, noBrowser, picture, watch } from './chromium.ts'
import type { Visit } from './chromium.ts'
import { createWorld, shown, signInAtProvider } from './world.ts'
import type { World } from './world.ts'

const ada = { who: 'Hello, Ada Lovelace', email: 'ada@acme.example', verified: 5, refuted: 0 }

const noor = { who: 'Hello, Noor Haddad', email: 'noor@hooli.example', verified: 5, refuted: 0 }

const signedIn = async (world: World, email = 'ada@acme.example'): Promise<Visit> => {
  const visit = await world.visit()
  const page = await visit.page()
  await page.goto(world.analytics)
  await giveEmail(page, email)
  await signInAtProvider(page)
  await shown(page)
  await page.close()
  return visit
}

t.test('the demo in a browser', { skip: noBrowser }, async t => {
  const world = await createWorld()
  t.teardown(async () => { await world.close() })

  await t.test('R8 R12 an e-mail, a sign-in at the company, and the page that was asked for; then another app without a question', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    const target = '/reports/7?from=2026-01-01&path=a%2Fb&q=%E2%9C%93'
    await page.goto(`${world.analytics}${target}#totals`)
    t.equal(new URL(page.url()).origin, world.auth, 'the auth host asks')
    await picture(page, 'email')
    await giveEmail(page, 'Ada@ACME.example')
    await page.waitForSelector('input[name=login]')
    t.ok(page.url().startsWith(`${world.provider}/acme/`), 'at the provider of her company')
    t.equal(await page.inputValue('input[name=login]'), 'ada@acme.example', 'login_hint')
    await picture(page, 'provider')
    await signInAtProvider(page)
    t.match(await shown(page), { ...ada, request: `GET ${target}` })
    t.ok(page.url().startsWith(`${world.analytics}${target}`), 'the deep link is kept')
    await picture(page, 'app')

    const before = visit.requests.length
    await page.goto(`${world.dashboardEu}/boards/2`)
    t.match(await shown(page), { ...ada, request: 'GET /boards/2' })
    t.notOk(visit.requests.slice(before).some(({ origin }) => origin === world.provider), 'the provider is not even asked')
    for (const app of [world.dashboardUs, world.portal]) {
      await page.goto(app)
      t.match(await shown(page), ada, app)
    }
    t.same(visit.complaints, [], 'the console is empty')
    await visit.close()
  })

  await t.test('E1 N10 cookies as Chromium keeps them: host-only, Secure, HttpOnly, Lax, and none left over', async t => {
    const visit = await signedIn(world)
    const page = await visit.page()
    await page.goto(world.dashboardUs)
    await shown(page)
    t.equal(await page.evaluate('document.cookie'), '', 'no script sees any')
    const cookies = (await visit.context.cookies()).filter(({ domain }) => domain !== 'idp.localhost')
    for (const cookie of cookies) {
      t.match(cookie, { name: /^__Host-portico/, path: '/', secure: true, httpOnly: true, sameSite: 'Lax', domain: /^[a-z]/ }, `${cookie.domain} ${cookie.name}`)
    }
    const sessions = cookies.filter(({ name }) => name === '__Host-portico').map(({ domain }) => domain)
    t.same(sessions.sort(), ['analytics.localhost', 'auth.localhost', 'dashboard.localhost'], 'one for each host that was visited')
    t.notOk(cookies.some(({ name }) => /attempt|begin/.test(name)), 'nothing is left of the sign-in')
    await visit.close()
  })

  await t.test('R2 the other company goes to its own provider; what is nobody’s is asked again', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(world.portal)
    await giveEmail(page, 'somebody@unknown.example')
    await page.waitForURL(url => url.searchParams.has('email'))
    t.equal(new URL(page.url()).origin, world.auth)
    t.match(await page.innerText('body'), /PORTICO_NO_CONNECTION/)
    await picture(page, 'no-connection')
    await giveEmail(page, 'hari@globex.example')
    await page.waitForSelector('input[name=login]')
    t.ok(page.url().startsWith(`${world.provider}/globex/`))
    await signInAtProvider(page)
    t.match(await shown(page), { who: 'Hello, Hari Čapek', email: 'hari@globex.example', verified: 5, refuted: 0, request: 'GET /' })
    await visit.close()
  })

  await t.test('N1 H7 whom Acme’s provider names from another domain is refused, with a code', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(world.analytics)
    await giveEmail(page, 'ada@acme.example')
    await signInAtProvider(page, 'ivy@elsewhere.example')
    await page.waitForURL(`${world.auth}/**`)
    t.match(await page.innerText('body'), /PORTICO_[A-Z_]+/)
    t.notMatch(await page.innerText('body'), /ivy@elsewhere/)
    await picture(page, 'refused')
    await page.goto(world.analytics)
    t.equal(new URL(page.url()).origin, world.auth, 'she is still nobody')
    await visit.close()
  })

  await t.test('F7 cancelling at the provider ends on a page from which it starts again', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(`${world.analytics}/after`)
    await giveEmail(page, 'ada@acme.example')
    await page.click('button[value=cancel]')
    await page.waitForURL(`${world.auth}/**`)
    t.match(await page.innerText('body'), /PORTICO_[A-Z_]+/)
    await picture(page, 'cancelled')
    await visit.close()
  })

  for (const order of [[0, 1], [1, 0]] as const) {
    await t.test(`F1 two tabs, finished ${order[0] === 0 ? 'in the order they began' : 'the other way round'}: each gets its page`, async t => {
      const visit = await world.visit()
      const tabs = [await visit.page(), await visit.page()]
      const targets = [`${world.analytics}/first`, `${world.portal}/second`]
      for (const [i, tab] of tabs.entries()) {
        await tab.goto(targets[i] ?? '')
        await giveEmail(tab, 'grace@acme.example')
        await tab.waitForSelector('input[name=login]')
      }
      for (const i of order) {
        const tab = tabs[i]
        if (tab === undefined) continue
        await signInAtProvider(tab)
        t.match(await shown(tab), { who: 'Hello, Grace Hopper', verified: 5 })
        t.equal(tab.url(), targets[i])
      }
      await visit.close()
    })
  }

  await t.test('F2 ten tabs restored at once: one sign-in after the other, each gets its page', async t => {
    const visit = await world.visit()
    const tabs = await Promise.all(Array.from({ length: 10 }, async () => await visit.page()))
    const target = (i: number): string => `${i % 2 === 0 ? world.analytics : world.portal}/tab/${i}`
    await Promise.all(tabs.map(async (tab, i) => { await tab.goto(target(i)) }))
    for (const [i, tab] of tabs.entries()) {
      await giveEmail(tab, 'ada@acme.example')
      // Later tabs: the provider, or Portico itself, knows her by now.
      await tab.waitForSelector('input[name=login], #who')
      if (await tab.locator('input[name=login]').count() > 0) await signInAtProvider(tab)
      t.match(await shown(tab), ada)
      t.equal(tab.url(), target(i))
    }
    await visit.close()
  })

  await t.test('F15 back after the sign-in is no dead end', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(`${world.analytics}/wanted`)
    await giveEmail(page, 'ada@acme.example')
    await signInAtProvider(page)
    await shown(page)
    const trail: string[] = []
    for (let i = 0; i < 4; i++) {
      await page.goBack({ waitUntil: 'load' }).catch(() => null)
      trail.push(page.url())
      if (page.url() === 'about:blank') break
      const body = await page.innerText('body')
      t.notMatch(body, /PORTICO_/, `no error page at ${new URL(page.url()).pathname}`)
    }
    await page.goto(`${world.analytics}/wanted`)
    t.match(await shown(page), ada)
    t.ok(trail.length > 0)
    await visit.close()
  })

  await t.test('F4 a return that is opened again with a live session leads to the page asked for', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(`${world.analytics}/wanted`)
    await giveEmail(page, 'ada@acme.example')
    await signInAtProvider(page)
    await shown(page)
    const callback = visit.requests.find(({ origin, pathname }) => origin === world.auth && pathname === '/login/acme_oidc/callback')
    if (callback === undefined) throw new Error('there was no return')
    await page.goto(callback.href)
    t.match(await shown(page), ada)
    t.equal(page.url(), `${world.analytics}/wanted`)
    await visit.close()
  })

  await t.test('L1 L6 signing out of one app ends the other too', async t => {
    const visit = await signedIn(world)
    const [analytics, portal] = [await visit.page(), await visit.page()]
    await analytics.goto(world.analytics)
    await portal.goto(world.portal)
    t.match(await shown(portal), ada)
    await analytics.click('#sign-out')
    await analytics.waitForURL(`${world.auth}/logout/done`)
    await picture(analytics, 'signed-out')
    await portal.goto(`${world.portal}/again`)
    t.equal(new URL(portal.url()).origin, world.auth, 'asked again')
    t.equal(await portal.inputValue('input[name=email]'), '', 'and nobody is remembered')
    t.notOk((await visit.context.cookies()).some(({ name, domain }) => name === '__Host-portico' && domain !== 'portal.localhost'), 'no session is kept')
    await visit.close()
  })

  await t.test('L2 whoever signs out is taken on to a provider that signs people out, and back', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(world.analytics)
    await giveEmail(page, 'hari@globex.example')
    await signInAtProvider(page)
    t.match(await shown(page), { email: 'hari@globex.example' })
    await page.click('#sign-out')
    await page.waitForSelector('button[form="op.logoutForm"]')
    t.equal(new URL(page.url()).hostname, 'idp.localhost')
    await page.click('button[value=yes]')
    await page.waitForURL(`${world.auth}/logout/done**`)
    await page.goto(world.analytics)
    await giveEmail(page, 'hari@globex.example')
    t.equal(new URL(page.url()).hostname, 'idp.localhost', 'the provider asks who it is')
    await visit.close()
  })

  await t.test('R12 after a sign-out another person of the company signs in at the same browser', async t => {
    const visit = await signedIn(world)
    const page = await visit.page()
    await page.goto(world.analytics)
    await page.click('#sign-out')
    await page.waitForURL(`${world.auth}/logout/done`)
    await page.goto(world.portal)
    await giveEmail(page, 'grace@acme.example')
    await signInAtProvider(page)
    t.match(await shown(page), { who: 'Hello, Grace Hopper', email: 'grace@acme.example', verified: 5, refuted: 0 })
    await page.goto(world.analytics)
    t.match(await shown(page), { who: 'Hello, Grace Hopper' })
    await page.click('#sign-out')
    await page.waitForURL(`${world.auth}/logout/done`)
    await page.goto(world.portal)
    await giveEmail(page, 'grace@acme.example')
    t.match(await shown(page), { who: 'Hello, Grace Hopper' }, 'the provider still knows her and asks nothing')
    await visit.close()
  })

  await t.test('another person at a browser that is signed in: asked first, then as she says', async t => {
    const visit = await signedIn(world)
    const page = await visit.page()
    const asHari = async () => {
      await page.goto(`${world.auth}/login/globex_oidc?app=portal`)
      await signInAtProvider(page)
      await page.waitForSelector('form[action="/login/replace"]')
    }
    await asHari()
    await picture(page, 'replace')
    await page.click('main p a')
    t.match(await shown(page), ada, 'declined: nothing has changed')
    await page.goto(`${world.auth}/login/globex_oidc?app=portal`)
    await page.click('form[action="/login/replace"] button')
    t.match(await shown(page), { email: 'hari@globex.example' }, 'the form is Portico\'s own, and the browser says so')
    await page.goto(world.analytics)
    t.match(await shown(page), { email: 'hari@globex.example' }, 'and she is signed out everywhere')
    await visit.close()
  })

  await t.test('R28 R20 a company’s own sign-in page, its button, and as which of two invited addresses somebody comes', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(world.initech)
    await picture(page, 'own-page')
    await page.click('a.button')
    await page.waitForSelector('input[name=login]')
    t.ok(page.url().startsWith(`${world.provider}/initech/`), 'nobody is asked for an e-mail')
    await signInAtProvider(page, 'ami@initech.example')
    await page.waitForSelector('form[action="/login/choose"]')
    await picture(page, 'choose')
    await page.click('button[value="ami+billing@initech.example"]')
    await page.waitForURL(`${world.auth}/account`)
    await page.goto(world.portal)
    t.match(await shown(page), { who: 'Hello, Ami Slater', email: 'ami@initech.example', verified: 5, refuted: 0 })
    t.match(await page.innerText('main'), /X-Auth-Member\s+ami\+billing@initech\.example/i)
    t.same(visit.complaints, [], 'the console is empty')
    await visit.close()
  })

  await t.test('R14 R19 somebody whom the company has not invited is told so', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(world.portal)
    await giveEmail(page, 'milton@initech.example')
    await signInAtProvider(page)
    await page.waitForSelector('.problem')
    t.match(await page.innerText('body'), /PORTICO_NOT_INVITED/)
    await picture(page, 'not-invited')
    await visit.close()
  })

  await t.test('R9 a test sign-in in the browser shows who it would be, and signs nobody in', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    const [link = ''] = (await world.portico('links', '--test', 'initech_google')).split('\n')
    await page.goto(link)
    await signInAtProvider(page, 'bill@initech.example')
    await page.waitForSelector('h1')
    t.match(await page.innerText('h1'), 'test sign-in of initech_google')
    await page.click('summary')
    const text = await page.innerText('body')
    for (const word of ['bill@initech.example', 'hd', 'X-Auth-Email', 'would be let in']) t.match(text, word)
    await picture(page, 'test-sign-in')
    t.notOk((await visit.context.cookies()).some(({ name }) => name === '__Host-portico'), 'no session')
    await page.goto(world.portal)
    t.equal(new URL(page.url()).origin, world.auth, 'and whoever opens an app is asked')
    t.same(visit.complaints, [], 'the console is empty')
    await visit.close()
  })

  await t.test('R7 R12 S17 a company that speaks SAML: its sign-in, the page that was asked for, the other apps without a question', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    const sent = watch(visit.context, world.auth)
    await page.goto(`${world.analytics}/reports/7?path=a%2Fb`)
    await giveEmail(page, 'noor@hooli.example')
    await page.waitForSelector('input[name=login]')
    t.ok(page.url().startsWith(`${world.hooli}/`))
    t.equal(await page.inputValue('input[name=login]'), 'noor@hooli.example', 'login_hint')
    await picture(page, 'saml-provider')
    await signInAtProvider(page)
    t.match(await shown(page), { ...noor, request: 'GET /reports/7?path=a%2Fb' })
    t.match(await page.innerText('main'), /X-Auth-Groups\s+design,R&D/i)

    const requests = await sent()
    const at = requests.findIndex(({ method, path }) => method === 'POST' && path === '/saml/saml_hooli/acs')
    t.match(requests[at], { cookie: '', site: 'cross-site' }, 'the POST of another site brings no cookie that is Lax')
    t.match(requests[at + 1], { method: 'GET', path: '/login/saml_hooli/callback', cookie: /attempt/ }, 'the GET that follows does')

    for (const app of [world.dashboardEu, world.portal]) {
      await page.goto(app)
      t.match(await shown(page), noor, app)
    }
    t.same(visit.complaints, [], 'the console is empty')
    await visit.close()
  })

  await t.test('L1 S24 signing out of an app ends the session at the SAML provider, and comes back', async t => {
    const visit = await signedIn(world, 'noor@hooli.example')
    const page = await visit.page()
    await page.goto(world.portal)
    await page.click('#sign-out')
    await page.waitForURL(`${world.auth}/logout/done**`)
    t.ok(visit.requests.some(({ href }) => href.startsWith(`${world.hooli}/slo?SAMLRequest=`)), 'by way of the provider')
    t.notOk((await visit.context.cookies()).some(({ name, domain }) => name === '__Host-portico' && domain === 'auth.localhost'))
    await page.goto(world.portal)
    await giveEmail(page, 'tomas@hooli.example')
    await page.waitForSelector('input[name=login]')
    await signInAtProvider(page)
    t.match(await shown(page), { who: 'Hello, Tomáš Novák', email: 'tomas@hooli.example', verified: 5 })
    t.same(visit.complaints, [], 'the console is empty')
    await visit.close()
  })

  await t.test('R23 L1 a tile at the SAML provider opens its app, and signing out there signs out of all of them', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(`${world.hooli}/`)
    await signInAtProvider(page)
    await picture(page, 'tiles')
    await page.click('button[name=app]:has-text("Portal")')
    t.match(await shown(page), { ...noor, request: 'GET /' })
    t.equal(new URL(page.url()).origin, world.portal)
    await page.goto(world.analytics)
    t.match(await shown(page), noor)
    await page.goto(`${world.hooli}/`)
    await page.click('button[value=sign-out]')
    await page.waitForURL(`${world.hooli}/signed-out`)
    for (const app of [world.portal, world.analytics]) {
      await page.goto(app)
      t.ok(page.url().startsWith(`${world.hooli}/sign-in/`), `${app}: she is asked again, where her company signs in`)
    }
    t.same(visit.complaints, [], 'the console is empty')
    await visit.close()
  })

  await t.test('F7 cancelling at the SAML provider ends on a page from which it starts again, to the page asked for', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    await page.goto(`${world.analytics}/after`)
    await giveEmail(page, 'noor@hooli.example')
    await page.click('button[value=cancel]')
    await page.waitForURL(`${world.auth}/**`)
    t.match(await page.innerText('body'), /PORTICO_[A-Z_]+/)
    await page.click('main a')
    await page.waitForSelector('input[name=login]')
    await signInAtProvider(page)
    await page.waitForURL(`${world.analytics}/after`)
    t.match(await shown(page), { ...noor, request: 'GET /after' })
    await visit.close()
  })

  await t.test('R13 an API key made on the account page opens the app for a program, until it is revoked', async t => {
    const visit = await signedIn(world, 'hari@globex.example')
    const page = await visit.page()
    await page.goto(`${world.auth}/account`)
    await page.fill('input[name=label]', 'nightly export')
    await page.check('input[name=app][value=analytics]')
    await page.click('form[action="/account/keys"] button')
    await page.waitForSelector('pre')
    await picture(page, 'api-key')
    const key = (await page.innerText('pre')).trim()
    t.match(key, /^ptk_/)
    const call = async () => await send(`${world.analytics}/api`, { mode: 'cors', headers: { authorization: `Bearer ${key}` } })
    const answer = await call()
    t.equal(answer.status, 200)
    t.match(answer.text, 'hari@globex.example')
    t.match(await send(`${world.portal}/api`, { mode: 'cors', headers: { authorization: `Bearer ${key}` } }), { text: /PORTICO_API_KEY_APP/ }, 'for the app that it was made for alone')
    await page.goto(`${world.auth}/account`)
    t.match(await page.innerText('body'), 'nightly export')
    await page.click('form[action="/account/keys/revoke"] button')
    t.notMatch(await page.innerText('body'), 'nightly export')
    t.equal((await call()).status, 401, 'revoked at once')
    t.same(visit.complaints, [], 'the console is empty')
    await visit.close()
  })

  await t.test('L4 a link of another site to the sign-out asks first', async t => {
    const visit = await signedIn(world)
    const page = await visit.page()
    await page.goto(`${world.provider}/acme/.well-known/openid-configuration`)
    await page.evaluate(`location.href = ${JSON.stringify(`${world.auth}/logout`)}`)
    await page.waitForSelector('form[action="/logout"]')
    await page.click('form[action="/logout"] button')
    await page.waitForURL(`${world.auth}/logout/done`)
    await page.goto(world.analytics)
    t.equal(new URL(page.url()).origin, world.auth, 'signed out')
    await visit.close()
  })

  await t.test('A2 a script’s request without a session is told so in JSON, and leaves no cookie', async t => {
    const visit = await world.visit()
    const page = await visit.page()
    // A public path gives a page of this origin without a sign-in.
    await page.goto(`${world.analytics}/favicon.ico`)
    const answer = await page.evaluate(`fetch('/api/x', { headers: { accept: 'application/json' } })
      .then(async r => ({ status: r.status, type: r.headers.get('content-type'), body: await r.json() }))`)
    t.match(answer, { status: 401, type: /^application\/problem\+json/, body: { code: /^PORTICO_/, login_url: /\/login\?app=analytics/, request_id: /./ } })
    t.same(await visit.context.cookies(), [])
    await visit.close()
  })

  await t.test('without scripts everything works just as well', async t => {
    const visit = await world.visit({ javaScriptEnabled: false })
    const page = await visit.page()
    await page.goto(`${world.dashboardEu}/plain`)
    await giveEmail(page, 'grace@acme.example')
    await signInAtProvider(page)
    t.match(await shown(page), { who: 'Hello, Grace Hopper', request: 'GET /plain', verified: 5 })
    await visit.close()
  })

  await t.test('the terminal tells who signed in, and nothing secret', async t => {
    t.match(world.printed(), /ada@acme\.example signed in through acme_oidc/)
    t.notMatch(world.printed(), /eyJ|__Host-|code=|ticket=|SAMLRe/)
  })

  await t.test('E1 M2 Ctrl-C ends everything in order; started again, a session goes on', async t => {
    const visit = await signedIn(world, 'hari@globex.example')
    const other = await signedIn(world, 'noor@hooli.example')
    t.equal(await world.restart(), 0)
    const before = visit.requests.length
    const page = await visit.page()
    await page.goto(`${world.analytics}/still`)
    t.match(await shown(page), { who: 'Hello, Hari Čapek', request: 'GET /still', verified: 5, refuted: 0 })
    await page.goto(world.portal)
    t.match(await shown(page), { who: 'Hello, Hari Čapek' })
    t.notOk(visit.requests.slice(before).some(({ origin }) => origin === world.provider), 'nobody was asked')
    const tab = await other.page()
    await tab.goto(world.portal)
    t.match(await shown(tab), noor, 'a session by SAML too: the provider signs with the key that it had')
    await visit.close()
    await other.close()
  })
})
