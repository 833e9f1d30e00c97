import t from 'tap'
import type { Browser } from '../support/browser.ts'
import { codeOf, formOf, linksOf, origins, startGateway, submit, type World } from '../support/gateway.ts'
import { everywhere, liveOf } from '../support/traces.ts'

const signedIn = async (world: World): Promise<{ browser: Browser, cookies: Readonly<Record<string, string>> }> => {
  const browser = world.browser()
  await world.signIn(browser, `${origins.portal}/x`)
  await browser.open(`${origins.analytics}/x`)
  return {
    browser,
    cookies: Object.fromEntries([origins.auth, origins.portal, origins.analytics].map(origin => [origin, browser.jar.header(new URL(origin)) ?? '']))
  }
}

t.test('signing out', async t => {
  const world = await startGateway(t)

  for (const [name, act] of [
    ['GET /logout', async (browser: Browser) => await browser.open(`${origins.auth}/logout`)],
    ['GET /logout by a program that says nothing of itself', async (browser: Browser) => await browser.open(`${origins.auth}/logout`, { headers: { 'sec-fetch-site': undefined, 'sec-fetch-mode': undefined, 'sec-fetch-dest': undefined } })],
    ['POST /logout', async (browser: Browser) => await browser.open(`${origins.auth}/logout`, { method: 'POST', body: '' })],
    ['a link on a page of an app', async (browser: Browser) => await browser.open(`${origins.auth}/logout`, { headers: { 'sec-fetch-site': 'same-site', referer: `${origins.portal}/` } })],
    ['a form on a page of an app', async (browser: Browser) => await browser.open(`${origins.auth}/logout`, { method: 'POST', body: '', headers: { 'sec-fetch-site': 'same-site', origin: origins.portal } })],
    ['GET /.portico/logout', async (browser: Browser) => await browser.open(`${origins.portal}/.portico/logout`)],
    ['POST /.portico/logout', async (browser: Browser) => await browser.open(`${origins.portal}/.portico/logout`, { method: 'POST', body: '' })],
    ['the button of the account page', async (browser: Browser) => await browser.follow(await submit(browser, await browser.open(`${origins.auth}/account`)))]
  ] as const) {
    await t.test(`L1 L6 E13 ${name}: every host of this browser, at once`, async t => {
      const { browser, cookies } = await signedIn(world)
      t.same(await liveOf(world, cookies), everywhere)
      const other = await signedIn(world)
      const answer = await act(browser)
      t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.auth}/logout/done` })
      t.same(await liveOf(world, cookies), [], 'the old cookies are dead, even if kept')
      t.notOk(browser.jar.all().some(({ name, domain }) => domain === 'auth.localhost' && name.startsWith('__Host-portico')), 'nothing is kept, the remembered e-mail neither')
      t.match(await browser.open(`${origins.portal}/x`), { status: 200, text: /name="email"[^>]* value=""/ }, 'asked again')
      t.same(await liveOf(world, other.cookies), everywhere, 'other browsers stay')
    })
  }

  await t.test('the audit log says who signed out', async t => {
    t.match(world.lines.find(({ event }) => event === 'sign_out'), { audit: true, email: 'ada@acme.com', member: /^mbr_/, organization: 'acme', connection: 'acme_oidc', request_id: String })
  })

  for (const [name, headers] of [
    ['a link of another site', { 'sec-fetch-site': 'cross-site', referer: 'https://evil.example/' }],
    ['a link of another site that hides itself', { 'sec-fetch-site': 'cross-site', referer: undefined }],
    ['an image', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' }],
    ['an image on a page of an app', { 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors', referer: `${origins.portal}/` }],
    ['a neighbour that is no app', { 'sec-fetch-site': 'same-site', referer: 'http://other.localhost:8080/' }],
    ['an older browser, from another site', { 'sec-fetch-site': undefined, 'sec-fetch-dest': undefined, 'sec-fetch-mode': undefined, referer: 'https://evil.example/x' }],
    ['an older browser, from nowhere that can be named', { 'sec-fetch-site': undefined, 'sec-fetch-dest': undefined, 'sec-fetch-mode': undefined, referer: 'about:client' }]
  ] as const) {
    await t.test(`L4 ${name} is asked about`, async t => {
      const { browser, cookies } = await signedIn(world)
      const page = await browser.open(`${origins.auth}/logout?return_to=${origins.portal}/bye`, { headers })
      t.match({ status: page.status, path: page.url.pathname, text: page.text }, { status: 200, path: '/logout', text: /ada@acme\.com/ })
      t.same(page.setCookies, [])
      t.same(await liveOf(world, cookies), everywhere)
      t.equal(linksOf(page)['Stay signed in'], `${origins.auth}/account`)
      t.equal(formOf(page).fields.return_to, `${origins.portal}/bye`)
      const answer = await submit(browser, page)
      t.equal(answer.location?.href, `${origins.portal}/bye`)
      t.same(await liveOf(world, cookies), [])
    })
  }

  await t.test('L4 an app’s sign-out that another site asked for is asked about at the auth host', async t => {
    const { browser, cookies } = await signedIn(world)
    const headers = { 'sec-fetch-site': 'cross-site', referer: 'https://evil.example/' }
    const first = await browser.send(`${origins.portal}/.portico/logout?return_to=/bye`, { headers })
    t.equal(first.location?.href, `${origins.auth}/logout?return_to=${encodeURIComponent(`${origins.portal}/bye`)}`)
    const page = await browser.send(first.location ?? '', { headers })
    t.equal(page.status, 200)
    t.same(await liveOf(world, cookies), everywhere)
    for (const origin of ['https://evil.example', 'null', origins.analytics]) {
      const forged = await browser.send(`${origins.portal}/.portico/logout`, { method: 'POST', body: '', headers: { origin, 'sec-fetch-site': 'cross-site' } })
      t.match({ status: forged.status, code: codeOf(forged) }, { status: 403, code: 'PORTICO_CROSS_SITE' }, origin)
    }
    const forged = await browser.send(`${origins.auth}/logout`, { method: 'POST', body: '', headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } })
    t.match({ status: forged.status, code: codeOf(forged) }, { status: 403, code: 'PORTICO_CROSS_SITE' })
    t.same(await liveOf(world, cookies), everywhere)
  })

  await t.test('L1 an app host that has forgotten its session still signs out', async t => {
    const { browser, cookies } = await signedIn(world)
    browser.jar.remove('__Host-portico', 'portal.localhost')
    const answer = await browser.open(`${origins.portal}/.portico/logout`)
    t.equal(answer.url.href, `${origins.auth}/logout/done`)
    t.same(await liveOf(world, cookies), [])
  })

  await t.test('/logout/done does not say what is not so', async t => {
    const { browser, cookies } = await signedIn(world)
    const page = await browser.send(`${origins.auth}/logout/done`)
    t.match(page.text, /Sign out\?/)
    t.same(await liveOf(world, cookies), everywhere)
  })

  await t.test('L3 return_to: an app’s address, a path of the app host, else nothing', async t => {
    const end = async (link: string) => (await (await signedIn(world)).browser.open(link, { until: url => url.pathname === '/bye' })).location?.href
    t.equal(await end(`${origins.auth}/logout?return_to=${origins.dashboardEu}/bye`), `${origins.dashboardEu}/bye`)
    t.equal(await end(`${origins.portal}/.portico/logout?return_to=/bye`), `${origins.portal}/bye`)
    t.equal(await end(`${origins.auth}/logout?return_to=https://evil.example/bye`), undefined)
    t.equal(await end(`${origins.portal}/.portico/logout?return_to=//evil.example/bye`), undefined)
    t.equal(await end(`${origins.auth}/logout?return_to=${origins.portal}/bye&return_to=https://evil.example/`), undefined, 'O10')
  })

  await t.test('signing out without a session is fine', async t => {
    for (const link of [`${origins.auth}/logout`, `${origins.portal}/.portico/logout`]) {
      const answer = await world.browser().open(link, { headers: { 'sec-fetch-site': 'cross-site' } })
      t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.auth}/logout/done` })
    }
  })
})
