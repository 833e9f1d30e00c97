import { X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { relayStateOf, readRelayState } from '../../src/login/relay-state.ts'
import { createJar, type Answer, type Browser } from '../support/browser.ts'
import { codeOf, formOf, linksOf, origins, submit } from '../support/gateway.ts'
import { leaksIn } from '../support/leaks.ts'
import { createForge } from '../support/saml-forge.ts'
import { startSamlGateway, type SamlWorld } from '../support/saml/gateway.ts'
import { withoutStore } from '../support/store-outage.ts'

const acs = `${origins.auth}/saml/acme_saml/acs`
const reports = `${origins.analytics}/reports?x=1`

const sessionOf = (browser: Browser) => browser.jar.find('__Host-portico', 'auth.localhost')?.value

const echoOf = (answer: Answer): { url: string, headers: Record<string, string> } => JSON.parse(answer.text)

/** Another tab of the same browser. */
const tab = (world: SamlWorld, browser: Browser): Browser => world.browser(browser.jar)

/** Our certificate, as our own metadata shows it. */
const ourCertificate = async (world: SamlWorld): Promise<string> => {
  const { text } = await world.browser().send(`${origins.auth}/saml/acme_saml/metadata`)
  const [, base64 = ''] = /<ds:X509Certificate>([^<]*)</.exec(text) ?? []
  return new X509Certificate(Buffer.from(base64, 'base64')).toString()
}

const isRefused = (t: Test, answer: Answer, status: number, code: string, name?: string): void => {
  t.match({ status: answer.status, code: codeOf(answer), location: answer.location }, { status, code, location: undefined }, name ?? code)
  t.notOk(answer.setCookies.some(line => line.startsWith('__Host-portico=')), 'nobody is signed in')
}

t.test('sign-in by SAML', async t => {
  const world = await startSamlGateway(t)
  const usual = world.idp.respond
  t.afterEach(() => { world.idp.respond = usual })

  await t.test('R7 R18 S25 by Redirect: from the page to the provider, and back to the page', async t => {
    const browser = world.browser()
    const answer = await world.signInBySaml(browser, reports)
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: reports })
    t.match(echoOf(answer).headers, {
      'x-auth-email': 'ada@acme.com', 'x-auth-name': 'Ada Lovelace', 'x-auth-groups': 'staff,R&D', 'x-auth-connection': 'acme_saml', 'x-auth-organization': 'acme', 'x-auth-new-user': 'true'
    })
    const claims: unknown = JSON.parse(Buffer.from(echoOf(answer).headers['x-auth-assertion']?.split('.')[1] ?? '', 'base64url').toString())
    t.match(claims, { email: 'ada@acme.com', groups: ['staff', 'R&D'], acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport', auth_time: Number })

    const request = world.idp.requests.at(-1)
    t.match({
      kind: request?.kind,
      binding: request?.binding,
      issuer: request?.text('Issuer'),
      acs: request?.attribute('AssertionConsumerServiceURL'),
      destination: request?.attribute('Destination'),
      force: request?.attribute('ForceAuthn')
    }, {
      kind: 'AuthnRequest', binding: 'redirect', issuer: `${origins.auth}/saml/acme_saml/metadata`, acs, destination: world.idp.ssoUrl, force: undefined
    })
    t.match(request?.attribute('ID'), /^_[0-9a-f]{32,}$/)
    t.notMatch(request?.xml, /NameIDPolicy|RequestedAuthnContext|<saml:Subject/, 'nothing that a provider could stumble over')
    t.ok(request?.signedBy(await ourCertificate(world)))
    t.match(request?.relayState, /^[\w.-]{1,80}$/, 'an opaque handle')
    t.notMatch(request?.relayState, /acme|reports|analytics/)

    const posted = browser.history.find(({ url }) => url.pathname.endsWith('/acs'))
    t.match({ status: posted?.status, cookies: posted?.setCookies }, { status: 303, cookies: [] })
    t.match(posted?.location?.href, /^http:\/\/auth\.localhost:8080\/login\/acme_saml\/callback\?response=[\w-]{43}&state=/)
    for (const line of browser.history.flatMap(({ setCookies }) => setCookies)) t.notMatch(line, /SameSite=None/i, 'no cookie goes to other sites')
    t.notOk(browser.jar.all().some(({ name }) => name.startsWith('__Host-portico-attempt')), 'the attempt is over')

    const other = await browser.open(`${origins.portal}/`)
    t.match(echoOf(other).headers, { 'x-auth-email': 'ada@acme.com' }, 'every other app just opens')
  })

  await t.test('R12 who typed an e-mail is not asked for it again: the hint goes along, beside what is signed', async t => {
    const answer = await world.signInBySaml(world.browser(), `${origins.portal}/x`)
    t.equal(answer.url.href, `${origins.portal}/x`)
    const request = world.idp.requests.at(-1)
    t.equal(request?.query.get('login_hint'), 'ada@acme.com')
    t.ok(request?.signedBy(await ourCertificate(world)))
  })

  await t.test('V3 nothing of a sign-in that could be used again is in the log', async t => {
    const browser = world.browser()
    const form = await world.reachIdp(browser, reports)
    const { fields } = formOf(form)
    await world.postBack(browser, form).then(async posted => await browser.follow(posted))
    const handle = browser.history.find(({ url }) => url.pathname.endsWith('/acs'))?.location?.searchParams.get('response') ?? ''
    const secrets = new Set([fields.SAMLResponse ?? '', fields.RelayState ?? '', handle, world.idp.requests.at(-1)?.query.get('SAMLRequest') ?? '', sessionOf(browser) ?? ''])
    t.equal(secrets.size, 5)
    t.same(leaksIn(JSON.stringify(world.lines), secrets), [])
    t.notMatch(JSON.stringify(world.lines), /<saml/)
  })

  await t.test('F1 F2 tabs, finished in any order: each gets its page', async t => {
    const browser = world.browser()
    const pages = Array.from({ length: 10 }, (_, i) => `${i % 2 === 0 ? origins.portal : origins.analytics}/tab/${i}?${'q'.repeat(400)}`)
    const forms: Answer[] = []
    for (const page of pages) forms.push(await world.reachIdp(tab(world, browser), page))
    for (const [i, page] of [...pages.entries()].reverse()) {
      const form = forms[i]
      if (form === undefined) throw new Error('no form')
      const { url, status } = await browser.follow(await world.postBack(browser, form))
      t.equal(`${status} ${url.href}`, `200 ${page}`)
    }
  })

  await t.test('F3 S18 the same POST twice: no second session, and the page asked for', async t => {
    const browser = world.browser()
    const form = await world.reachIdp(browser, reports)
    const attempt = browser.jar.all().find(({ name }) => name.startsWith('__Host-portico-attempt'))
    t.equal((await browser.follow(await world.postBack(browser, form))).url.href, reports)
    const session = sessionOf(browser)
    const again = await browser.follow(await world.postBack(browser, form))
    t.match({ status: again.status, url: again.url.href }, { status: 200, url: reports }, 'who went back goes on')
    t.equal(sessionOf(browser), session, 'no new session')
    // as if the cookie's removal had been lost: the store knows that the attempt is used
    browser.jar.set('auth.localhost', attempt?.name ?? '', attempt?.value ?? '')
    t.equal((await browser.follow(await world.postBack(browser, form))).url.href, reports)
    t.equal(sessionOf(browser), session)

    browser.jar.remove('__Host-portico', 'auth.localhost')
    const lost = await browser.follow(await world.postBack(browser, form))
    isRefused(t, lost, 400, 'PORTICO_ATTEMPT_LOST')
    t.equal(new URL(linksOf(lost)['Try again'] ?? '').searchParams.get('return_to'), reports, 'and a way on to the page')
  })

  await t.test('F3 S18 the GET that follows, many times at once: one session', async t => {
    const browser = world.browser()
    const posted = await world.postBack(browser, await world.reachIdp(browser, reports))
    const header = browser.jar.header(posted.location ?? new URL(acs))
    const answers = await Promise.all(Array.from({ length: 8 }, async () => await world.browser(createJar()).send(posted.location ?? '', { headers: { cookie: header } })))
    t.equal(answers.filter(({ status }) => status === 303).length, 1)
    t.equal(answers.filter(answer => codeOf(answer) === 'PORTICO_ATTEMPT_LOST').length, 7)
  })

  await t.test('S17 F6 another browser brings the response: it never goes on by itself', async t => {
    const [hers, his] = [world.browser(), world.browser()]
    const form = await world.reachIdp(hers, reports)
    isRefused(t, await his.follow(await world.postBack(his, form)), 400, 'PORTICO_ATTEMPT_LOST')
    t.notOk(sessionOf(his))
    // with an attempt of his own under way, and her response under his RelayState
    const own = formOf(await world.reachIdp(his, reports))
    const swapped = await his.follow(await world.postBack(his, form, { RelayState: own.fields.RelayState ?? '' }))
    isRefused(t, swapped, 403, 'PORTICO_SAML_IN_RESPONSE_TO')
    t.equal(new URL(linksOf(swapped)['Try again'] ?? '').searchParams.get('return_to'), reports)
    t.equal((await hers.follow(await world.postBack(hers, form))).url.href, reports, 'hers is as good as before')
  })

  await t.test('S17 a response that names no request, or another one, answers none', async t => {
    for (const [name, inResponseTo] of Object.entries({ none: undefined, another: '_another' })) {
      const browser = world.browser()
      world.idp.respond = () => world.forge.sign(world.forge.response({ inResponseTo }), { what: 'both' })
      isRefused(t, await browser.follow(await world.postBack(browser, await world.reachIdp(browser, reports))), 403, 'PORTICO_SAML_IN_RESPONSE_TO', name)
    }
  })

  await t.test('S25 RelayState is of us, of this connection and of now, or says nothing', async t => {
    const browser = world.browser()
    const form = await world.reachIdp(browser, reports)
    const { RelayState: good = '' } = formOf(form).fields
    const { keys } = world.configuration
    const now = Math.floor(Date.now() / 1_000)
    const relay = readRelayState(keys, 'acme_saml', good, now)
    t.match(relay, { connection: 'acme_saml', id: /^[\w-]{16}$/ })
    if (relay === undefined) return
    const wrong = {
      none: '',
      'a page': reports,
      elsewhere: 'https://evil.example/',
      'another connection’s': relayStateOf(keys, { ...relay, connection: 'globex_oidc' }),
      'under another key': relayStateOf([Buffer.alloc(32)], relay),
      'an old one': relayStateOf(keys, { ...relay, iat: now - 31 * 60 }),
      'one of a test': relayStateOf(keys, { ...relay, test: true }),
      'of no attempt': relayStateOf(keys, { ...relay, id: 'A'.repeat(16) }),
      shorter: good.slice(0, -1),
      longer: `${good}A`
    }
    for (const [name, RelayState] of Object.entries(wrong)) {
      const answer = await browser.follow(await world.postBack(browser, form, { RelayState }))
      isRefused(t, answer, 400, 'PORTICO_ATTEMPT_LOST', name)
      t.notMatch(answer.text, /evil/)
    }
    for (let at = 0; at < good.length; at++) {
      const altered = `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`
      // unused bits of base64 say the same
      if (at < good.length - 1) t.equal(readRelayState(keys, 'acme_saml', altered, now), undefined, altered)
    }
    t.equal(readRelayState(keys, 'acme_saml', good, now + 31 * 60), undefined, 'too late')
    t.ok(readRelayState([Buffer.alloc(32), ...keys], 'acme_saml', good, now), 'a key that seals no more still opens')
    t.equal((await browser.follow(await world.postBack(browser, form))).url.href, reports, 'the right one is as good as before')
  })

  await t.test('O10 what is there twice, or not at all', async t => {
    const send = async (body: string) => await world.browser().send(acs, { body, crossSitePost: true })
    const message = world.forge.post(world.forge.sign(world.forge.response()))
    for (const [name, body] of Object.entries({
      none: '',
      empty: 'SAMLResponse=',
      twice: new URLSearchParams([['SAMLResponse', message], ['SAMLResponse', message]]).toString(),
      'two states': new URLSearchParams([['SAMLResponse', message], ['RelayState', 'a'], ['RelayState', 'b']]).toString()
    })) isRefused(t, await send(body), 400, 'PORTICO_RESPONSE_INVALID', name)
    isRefused(t, await send('SAMLResponse=not%20base64!'), 400, 'PORTICO_SAML_MESSAGE')
    isRefused(t, await send('a=b&'.repeat(200)), 400, 'PORTICO_BAD_REQUEST', 'a flood of fields')
    isRefused(t, await send(`SAMLResponse=${'A'.repeat(265_000)}`), 413, 'PORTICO_BODY_TOO_LARGE')
    isRefused(t, await send(`SAMLResponse=${'A'.repeat(250_000)}`), 400, 'PORTICO_SAML_MESSAGE', 'what a form may have is judged')
    const json = await world.browser().send(acs, { body: '{}', headers: { 'content-type': 'application/json' } })
    t.equal(codeOf(json), 'PORTICO_MEDIA_TYPE')
    const asProblem = await world.browser().send(acs, { body: 'SAMLResponse=', headers: { accept: 'application/json' } })
    t.match(asProblem.json(), { code: 'PORTICO_RESPONSE_INVALID', login_url: `${origins.auth}/login/acme_saml` })
  })

  await t.test('N9 only a connection that speaks SAML has these paths', async t => {
    const body = (await world.browser().send(`${origins.auth}/saml/nobody/metadata`)).text.replace(/<code>[\w-]{36}<\/code>/, '')
    for (const id of ['nobody', 'globex_oidc', 'gone_oidc', '..', 'acme_saml%2f']) {
      for (const [path, method] of [['acs', 'POST'], ['metadata', 'GET']] as const) {
        const answer = await world.browser().send(`${origins.auth}/saml/${id}/${path}`, { method, ...method === 'POST' && { body: 'SAMLResponse=x' } })
        t.match({ status: answer.status, code: codeOf(answer) }, { status: 404, code: 'PORTICO_NOT_FOUND' }, `${id} ${path}`)
        if (!id.includes('.') && !id.includes('%')) t.equal(answer.text.replace(/<code>[\w-]{36}<\/code>/, ''), body, 'not told apart')
      }
    }
    const get = await world.browser().send(acs)
    t.match({ status: get.status, allow: get.headers.get('allow') }, { status: 405, allow: 'POST' })
    const metadata = await world.browser().send(`${origins.auth}/saml/acme_saml/metadata`)
    t.match({ status: metadata.status, type: metadata.headers.get('content-type'), cache: metadata.headers.get('cache-control') },
      { status: 200, type: 'application/samlmetadata+xml', cache: 'no-store' })
    t.match(metadata.text, `Location="${acs}"`)
  })

  await t.test('V34 S18 the store is down: nobody is signed in, and the same works when it is back', async t => {
    const browser = world.browser()
    const form = await world.reachIdp(browser, reports)
    isRefused(t, await withoutStore(world, async () => await world.postBack(browser, form)), 503, 'PORTICO_STORE_UNAVAILABLE', 'at the POST')
    const posted = await world.postBack(browser, form)
    const down = await withoutStore(world, async () => await browser.send(posted.location ?? ''))
    isRefused(t, down, 503, 'PORTICO_STORE_UNAVAILABLE', 'at the GET')
    t.equal(new URL(linksOf(down)['Try again'] ?? '').searchParams.get('return_to'), reports)
    t.equal((await browser.follow(posted)).url.href, reports)
  })

  await t.test('S17 the minute between POST and GET is over', async t => {
    const browser = world.browser()
    const posted = await world.postBack(browser, await world.reachIdp(browser, reports))
    world.setClock(61)
    const late = await browser.send(posted.location ?? '')
    world.setClock(0)
    isRefused(t, late, 400, 'PORTICO_ATTEMPT_LOST')
  })

  await t.test('use another account, and sign in once more: the provider is to ask', async t => {
    const browser = world.browser()
    await world.reachIdp(browser, `${origins.auth}/login/acme_saml?prompt=select_account`)
    t.equal(world.idp.requests.at(-1)?.attribute('ForceAuthn'), 'true')
    await world.signInBySaml(browser, reports)
    t.notOk(world.idp.requests.at(-1)?.attribute('ForceAuthn'))
    await browser.open(`${origins.auth}/account/sign-in`, { headers: { 'sec-fetch-site': 'same-origin' }, until: url => url.origin === world.idp.origin })
      .then(async ({ location }) => await browser.send(location ?? ''))
    t.equal(world.idp.requests.at(-1)?.attribute('ForceAuthn'), 'true')
  })

  await t.test('N1 H7 S27 its provider speaks for its own domains alone', async t => {
    world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), attributes: [['mail', ['hari@globex.com']]] }))
    const browser = world.browser()
    const answer = await world.signInBySaml(browser, reports)
    isRefused(t, answer, 403, 'PORTICO_EMAIL_DOMAIN')
    t.equal(new URL(linksOf(answer)['Try again'] ?? '').searchParams.get('return_to'), reports)
    t.ok(linksOf(answer)['Use another account'])
  })

  await t.test('R33 F7 a refusal of the provider is a page with a code, what it said is in the log, and the page asked for is not forgotten', async t => {
    world.idp.respond = request => world.forge.sign(world.forge.response({
      inResponseTo: request.attribute('ID'), status: 'urn:oasis:names:tc:SAML:2.0:status:Responder', subStatus: 'urn:oasis:names:tc:SAML:2.0:status:AuthnFailed', statusMessage: 'not assigned <b>'
    }), { what: 'response' })
    const browser = world.browser()
    const answer = await world.signInBySaml(browser, reports)
    isRefused(t, answer, 403, 'PORTICO_SAML_STATUS')
    t.notMatch(answer.text, /not assigned/)
    world.idp.respond = usual
    const { 'Try again': again = '', 'Use another account': another = '' } = linksOf(answer)
    t.match(again, `${origins.auth}/login/acme_saml?attempt=`)
    t.match({ url: (await world.signInBySaml(browser, again)).url.href, force: world.idp.requests.at(-1)?.attribute('ForceAuthn') }, { url: reports, force: undefined })
    const other = await world.signInBySaml(world.browser(), another)
    t.match({ url: other.url.href, force: world.idp.requests.at(-1)?.attribute('ForceAuthn') }, { url: `${origins.auth}/account`, force: 'true' }, 'another browser does not hold where it was to lead')
    t.match(JSON.stringify(world.lines.findLast(({ code }) => code === 'PORTICO_SAML_STATUS')), /not assigned/)
  })

  await t.test('a forged response says so, and metadata is asked for again once a minute at most', async t => {
    const before = world.idp.fetched()
    const evil = createForge({ connection: 'acme_saml' })
    world.idp.respond = request => evil.sign(evil.response({ inResponseTo: request.attribute('ID') }))
    for (let i = 0; i < 3; i++) isRefused(t, await world.signInBySaml(world.browser(), reports), 403, 'PORTICO_SAML_SIGNATURE')
    t.equal(world.idp.fetched(), before + 1)
  })

  await t.test('N13 the connection is changed meanwhile: the sign-in starts again as it is now', async t => {
    const browser = world.browser()
    const form = await world.reachIdp(browser, reports)
    const before = world.idp.requests.length
    await world.reload({ acme: world.acmeWith({ accepts: '[acme.org]' }) })
    const again = await browser.follow(await world.postBack(browser, form), url => url.origin === world.idp.origin)
    t.equal(again.location?.origin, world.idp.origin, 'asked once more')
    const next = await browser.send(again.location ?? '')
    t.equal(world.idp.requests.length, before + 1)
    t.equal((await browser.follow(await world.postBack(browser, next))).url.href, reports)
    await world.reload({ acme: world.acmeWith({ status: 'disabled' }) })
    const gone = await world.postBack(browser, next)
    t.match({ status: gone.status, code: codeOf(gone) }, { status: 404, code: 'PORTICO_NOT_FOUND' })
    t.equal((await world.browser().send(`${origins.auth}/saml/acme_saml/metadata`)).status, 404)
  })
})

