import t, { type Test } from 'tap'
import { createForge, createForgeKey } from '../support/saml-forge.ts'
import { createJar, type Answer, type Browser } from '../support/browser.ts'
import { codeOf, formOf, origins } from '../support/gateway.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { hostileBodies } from '../support/saml/floods.ts'
import { startSamlGateway, type SamlWorld } from '../support/saml/gateway.ts'
import { hidings, operate, wrappings } from '../support/saml/wrapping.ts'

const acs = `${origins.auth}/saml/acme_saml/acs`
const reports = `${origins.analytics}/reports`

/** Our certificate, as our metadata shows it to whoever encrypts for us. */
const ourCertificate = async (world: SamlWorld): Promise<string> => {
  const { text } = await world.browser().send(`${origins.auth}/saml/acme_saml/metadata`)
  const [, base64 = ''] = /use="encryption".*?<ds:X509Certificate>([^<]*)</s.exec(text) ?? []
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/\s/g, '').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

const isNobody = (t: Test, browser: Browser, answer: Answer, name: string): void => {
  t.ok(answer.status >= 400 && answer.status < 500, `${name}: HTTP ${answer.status}`)
  t.match(codeOf(answer), /^PORTICO_/, name)
  t.notOk(browser.jar.find('__Host-portico', 'auth.localhost'), `${name}: nobody is signed in`)
  t.notMatch(answer.text, /<saml|eve@|at .*\.ts:\d/, `${name}: the page shows nothing of it`)
}

