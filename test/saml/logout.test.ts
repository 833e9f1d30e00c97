import { DatabaseSync } from 'node:sqlite'
import { deflateRawSync } from 'node:zlib'
import t from 'tap'
import { subjectOf } from '../../src/connections/saml/subject.ts'
import { nameIdValue, nameIdValues } from '../../src/sessions/name-id.ts'
import type { Answer, Browser } from '../support/browser.ts'
import { codeOf, formOf, linksOf, origins, startGateway, submit, type Test, type World } from '../support/gateway.ts'
import { createForge, createForgeKey, type Forge, type LogoutFacts, type MetadataFacts } from '../support/saml-forge.ts'
import { startForgeIdp, type ForgeIdp, type SeenMessage } from '../support/saml/forge-idp.ts'
import type { Facts } from '../support/saml/message.ts'
import { signatureMethods, signOctets } from '../support/saml/signing.ts'
import { everywhere, liveOf } from '../support/traces.ts'

const statuses = {
  success: 'urn:oasis:names:tc:SAML:2.0:status:Success',
  requester: 'urn:oasis:names:tc:SAML:2.0:status:Requester',
  responder: 'urn:oasis:names:tc:SAML:2.0:status:Responder',
  partial: 'urn:oasis:names:tc:SAML:2.0:status:PartialLogout'
} as const
const formats = {
  email: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  unspecified: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
  persistent: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
} as const

interface Company extends ForgeIdp {
  readonly connection: string
  readonly domain: string
}

const startCompany = async (t: Test, connection: string, domain: string, slo: (idp: ForgeIdp) => Partial<MetadataFacts>): Promise<Company> => {
  const idp = await startForgeIdp(createForge({ connection, entityId: `https://${domain}/saml` }))
  const shut = idp.close
  let closed = false
  const close = async () => {
    if (!closed) await shut()
    closed = true
  }
  t.teardown(close)
  idp.metadata = () => idp.forge.metadata({ ssoRedirect: idp.ssoUrl, ...slo(idp) })
  return Object.assign(idp, { connection, domain, close })
}

const yamlOf = ({ connection, domain, metadataUrl }: Company, organization: readonly string[] = [], settings: readonly string[] = []): string => [
  `name: ${domain}`,
  ...organization,
  'connections:',
  `  ${connection}:`,
  ...['connector: saml', 'status: active', `domains: [${domain}]`, `metadata_url: ${metadataUrl}`, ...settings].map(line => `    ${line}`)
].join('\n')

interface Person {
  readonly browser: Browser
  /** What the browser held, by origin, even if it has thrown it away since. */
  readonly cookies: Readonly<Record<string, string>>
}

/** Three companies: one by Redirect, one by POST whose NameID identifies nobody here, and one that knows no logout. */
const startWorld = async (t: Test) => {
  const redirecting = await startCompany(t, 'acme_saml', 'acme.com', ({ sloUrl }) => ({ sloRedirect: sloUrl, validUntil: 86_400 }))
  const posting = await startCompany(t, 'hooli_saml', 'hooli.com', ({ sloUrl }) => ({ sloPost: sloUrl }))
  const mute = await startCompany(t, 'mute_saml', 'mute.example', () => ({}))
  const world = await startGateway(t, {
    organizations: usual => ({
      ...usual,
      acme: yamlOf(redirecting),
      hooli: yamlOf(posting, [`logout_url: ${origins.portal}/bye-hooli`], ['attributes: { subject: uid }']),
      mute: yamlOf(mute),
      later: yamlOf({ ...redirecting, connection: 'later_saml', domain: 'later.example' }, [], ['status: testing']).replace('    status: active\n', ''),
      gone: yamlOf({ ...redirecting, connection: 'gone_saml', domain: 'gone.example' }, [], ['status: disabled']).replace('    status: active\n', '')
    })
  })
  return { world, redirecting, posting, mute }
}

/** Seconds that the clocks are ahead. */
let ahead = 0

const wait = (world: World, seconds: number): void => {
  ahead += seconds
  world.setClock(ahead)
}

/** A sign-out ends whatever began by its second: each sign-in is in one of its own. */
const signIn = async (world: World, company: Company, name = 'ada', facts: Partial<Facts> = {}): Promise<Person> => {
  wait(world, 2)
  company.respond = request => company.forge.sign(company.forge.response({
    inResponseTo: request.attribute('ID'),
    nameId: { value: name, format: formats.persistent },
    sessionIndex: `session-${name}`,
    attributes: [['mail', [`${name}@${company.domain}`]], ['uid', [`uid-${name}`]]],
    ...facts
  }))
  const browser = world.browser()
  const asked = await browser.open(`${origins.auth}/login/${company.connection}?app=portal`, { until: url => url.origin === company.origin })
  const { action, fields } = formOf(await browser.send(asked.location ?? ''))
  await browser.follow(await browser.send(action, { body: new URLSearchParams(fields), crossSitePost: true }))
  await browser.open(`${origins.analytics}/x`)
  return { browser, cookies: Object.fromEntries([origins.auth, origins.portal, origins.analytics].map(origin => [origin, browser.jar.header(new URL(origin)) ?? ''])) }
}

