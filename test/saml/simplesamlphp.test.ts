import { constants, createDecipheriv, privateDecrypt, randomUUID, sign, verify, X509Certificate } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import t from 'tap'
import { createBrowser, send, type Browser } from '../support/browser.ts'
import { noSimpleSaml, startSimpleSaml, type SimpleSaml } from '../support/simplesamlphp.ts'
import { createKeyPair } from '../support/simplesamlphp/certificate.ts'
import { giveNameAndPassword, samlFormOf, samlXmlOf, signInAtSimpleSaml } from '../support/simplesamlphp/person.ts'

const ada = { name: 'ada', password: 'correct horse & <staple>', attributes: { mail: ['ada@acme.com'], givenName: ['Ada'], sn: ['Lovelace'], displayName: ['Ada Lovelace "the first"'], groups: ['staff', 'R&D'] } }
const users = [ada, { name: 'hari', password: 'x', attributes: { mail: ['hari@acme.com'], displayName: ['Hari Čapek'] } }]

const provider = (name: string) => ({ entityId: `http://${name}.example/metadata`, acs: `http://${name}.example/acs`, slo: `http://${name}.example/slo` })
type Party = Pick<ReturnType<typeof provider>, 'entityId'>
const plain = provider('plain')
const start = async (options: Partial<Parameters<typeof startSimpleSaml>[0]> = {}): Promise<SimpleSaml> =>
  await startSimpleSaml({ users, serviceProviders: [plain], ...options })