t.test('whoever brings a forged response', async t => {
  const world = await startSamlGateway(t)
  const { forge, idp } = world
  const usual = idp.respond
  t.afterEach(() => { idp.respond = usual })
  const mallory = createForge()

  /** The whole way, with what the provider says changed on it. */
  const bring = async (change: (xml: string) => string): Promise<{ browser: Browser, answer: Answer }> => {
    idp.respond = request => change(usual(request))
    const browser = world.browser()
    return { browser, answer: await world.signInBySaml(browser, reports) }
  }

  await t.test('S1 S2 S7 V24 V25 wrapped, hidden, unsigned and signed by another', async t => {
    const changes: Record<string, (xml: string) => string> = {
      unsigned: xml => xml.replaceAll(/<ds:Signature .*?<\/ds:Signature>/gs, ''),
      'signed by mallory': xml => mallory.sign(xml.replaceAll(/<ds:Signature .*?<\/ds:Signature>/gs, '')),
      'signed by mallory as well': xml => mallory.sign(xml, { what: 'response' })
    }
    for (const [name, surgery] of Object.entries({ ...wrappings('_evil'), ...hidings })) changes[name] = xml => operate(xml, surgery)
    for (const [name, change] of Object.entries(changes)) {
      const { browser, answer } = await bring(change)
      isNobody(t, browser, answer, name)
    }
    t.notOk(JSON.stringify(world.received).includes('eve'), 'no app heard of eve')
    t.notOk(world.lines.some(({ level }) => Number(level) >= 50), 'and nothing broke')
    const { answer } = await bring(xml => xml)
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: reports }, 'the control')
  })

  await t.test('S10 whatever is wrong with an encryption, the answer is the same to the letter', async t => {
    const ours = await ourCertificate(world)
    const other = createCertificate(createForgeKey())
    const open = await bring(xml => forge.encrypt(xml, ours))
    t.equal(open.answer.status, 200, 'the control')
    const answers: [string, Answer][] = []
    for (const [name, change] of Object.entries<(xml: string) => string>({
      'for another': xml => forge.encrypt(xml, other),
      'a changed key': xml => forge.encrypt(xml, ours, { wrappedKey: bytes => bytes.fill(7, 0, 8) }),
      'a changed text': xml => forge.encrypt(xml, ours, { cipherText: bytes => bytes.fill(7, 40, 48) }),
      'a short text': xml => forge.encrypt(xml, ours, { cipherText: bytes => bytes.subarray(0, 20) }),
      'no XML inside': xml => forge.encrypt(xml, ours, { plain: () => Buffer.from('ada') })
    })) answers.push([name, (await bring(change)).answer])
    const plain = ({ text, status }: Answer): string => `${status} ${text}`.replaceAll(/[0-9a-f]{8}-?[0-9a-f-]{8,}|req_[\w-]+|return_to=[^"]*|attempt=[\w.-]+/g, '…')
    const requestIds = answers.map(([, answer]) => answer.headers.get('x-request-id') ?? '')
    const bare = answers.map(([name, answer], index) => [name, plain(answer).replaceAll(requestIds[index] || '\0', '…')] as const)
    for (const [name, text] of bare) t.equal(text, bare[0]?.[1], name)
    t.equal(codeOf(answers[0]?.[1] ?? open.answer), 'PORTICO_SAML_ENCRYPTION')
  })

  await t.test('S12 floods by HTTP: a refused request each, and nothing else', async t => {
    const bodies = Object.entries(hostileBodies(forge)).map(([name, bytes]) => [name, bytes.toString('latin1')] as const)
    for (const [name, body] of bodies) {
      const browser = world.browser()
      isNobody(t, browser, await browser.send(acs, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(Buffer.byteLength(body)) }, body, crossSitePost: true }), name)
    }
    const { answer } = await bring(xml => xml)
    t.equal(answer.url.href, reports, 'who is honest is signed in as before')
  })

  await t.test('S17 a response without its browser, and every way to bind it to another', async t => {
    const [hers, his] = [world.browser(), world.browser()]
    const stolen = await world.reachIdp(hers, reports)
    const own = await world.reachIdp(his, reports)
    const { RelayState: hisState = '' } = formOf(own).fields
    const { SAMLResponse: message = '', RelayState: herState = '' } = formOf(stolen).fields
    const xml = Buffer.from(message, 'base64').toString()
    const hisRequest = idp.requests.at(-1)?.attribute('ID') ?? ''
    const attempts: Record<string, Record<string, string>> = {
      'as it is': {},
      'with his RelayState': { RelayState: hisState },
      'without RelayState': { RelayState: '' },
      'with half of each': { RelayState: `${hisState.slice(0, 17)}${herState.slice(17)}` },
      'with his ID on the root': { RelayState: hisState, SAMLResponse: forge.post(xml.replace(/(<samlp:Response [^>]*InResponseTo=")[^"]*/, `$1${hisRequest}`)) },
      'with no ID on the root': { RelayState: hisState, SAMLResponse: forge.post(xml.replace(/(<samlp:Response [^>]*) InResponseTo="[^"]*"/, '$1')) },
      'with his ID signed over': { RelayState: hisState, SAMLResponse: forge.post(xml.replaceAll(/(InResponseTo=")[^"]*/g, `$1${hisRequest}`)) }
    }
    for (const [name, changed] of Object.entries(attempts)) {
      // the attempt is spent by one that fails: each has one of its own
      const jar = createJar()
      for (const { domain, name: cookie, value } of his.jar.all()) jar.set(domain, cookie, value)
      const browser = world.browser(jar)
      isNobody(t, browser, await browser.follow(await world.postBack(browser, stolen, changed)), name)
    }
    // the handle of her response, taken over after the POST
    const posted = await world.postBack(hers, stolen)
    const handle = posted.location?.searchParams.get('response') ?? ''
    const taken = world.browser()
    const again = await world.reachIdp(taken, reports)
    const state = formOf(again).fields.RelayState ?? ''
    isNobody(t, taken, await taken.open(`${origins.auth}/login/acme_saml/callback?${new URLSearchParams({ response: handle, state })}`), 'her handle with another’s state')
    isNobody(t, world.browser(), await world.browser().open(posted.location ?? ''), 'her handle without her cookie')
  })

  await t.test('S15 S28 V27 no other way in: headers, hosts, methods, bindings', async t => {
    const ecp = { accept: 'text/html; application/vnd.paos+xml', paos: 'ver="urn:liberty:paos:2003-08";"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp"' }
    const plain = await world.browser().send(reports)
    const asked = await world.browser().send(reports, { headers: ecp })
    t.match({ status: asked.status, host: asked.location?.host }, { status: plain.status, host: plain.location?.host }, 'ECP is nothing here')
    t.notMatch(asked.headers.get('content-type'), /paos|soap/)

    const browser = world.browser()
    const form = await world.reachIdp(browser, reports)
    const { SAMLResponse: message = '', RelayState = '' } = formOf(form).fields
    const xml = Buffer.from(message, 'base64').toString()
    const soap = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>${xml}</e:Body></e:Envelope>`
    const query = new URLSearchParams({ SAMLResponse: message, RelayState })
    const type = (value: string, body: string) => ({ method: 'POST', body, crossSitePost: true, headers: { 'content-type': value, 'content-length': String(Buffer.byteLength(body)) } })
    const others: Record<string, () => Promise<Answer>> = {
      empty: async () => await browser.send(acs, { method: 'POST', body: '' }),
      'an empty callback': async () => await browser.send(`${origins.auth}/login/acme_saml/callback`, { method: 'POST', body: '', crossSitePost: true }).then(async answer => await browser.follow(answer)),
      'by GET': async () => await browser.send(`${acs}?${query}`),
      'by PUT': async () => await browser.send(acs, { method: 'PUT', body: query }),
      'in the query of a POST': async () => await browser.send(`${acs}?${query}`, { method: 'POST', body: '' }),
      'as an artifact': async () => await browser.send(acs, { body: new URLSearchParams({ SAMLart: message.slice(0, 60), RelayState }) }),
      'as a request': async () => await browser.send(acs, { body: new URLSearchParams({ SAMLRequest: message, RelayState }) }),
      'by SOAP': async () => await browser.send(acs, type('text/xml', soap)),
      'by PAOS': async () => await browser.send(acs, type('application/vnd.paos+xml', soap)),
      'as JSON': async () => await browser.send(acs, type('application/json', JSON.stringify({ SAMLResponse: message, RelayState }))),
      'as a form of parts': async () => await browser.send(acs, type('multipart/form-data; boundary=x', `--x\r\ncontent-disposition: form-data; name="SAMLResponse"\r\n\r\n${message}\r\n--x--\r\n`)),
      'straight to the callback': async () => await browser.send(`${origins.auth}/login/acme_saml/callback`, { body: query, crossSitePost: true }).then(async answer => await browser.follow(answer)),
      'at the shared callback': async () => await browser.send(`${origins.auth}/login/callback`, { body: query, crossSitePost: true }).then(async answer => await browser.follow(answer)),
      'at the address of another connection': async () => await browser.send(acs.replace('acme_saml', 'globex_oidc'), { body: query, crossSitePost: true }),
      deflated: async () => await browser.send(acs, { body: new URLSearchParams({ SAMLResponse: forge.redirect(xml, 'SAMLResponse').split(/[=&]/)[1] ?? '', RelayState }), crossSitePost: true })
    }
    for (const [name, act] of Object.entries(others)) isNobody(t, browser, await act(), name)
    t.equal((await browser.follow(await world.postBack(browser, form))).url.href, reports, 'the one way is still open')

    // whatever a header says that we are called, a response is for the address that is configured
    for (const headers of [{ host: 'evil.localhost:8080' }, { 'x-forwarded-host': 'evil.localhost:8080' }, { forwarded: 'host=evil.localhost;proto=https' }, { 'x-forwarded-proto': 'https' }, { 'x-original-url': '/saml/evil/acs' }]) {
      idp.respond = request => forge.sign(forge.response({ inResponseTo: request.attribute('ID'), acs: 'http://evil.localhost:8080/saml/acme_saml/acs' }))
      const victim = world.browser()
      const { fields } = formOf(await world.reachIdp(victim, reports))
      const answer = await victim.send(acs, { body: new URLSearchParams(fields), crossSitePost: true, headers, connect: { port: world.port } })
      isNobody(t, victim, answer, JSON.stringify(headers))
    }
    idp.respond = usual

    // a session is of one host
    const signedIn = world.browser()
    await world.signInBySaml(signedIn, reports)
    const session = signedIn.jar.find('__Host-portico', 'analytics.localhost')?.value ?? ''
    t.not(session, '')
    const moved = world.browser()
    for (const host of ['portal.localhost', 'auth.localhost', 'dashboard.localhost']) moved.jar.set(host, '__Host-portico', session)
    t.equal((await moved.send(`${origins.portal}/x`, { mode: 'cors' })).status, 401, 'a session of one host is none on another')
    t.equal((await moved.send(`${origins.dashboardUs}/x`, { mode: 'cors' })).status, 401)
    t.equal((await moved.send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })).status === 200, false)
  })

  await t.test('S27 N1 with the provider’s own key: no further than its own domains', async t => {
    for (const email of ['hari@globex.com', 'ada@acme.com@globex.com', 'ada@globex.com@acme.com', 'ada@acme.com.evil.example', 'ada@xacme.com', 'ada@sub.acme.com', '"ada@acme.com"@globex.com', 'ada@аcme.com', 'ada@acme.com\u0000', 'ada@acme.com ', 'ada@acme。com@globex.com', 'ada', '@acme.com', '']) {
      const { browser, answer } = await bring(() => forge.sign(forge.response({ inResponseTo: idp.requests.at(-1)?.attribute('ID'), attributes: [['mail', [email]]], nameId: { value: 'x', format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' } }).replaceAll('\u0000', '&#0;')))
      if (email === 'ada@acme.com ') continue
      isNobody(t, browser, answer, JSON.stringify(email))
    }
    // a second address beside the first one is nobody in particular
    const { browser, answer } = await bring(() => forge.sign(forge.response({ inResponseTo: idp.requests.at(-1)?.attribute('ID'), attributes: [['mail', ['ada@acme.com', 'grace@acme.com']]] })))
    isNobody(t, browser, answer, 'two e-mails')
  })
})

t.test('S18 the same assertion in another wrapping', async t => {
  const world = await startSamlGateway(t, { saml: { idp_initiated: 'accept' } })
  const { forge } = world
  const xml = forge.sign(forge.response({ inResponseTo: undefined }))
  const post = async (message: string): Promise<Answer> => {
    const browser = world.browser()
    const posted = await browser.send(acs, { body: new URLSearchParams({ SAMLResponse: forge.post(message) }), crossSitePost: true })
    return await browser.follow(posted, url => url.pathname.startsWith('/.portico/'))
  }
  t.equal(codeOf(await post(xml)), undefined)
  const again: Record<string, string> = {
    'as it was': xml,
    'another response around it': xml.replace(/(<samlp:Response [^>]*ID=")[^"]*/, '$1_fresh'),
    'another prefix around it': xml.replaceAll('samlp:', 'p:').replaceAll('xmlns:samlp', 'xmlns:p'),
    'an XML declaration before it': `<?xml version="1.0" encoding="UTF-8"?>${xml}`,
    'without KeyInfo': xml.replace(/<ds:KeyInfo>.*<\/ds:KeyInfo>/, ''),
    'white space in the signature value': xml.replace(/(<ds:SignatureValue>.{64})/, '$1\n'),
    encrypted: forge.encrypt(xml, await ourCertificate(world))
  }
  for (const [name, message] of Object.entries(again)) t.equal(codeOf(await post(message)), 'PORTICO_SAML_REPLAYED', name)

  // eight at once, each in a wrapping of its own
  const other = forge.sign(forge.response({ inResponseTo: undefined }))
  const answers = await Promise.all(Array.from({ length: 8 }, async (_, index) => await post(other.replace(/(<samlp:Response [^>]*ID=")[^"]*/, `$1_fresh${index}`))))
  t.equal(answers.filter(answer => codeOf(answer) === 'PORTICO_SAML_REPLAYED').length, 7)
  t.equal(answers.filter(answer => codeOf(answer) === undefined).length, 1)
})