/** The certificate of our side, from our own metadata. */
const ours = async (world: World, { connection }: Company): Promise<string> => {
  const { text } = await world.browser().send(`${origins.auth}/saml/${connection}/metadata`)
  const base64 = /<ds:X509Certificate>([\s\S]*?)<\/ds:X509Certificate>/.exec(text)?.[1] ?? ''
  return `-----BEGIN CERTIFICATE-----\n${base64.trim()}\n-----END CERTIFICATE-----\n`
}

/** What the provider saw last. */
const last = ({ requests }: ForgeIdp): SeenMessage => {
  const message = requests.at(-1)
  if (message === undefined) throw new Error('the provider saw nothing')
  return message
}

const statusOf = ({ xml }: SeenMessage): string | undefined => /StatusCode Value="([^"]*)"/.exec(xml)?.[1]

/** What the log says why the last message was refused. */
const reason = ({ lines }: World): unknown => {
  const { err } = lines.filter(({ msg }) => /LogoutRequest was refused/.test(String(msg))).at(-1) ?? {}
  return typeof err === 'object' && err !== null && 'cause' in err ? err.cause : err
}

const codeOfReason = (world: World): string | undefined => /PORTICO_[A-Z_]+/.exec(JSON.stringify(reason(world) ?? ''))?.[0]

