import t, { type Test } from 'tap'
import { createJar, type Answer, type Browser } from '../support/browser.ts'
import { codeOf, formOf, linksOf, origins, submit } from '../support/gateway.ts'
import { createForge } from '../support/saml-forge.ts'
import { withoutStore } from '../support/store-outage.ts'
import { startSamlGateway, type SamlWorld } from '../support/saml/gateway.ts'
import type { Facts } from '../support/saml/message.ts'

const acs = `${origins.auth}/saml/acme_saml/acs`

const sessionOf = (browser: Browser) => browser.jar.find('__Host-portico', 'auth.localhost')?.value

const echoOf = (answer: Answer): { url: string, headers: Record<string, string> } => JSON.parse(answer.text)

const bob: Partial<Facts> = { nameId: { value: 'bob-1' }, attributes: [['mail', ['bob@acme.com']], ['displayName', ['Bob']]] }

/** What a tile of the provider posts. */
const messageOf = (world: SamlWorld, facts: Partial<Facts> = {}): string =>
  world.forge.post(world.forge.sign(world.forge.response({ inResponseTo: undefined, ...facts })))

/** From the provider's page of tiles, on another site. */
const post = async (browser: Browser, message: string, relayState?: string): Promise<Answer> =>
  await browser.send(acs, { body: new URLSearchParams({ SAMLResponse: message, ...relayState !== undefined && { RelayState: relayState } }), crossSitePost: true })

const isIdp = (world: SamlWorld) => (url: URL): boolean => url.origin === world.idp.origin

const elsewhere = ['https://evil.example/', '//evil.example', 'https://analytics.localhost.evil.example:8080/', 'http://user@analytics.localhost:8080/', 'javascript:alert(1)', '/login', `${origins.auth}/logout`, 'RPID=x&RelayState=y', '\\\\evil.example', `${origins.analytics}/.portico/logout`]

