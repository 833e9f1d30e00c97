import t from 'tap'
import { testLinkOf } from '../../src/config/links.ts'
import { sealTestToken } from '../../src/login/test-token.ts'
import type { TestStanding } from '../../src/login/sealed.ts'
import type { TestResult } from '../../src/pages/test-page.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import type { Answer, Browser } from '../support/browser.ts'
import { codeOf, formOf, origins } from '../support/gateway.ts'
import { leaksIn } from '../support/leaks.ts'
import { createForge } from '../support/saml-forge.ts'
import { startSamlGateway, type SamlWorld } from '../support/saml/gateway.ts'
import { withoutStore } from '../support/store-outage.ts'
import { isInert, traces } from '../support/traces.ts'

const linkTo = async (world: SamlWorld, standing: TestStanding): Promise<string> => {
  const connection = world.configuration.connections.get('acme_saml')
  if (connection === undefined) throw new Error('no connection acme_saml')
  return testLinkOf(origins.auth, 'acme_saml', sealTestToken(await createSealer(world.configuration.keys), connection, standing, Math.floor(Date.now() / 1_000) + 600))
}

/** From the test link to the provider's form. */
const reach = async (world: SamlWorld, browser: Browser, standing: TestStanding = 'testing'): Promise<Answer> => await world.reachIdp(browser, await linkTo(world, standing))

const asJson = { headers: { accept: 'application/json' } }

/** The whole test, as a program reads it. */
const test = async (world: SamlWorld, browser = world.browser()): Promise<TestResult> => {
  const posted = await world.postBack(browser, await reach(world, browser))
  return JSON.parse((await browser.send(posted.location ?? '', asJson)).text)
}