t.test('signing out here, then at the identity provider', async t => {
  const { world, redirecting, posting, mute } = await startWorld(t)
  const leavesFor = (company: Company) => (url: URL) => url.origin === company.origin

  for (const [name, act] of [
    ['GET /logout', (browser: Browser, until: (url: URL) => boolean) => browser.open(`${origins.auth}/logout`, { until })],
    ['POST /logout', (browser: Browser, until: (url: URL) => boolean) => browser.open(`${origins.auth}/logout`, { method: 'POST', body: '', until })],
    ['GET /.portico/logout', (browser: Browser, until: (url: URL) => boolean) => browser.open(`${origins.portal}/.portico/logout`, { until })]
  ] as const) {
    await t.test(`L1 L2 L6 ${name}: ends everything here, asks the provider, and believes its signed answer`, async t => {
      const person = await signIn(world, redirecting, 'lovelace', { nameId: { value: 'ada & <co>', format: formats.persistent, nameQualifier: redirecting.forge.entityId, spNameQualifier: 'us' } })
      t.same(await liveOf(world, person.cookies), everywhere)
      const other = await signIn(world, redirecting, 'grace')
      const leaving = await act(person.browser, leavesFor(redirecting))
      t.match({ status: leaving.status, at: leaving.location?.href }, { status: 303, at: `${redirecting.sloUrl}?SAMLRequest=` })
      t.same(await liveOf(world, person.cookies), [], 'over here before anybody else is asked')
      t.notOk(person.browser.jar.all().some(({ name, domain }) => domain === 'auth.localhost' && name.startsWith('__Host-portico')))
      const answer = await person.browser.follow(leaving)
      t.match({ status: answer.status, path: answer.url.pathname }, { status: 200, path: '/logout/done' })
      t.notMatch(answer.text, /class="problem"/)
      const request = last(redirecting)
      t.match({ kind: request.kind, binding: request.binding, relayState: request.relayState }, { kind: 'LogoutRequest', binding: 'redirect', relayState: undefined })
      t.ok(request.signedBy(await ours(world, redirecting)))
      t.match(request.xml, /<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="[^"]+" SPNameQualifier="us">ada &#38; &#60;co&#62;<\/saml:NameID><samlp:SessionIndex>session-lovelace<\/samlp:SessionIndex>/)
      t.match(['Destination', 'Reason', 'Version', 'NotOnOrAfter'].map(name => request.attribute(name)), [redirecting.sloUrl, 'urn:oasis:names:tc:SAML:2.0:logout:user', '2.0', /^\d{4}-.*Z$/])
      t.equal(request.text('Issuer'), redirecting.forge.sp.metadata)
      t.same(await liveOf(world, other.cookies), everywhere)
    })
  }

  await t.test('L3 the answer leads where the person asked to go, and nowhere else', async t => {
    const end = async (link: string, company: Company) => {
      const { browser } = await signIn(world, company)
      const answer = await browser.open(link, { until: url => url.pathname.startsWith('/bye') })
      if (answer.location !== undefined) return answer.location.href
      if (!answer.text.includes('SAMLRequest')) return answer.url.pathname
      // by POST: our page, theirs, and back
      const asked = formOf(answer)
      const there = formOf(await browser.send(asked.action, { body: new URLSearchParams(asked.fields), crossSitePost: true }))
      return (await browser.follow(await browser.send(there.action, { body: new URLSearchParams(there.fields), crossSitePost: true }), url => url.pathname.startsWith('/bye'))).location?.href
    }
    posting.respondLogout = message => ({
      action: posting.forge.sp.slo,
      fields: { SAMLResponse: posting.forge.post(posting.forge.sign(posting.forge.logoutResponse({ inResponseTo: message.attribute('ID') }), { what: 'response' })) }
    })
    t.equal(await end(`${origins.auth}/logout?return_to=${origins.dashboardEu}/bye`, redirecting), `${origins.dashboardEu}/bye`)
    t.equal(await end(`${origins.portal}/.portico/logout?return_to=/bye`, redirecting), `${origins.portal}/bye`)
    t.equal(await end(`${origins.auth}/logout?return_to=https://evil.example/bye`, redirecting), '/logout/done')
    t.equal(await end(`${origins.auth}/logout`, posting), `${origins.portal}/bye-hooli`, 'the organization’s own')
    t.equal(await end(`${origins.portal}/.portico/logout`, posting), `${origins.portal}/bye-hooli`)
    t.match({ kind: last(posting).kind, binding: last(posting).binding, relayState: last(posting).relayState }, { kind: 'LogoutRequest', binding: 'post', relayState: undefined })
    t.ok(last(posting).signedBy(await ours(world, posting)))
    t.equal(await end(`${origins.auth}/logout`, mute), '/logout/done', 'a provider that knows no logout is left alone')
  })

  await t.test('by POST: a page that any browser can send, and that runs nothing but its own script', async t => {
    const { browser } = await signIn(world, posting)
    const page = await browser.open(`${origins.auth}/logout`)
    t.equal(page.status, 200)
    t.same({ method: formOf(page).method, action: formOf(page).action.href, fields: Object.keys(formOf(page).fields) }, { method: 'post', action: posting.sloUrl, fields: ['SAMLRequest'] })
    t.match(page.headers.get('content-security-policy'), /default-src 'none';.*script-src 'sha256-[^']+'$/)
    t.match(page.headers.get('cache-control'), 'no-store')
  })

  await t.test('L4 nothing of it happens when another site asks', async t => {
    const person = await signIn(world, redirecting)
    const seen = redirecting.requests.length
    const question = await person.browser.open(`${origins.auth}/logout`, { headers: { 'sec-fetch-site': 'cross-site', referer: 'https://evil.example/' } })
    t.match(question.text, /ada@acme\.com/)
    t.same(await liveOf(world, person.cookies), everywhere)
    t.equal(redirecting.requests.length, seen)
    await person.browser.follow(await submit(person.browser, question))
    t.equal(redirecting.requests.length, seen + 1)
    await world.browser().open(`${origins.auth}/logout`)
    await world.browser().open(`${origins.portal}/.portico/logout`)
    await world.browser().open(`${origins.auth}/logout/done?farewell=made-up`)
    t.equal(redirecting.requests.length, seen + 1, 'nobody is signed in: nobody is told')
  })

  await t.test('the provider’s answer: partial, refused, forged, or not for us', async t => {
    const { forge } = redirecting
    const other = createForge({ connection: 'acme_saml', entityId: forge.entityId })
    const answered = async (query: (id: string, previous: string | undefined) => string, link = `${origins.auth}/logout?return_to=${origins.portal}/bye`) => {
      const person = await signIn(world, redirecting)
      let sent: string | undefined
      redirecting.respondLogout = message => {
        sent = query(message.attribute('ID') ?? '', sent)
        return { location: `${forge.sp.slo}?${sent}` }
      }
      const answer = await person.browser.open(link, { until: url => url.pathname === '/bye' })
      t.same(await liveOf(world, person.cookies), [])
      return { answer, sent }
    }
    const say = (facts: Partial<LogoutFacts>, change = (xml: string) => xml, by: Forge = forge) => by.redirect(change(by.logoutResponse(facts)), 'SAMLResponse')
    const partial = (top: string) => (xml: string) => xml.replace(/<samlp:StatusCode Value="[^"]*"\/>/, `<samlp:StatusCode Value="${top}"><samlp:StatusCode Value="${statuses.partial}"/></samlp:StatusCode>`)

    t.equal((await answered(id => say({ inResponseTo: id }))).answer.location?.href, `${origins.portal}/bye`)

    for (const top of [statuses.success, statuses.responder]) {
      const { answer } = await answered(id => say({ inResponseTo: id }, partial(top)))
      t.match({ status: answer.status, path: answer.url.pathname, text: answer.text }, { status: 200, path: '/logout/done', text: /class="problem"/ }, `PartialLogout under ${top}`)
      t.equal(linksOf(answer).Continue, `${origins.portal}/bye`, 'said first, then on')
    }
    const refused = (await answered(id => say({ inResponseTo: id, status: statuses.requester }))).answer
    t.match(refused.text, /class="problem"/)
    t.equal(linksOf(refused).Continue, `${origins.portal}/bye`)

    const { sent = '' } = await answered(id => say({ inResponseTo: id }))
    for (const [name, query] of [
      ['S23 unsigned', (id: string) => forge.redirect(forge.logoutResponse({ inResponseTo: id }), 'SAMLResponse', undefined, { algorithm: undefined })],
      ['S8 signed by another key', (id: string) => say({ inResponseTo: id }, undefined, other)],
      ['S16 of another provider', (id: string) => posting.forge.redirect(posting.forge.logoutResponse({ inResponseTo: id, destination: forge.sp.slo }), 'SAMLResponse')],
      ['S15 for another address', (id: string) => say({ inResponseTo: id, destination: posting.forge.sp.slo })],
      ['S17 to another request', () => say({ inResponseTo: '_another' })],
      ['S17 to none', () => say({ inResponseTo: undefined })],
      ['S18 used before', () => sent],
      ['a request in place of an answer', () => forge.redirect(forge.logoutRequest(), 'SAMLResponse')],
      ['S12 no XML', () => 'SAMLResponse=x&SigAlg=x&Signature=x']
    ] as const) {
      const { answer } = await answered(query)
      t.match({ status: answer.status, path: answer.url.pathname, text: answer.text }, { status: 200, path: '/logout/done', text: /class="problem"/ }, name)
      t.equal(linksOf(answer).Continue, undefined, `${name}: leads nowhere`)
    }
  })

  await t.test('an answer that nobody awaits touches nobody who is signed in', async t => {
    const person = await signIn(world, redirecting)
    const { forge } = redirecting
    for (const query of [forge.redirect(forge.logoutResponse({ inResponseTo: '_x' }), 'SAMLResponse'), 'SAMLResponse=x']) {
      const answer = await person.browser.open(`${forge.sp.slo}?${query}`, { headers: { 'sec-fetch-site': 'cross-site' } })
      t.match({ path: answer.url.pathname, text: answer.text }, { path: '/logout/done', text: /Sign out\?/ })
      t.same(answer.setCookies, [])
    }
    t.same(await liveOf(world, person.cookies), everywhere)
  })

  await t.test('L7 a provider that cannot be told: signed out here, and what is not over is said', async t => {
    const person = await signIn(world, redirecting)
    await redirecting.close()
    const leaving = await person.browser.open(`${origins.auth}/logout`, { until: leavesFor(redirecting) })
    t.equal(leaving.location?.origin, redirecting.origin, 'its address is known: the browser finds out')
    t.same(await liveOf(world, person.cookies), [])
  })
})