t.test('R23 idp_initiated: off', async t => {
  const world = await startSamlGateway(t)
  const browser = world.browser()
  const answer = await post(browser, messageOf(world), `${origins.analytics}/tile`)
  t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_SAML_UNSOLICITED' })
  t.equal(linksOf(answer)['Try again'], `${origins.auth}/login/acme_saml`, 'a link that starts')
  t.same(answer.setCookies, [])
  const form = await world.reachIdp(browser, linksOf(answer)['Try again'] ?? '')
  t.equal((await browser.follow(await world.postBack(browser, form))).url.href, `${origins.auth}/account`)

  await t.test('S17 a response with InResponseTo on the unsigned root alone is not one that was asked for', async t => {
    const forged = await post(world.browser(), messageOf(world, { responseInResponseTo: '_request' }))
    t.equal(forged.status, 403)
    t.match(codeOf(forged), /PORTICO_SAML_(?:IN_RESPONSE_TO|UNSOLICITED)/)
  })

  await t.test('S17 one that answers a request, without our RelayState, is lost', async t => {
    const other = world.browser()
    const lost = await other.follow(await post(other, messageOf(world, { inResponseTo: '_request' }), `${origins.analytics}/tile`))
    t.match({ status: lost.status, code: codeOf(lost) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
  })

  await t.test('a handle of something else, and none, are lost', async t => {
    for (const query of ['', '?response=x', `?response=${'A'.repeat(43)}`, `?response=${'A'.repeat(43)}&response=${'A'.repeat(43)}`]) {
      const lost = await world.browser().send(`${origins.auth}/login/acme_saml/callback${query}`)
      t.match({ status: lost.status, code: codeOf(lost) }, { status: 400, code: /ATTEMPT_LOST|RESPONSE_INVALID/ }, query)
    }
  })
})

t.test('R23 idp_initiated: restart', async t => {
  const world = await startSamlGateway(t, { saml: { idp_initiated: 'restart' } })

  /** The tile, and the sign-in that it begins. */
  const tile = async (browser: Browser, facts: Partial<Facts> = {}, relayState?: string): Promise<Answer> => {
    const sent = await browser.follow(await post(browser, messageOf(world, facts), relayState), isIdp(world))
    if (sent.location === undefined || !isIdp(world)(sent.location)) return sent
    world.idp.respond = request => world.forge.sign(world.forge.response({ ...facts, inResponseTo: request.attribute('ID') }))
    return await browser.follow(await world.postBack(browser, await browser.send(sent.location)))
  }

  await t.test('the response chooses the connection, and a sign-in of ours begins', async t => {
    const browser = world.browser()
    const before = world.idp.requests.length
    const answer = await tile(browser, {}, `${origins.portal}/tile?x=1`)
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.portal}/tile?x=1` })
    t.match(echoOf(answer).headers, { 'x-auth-email': 'ada@acme.com' })
    t.equal(world.idp.requests.length, before + 1)
    t.equal(world.idp.requests.at(-1)?.query.get('login_hint'), 'ada@acme.com')
    t.equal((await tile(world.browser())).url.href, `${origins.auth}/account`, 'where nobody says where to')
  })

  await t.test('S25 N5 RelayState leads to an app, or nowhere', async t => {
    for (const relayState of elsewhere) {
      const { location } = await post(world.browser(), messageOf(world), relayState)
      t.match({ path: location?.pathname, target: location?.searchParams.get('target_link_uri') }, { path: '/login/acme_saml', target: null }, relayState)
      t.equal(location?.origin, origins.auth)
    }
  })

  await t.test('who is signed in as the same person goes straight on', async t => {
    const browser = world.browser()
    await tile(browser)
    const before = world.idp.requests.length
    t.equal((await tile(browser, {}, `${origins.analytics}/again`)).url.href, `${origins.analytics}/again`)
    t.equal(world.idp.requests.length, before)
  })

  await t.test('who is signed in as somebody else is asked', async t => {
    const browser = world.browser()
    await tile(browser)
    const session = sessionOf(browser)
    const question = await tile(browser, bob, `${origins.analytics}/bobs`)
    t.match(question.text, /Switch account\?/)
    t.equal(sessionOf(browser), session)
    const answer = await browser.follow(await submit(browser, question))
    t.match(echoOf(answer).headers, { 'x-auth-email': 'bob@acme.com' })
  })

  await t.test('F16 a provider that answers no request goes round, and not for ever', async t => {
    world.idp.respond = () => world.forge.sign(world.forge.response({ inResponseTo: undefined }))
    const browser = world.browser()
    const round = async (form: Answer): Promise<Answer> => {
      const sent = await browser.follow(await world.postBack(browser, form, { RelayState: '' }), isIdp(world))
      return sent.location === undefined ? sent : await browser.send(sent.location)
    }
    let answer = await world.reachIdp(browser, `${origins.analytics}/x`)
    for (let rounds = 0; answer.status === 200 && rounds < 10; rounds++) answer = await round(answer)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_SAML_IN_RESPONSE_TO' })
    t.match(linksOf(answer)['Try again'], `${origins.auth}/login`)
    t.match(world.lines.findLast(({ code }) => code === 'PORTICO_SAML_IN_RESPONSE_TO'), { connection: 'acme_saml', remedy: /InResponseTo/ })
    world.setClock(61)
    t.equal((await tile(browser, {}, `${origins.portal}/later`)).url.href, `${origins.portal}/later`, 'a while later a tile works again')
    world.setClock(0)
  })

  await t.test('what is no response of the provider begins nothing', async t => {
    const message = world.forge.post(world.forge.response({ inResponseTo: undefined }))
    t.equal(codeOf(await post(world.browser(), message)), 'PORTICO_SAML_SIGNATURE')
  })
})

t.test('R23 idp_initiated: accept', async t => {
  const world = await startSamlGateway(t, { saml: { idp_initiated: 'accept' } })

  const tile = async (browser: Browser, facts: Partial<Facts> = {}, relayState?: string): Promise<Answer> =>
    await browser.follow(await post(browser, messageOf(world, facts), relayState))

  await t.test('from the tile to the app, and the provider is not asked', async t => {
    const browser = world.browser()
    const answer = await tile(browser, {}, `${origins.portal}/tile?x=1`)
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.portal}/tile?x=1` })
    t.match(echoOf(answer).headers, { 'x-auth-email': 'ada@acme.com', 'x-auth-connection': 'acme_saml' })
    t.equal(world.idp.requests.length, 0)
    t.notOk(browser.jar.all().some(({ name }) => name.startsWith('__Host-portico-attempt')))
    t.equal((await tile(world.browser())).url.href, `${origins.auth}/account`)
    for (const relayState of elsewhere) t.equal((await tile(world.browser(), {}, relayState)).url.href, `${origins.auth}/account`, relayState)
  })

  const isReplay = (t: Test, answer: Answer): void => {
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_SAML_REPLAYED' })
  }

  await t.test('S18 each assertion once: one after the other, and all at once', async t => {
    const message = messageOf(world)
    const first = world.browser()
    t.equal((await first.follow(await post(first, message))).status, 200)
    for (const browser of [first, world.browser()]) isReplay(t, await browser.follow(await post(browser, message)))

    const next = messageOf(world)
    const browsers = Array.from({ length: 8 }, () => world.browser())
    const posted = await Promise.all(browsers.map(async browser => await post(browser, next)))
    const answers = await Promise.all(browsers.map(async (browser, i) => await browser.send(posted[i]?.location ?? '')))
    t.equal(answers.filter(({ status }) => status === 303).length, 1)
    t.equal(answers.filter(answer => codeOf(answer) === 'PORTICO_SAML_REPLAYED').length, 7)
    t.equal(browsers.filter(sessionOf).length, 1)
  })

  await t.test('S18 two handles of one response, both used when its time is over', async t => {
    const message = messageOf(world, { conditions: { notOnOrAfter: 2 }, confirmations: [{ method: 'urn:oasis:names:tc:SAML:2.0:cm:bearer', recipient: acs, notOnOrAfter: 2 }] })
    const [one, other] = [world.browser(), world.browser()]
    world.setClock(170)
    const posted = [await post(one, message), await post(other, message)]
    world.setClock(200)
    t.equal((await one.send(posted[0]?.location ?? '')).status, 303)
    world.setClock(225)
    isReplay(t, await other.send(posted[1]?.location ?? ''))
    world.setClock(0)
  })

  await t.test('the GET that follows is good once, and for a minute', async t => {
    const browser = world.browser()
    const { location } = await post(browser, messageOf(world))
    t.equal((await browser.send(location ?? '')).status, 303)
    const again = await world.browser(createJar()).send(location ?? '')
    t.match({ status: again.status, code: codeOf(again) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    t.equal((await browser.open(location ?? '')).url.href, `${origins.analytics}/`, 'who went back goes on')
    const late = await post(world.browser(), messageOf(world))
    world.setClock(61)
    t.equal(codeOf(await world.browser().send(late.location ?? '')), 'PORTICO_ATTEMPT_LOST')
    world.setClock(0)
  })

  await t.test('S18 the store is down: nobody is signed in', async t => {
    const browser = world.browser()
    const { location } = await post(browser, messageOf(world))
    const down = await withoutStore(world, async () => [await post(browser, messageOf(world)), await browser.send(location ?? '')])
    for (const answer of down) t.match({ status: answer.status, code: codeOf(answer) }, { status: 503, code: 'PORTICO_STORE_UNAVAILABLE' })
    t.notOk(sessionOf(browser))
  })

  await t.test('S18 what was issued before the store began may have been used before it forgot: the sign-in starts again', async t => {
    const browser = world.browser()
    const { location } = await post(browser, messageOf(world, { issueInstant: -120 }))
    const answer = await browser.send(location ?? '')
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    t.notOk(sessionOf(browser))
  })

  await t.test('somebody else who is signed in here is asked about', async t => {
    const browser = world.browser()
    await tile(browser)
    const session = sessionOf(browser)
    const question = await tile(browser, bob, `${origins.analytics}/bobs`)
    t.match(question.text, /Switch account\?/)
    t.equal(sessionOf(browser), session, 'and nothing has happened yet')
    t.match(echoOf(await browser.follow(await submit(browser, question))), { url: '/bobs', headers: { 'x-auth-email': 'bob@acme.com' } })
  })

  await t.test('S17 what answers a request is no answer to none', async t => {
    const browser = world.browser()
    const lost = await browser.follow(await post(browser, messageOf(world, { inResponseTo: '_request' })))
    t.match({ status: lost.status, code: codeOf(lost) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    // and one that answers none does not finish a sign-in of ours
    const form = await world.reachIdp(browser, `${origins.analytics}/x`)
    const { RelayState = '' } = formOf(form).fields
    const mixed = await browser.follow(await post(browser, messageOf(world, bob), RelayState))
    t.match({ status: mixed.status, code: codeOf(mixed) }, { status: 403, code: 'PORTICO_SAML_IN_RESPONSE_TO' })
    t.notOk(sessionOf(browser))
  })

  await t.test('R20 a question that waits for its person is bound to the browser that came', async t => {
    const members = 'name: Acme Corp\nmembers: { invited: [ada+one@acme.com, ada+two@acme.com] }'
    await world.reload({ acme: world.acmeWith({ matching: 'plus_alias', idp_initiated: 'accept' }).replace('name: Acme Corp', members) })
    const browser = world.browser()
    const question = await tile(browser, { nameId: { value: 'ada-2' } }, `${origins.analytics}/chosen`)
    t.match(question.text, /ada\+two@acme\.com/)
    const { action, fields } = formOf(question)
    const body = new URLSearchParams({ ...fields, address: 'ada+two@acme.com' })
    const answer = await browser.follow(await browser.send(action, { body }))
    t.match(echoOf(answer), { url: '/chosen', headers: { 'x-auth-email': 'ada@acme.com', 'x-auth-member': 'ada+two@acme.com' } })
  })

  await t.test('N13 what is changed between POST and GET signs nobody in', async t => {
    await world.reload({ acme: world.acmeWith({ idp_initiated: 'accept' }) })
    for (const changed of [{ idp_initiated: 'restart' }, { accepts: '[acme.org]', idp_initiated: 'accept' }, { status: 'testing' }, { status: 'disabled' }]) {
      await world.reload({ acme: world.acmeWith({ idp_initiated: 'accept' }) })
      const browser = world.browser()
      const posted = await post(browser, messageOf(world))
      t.equal(posted.status, 303)
      await world.reload({ acme: world.acmeWith(changed) })
      const answer = await browser.send(posted.location ?? '')
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' }, JSON.stringify(changed))
    }
  })

  await t.test('R17 what a certificate verified that is gone before the GET signs nobody in', async t => {
    const next = createForge({ connection: 'acme_saml' })
    const listing = (...certificates: readonly string[]) => world.acmeWith({
      idp_initiated: 'accept', metadata_url: undefined, entity_id: world.forge.entityId, sso_url: world.idp.ssoUrl, certificates: JSON.stringify(certificates)
    })
    await world.reload({ acme: listing(world.forge.certificate, next.certificate) })
    const browser = world.browser()
    const posted = await post(browser, messageOf(world))
    t.equal(posted.status, 303)
    await world.reload({ acme: listing(next.certificate) })
    world.setClock(10)
    const answer = await browser.send(posted.location ?? '')
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_ATTEMPT_REVOKED' })
    t.notOk(sessionOf(browser))
    world.setClock(0)
  })

  await t.test('a connection that is being tested accepts and begins nothing', async t => {
    for (const mode of ['accept', 'restart']) {
      await world.reload({ acme: world.acmeWith({ status: 'testing', idp_initiated: mode }) })
      const answer = await post(world.browser(), messageOf(world))
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_SAML_UNSOLICITED' })
    }
  })
})