t.test('what a SAML connection shares with all others', async t => {
  const world = await startSamlGateway(t)

  await t.test('R17 switching it off signs everybody out', async t => {
    const browser = world.browser()
    await world.signInBySaml(browser, reports)
    t.equal((await browser.send(reports)).status, 200)
    await world.reload({ acme: world.acmeWith({ status: 'disabled' }) })
    t.equal((await browser.send(reports)).status, 302)
    await world.reload({ acme: world.acmeWith({}) })
    t.equal((await browser.send(reports)).status, 302, 'and on again revives nothing')
  })

  await t.test('R13 whoever signed in by SAML makes an API key, which ends with the connection; after an old sign-in, a fresh one is asked for', async t => {
    const browser = world.browser()
    await world.signInBySaml(browser, reports)
    const wish = { body: new URLSearchParams({ label: 'nightly export', app: 'analytics' }), headers: { accept: 'application/json' } }
    const made = await browser.send(`${origins.auth}/account/keys`, wish)
    const { key }: { key: string } = JSON.parse(made.text)
    const call = async () => await world.browser().send(reports, { headers: { authorization: `Bearer ${key}`, accept: 'application/json' } })
    const answer = await call()
    t.match({ made: made.status, status: answer.status, headers: echoOf(answer).headers }, { made: 201, status: 200, headers: { 'x-auth-email': 'ada@acme.com', 'x-auth-connection': 'acme_saml' } })

    const usual = world.idp.respond
    world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), authnInstant: -3_600 }))
    const idle = world.browser()
    await world.signInBySaml(idle, reports)
    const late = await idle.send(`${origins.auth}/account/keys`, wish)
    t.match({ status: late.status, code: codeOf(late) }, { status: 403, code: 'PORTICO_RECENT_SIGN_IN' })
    world.idp.respond = usual
    await world.signInBySaml(idle, `${origins.auth}/account/sign-in`)
    t.equal(world.idp.requests.at(-1)?.attribute('ForceAuthn'), 'true')
    t.equal((await idle.send(`${origins.auth}/account/keys`, wish)).status, 201)

    await world.reload({ acme: world.acmeWith({ status: 'disabled' }) })
    t.equal((await call()).status, 401)
    await world.reload({ acme: world.acmeWith({}) })
  })

  await t.test('a provider whose metadata cannot be had: a code and a way on, and the others work', async t => {
    await world.reload({ acme: world.acmeWith({ metadata_url: 'http://127.0.0.1:9/metadata' }) })
    const page = await world.browser().open(`${origins.portal}/x`)
    const down = await world.browser().follow(await submit(world.browser(), page, { email: 'ada@acme.com' }))
    t.match({ status: down.status, code: codeOf(down) }, { status: 503, code: 'PORTICO_IDP_UNREACHABLE' })
    t.ok(linksOf(down)['Try again'])
    t.equal((await world.signIn(world.browser(), `${origins.portal}/x`, 'hari')).status, 200)
    t.equal((await world.browser().send(`${origins.auth}/saml/acme_saml/metadata`)).status, 200, 'ours is there all the same')
    const posted = await world.browser().send(acs, { body: new URLSearchParams({ SAMLResponse: world.forge.post(world.forge.sign(world.forge.response())) }), crossSitePost: true })
    isRefused(t, posted, 503, 'PORTICO_IDP_UNREACHABLE')
  })
})