t.test('L7 the metadata is no longer to be had', async t => {
  const { world, redirecting } = await startWorld(t)
  redirecting.metadata = () => redirecting.forge.metadata({ ssoRedirect: redirecting.ssoUrl, sloRedirect: redirecting.sloUrl, validUntil: 1_800 })
  const person = await signIn(world, redirecting)
  await redirecting.close()
  wait(world, 3_600)
  t.same(await liveOf(world, person.cookies), everywhere)
  const answer = await person.browser.open(`${origins.auth}/logout?return_to=${origins.portal}/bye`)
  t.match({ status: answer.status, path: answer.url.pathname, text: answer.text }, { status: 200, path: '/logout/done', text: /class="problem"/ })
  t.equal(linksOf(answer).Continue, `${origins.portal}/bye`)
  t.same(await liveOf(world, person.cookies), [])
})

t.test('an identity provider signs its people out', async t => {
  const { world, redirecting, posting, mute } = await startWorld(t)
  const { forge } = redirecting
  const { slo } = forge.sp
  const ask = (facts: Partial<LogoutFacts> = {}): string => forge.logoutRequest({ nameId: { value: 'ada', format: formats.persistent }, sessionIndexes: ['session-ada'], ...facts })
  /** No cookie comes with it: it may be a frame, or another browser. */
  const byRedirect = async (query: string, at = slo): Promise<Answer> => await world.browser().send(`${at}?${query}`, { headers: { 'sec-fetch-site': 'cross-site' } })
  const byPost = async (fields: Readonly<Record<string, string>>, at = slo): Promise<Answer> => await world.browser().send(at, { body: new URLSearchParams(fields), crossSitePost: true })
  const delivered = async (answer: Answer): Promise<SeenMessage> => {
    await world.browser().send(answer.location ?? '')
    return last(redirecting)
  }

  for (const [name, send] of [
    ['Redirect', async (xml: string) => await byRedirect(forge.redirect(xml, 'SAMLRequest', 'their state'))],
    ['Redirect, percent-encoded in lower case as AD FS does', async (xml: string) => {
      const lower = (text: string) => encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, escape => escape.toLowerCase())
      const query = `SAMLRequest=${lower(deflateRawSync(xml).toString('base64'))}&RelayState=${lower('their state')}&SigAlg=${lower(signatureMethods['rsa-sha256'].uri)}`
      return await byRedirect(`${query}&Signature=${lower(signOctets(query, 'rsa-sha256', forge.privateKey))}`)
    }],
    ['POST', async (xml: string) => await byPost({ SAMLRequest: forge.post(forge.sign(xml, { what: 'response' })), RelayState: 'their state' })]
  ] as const) {
    await t.test(`S24 L6 by ${name}: this session on every host, within a second, and nobody else’s`, async t => {
      const ada = await signIn(world, redirecting)
      const elsewhere = await signIn(world, redirecting, 'ada', { sessionIndex: 'another-session' })
      const grace = await signIn(world, redirecting, 'grace', { sessionIndex: 'session-ada' })
      const namesake = await signIn(world, posting, 'ada')
      t.same(await liveOf(world, ada.cookies), everywhere)
      const answer = await send(ask({ id: `_${name.length}` }))
      t.same(await liveOf(world, ada.cookies), [])
      for (const other of [elsewhere, grace, namesake]) t.same(await liveOf(world, other.cookies), everywhere)
      t.match({ status: answer.status, cookies: answer.setCookies, to: answer.location?.href }, { status: 303, cookies: [], to: `${redirecting.sloUrl}?SAMLResponse=` })
      const response = await delivered(answer)
      t.match({ kind: response.kind, relayState: response.relayState, status: statusOf(response) }, { kind: 'LogoutResponse', relayState: 'their state', status: statuses.success })
      t.match([response.attribute('InResponseTo'), response.attribute('Destination'), response.text('Issuer')], [`_${name.length}`, redirecting.sloUrl, forge.sp.metadata])
      t.ok(response.signedBy(await ours(world, redirecting)))
      t.match(world.lines.findLast(({ event }) => event === 'provider_sign_out'), { audit: true, connection: 'acme_saml', organization: 'acme', name_id: 'ada', sessions: 1, request_id: String })
    })
  }

  await t.test('S24 without a SessionIndex: all that this person has, whatever identifies them here', async t => {
    for (const company of [redirecting, posting]) {
      const people = [
        await signIn(world, company),
        await signIn(world, company, 'ada', { sessionIndex: undefined }),
        // more than a cookie holds: the store has the rest of it
        await signIn(world, company, 'ada', { attributes: [['mail', [`ada@${company.domain}`]], ['uid', ['uid-ada']], ['memberOf', Array.from({ length: 150 }, (_, i) => `the group ${i} of many`)]] })
      ]
      for (const person of people) t.same(await liveOf(world, person.cookies), everywhere)
      const grace = await signIn(world, company, 'grace')
      const request = company.forge.logoutRequest({ nameId: { value: 'ada', format: formats.persistent }, sessionIndexes: [] })
      const answer = await byRedirect(company.forge.redirect(request, 'SAMLRequest'), company.forge.sp.slo)
      t.ok(answer.status === 303 || formOf(answer).fields.SAMLResponse !== undefined, 'answered by what the provider has')
      for (const person of people) t.same(await liveOf(world, person.cookies), [], company.connection)
      t.same(await liveOf(world, grace.cookies), everywhere)
    }
  })

  await t.test('S24 a NameID is compared to the letter; a format where there is one', async t => {
    const person = await signIn(world, redirecting)
    const send = async (nameId: LogoutFacts['nameId']) => statusOf(await delivered(await byRedirect(forge.redirect(ask({ nameId }), 'SAMLRequest'))))
    for (const nameId of [{ value: 'Ada' }, { value: 'ada ' }, { value: 'ad' }, { value: 'ada', format: formats.email }]) {
      t.equal(await send(nameId), statuses.success)
      t.same(await liveOf(world, person.cookies), everywhere, JSON.stringify(nameId))
    }
    t.equal(await send({ value: 'ada', format: formats.unspecified }), statuses.success)
    t.same(await liveOf(world, person.cookies), [], 'a provider may leave the format out, as Entra does')
    const another = await signIn(world, redirecting)
    await send({ value: 'ada' })
    t.same(await liveOf(world, another.cookies), [])
  })

  await t.test('somebody who signs in again afterwards stays', async t => {
    await byRedirect(forge.redirect(ask(), 'SAMLRequest'))
    t.same(await liveOf(world, (await signIn(world, redirecting)).cookies), everywhere)
  })

  await t.test('a provider that takes no answer gets none', async t => {
    const person = await signIn(world, mute)
    const answer = await byRedirect(mute.forge.redirect(mute.forge.logoutRequest({ nameId: { value: 'ada', format: formats.persistent } }), 'SAMLRequest'), mute.forge.sp.slo)
    t.match({ status: answer.status, location: answer.location }, { status: 200, location: undefined })
    t.same(await liveOf(world, person.cookies), [])
  })

  await t.test('S18 the store is down: declined, since it may be an old one', async t => {
    const person = await signIn(world, redirecting)
    const database = new DatabaseSync(world.configuration.store.path)
    database.exec('BEGIN IMMEDIATE')
    const answer = await byRedirect(forge.redirect(ask(), 'SAMLRequest'))
    database.exec('ROLLBACK')
    database.close()
    t.equal(statusOf(await delivered(answer)), statuses.responder)
    t.same(await liveOf(world, person.cookies), everywhere)
  })

  const person = await signIn(world, redirecting)
  const stranger = createForge({ connection: 'acme_saml', entityId: forge.entityId })
  const signedBy = (privateKey: string) => forge.redirect(ask(), 'SAMLRequest', 'state', { algorithm: 'rsa-sha256', key: privateKey })
  const good = () => forge.redirect(ask(), 'SAMLRequest', 'state')
  const parts = (query: string): Readonly<Record<string, string>> => Object.fromEntries(query.split('&').map(pair => [pair.slice(0, pair.indexOf('=')), pair]))
  const evil = `SAMLRequest=${encodeURIComponent(deflateRawSync(ask({ nameId: { value: 'grace' } })).toString('base64'))}`
  const replace = (query: string, name: string, value: string) => query.split('&').map(pair => pair.startsWith(`${name}=`) ? `${name}=${value}` : pair).join('&')

  for (const [name, query] of [
    ['S23 unsigned', () => forge.redirect(ask(), 'SAMLRequest', undefined, { algorithm: undefined })],
    ['S23 unsigned, though it says how it is signed', () => good().replace(/&Signature=.*$/, '')],
    ['S23 an empty signature', () => good().replace(/&Signature=.*$/, '&Signature=')],
    ['S8 signed by a stranger', () => signedBy(stranger.privateKey)],
    ['S8 signed by another company’s provider', () => signedBy(posting.forge.privateKey)],
    ['S8 an HMAC with the certificate', () => forge.redirect(ask(), 'SAMLRequest', undefined, { algorithm: 'hmac-sha256', key: forge.certificate })],
    ['S9 MD5', () => forge.redirect(ask(), 'SAMLRequest', undefined, { algorithm: 'rsa-md5' })],
    ['S9 SHA-1', () => forge.redirect(ask(), 'SAMLRequest', undefined, { algorithm: 'rsa-sha1' })],
    ...['sha256', 'RSA-SHA256', 'http://www.w3.org/2001/04/xmlenc#sha256'].map(algorithm => [`S9 SigAlg ${algorithm}`, () => {
      const query = `${parts(good()).SAMLRequest}&SigAlg=${encodeURIComponent(algorithm)}`
      return `${query}&Signature=${encodeURIComponent(signOctets(query, 'rsa-sha256', forge.privateKey))}`
    }] as const),
    ['S23 another request in front', () => `${evil}&${good()}`],
    ['S23 another request behind', () => `${good()}&${evil}`],
    ['S23 another request in the middle', () => good().replace('&SigAlg', `&${evil}&SigAlg`)],
    ['S23 the same request twice', () => `${parts(good()).SAMLRequest}&${good()}`],
    ['S23 its name spelt otherwise', () => `${evil.replace('SAMLRequest', 'SAML%52equest')}&${good()}`],
    ['S23 an answer in front', () => `${evil.replace('SAMLRequest', 'SAMLResponse')}&${good()}`],
    ['S23 an answer behind', () => `${good()}&${evil.replace('SAMLRequest', 'SAMLResponse')}`],
    ...['RelayState', 'SigAlg', 'Signature'].flatMap(parameter => [
      [`S23 ${parameter} twice, the other in front`, () => `${parameter}=x&${good()}`] as const,
      [`S23 ${parameter} twice, the other behind`, () => `${good()}&${parameter}=x`] as const,
      [`S23 ${parameter} twice, the same`, () => { const query = good(); return `${query}&${parts(query)[parameter]}` }] as const
    ]),
    ['S23 RelayState swapped', () => replace(good(), 'RelayState', 'another')],
    ['S23 RelayState taken away', () => good().replace(/&RelayState=[^&]*/, '')],
    ['S23 RelayState added', () => `${forge.redirect(ask(), 'SAMLRequest')}&RelayState=x`],
    ['S23 another request under the same signature', () => replace(good(), 'SAMLRequest', evil.slice('SAMLRequest='.length))],
    ['S23 encoded anew after it was signed', () => good().replace(/%2B|%2F|%3D/g, escape => escape.toLowerCase())],
    ['S23 encoded less after it was signed', () => good().replace(/%3D/g, '=').replace(/%3A/g, ':')],
    ['S13 a deflate bomb', () => {
      const query = `SAMLRequest=${encodeURIComponent(deflateRawSync(ask().replace('</saml:Issuer>', `</saml:Issuer>${' '.repeat(8_000_000)}`)).toString('base64'))}&SigAlg=${encodeURIComponent(signatureMethods['rsa-sha256'].uri)}`
      return `${query}&Signature=${encodeURIComponent(signOctets(query, 'rsa-sha256', forge.privateKey))}`
    }],
    ['S12 a NameID that fills the store', () => forge.redirect(ask({ nameId: { value: 'z'.repeat(200_000) } }), 'SAMLRequest')],
    ['S12 SessionIndexes that do', () => forge.redirect(ask({ sessionIndexes: ['session-ada', ...Array.from({ length: 19 }, (_, i) => `${i}`.padEnd(5_000, 'x'))] }), 'SAMLRequest')],
    ['S12 a NameID of blanks', () => forge.redirect(ask({ nameId: { value: ' ' } }), 'SAMLRequest')],
    ['S19 expired', () => forge.redirect(ask({ notOnOrAfter: -600 }), 'SAMLRequest')],
    ['S19 of last year', () => forge.redirect(ask({ issueInstant: -365 * 86_400, notOnOrAfter: undefined }), 'SAMLRequest')],
    ['S19 of tomorrow', () => forge.redirect(ask({ issueInstant: 86_400 }), 'SAMLRequest')],
    ['S15 for another address', () => forge.redirect(ask({ destination: posting.forge.sp.slo }), 'SAMLRequest')],
    ['S15 for no address, though it is signed', () => forge.redirect(ask({ destination: undefined }), 'SAMLRequest')],
    ['S16 of another issuer', () => forge.redirect(ask({ issuer: posting.forge.entityId }), 'SAMLRequest')],
    ['S16 of nobody', () => forge.redirect(ask({ issuer: undefined }), 'SAMLRequest')],
    ['S21 of another version', () => forge.redirect(ask({ version: '1.1' }), 'SAMLRequest')],
    ['S3 with a comment in its NameID', () => forge.redirect(ask({ nameId: { value: 'ada' } }).replace('>ada<', '>ada<!-- -->.evil<'), 'SAMLRequest')],
    ['S25 with a RelayState beyond all measure', () => forge.redirect(ask(), 'SAMLRequest', 'x'.repeat(5_000))],
    ['an answer in place of a request', () => forge.redirect(forge.logoutResponse(), 'SAMLRequest')],
    ['nothing', () => ''],
    ['no XML', () => 'SAMLRequest=AAAA&SigAlg=x&Signature=x']
  ] as const) {
    await t.test(`S24 refused: ${name}`, async t => {
      const answer = await byRedirect(query())
      t.match({ status: answer.status, code: codeOf(answer), location: answer.location, cookies: answer.setCookies }, { status: 403, code: 'PORTICO_SAML_LOGOUT', location: undefined, cookies: [] })
      t.match(codeOfReason(world), /^PORTICO_SAML_/)
      t.same(await liveOf(world, person.cookies), everywhere)
    })
  }

  for (const [name, fields] of [
    ['S23 unsigned', () => ({ SAMLRequest: forge.post(ask()) })],
    ['S8 signed by a stranger', () => ({ SAMLRequest: forge.post(stranger.sign(ask(), { what: 'response' })) })],
    ['S9 SHA-1', () => ({ SAMLRequest: forge.post(forge.sign(ask(), { what: 'response', algorithm: 'rsa-sha1', digest: 'sha1' })) })],
    ['S1 changed after it was signed', () => ({ SAMLRequest: forge.post(forge.sign(ask({ nameId: { value: 'grace' } }), { what: 'response' }).replace('>grace<', '>ada<')) })],
    ['S1 the signed one inside another', () => ({ SAMLRequest: forge.post(ask({ id: '_outer' }).replace('</samlp:LogoutRequest>', `${forge.sign(ask({ nameId: { value: 'grace' } }), { what: 'response' })}</samlp:LogoutRequest>`)) })],
    ['S23 signed as a redirect is', () => Object.fromEntries(new URLSearchParams(good()))],
    ['both at once', () => ({ SAMLRequest: forge.post(forge.sign(ask(), { what: 'response' })), SAMLResponse: 'x' })],
    ['S19 expired', () => ({ SAMLRequest: forge.post(forge.sign(ask({ notOnOrAfter: -600 }), { what: 'response' })) })],
    ['nothing', () => ({})]
  ] as const) {
    await t.test(`S24 refused by POST: ${name}`, async t => {
      const answer = await byPost(fields())
      t.match({ status: answer.status, code: codeOf(answer), location: answer.location }, { status: 403, code: 'PORTICO_SAML_LOGOUT', location: undefined })
      t.same(await liveOf(world, person.cookies), everywhere)
    })
  }

  await t.test('S18 S24 used twice, by either binding: refused, and nobody is signed out again', async t => {
    const xml = ask()
    await byRedirect(forge.redirect(xml, 'SAMLRequest'))
    const again = await signIn(world, redirecting)
    for (const answer of [await byRedirect(forge.redirect(xml, 'SAMLRequest')), await byPost({ SAMLRequest: forge.post(forge.sign(xml, { what: 'response' })) })]) {
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_SAML_LOGOUT' })
      t.equal(codeOfReason(world), 'PORTICO_SAML_REPLAYED')
    }
    t.same(await liveOf(world, again.cookies), everywhere)
  })

  await t.test('S16 only the people of that connection, at its own address', async t => {
    const namesake = await signIn(world, posting, 'ada')
    const answer = await byRedirect(forge.redirect(ask({ destination: posting.forge.sp.slo }), 'SAMLRequest'), posting.forge.sp.slo)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_SAML_LOGOUT' })
    t.same(await liveOf(world, namesake.cookies), everywhere)
  })

  await t.test('a connection that signs nobody in has no such address', async t => {
    for (const connection of ['later_saml', 'gone_saml', 'globex_oidc', 'no_such', '__proto__']) {
      const at = `${origins.auth}/saml/${connection}/slo`
      for (const answer of [await byRedirect(forge.redirect(ask({ destination: at }), 'SAMLRequest'), at), await byPost({ SAMLResponse: 'x' }, at)]) {
        t.match({ status: answer.status, code: codeOf(answer) }, { status: 404, code: 'PORTICO_NOT_FOUND' }, connection)
      }
    }
    t.match(await world.browser().send(slo, { method: 'PUT', body: '' }), { status: 405 })
  })

  await t.test('S27 nothing of a message is in the log', async t => {
    const log = JSON.stringify(world.lines)
    t.notMatch(log, /SAMLRequest=|SAMLResponse=|<samlp:|BEGIN /)
    t.notMatch(log, new RegExp(forge.post(ask()).slice(0, 40)))
  })
})

