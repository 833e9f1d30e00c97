import { X509Certificate } from 'node:crypto'
import type { Page } from 'playwright-core'
import t from 'tap'
import { z } from 'zod'
import { noSimpleSaml, startSimpleSaml, type SimpleSaml } from '../support/simplesamlphp.ts'
import { giveEmail, noBrowser, picture, startChromium, watch } from './chromium.ts'
import type { Visit } from './chromium.ts'
import { organizationOf, people, signInAtSimpleSaml, startSamlWorld, told, type SamlWorld } from './saml-world.ts'

const ada = { 'x-auth-email': 'ada@acme.example', 'x-auth-name': 'Ada Lovelace', 'x-auth-groups': 'staff,R&D', 'x-auth-connection': 'acme_saml' }
const grace = { 'x-auth-email': 'grace@acme.example', 'x-auth-name': 'Grace Hopper' }

const statusSchema = z.object({ connections: z.array(z.object({ id: z.string(), expires: z.array(z.object({ what: z.string(), at: z.string() })) })) })

/** Opens an app, types an e-mail at Portico, and is then at the identity provider. */
const leaveFor = async (page: Page, target: string, email = 'ada@acme.example'): Promise<void> => {
  await page.goto(target)
  await giveEmail(page, email)
}

const signIn = async (page: Page, target: string, name = 'ada'): Promise<unknown> => {
  await leaveFor(page, target, `${name}@acme.example`)
  await signInAtSimpleSaml(page, name)
  return await told(page)
}

/** Whether an app has to ask who its visitor is; the identity provider may then know, without a question. */
const isStranger = async ({ requests }: Visit, page: Page, world: SamlWorld): Promise<boolean> => {
  const before = requests.length
  await page.goto(world.portal)
  return requests.slice(before).some(({ origin }) => origin === world.auth)
}

/** The code that a page of the auth host shows. */
const refusal = async (page: Page, world: SamlWorld): Promise<string | undefined> => {
  await page.waitForURL(`${world.auth}/**`)
  await page.waitForSelector('.problem, h1')
  return /PORTICO_[A-Z0-9_]+/.exec(await page.innerText('body'))?.[0]
}

/** SimpleSAMLphp lacks a style sheet of its own, and Chromium says so. */
const isOurs = (complaint: string): boolean => !complaint.startsWith('http://127.0.0.1:')

const settingsOf = (idp: SimpleSaml, further: Readonly<Record<string, string>> = {}) => ({ metadata_url: idp.metadataUrl, ...further })