t.test('R9 a test sign-in by SAML', async t => {
  const world = await startSamlGateway(t, { saml: { status: 'testing' } })
  const usual = world.idp.respond
  t.afterEach(() => { world.idp.respond = usual })

  await t.test('R9 a real sign-in that changes nothing, and shows everything', async t => {
    const before = await traces(world)
    const browser = world.browser()
    const form = await reach(world, browser)
    const posted = await world.postBack(browser, form)
    t.match({ status: posted.status, path: posted.location?.pathname, cookies: posted.setCookies }, { status: 303, path: '/login/acme_saml/callback', cookies: [] })
    const page = await browser.send(posted.location ?? '')
    t.equal(page.status, 200)
    isInert(t, page)
    t.match(page.text, /It works: test sign-in of acme_saml/)
    for (const shown of ['InResponseTo', 'Audience', 'Recipient', 'Assertion ID', 'entityID and NameID', 'attribute mail', 'AuthnContextClassRef', 'staff']) t.match(page.text, shown, shown)
    t.same(browser.jar.all().filter(({ domain }) => domain.endsWith('.localhost')), [], 'the browser keeps nothing')
    t.same(await traces(world), before, 'and nobody else')
    t.same(leaksIn(page.text + JSON.stringify(world.lines), new Set([formOf(form).fields.SAMLResponse ?? '', formOf(form).fields.RelayState ?? '', posted.location?.searchParams.get('response') ?? ''])), [])

    const again = await browser.follow(await world.postBack(browser, form))
    t.match({ status: again.status, code: codeOf(again) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' }, 'once')
    isInert(t, again)
  })

  await t.test('R9 as data: checks from both steps, in order, and every field with where it came from', async t => {
    const result = await test(world)
    t.match(result, {
      verdict: 'accepted',
      connector: 'saml',
      standing: 'testing',
      refusal: null,
      identity: { email: 'ada@acme.com', name: 'Ada Lovelace', groups: ['staff', 'R&D'], subject: `${world.forge.entityId} ada-1` },
      claims: { assertion: { Issuer: world.forge.entityId, NameID: { value: 'ada-1' }, Attributes: { mail: 'ada@acme.com', memberOf: ['staff', 'R&D'] } } }
    })
    t.ok(result.checks.length > 12)
    t.ok(result.checks.every(({ passed }) => passed))
    const names = result.checks.map(({ name }) => name)
    t.ok(names.indexOf('Status') < names.indexOf('InResponseTo'), 'what came by POST first')
    t.match(Object.fromEntries(result.fields.map(({ field, from }) => [field, from])), { subject: 'entityID and NameID', email: 'attribute mail', name: 'attribute displayName', groups: 'attribute memberOf' })
    t.match(result.apps[0], { allowed: true, assertion: { email: 'ada@acme.com' } })
  })

  await t.test('R9 refused at the POST: the page says by which check, with all before it', async t => {
    const cases: Readonly<Record<string, () => string>> = {
      PORTICO_SAML_AUDIENCE: () => world.forge.sign(world.forge.response({ inResponseTo: world.idp.requests.at(-1)?.attribute('ID'), audience: 'https://elsewhere.example' })),
      PORTICO_SAML_STATUS: () => world.forge.sign(world.forge.response({ inResponseTo: world.idp.requests.at(-1)?.attribute('ID'), status: 'urn:oasis:names:tc:SAML:2.0:status:Responder', statusMessage: 'not <b>assigned</b>' }), { what: 'response' }),
      PORTICO_SAML_SIGNATURE: () => world.forge.response(),
      PORTICO_SAML_MESSAGE: () => '<x'
    }
    for (const [code, respond] of Object.entries(cases)) {
      world.idp.respond = respond
      const browser = world.browser()
      const posted = await world.postBack(browser, await reach(world, browser))
      t.equal(posted.status, 303)
      const result: TestResult = JSON.parse((await browser.send(posted.location ?? '', asJson)).text)
      t.match(result, { verdict: 'refused', refusal: { code, remedy: String }, identity: null, claims: {} }, code)
      t.equal(result.checks.at(-1)?.passed, false, `${code}: the last check is the one that refused`)
      t.notOk(result.checks.slice(0, -1).some(({ passed }) => !passed))
    }
    world.idp.respond = cases.PORTICO_SAML_STATUS ?? usual
    const browser = world.browser()
    const page = await browser.follow(await world.postBack(browser, await reach(world, browser)))
    isInert(t, page)
    t.match(page.text, /not &lt;b&gt;assigned/, 'O19 escaped')
    const events = new Set(world.lines.filter(({ code }) => code === 'PORTICO_SAML_STATUS').map(({ event }) => event))
    t.same([...events], ['test_sign_in'], 'in the log as a test, and as no refusal of a sign-in')
  })

  await t.test('R9 refused at the GET: what the assertion said is shown', async t => {
    world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), attributes: [['mail', ['ada@globex.com']], ['token', ['secret-value']]] }))
    const result = await test(world)
    t.match(result, { verdict: 'refused', refusal: { code: 'PORTICO_EMAIL_DOMAIN', got: 'ada@globex.com' }, claims: { assertion: { Attributes: { mail: 'ada@globex.com' } } } })
    t.notMatch(JSON.stringify(result), /secret-value/)
    world.idp.respond = () => world.forge.sign(world.forge.response({ inResponseTo: '_another' }))
    t.match(await test(world), { verdict: 'refused', refusal: { code: 'PORTICO_SAML_IN_RESPONSE_TO' }, claims: {} })
  })

  await t.test('R9 a test is this browser’s, and never becomes a sign-in', async t => {
    const [hers, his] = [world.browser(), world.browser()]
    const form = await reach(world, hers)
    const stolen = await his.follow(await world.postBack(his, form))
    t.match({ status: stolen.status, code: codeOf(stolen) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    const his2 = formOf(await reach(world, his)).fields.RelayState ?? ''
    const swapped = await his.follow(await world.postBack(his, form, { RelayState: his2 }))
    t.match(swapped.text, /PORTICO_SAML_IN_RESPONSE_TO/)
    isInert(t, swapped)

    const posted = await world.postBack(hers, form)
    await world.reload({ acme: world.acmeWith({ status: 'active' }) })
    const changed = await hers.send(posted.location ?? '')
    t.match({ status: changed.status, code: codeOf(changed) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    isInert(t, changed)
  })

  await t.test('R9 of an active connection, beside whoever is signed in', async t => {
    await world.reload({ acme: world.acmeWith({ status: 'active' }) })
    const browser = world.browser()
    await world.signInBySaml(browser, `${origins.portal}/x`)
    const session = browser.jar.find('__Host-portico', 'auth.localhost')?.value
    const before = await traces(world)
    const page = await browser.follow(await world.postBack(browser, await reach(world, browser, 'active')))
    t.match(page.text, /It works/)
    t.equal(browser.jar.find('__Host-portico', 'auth.localhost')?.value, session)
    t.same(await traces(world), before)

    // a response for a test under the RelayState of a sign-in, and the other way round
    const [forTest, forSignIn] = [formOf(await reach(world, browser, 'active')).fields, formOf(await world.reachIdp(world.browser(), `${origins.portal}/y`)).fields]
    for (const [message, relay] of [[forTest, forSignIn], [forSignIn, forTest]]) {
      const other = world.browser()
      const answer = await other.follow(await other.send(`${origins.auth}/saml/acme_saml/acs`, { body: new URLSearchParams({ SAMLResponse: message?.SAMLResponse ?? '', RelayState: relay?.RelayState ?? '' }), crossSitePost: true }))
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    }
  })

  await t.test('R9 an unknown key: metadata is asked for, and the test goes on', async t => {
    const next = createForge({ connection: 'acme_saml' })
    const before = world.idp.fetched()
    world.idp.respond = request => next.sign(next.response({ inResponseTo: request.attribute('ID') }))
    world.idp.metadata = () => world.forge.metadata({ ssoRedirect: world.idp.ssoUrl, certificates: [next.certificate] })
    await world.reload({ acme: world.acmeWith({ entity_id: `"${world.forge.entityId}"`, status: 'testing' }) })
    t.match(await test(world), { verdict: 'accepted' })
    t.ok(world.idp.fetched() > before)
  })

  await t.test('V34 the store is down: nothing is shown, and no sign-in is refused', async t => {
    const browser = world.browser()
    const form = await reach(world, browser)
    const down = await withoutStore(world, async () => await world.postBack(browser, form))
    t.match({ status: down.status, code: codeOf(down) }, { status: 503, code: 'PORTICO_STORE_UNAVAILABLE' })
    isInert(t, down)
    t.notOk(world.lines.some(({ event, code }) => event === 'sign_in_refused' && code === 'PORTICO_STORE_UNAVAILABLE'))
  })
})