t.test('addresses with a query of their own, and answers that go elsewhere', async t => {
  const { world, redirecting } = await startWorld(t)
  const { forge, sloUrl } = redirecting
  redirecting.metadata = () => forge.metadata({ ssoRedirect: redirecting.ssoUrl, sloRedirect: `${sloUrl}?wa=wsignout1.0` })
    .replace(/(Location="[^"]*wa=wsignout1\.0")/, `$1 ResponseLocation="${sloUrl}?answers=here"`)
  const person = await signIn(world, redirecting)
  const leaving = await person.browser.open(`${origins.auth}/logout`, { until: url => url.origin === redirecting.origin })
  t.match(leaving.location?.href, `${sloUrl}?wa=wsignout1.0&SAMLRequest=`)
  await person.browser.follow(leaving)
  t.ok(last(redirecting).signedBy(await ours(world, redirecting)))
  t.equal(last(redirecting).attribute('Destination'), `${sloUrl}?wa=wsignout1.0`)

  const answer = await world.browser().send(`${forge.sp.slo}?${forge.redirect(forge.logoutRequest({ nameId: { value: 'ada' } }), 'SAMLRequest')}`)
  t.match(answer.location?.href, `${sloUrl}?answers=here&SAMLResponse=`)
  await world.browser().send(answer.location ?? '')
  t.ok(last(redirecting).signedBy(await ours(world, redirecting)))
  t.equal(last(redirecting).attribute('Destination'), `${sloUrl}?answers=here`)
})

t.test('who somebody is at a provider: never two people the same, never one person two', async t => {
  const idp = 'https://idp.example/saml'
  const all = [
    { value: 'a' }, { value: 'A' }, { value: 'a b' }, { value: 'a%20b' }, { value: 'a', spNameQualifier: 'b' }, { value: 'a', nameQualifier: 'b' }, { value: 'a', nameQualifier: 'b', spNameQualifier: 'c' }, { value: 'a b c' }, { value: 'a', nameQualifier: 'b c' }
  ].map(nameId => subjectOf(idp, nameId))
  t.equal(new Set([...all, subjectOf('https://other.example', { value: 'a' })]).size, all.length + 1)
  t.equal(subjectOf(idp, { value: 'a', format: formats.persistent, nameQualifier: idp }), subjectOf(idp, { value: 'a', format: formats.unspecified }))
})

t.test('a provider with new keys signs a LogoutRequest: its metadata is read again', async t => {
  const { world, redirecting } = await startWorld(t)
  const person = await signIn(world, redirecting)
  const next = createForge({ connection: 'acme_saml', entityId: redirecting.forge.entityId, privateKey: createForgeKey() })
  const query = () => next.redirect(next.logoutRequest({ nameId: { value: 'ada' } }), 'SAMLRequest')
  redirecting.metadata = () => next.metadata({ certificates: [redirecting.forge.certificate, next.certificate], ssoRedirect: redirecting.ssoUrl, sloRedirect: redirecting.sloUrl })
  const answer = await world.browser().send(`${redirecting.forge.sp.slo}?${query()}`)
  t.equal(answer.status, 303)
  t.same(await liveOf(world, person.cookies), [])
})

t.test('S24 whom a LogoutRequest names is held in as many characters, however many it has', async t => {
  const long = { value: 'n'.repeat(1_024), format: 'f'.repeat(1_024) }
  t.ok(nameIdValue('acme', long, 'i'.repeat(1_024)).length < 250)
  t.ok(nameIdValues('acme', long, 'i'.repeat(1_024)).includes(nameIdValue('acme', long, 'i'.repeat(1_024))), 'and is found again')
  t.notOk(nameIdValues('acme', { ...long, value: `${'n'.repeat(1_023)}m` }, 'i'.repeat(1_024)).includes(nameIdValue('acme', long, 'i'.repeat(1_024))), 'nobody else')
  t.notOk(nameIdValues('globex', long, undefined).includes(nameIdValue('acme', long, undefined)), 'nor of another connection')
})