t.test('SAML against SimpleSAMLphp, in a browser', { skip: noBrowser || noSimpleSaml }, async t => {
  const idp = await startSimpleSaml({ users: people, serviceProviders: [], encryption: 'aes128-gcm' })
  t.teardown(idp.close)
  const acme = (further: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({ acme: organizationOf('acme_saml', 'acme.example', settingsOf(idp, { idp_initiated: 'restart', ...further })) })
  // of two companies: with one alone nobody would be asked for an e-mail
  const world = await startSamlWorld({ ...acme(), another: organizationOf('another_saml', 'another.example', settingsOf(idp)), trial: organizationOf('trial_saml', 'trial.example', settingsOf(idp, { status: 'testing' })) })
  t.teardown(world.close)
  const chromium = await startChromium()
  t.teardown(chromium.close)
  const usual = await world.serviceProvider('acme_saml')
  await idp.setServiceProviders([usual, await world.serviceProvider('trial_saml')])

  await t.test('R7 R12 S17 S25 an e-mail, a sign-in at the identity provider, and the page that was asked for; then another app without a question', async t => {
    const visit = await chromium.visit()
    const page = await visit.page()
    const sent = watch(visit.context, world.auth)
    const target = '/reports/7?from=2026-01-01&path=a%2Fb'
    await leaveFor(page, `${world.analytics}${target}`)
    await page.waitForSelector('input[name=username]')
    t.equal(new URL(page.url()).origin, new URL(idp.entityId).origin)
    await signInAtSimpleSaml(page, 'ada')
    t.match(await told(page), { url: target, ...ada, 'x-auth-new-user': 'true' })

    const requests = await sent()
    const arrival = requests.find(({ method, path }) => method === 'POST' && path === '/saml/acme_saml/acs')
    t.match(arrival, { cookie: '', site: 'cross-site', type: 'application/x-www-form-urlencoded' }, 'no Lax cookie comes with the POST of another site')
    t.match(requests[requests.findIndex(({ path }) => path === '/saml/acme_saml/acs') + 1], { method: 'GET', path: '/login/acme_saml/callback', cookie: /portico.*attempt/ }, 'the GET that follows brings it')
    for (const cookie of (await visit.context.cookies()).filter(({ domain }) => domain.endsWith('.localhost'))) {
      t.match(cookie, { name: /^__Host-portico/, secure: true, httpOnly: true, sameSite: 'Lax' }, `${cookie.domain} ${cookie.name}`)
    }

    const before = visit.requests.length
    await page.goto(`${world.portal}/start`)
    t.match(await told(page), { url: '/start', ...ada })
    t.notOk(visit.requests.slice(before).some(({ origin }) => origin === new URL(idp.entityId).origin), 'the identity provider is not even asked')
    t.same(visit.complaints.filter(isOurs), [], 'the console is empty')
    await visit.close()
  })

  await t.test('F15 S18 back after the sign-in is no dead end, though the response is sent once more', async t => {
    const visit = await chromium.visit()
    const page = await visit.page()
    await signIn(page, `${world.portal}/wanted`)
    for (let i = 0; i < 5 && page.url() !== 'about:blank'; i++) {
      await page.goBack({ waitUntil: 'load' }).catch(() => null)
      await page.waitForLoadState('networkidle')
      t.notMatch(await page.innerText('body'), /PORTICO_/, `no error page at ${page.url()}`)
    }
    t.ok(visit.requests.filter(({ pathname }) => pathname === '/saml/acme_saml/acs').length > 1, 'the identity provider’s page has sent it again')
    await page.goto(`${world.portal}/wanted`)
    t.match(await told(page), ada)
    await visit.close()
  })

  await t.test('without scripts a button carries the response on', async t => {
    const visit = await chromium.visit({ javaScriptEnabled: false })
    const page = await visit.page()
    await leaveFor(page, `${world.portal}/plain`)
    await signInAtSimpleSaml(page, 'grace')
    await page.click('button:visible')
    t.match(await told(page), { url: '/plain', ...grace })
    await visit.close()
  })

  for (const [what, signed, code] of [
    ['the response alone is signed', { signResponse: true, signAssertion: false }, undefined],
    ['the assertion alone is signed', { signResponse: false, signAssertion: true }, undefined],
    ['nothing is signed', { signResponse: false, signAssertion: false }, 'PORTICO_SAML_SIGNATURE']
  ] as const) {
    await t.test(`S7 ${what}`, async t => {
      await idp.setServiceProviders([{ ...usual, ...signed }])
      const visit = await chromium.visit()
      const page = await visit.page()
      await leaveFor(page, world.portal)
      await signInAtSimpleSaml(page, 'ada')
      if (code === undefined) t.match(await told(page), ada)
      else t.equal(await refusal(page, world), code)
      await visit.close()
    })
  }

  await t.test('S10 an assertion that is encrypted with AES-GCM', async t => {
    await idp.setServiceProviders([await world.serviceProvider('acme_saml', { encrypted: true })])
    const visit = await chromium.visit()
    t.match(await signIn(await visit.page(), world.portal), ada)
    await visit.close()
  })

  await t.test('S9 S10 one that is encrypted with AES-CBC is refused, unless that was allowed', async t => {
    const shipped = await startSimpleSaml({ users: people, serviceProviders: [], encryption: 'aes128-cbc' })
    const cbc = (further: Readonly<Record<string, string>>) => ({ cbc: organizationOf('cbc_saml', 'elsewhere.example', settingsOf(shipped, further)) })
    await world.reload(cbc({}))
    await shipped.setServiceProviders([await world.serviceProvider('cbc_saml', { encrypted: true })])
    const visit = await chromium.visit()
    const page = await visit.page()
    await leaveFor(page, world.portal, 'ivy@elsewhere.example')
    await signInAtSimpleSaml(page, 'ivy')
    t.equal(await refusal(page, world), 'PORTICO_SAML_ALGORITHM')
    await picture(page, 'saml-refused')
    await world.reload(cbc({ dangerously_allow_cbc: 'true' }))
    await leaveFor(page, world.portal, 'ivy@elsewhere.example')
    t.match(await told(page), { 'x-auth-email': 'ivy@elsewhere.example' })
    await visit.close()
    await world.reload(cbc({ status: 'disabled' }))
    await shipped.close()
  })

  await t.test('R7 L1 a provider that takes POSTs alone: both ways, and both ways out', async t => {
    const metadata = await (await fetch(idp.metadataUrl)).text()
    await world.write('posts.xml', metadata.replaceAll(/<md:Single\w+Service Binding="[^"]*HTTP-Redirect"[^>]*>/g, ''))
    await world.reload({ another: organizationOf('another_saml', 'posts.example', { metadata_file: 'posts.xml' }) })
    await idp.setServiceProviders([usual, await world.serviceProvider('another_saml', { sloBinding: 'post' })])
    const visit = await chromium.visit()
    const page = await visit.page()
    const sent = watch(visit.context, new URL(idp.entityId).origin)
    await leaveFor(page, `${world.portal}/posted`, 'pia@posts.example')
    await signInAtSimpleSaml(page, 'pia')
    t.match(await told(page), { url: '/posted', 'x-auth-email': 'pia@posts.example' })
    await page.click('#sign-out')
    // the page that carries the POST to the provider has the same address as the one where the sign-out ends
    await page.waitForSelector('h1:text("You are signed out")')
    t.same((await sent()).filter(({ method, site }) => method === 'POST' && site === 'cross-site').map(({ path }) => path), [new URL(idp.ssoUrl).pathname, new URL(idp.sloUrl).pathname])
    t.ok(await isStranger(visit, page, world))

    await leaveFor(page, world.portal, 'pia@posts.example')
    await signInAtSimpleSaml(page, 'pia')
    await told(page)
    const back = `${world.auth}/logout/done`
    await page.goto(idp.logoutUrl(back))
    await page.waitForURL(back)
    t.ok(await isStranger(visit, page, world))
    t.same(visit.complaints.filter(isOurs), [], 'the console is empty')
    await visit.close()
  })

  await t.test('R17 a connection that is disabled signs everybody out, and enabled again revives nothing', async t => {
    await idp.setServiceProviders([usual])
    const visit = await chromium.visit()
    const page = await visit.page()
    await signIn(page, world.portal)
    await world.reload(acme({ status: 'disabled' }))
    t.ok(await isStranger(visit, page, world))
    await world.reload(acme())
    t.ok(await isStranger(visit, page, world))
    await visit.close()
  })

  await t.test('R23 S17 a tile at the identity provider begins a sign-in and opens its app', async t => {
    const visit = await chromium.visit()
    const page = await visit.page()
    const sent = watch(visit.context, world.auth)
    await page.goto(idp.idpInitiatedUrl(usual.entityId, `${world.analytics}/tile?x=1`))
    await signInAtSimpleSaml(page, 'ada')
    t.match(await told(page), { url: '/tile?x=1', ...ada })
    const paths = (await sent()).map(({ method, path }) => `${method} ${path}`)
    t.same(paths.filter(path => path.startsWith('POST')), ['POST /saml/acme_saml/acs', 'POST /saml/acme_saml/acs'], 'what nobody had asked for was asked for')
    t.ok(paths.includes('GET /login/acme_saml'))
    await visit.close()
  })

  await t.test('R23 where that is accepted, what the identity provider says is enough; nobody is replaced unasked', async t => {
    await world.reload(acme({ idp_initiated: 'accept' }))
    const visit = await chromium.visit()
    const page = await visit.page()
    const sent = watch(visit.context, world.auth)
    await page.goto(idp.idpInitiatedUrl(usual.entityId, `${world.analytics}/tile`))
    await signInAtSimpleSaml(page, 'ada')
    t.match(await told(page), { url: '/tile', ...ada })
    t.equal((await sent()).filter(({ method, path }) => method === 'POST' && path === '/saml/acme_saml/acs').length, 1)

    await visit.context.clearCookies({ domain: '127.0.0.1' })
    await page.goto(idp.idpInitiatedUrl(usual.entityId, 'https://evil.example/'))
    await signInAtSimpleSaml(page, 'grace')
    await page.waitForSelector('form[action="/login/replace"]')
    await page.goto(world.portal)
    t.match(await told(page), ada, 'a question that was not answered changes nothing')
    await visit.close()

    await world.reload(acme({ idp_initiated: 'off' }))
    const other = await chromium.visit()
    const tab = await other.page()
    await tab.goto(idp.idpInitiatedUrl(usual.entityId))
    await signInAtSimpleSaml(tab, 'ada')
    t.equal(await refusal(tab, world), 'PORTICO_SAML_UNSOLICITED')
    await other.close()
    await world.reload(acme())
  })

  await t.test('L1 S24 signing out of an app ends the session at the identity provider too', async t => {
    const visit = await chromium.visit()
    const page = await visit.page()
    await signIn(page, world.portal)
    await page.goto(world.analytics)
    await told(page)
    await page.click('#sign-out')
    await page.waitForURL(`${world.auth}/logout/done**`)
    await picture(page, 'saml-signed-out')
    t.ok(visit.requests.some(({ href }) => href.startsWith(`${idp.sloUrl}?SAMLRequest=`)), 'by way of the identity provider')
    await leaveFor(page, world.portal)
    await page.waitForSelector('input[name=username]')
    t.pass('nobody is known here, nor there')
    t.same(visit.complaints.filter(isOurs), [], 'the console is empty')
    await visit.close()
  })

  await t.test('L1 S24 signing out at the identity provider ends the sessions here, and comes back to it', async t => {
    const visit = await chromium.visit()
    const page = await visit.page()
    await signIn(page, world.portal)
    const other = await chromium.visit()
    const tab = await other.page()
    await signIn(tab, world.portal, 'grace')
    const back = `${world.auth}/logout/done`
    await page.goto(idp.logoutUrl(back))
    t.equal(page.url(), back)
    t.ok(visit.requests.some(({ href }) => href.startsWith(`${idp.sloUrl}?SAMLResponse=`)), 'Portico answers')
    t.ok(await isStranger(visit, page, world))
    await tab.goto(`${world.portal}/still`)
    t.match(await told(tab), grace, 'of nobody else')
    await visit.close()
    await other.close()
  })

  await t.test('F17 another account: who is signed in at the identity provider is asked again', async t => {
    const visit = await chromium.visit()
    const page = await visit.page()
    await leaveFor(page, `${world.portal}/mine`)
    await signInAtSimpleSaml(page, 'ivy')
    t.ok(await refusal(page, world), 'refused: she is of another domain')
    await page.click('text=Use another account')
    await giveEmail(page, 'grace@acme.example')
    await signInAtSimpleSaml(page, 'grace')
    t.match(await told(page), { url: '/mine', ...grace })
    await visit.close()
  })

  await t.test('R9 a test sign-in shows what came, what was made of it, and signs nobody in', async t => {
    await idp.setServiceProviders([usual, await world.serviceProvider('trial_saml')])
    const visit = await chromium.visit()
    const page = await visit.page()
    const { stdout } = await world.portico('links', '--test', 'trial_saml')
    await page.goto(stdout.split('\n')[0] ?? '')
    await signInAtSimpleSaml(page, 'tess')
    await page.waitForSelector('h1')
    t.match(await page.innerText('h1'), 'test sign-in of trial_saml')
    for (const summary of await page.locator('summary').all()) await summary.click()
    await picture(page, 'saml-test-sign-in')
    const text = await page.innerText('body')
    for (const word of ['tess@trial.example', 'displayName', 'Tess Trial', 'would be let in']) t.match(text, word)
    t.notOk((await visit.context.cookies()).some(({ name }) => name === '__Host-portico'), 'no session')
    t.ok(await isStranger(visit, page, world))
    t.same(visit.complaints.filter(isOurs), [], 'the console is empty')
    await visit.close()
  })

  await t.test('R7 R11 R26 the doctor finds nothing wrong with it, and the status page knows when its certificate expires', async t => {
    const { status, stdout } = await world.portico('doctor', 'acme_saml')
    t.equal(status, 0, stdout)
    t.match(stdout, idp.entityId)
    const { connections } = statusSchema.parse(await (await fetch(`${world.ops}/status`, { headers: { accept: 'application/json' } })).json())
    t.match(connections.find(({ id }) => id === 'acme_saml'), { expires: [{ what: 'idp_certificate', at: new X509Certificate(idp.certificate).validToDate.toISOString() }] })
  })

  await t.test('R17 a certificate is replaced while all of it runs: nobody has to do anything, and what the old one verified ends', async t => {
    const visit = await chromium.visit()
    const page = await visit.page()
    await signIn(page, world.portal)
    await idp.rollover('publish')
    await idp.rollover('switch')
    t.notOk(await isStranger(visit, page, world), 'a session goes on')
    const trueNow = Date.now
    t.teardown(() => { Date.now = trueNow })
    // an unknown key makes Portico look at the metadata once a minute at most
    Date.now = () => trueNow() + 61_000

    const other = await chromium.visit()
    const tab = await other.page()
    t.match(await signIn(tab, world.portal, 'grace'), grace, 'signed by a key that was not known a moment ago')
    t.ok(await isStranger(visit, page, world), 'her session was verified by a certificate that is gone')
    t.match(await told(page), ada, 'and she is back without a question')
    await visit.close()
    await other.close()
  })
})

t.test('E1 S17 SAML by https: the same cookies, the same return', { skip: noBrowser || noSimpleSaml }, async t => {
  const idp = await startSimpleSaml({ users: people, serviceProviders: [] })
  t.teardown(idp.close)
  const world = await startSamlWorld({ acme: organizationOf('acme_saml', 'acme.example', settingsOf(idp)), another: organizationOf('another_saml', 'another.example', settingsOf(idp)) }, { https: true })
  t.teardown(world.close)
  const chromium = await startChromium()
  t.teardown(chromium.close)
  await idp.setServiceProviders([await world.serviceProvider('acme_saml')])

  const visit = await chromium.visit({ ignoreHTTPSErrors: true })
  const page = await visit.page()
  const sent = watch(visit.context, world.auth)
  t.match(await signIn(page, `${world.analytics}/deep`), { url: '/deep', ...ada })
  const requests = await sent()
  const at = requests.findIndex(({ method, path }) => method === 'POST' && path === '/saml/acme_saml/acs')
  t.match(requests[at], { cookie: '', site: 'cross-site' })
  t.match(requests[at + 1], { method: 'GET', path: '/login/acme_saml/callback', cookie: /portico.*attempt/ })
  await page.goto(world.portal)
  t.match(await told(page), ada)
  await page.click('#sign-out')
  await page.waitForURL(`${world.auth}/logout/done**`)
  t.ok(await isStranger(visit, page, world))
})