/** A message of the Redirect binding, signed with `key` if there is one (SAML bindings §3.4.4). */
const redirectTo = (url: string, xml: string, relayState: string, key?: string): string => {
  const message = new URLSearchParams({ [xml.includes('Response ') ? 'SAMLResponse' : 'SAMLRequest']: deflateRawSync(xml).toString('base64'), RelayState: relayState })
  if (key === undefined) return `${url}?${message}`
  message.set('SigAlg', 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256')
  const signature = sign('sha256', Buffer.from(message.toString()), key).toString('base64')
  return `${url}?${message}&${new URLSearchParams({ Signature: signature })}`
}

const xmlOf = (kind: string, issuer: string, attributes: string, inside = '', id = `_${randomUUID()}`): string =>
  `<samlp:${kind} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${new Date().toISOString()}" ${attributes}><saml:Issuer>${issuer}</saml:Issuer>${inside}</samlp:${kind}>`

const authnRequest = (idp: SimpleSaml, of: Party = plain, { id = `_${randomUUID()}`, attributes = '', relayState = 'handle', key = '' } = {}): string =>
  redirectTo(idp.ssoUrl, xmlOf('AuthnRequest', of.entityId, `Destination="${idp.ssoUrl}" ${attributes}`, '', id), relayState, key === '' ? undefined : key)

/** Certificates of an XML text, as PEM; Response and Assertion carry one each for every signature. */
const certificatesOf = (xml: string): string[] => [...xml.matchAll(/<ds:X509Certificate>([^<]+)</g)].map(([, body = '']) => new X509Certificate(Buffer.from(body, 'base64')).toString())
const same = (pem: string): string => new X509Certificate(pem).toString()
const valuesOf = (xml: string): Record<string, string[]> => Object.fromEntries([...xml.matchAll(/<saml:Attribute Name="([^"]+)"[^>]*>(.*?)<\/saml:Attribute>/gs)]
  .map(([, name = '', inside = '']) => [name, [...inside.matchAll(/<saml:AttributeValue[^>]*>([^<]*)</g)].map(([, value]) => value ?? '')]))
const leaving = (idp: SimpleSaml) => (next: URL): boolean => next.origin !== new URL(idp.entityId).origin

const responseFor = async (url: string, browser: Browser = createBrowser()): Promise<string> => samlXmlOf(await signInAtSimpleSaml(browser, url, ada.name, ada.password))

/** What its error page says; its status is 200 all the same. */
const refusalOf = async (url: string, browser: Browser = createBrowser()): Promise<string> => {
  const { text } = await browser.send(url)
  return /<h2>Debug information<\/h2>(.*?)<\/pre>/s.exec(text)?.[1] ?? ''
}

t.test('SimpleSAMLphp, as the tests start it', { skip: noSimpleSaml }, async t => {
  const [encryption, signing] = [await createKeyPair('encryption'), await createKeyPair('signing')]
  const signed = { ...provider('signed'), signingCertificate: signing.certificate }
  const posting = { ...provider('posting'), sloBinding: 'post' as const }
  const secret = { ...provider('secret'), encryptionCertificate: encryption.certificate }
  const idp = await start({ serviceProviders: [plain, signed, posting, secret, { ...provider('oid'), attributeNames: 'oid' }] })
  t.teardown(idp.close)

  t.test('metadata has the certificate and both bindings of both services', async t => {
    const { text, status } = await send(idp.metadataUrl)
    t.equal(status, 200)
    t.match(text, `entityID="${idp.entityId}"`)
    t.same(certificatesOf(text), [same(idp.certificate), same(idp.certificate)], 'for signing and for encryption')
    for (const [service, url] of [['SingleSignOnService', idp.ssoUrl], ['SingleLogoutService', idp.sloUrl]]) {
      for (const binding of ['Redirect', 'POST']) t.match(text, `<md:${service} Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-${binding}" Location="${url}"/>`)
    }
    t.notMatch(text, 'WantAuthnRequestsSigned', 'it never says so')
  })

  t.test('an unsigned AuthnRequest leads to a form, and signing in to a page that posts the response', async t => {
    const browser = createBrowser()
    const url = authnRequest(idp, plain, { id: '_of-the-request', relayState: 'handle & more' })
    const asked = await browser.open(url)
    t.match(samlFormOf(asked), { action: new URL(asked.url.pathname, idp.entityId), fields: { AuthState: /./ } })
    t.match((await giveNameAndPassword(browser, asked, 'ada', 'guessed')).text, 'name="password"', 'a wrong password is asked for again')
    const form = samlFormOf(await giveNameAndPassword(browser, asked, ada.name, ada.password))
    t.match(form, { action: new URL(plain.acs), fields: { RelayState: 'handle & more' } })
    const xml = samlXmlOf(form)
    t.match(xml, /^<samlp:Response [^>]*Version="2.0"[^>]*Destination="http:\/\/plain.example\/acs" InResponseTo="_of-the-request"/)
    t.match(xml, /<saml:SubjectConfirmationData [^>]*Recipient="http:\/\/plain.example\/acs" InResponseTo="_of-the-request"/)
    t.match(xml, /<saml:NameID SPNameQualifier="http:\/\/plain.example\/metadata" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ada</)
    t.match(xml, /<saml:AuthnStatement [^>]*SessionNotOnOrAfter="[^"]+" SessionIndex="_/)
    t.match(xml, '<saml:Audience>http://plain.example/metadata</saml:Audience>')
    t.same(valuesOf(xml), { uid: ['ada'], ...ada.attributes, groups: ['staff', 'R&amp;D'] })
    t.same(certificatesOf(xml), [same(idp.certificate), same(idp.certificate)], 'response and assertion are signed')
    t.same(new Set([...xml.matchAll(/<ds:SignatureMethod Algorithm="([^"]+)"/g)].map(([, name]) => name)), new Set(['http://www.w3.org/2001/04/xmldsig-more#rsa-sha256']))

    const again = await browser.open(url)
    t.equal(samlFormOf(again).action.href, plain.acs, 'who is signed in is not asked')
    const forced = await browser.open(authnRequest(idp, plain, { attributes: 'ForceAuthn="true"' }))
    t.match(forced.text, 'name="password"', 'unless by ForceAuthn')
  })

  t.test('by the POST binding too', async t => {
    const browser = createBrowser()
    const SAMLRequest = Buffer.from(xmlOf('AuthnRequest', plain.entityId, `Destination="${idp.ssoUrl}"`)).toString('base64')
    const asked = await browser.follow(await browser.send(idp.ssoUrl, { body: new URLSearchParams({ SAMLRequest }), crossSitePost: true }))
    t.equal(samlFormOf(await giveNameAndPassword(browser, asked, ada.name, ada.password)).action.href, plain.acs)
  })

  t.test('NameIDPolicy chooses among persistent, e-mail and transient', async t => {
    const browser = createBrowser()
    const nameId = async (format: string): Promise<string | undefined> => {
      const xml = xmlOf('AuthnRequest', plain.entityId, '', `<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:${format}" AllowCreate="true"/>`)
      return /<saml:NameID [^>]*Format="[^"]*">([^<]*)</.exec(await responseFor(redirectTo(idp.ssoUrl, xml, ''), browser))?.[1]
    }
    t.equal(await nameId('2.0:nameid-format:persistent'), 'ada')
    t.equal(await nameId('1.1:nameid-format:emailAddress'), 'ada@acme.com')
    t.match(await nameId('2.0:nameid-format:transient'), /^_[0-9a-f]{40,}$/)
    t.equal(await nameId('2.0:nameid-format:kerberos'), 'ada', 'what it does not have is persistent')
  })

  t.test('IsPassive without a session is answered with an error response', async t => {
    const form = samlFormOf(await createBrowser().open(authnRequest(idp, plain, { attributes: 'IsPassive="true"' })))
    t.match(samlXmlOf(form), /StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">.*status:NoPassive/)
  })

  t.test('a request for another ACS is answered at the registered one', async t => {
    const form = await signInAtSimpleSaml(createBrowser(), authnRequest(idp, plain, { attributes: 'AssertionConsumerServiceURL="http://evil.example/acs"' }), ada.name, ada.password)
    t.equal(form.action.href, plain.acs)
    t.match(idp.printed(), 'invalid AssertionConsumerService')
  })

  t.test('IdP-initiated: no InResponseTo, the RelayState as given', async t => {
    const form = await signInAtSimpleSaml(createBrowser(), idp.idpInitiatedUrl(plain.entityId, 'http://app.example/?a=1&b=2'), ada.name, ada.password)
    t.match(form, { action: new URL(plain.acs), fields: { RelayState: 'http://app.example/?a=1&b=2' } })
    t.notMatch(samlXmlOf(form), 'InResponseTo')
    t.match(samlXmlOf(form), 'status:Success')
  })

  t.test('what is signed is a matter of the service provider', async t => {
    const browser = createBrowser()
    for (const [signResponse, signAssertion, signatures] of [[true, false, ['Response']], [false, true, ['Assertion']], [false, false, []]] as const) {
      await idp.setServiceProviders([{ ...plain, signResponse, signAssertion }, signed, posting, secret])
      const xml = await responseFor(authnRequest(idp), browser)
      t.same([...xml.matchAll(/<saml(?:p:(Response)|:(Assertion)) [^>]*><saml:Issuer>[^<]*<\/saml:Issuer><ds:Signature/g)].map(([, response, assertion]) => response ?? assertion), signatures)
    }
    await idp.setServiceProviders([plain, signed, posting, secret, { ...provider('oid'), attributeNames: 'oid' }])
    const xml = await responseFor(idp.idpInitiatedUrl(provider('oid').entityId), browser)
    t.match(valuesOf(xml), { 'urn:oid:0.9.2342.19200300.100.1.3': ['ada@acme.com'], 'urn:oid:1.3.6.1.4.1.5923.1.5.1.1': ['staff', 'R&amp;D'] })
    t.match(xml, 'NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"')
    t.match(xml, '>ada</saml:NameID>')
  })

  t.test('an encrypted assertion opens with the key of its certificate', async t => {
    const xml = await responseFor(authnRequest(idp, secret))
    const { content, cipher, transport } = decrypt(xml, encryption.key)
    t.equal(cipher, 'http://www.w3.org/2001/04/xmlenc#aes128-cbc')
    t.equal(transport, 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p')
    t.notMatch(xml, 'ada@acme.com')
    t.match(valuesOf(content), { mail: ['ada@acme.com'] })
    t.match(content, '<ds:Signature', 'it is signed inside')

    const modern = await start({ serviceProviders: [secret], encryption: 'aes128-gcm' })
    t.teardown(modern.close)
    const opened = decrypt(await responseFor(authnRequest(modern, secret)), encryption.key)
    t.equal(opened.cipher, 'http://www.w3.org/2009/xmlenc11#aes128-gcm')
    t.match(valuesOf(opened.content), { mail: ['ada@acme.com'] })
  })

  t.test('whose signing certificate it has must sign', async t => {
    t.match(await refusalOf(authnRequest(idp, signed)), 'no signature found')
    t.match(await refusalOf(authnRequest(idp, signed, { key: encryption.key })), 'Unable to validate signature')
    t.equal((await send(authnRequest(idp, signed, { key: signing.key }))).status, 302)
    t.match(await refusalOf(authnRequest(idp, provider('nobody'))), 'METADATANOTFOUND', 'and who it does not know gets nothing')
  })

  t.test('logout by the service provider is answered with a signed response', async t => {
    const browser = createBrowser()
    const xml = await responseFor(authnRequest(idp, signed, { key: signing.key }), browser)
    const [, nameId = ''] = /(<saml:NameID.*<\/saml:NameID>)/.exec(xml) ?? []
    const [, index = ''] = /SessionIndex="([^"]+)"/.exec(xml) ?? []
    const request = xmlOf('LogoutRequest', signed.entityId, `Destination="${idp.sloUrl}"`, `${nameId}<samlp:SessionIndex>${index}</samlp:SessionIndex>`, '_of-the-logout')
    t.match(await refusalOf(redirectTo(idp.sloUrl, request, 'state'), browser), 'no signature found')
    const answer = await browser.open(redirectTo(idp.sloUrl, request, 'state', signing.key), { until: leaving(idp) })
    const back = receivedBy(answer.location, idp)
    t.equal(answer.location?.href.startsWith(`${signed.slo}?SAMLResponse=`), true)
    t.match(back, { relayState: 'state', verified: true, xml: /<samlp:LogoutResponse [^>]*Destination="http:\/\/signed.example\/slo" InResponseTo="_of-the-logout".*status:Success/ })
    t.match((await browser.open(authnRequest(idp))).text, 'name="password"', 'nobody is signed in afterwards')
  })

  t.test('logout at the IdP goes by every service provider, each by its binding, and back', async t => {
    const browser = createBrowser()
    await responseFor(authnRequest(idp, signed, { key: signing.key }), browser)
    await responseFor(authnRequest(idp, posting), browser)
    const posts = samlFormOf(await browser.open(idp.logoutUrl('http://back.example:8080/done?x=1'), { until: leaving(idp) }))
    t.equal(posts.action.href, posting.slo)
    t.match(samlXmlOf(posts), /<samlp:LogoutRequest [^>]*NotOnOrAfter="[^"]+".*<ds:Signature.*>ada<\/saml:NameID><samlp:SessionIndex>_/s)

    const respond = (of: { entityId: string }, xml: string): string =>
      xmlOf('LogoutResponse', of.entityId, `Destination="${idp.sloUrl}" InResponseTo="${/ID="([^"]+)"/.exec(xml)?.[1]}"`, '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>')
    const next = await browser.open(redirectTo(idp.sloUrl, respond(posting, samlXmlOf(posts)), posts.fields.RelayState ?? ''), { until: leaving(idp) })
    t.equal(next.location?.href.startsWith(`${signed.slo}?SAMLRequest=`), true)
    const asked = receivedBy(next.location, idp)
    t.match(asked, { verified: true, xml: /<samlp:LogoutRequest [^>]*Destination="http:\/\/signed.example\/slo".*>ada<\/saml:NameID><samlp:SessionIndex>_/ })
    const done = await browser.open(redirectTo(idp.sloUrl, respond(signed, asked.xml), asked.relayState, signing.key), { until: leaving(idp) })
    t.equal(done.location?.href, 'http://back.example:8080/done?x=1')
  })

  t.test('rollover: published beside the old one first, then in its place', async t => {
    const before = idp.certificate
    await idp.rollover('publish')
    const both = new Set(certificatesOf((await send(idp.metadataUrl)).text))
    t.equal(both.size, 2)
    t.ok(both.has(same(before)))
    t.equal(idp.certificate, before)
    t.same(new Set(certificatesOf(await responseFor(authnRequest(idp)))), new Set([same(before)]), 'the old one signs')
    await idp.rollover('switch')
    t.not(idp.certificate, before)
    t.ok(both.has(same(idp.certificate)), 'what was published')
    t.same(new Set(certificatesOf((await send(idp.metadataUrl)).text)), new Set([same(idp.certificate)]))
    t.same(new Set(certificatesOf(await responseFor(authnRequest(idp)))), new Set([same(idp.certificate)]))
    const unannounced = idp.certificate
    await idp.rollover('switch')
    t.not(idp.certificate, unannounced, 'nothing was published: a new one at once')
  })
})

/** What the location of a redirect says, and whether the IdP's key signed exactly these octets. */
const receivedBy = (location: URL | undefined, idp: SimpleSaml) => {
  const parameters = location?.searchParams
  const [octets = '', signature = ''] = location?.search.slice(1).split('&Signature=') ?? []
  return {
    xml: inflateRawSync(Buffer.from(parameters?.get('SAMLRequest') ?? parameters?.get('SAMLResponse') ?? '', 'base64')).toString(),
    relayState: parameters?.get('RelayState') ?? '',
    verified: parameters?.get('SigAlg') === 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256' &&
      verify('sha256', Buffer.from(octets), idp.certificate, Buffer.from(decodeURIComponent(signature), 'base64'))
  }
}

/** Opens the only EncryptedAssertion (XML Encryption §5.2 and §5.5.2). */
const decrypt = (xml: string, key: string) => {
  const [cipher = '', transport = ''] = [...xml.matchAll(/<xenc:EncryptionMethod Algorithm="([^"]+)"/g)].map(([, name = '']) => name)
  const [wrapped = Buffer.alloc(0), data = Buffer.alloc(0)] = [...xml.matchAll(/<xenc:CipherValue>([^<]+)</g)].map(([, value = '']) => Buffer.from(value, 'base64'))
  const secret = privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, wrapped)
  if (cipher.endsWith('gcm')) {
    const open = createDecipheriv('aes-128-gcm', secret, data.subarray(0, 12)).setAuthTag(data.subarray(-16))
    return { cipher, transport, content: Buffer.concat([open.update(data.subarray(12, -16)), open.final()]).toString() }
  }
  const open = createDecipheriv('aes-128-cbc', secret, data.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([open.update(data.subarray(16)), open.final()])
  return { cipher, transport, content: padded.subarray(0, -(padded.at(-1) ?? 0)).toString() }
}