t.test('R7 a provider that signs with a new key is asked for it', async t => {
  const world = await startSamlGateway(t)
  await world.signInBySaml(world.browser(), reports)
  t.equal(world.idp.fetched(), 1)
  const next = createForge({ connection: 'acme_saml' })
  world.idp.respond = request => next.sign(next.response({ inResponseTo: request.attribute('ID') }))
  world.idp.metadata = () => world.forge.metadata({ ssoRedirect: world.idp.ssoUrl, certificates: [world.forge.certificate, next.certificate] })
  t.equal((await world.signInBySaml(world.browser(), reports)).url.href, reports)
  t.equal(world.idp.fetched(), 2)
})

t.test('the POST binding, and what a connection asks for', async t => {
  const world = await startSamlGateway(t, { metadata: { ssoRedirect: undefined } })
  world.idp.metadata = () => world.forge.metadata({ ssoRedirect: undefined, ssoPost: world.idp.ssoUrl })

  await t.test('R7 a page of ours posts the request: by itself, or by its button', async t => {
    const browser = world.browser()
    const page = await browser.open(reports)
    t.match({ status: page.status, host: page.url.hostname }, { status: 200, host: 'auth.localhost' })
    t.match(page.text, /<button type="submit">/)
    const policy = page.headers.get('content-security-policy') ?? ''
    t.match(policy, /script-src 'sha256-[\w+/=]+'/)
    t.notMatch(policy, /unsafe|form-action/, 'the form may lead to the provider, and wherever that leads')
    const { action, fields } = formOf(page)
    t.equal(action.href, world.idp.ssoUrl)
    t.same(Object.keys(fields).sort(), ['RelayState', 'SAMLRequest'])
    const form = await browser.send(action, { body: new URLSearchParams(fields), crossSitePost: true })
    const request = world.idp.requests.at(-1)
    t.match({ binding: request?.binding, kind: request?.kind }, { binding: 'post', kind: 'AuthnRequest' })
    t.ok(request?.signedBy(await ourCertificate(world)))
    t.equal((await browser.follow(await world.postBack(browser, form))).url.href, reports)
  })

  await t.test('unsigned where neither side wants it, signed where the provider does', async t => {
    await world.reload({ acme: world.acmeWith({ sign_requests: 'false' }) })
    await world.reachIdp(world.browser(), reports)
    t.notMatch(world.idp.requests.at(-1)?.xml, /Signature/)
    const wanting = { ssoRedirect: world.idp.ssoUrl, wantsSignedRequests: true }
    world.idp.metadata = () => world.forge.metadata(wanting)
    await world.reload({ acme: world.acmeWith({ sign_requests: 'false', entity_id: `"${world.forge.entityId}"` }) })
    await world.reachIdp(world.browser(), reports)
    t.ok(world.idp.requests.at(-1)?.signedBy(await ourCertificate(world)))
    world.idp.metadata = () => world.forge.metadata({ ...wanting, wantsSignedRequests: false })
    await world.reload({ acme: world.acmeWith({ sign_requests: 'false' }) })
    await world.reachIdp(world.browser(), reports)
    t.notOk(world.idp.requests.at(-1)?.query.has('Signature'))
  })

  await t.test('R22 what is asked for is asked for, and nothing else', async t => {
    await world.reload({
      acme: world.acmeWith({
        name_id_format: '"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"', request_authn_context: 'true', require_acr: '["urn:mfa", "urn:other"]', max_age: '600', sp_entity_id: '"urn:portico"'
      })
    })
    await world.reachIdp(world.browser(), reports)
    const request = world.idp.requests.at(-1)
    t.match(request?.xml, /<samlp:NameIDPolicy [^>]*Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/)
    t.match(request?.xml, /<samlp:RequestedAuthnContext [^>]*Comparison="exact">.*>urn:mfa<.*>urn:other</)
    t.equal(request?.attribute('ForceAuthn'), 'true', 'max_age')
    t.equal(request?.text('Issuer'), 'urn:portico')
    t.ok(request?.signedBy(await ourCertificate(world)))
  })
})
