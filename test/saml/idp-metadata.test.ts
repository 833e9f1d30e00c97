import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { verifyingKeys } from '../../src/connections/saml/algorithms.ts'
import { readIdpMetadata, type MetadataExpectations } from '../../src/connections/saml/idp-metadata.ts'
import { PorticoError } from '../../src/errors.ts'
import { createForge, createForgeKey } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { signXml } from '../support/saml/signing.ts'

const now = 1_800_000_000
const at = (seconds: number): string => new Date((now + seconds) * 1_000).toISOString()
const key = createForgeKey()
const one = createCertificate(key, { name: 'one' })
const two = createCertificate(key, { name: 'two' })
const elliptic = createCertificate(createForgeKey('ec'), { name: 'elliptic' })

const read = (xml: string, expectations: Partial<MetadataExpectations> = {}) => readIdpMetadata(xml, { entityId: undefined, certificates: [], now, ...expectations })

const refusal = (work: () => unknown): PorticoError | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof PorticoError) return error
    throw error
  }
}
const codeOf = (work: () => unknown): string => refusal(work)?.code ?? 'no error'

const bare = (pem: string): string => pem.replace(/-----.*?-----|\s/g, '')
const keyInfo = (...pems: readonly string[]): string =>
  `<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">${pems.map(pem => `<X509Data><X509Certificate>\n  ${bare(pem).replace(/.{76}/g, '$&\n')}\n</X509Certificate></X509Data>`).join('')}</KeyInfo>`
/** A key whose certificate is whatever this says. */
const certified = (text: string): string => `<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${text}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`
const keyDescriptor = (pem: string, use = ' use="signing"'): string => `<KeyDescriptor${use}>${keyInfo(pem)}</KeyDescriptor>`
const endpoint = (name: string, binding: string, location: string, more = ''): string =>
  `<${name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${location}"${more}/>`

interface Sketch {
  readonly entityId?: string
  readonly attributes?: string
  readonly before?: string
  readonly role?: string
  readonly keys?: string
  readonly slo?: string
  readonly sso?: string
}

/** A document in the default namespace, as Entra, ADFS and Google write it. */
const entity = ({ entityId = 'https://idp.acme.com/', attributes = '', before = '', role = '', keys = keyDescriptor(one), slo = '', sso = endpoint('SingleSignOnService', 'HTTP-Redirect', 'https://idp.acme.com/sso') }: Sketch = {}): string => [
  `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityId}"${attributes}>`,
  before,
  `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"${role}>${keys}${slo}${sso}</IDPSSODescriptor>`,
  '</EntityDescriptor>'
].join('')

const federation = (inside: string, attributes = ''): string => `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"${attributes}>${inside}</EntitiesDescriptor>`

const redirect = endpoint('SingleSignOnService', 'HTTP-Redirect', 'https://idp.acme.com/sso?tenant=acme&amp;x=1')
const post = endpoint('SingleSignOnService', 'HTTP-POST', 'https://idp.acme.com/post')

t.test('R7 metadata in the shapes of real providers', async t => {
  const expected = {
    entityId: 'https://idp.acme.com/',
    sso: { redirect: 'https://idp.acme.com/sso?tenant=acme&x=1', post: 'https://idp.acme.com/post' },
    slo: { redirect: undefined, post: undefined },
    sloResponse: { redirect: undefined, post: undefined },
    certificates: [one],
    wantsSignedRequests: false,
    validUntil: undefined,
    cacheDuration: undefined
  }

  const fed = `<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706">${keyDescriptor(elliptic)}<fed:ClaimTypesOffered><auth:ClaimType xmlns:auth="http://docs.oasis-open.org/wsfed/authorization/200706" Uri="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"><auth:DisplayName>Name</auth:DisplayName></auth:ClaimType></fed:ClaimTypesOffered></RoleDescriptor>`
  const logout = endpoint('SingleLogoutService', 'HTTP-Redirect', 'https://idp.acme.com/slo', ' ResponseLocation="https://idp.acme.com/slo/done"')
  t.same(read(`\ufeff<?xml version="1.0" encoding="utf-8"?>${entity({ attributes: ' ID="_b7"', before: fed, keys: keyDescriptor(one) + keyDescriptor(two), slo: logout, sso: redirect + post })}`), {
    ...expected, certificates: [one, two], slo: { redirect: 'https://idp.acme.com/slo', post: undefined }, sloResponse: { redirect: 'https://idp.acme.com/slo/done', post: undefined }
  }, 'Entra and ADFS: roles of WS-Federation, and several keys')

  const prefixed = '<?xml version="1.0" encoding="UTF-8" standalone="no"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.acme.com/">' +
    `<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${bare(one)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
    `<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>${(post + redirect).replaceAll('<Single', '<md:Single')}</md:IDPSSODescriptor></md:EntityDescriptor>\n`
  t.same(read(prefixed), expected, 'Okta, OneLogin, Auth0: a prefix')

  t.match(read(entity({ attributes: ' validUntil="2031-05-01T10:00:00.000Z"', sso: redirect + post })), { certificates: [one], validUntil: Date.UTC(2031, 4, 1, 10) / 1_000 }, 'Google: a file with an end')

  const scope = '<Extensions><shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" regexp="false">acme.com</shibmd:Scope><!-- logo follows --></Extensions>'
  const shibboleth = entity({
    role: ' WantAuthnRequestsSigned="1"',
    keys: scope + keyDescriptor(one) + keyDescriptor(two) + keyDescriptor(elliptic, ' use="encryption"'),
    sso: endpoint('SingleSignOnService', '../../../../mace:shibboleth:1.0:profiles:AuthnRequest', 'https://idp.acme.com/shib') + endpoint('SingleSignOnService', 'HTTP-POST-SimpleSign', 'https://idp.acme.com/simple') + post + redirect
  }).replace('urn:oasis:names:tc:SAML:2.0:protocol', 'urn:oasis:names:tc:SAML:1.1:protocol urn:mace:shibboleth:1.0\n urn:oasis:names:tc:SAML:2.0:protocol')
  t.same(read(`<?xml version="1.0" encoding="UTF-8"?>\n<!-- This is example metadata only. <Do> not use it as it is - - -->\n<?xml-stylesheet href="x"?>\n${shibboleth}\n<!-- end -->`), { ...expected, certificates: [one, two], wantsSignedRequests: true }, 'Shibboleth: comments, extensions, other bindings, two keys for signing and one for encryption')

  const sp = '<EntityDescriptor entityID="https://sp.example.com"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></EntityDescriptor>'
  t.same(read(federation(sp + entity({ sso: redirect + post }) + sp, ' Name="urn:keycloak"')), expected, 'Keycloak: entities around')
  t.same(read(entity({ keys: keyDescriptor(one, '') + keyDescriptor(one), sso: redirect + post })), expected, 'SimpleSAMLphp: a key without use; the same twice is one')
  t.same(read(entity({ keys: `<KeyDescriptor>${keyInfo(one, elliptic)}</KeyDescriptor>`, sso: redirect + post })), { ...expected, certificates: [one, elliptic] }, 'two certificates in one KeyInfo, an elliptic one among them')
  t.same(read(entity({ keys: certified(one), sso: redirect + post })), expected, 'a whole PEM pasted')
})

t.test('R7 of several entities the one that is meant, and it alone', async t => {
  const acme = entity({ entityId: 'https://acme.example/idp' })
  const globex = entity({ entityId: 'https://globex.example/idp', keys: keyDescriptor(two) })
  const both = federation(acme + federation(globex))
  t.match(read(both, { entityId: 'https://globex.example/idp' }), { entityId: 'https://globex.example/idp', certificates: [two] })
  t.match(read(both, { entityId: 'https://acme.example/idp' }), { certificates: [one] })
  t.match(refusal(() => read(both)), { code: 'PORTICO_SAML_METADATA', got: 'https://acme.example/idp, https://globex.example/idp', wanted: /entity_id/ })
  t.match(refusal(() => read(both, { entityId: 'https://initech.example/idp' })), { code: 'PORTICO_SAML_METADATA', wanted: /initech/ })
  t.equal(codeOf(() => read(acme, { entityId: 'https://acme.example/idp/' })), 'PORTICO_SAML_METADATA', 'S16 S26 exactly that name')
  t.equal(codeOf(() => read(federation(acme + acme), { entityId: 'https://acme.example/idp' })), 'PORTICO_SAML_METADATA', 'the same entity twice is none')
  t.equal(codeOf(() => read(acme.replaceAll('IDPSSODescriptor', 'SPSSODescriptor'))), 'PORTICO_SAML_METADATA')
  t.equal(codeOf(() => read(acme.replace('SAML:2.0:protocol', 'SAML:1.1:protocol'))), 'PORTICO_SAML_METADATA', 'SAML 1.1')
  t.equal(codeOf(() => read('<html xmlns="urn:x">not found</html>')), 'PORTICO_SAML_METADATA')
  t.equal(codeOf(() => read(acme.replace('SAML:2.0:metadata', 'SAML:3.0:metadata'))), 'PORTICO_SAML_METADATA')
  t.match(read(acme.replace('<IDPSSODescriptor', '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"/><IDPSSODescriptor')), { certificates: [one] }, 'a role for each protocol')
  for (const name of ['', ' ', 'a b', 'x'.repeat(1_025)]) t.equal(codeOf(() => read(entity({ entityId: name }))), 'PORTICO_SAML_METADATA', name.slice(0, 5))
})

t.test('S26 metadata that must not be used any more, or never could be', async t => {
  t.equal(read(entity({ attributes: ` validUntil="${at(1)}"` })).validUntil, now + 1)
  t.equal(read(federation(entity({ attributes: ` validUntil="${at(900)}"`, role: ` validUntil="${at(500)}"` }), ` validUntil="${at(700)}"`)).validUntil, now + 500, 'the earliest of all that it stands in')
  t.equal(read(federation(federation(entity({ attributes: ` validUntil="${at(900)}"` })), ` validUntil="${at(700)}"`)).validUntil, now + 700)
  for (const [what, xml] of Object.entries({
    'now is over': entity({ attributes: ` validUntil="${at(0)}"` }),
    'what it stands in is over': federation(entity(), ` validUntil="${at(-1)}"`),
    'the role is over': entity({ role: ` validUntil="${at(-1)}"` }),
    'no date': entity({ attributes: ' validUntil="soon"' }),
    'not in UTC': entity({ attributes: ' validUntil="2031-05-01T10:00:00+02:00"' }),
    'no certificate': entity({ keys: '' }),
    'for encryption alone': entity({ keys: keyDescriptor(one, ' use="encryption"') }),
    'a certificate in name only': entity({ keys: certified(bare(one).replace(bare(one).slice(40, 80), 'A'.repeat(40))) }),
    'no base64': entity({ keys: certified('%%%%') }),
    'an element inside of it': entity({ keys: certified(`<x/>${bare(one)}`) }),
    'a key without a certificate': entity({ keys: '<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><KeyName>k</KeyName></KeyInfo></KeyDescriptor>' }),
    'a weak one alone': entity({ keys: keyDescriptor(createCertificate(createForgeKey('rsa', 1_024))) }),
    'another curve': entity({ keys: keyDescriptor(createCertificate(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey)) }),
    'no address': entity({ sso: '' }),
    'another binding alone': entity({ sso: endpoint('SingleSignOnService', 'SOAP', 'https://idp.acme.com/sso') }),
    'an address that a browser must not go to': entity({ sso: endpoint('SingleSignOnService', 'HTTP-Redirect', 'javascript:alert(1)') }),
    'a relative one': entity({ sso: endpoint('SingleSignOnService', 'HTTP-Redirect', '/sso') }),
    'one with a password': entity({ sso: endpoint('SingleSignOnService', 'HTTP-Redirect', 'https://me:secret@idp.acme.com/sso') })
  })) t.equal(codeOf(() => read(xml)), 'PORTICO_SAML_METADATA', what)
  t.match(read(entity({ slo: endpoint('SingleLogoutService', 'HTTP-Redirect', 'javascript:alert(1)'), sso: endpoint('SingleSignOnService', 'HTTP-POST', 'nowhere') + post })), { slo: { redirect: undefined }, sso: { post: 'https://idp.acme.com/post' } }, 'the first that can be used')
})

t.test('S8 S26 a certificate that is no good keeps nobody from signing with one that is', async t => {
  const weak = createCertificate(createForgeKey('rsa', 1_024))
  t.match(read(entity({ keys: certified('%%%%') + keyDescriptor(weak) + keyDescriptor(one) })).certificates, [weak, one])
  t.same(verifyingKeys([weak, one]).map(({ certificate }) => certificate), verifyingKeys([one]).map(({ certificate }) => certificate), 'the weak one is not believed')
})

t.test('cacheDuration in seconds, the shortest; what is none says nothing', async t => {
  const cached = (...texts: readonly [string, string, string]) => read(federation(entity({ attributes: ` cacheDuration="${texts[1]}"`, role: ` cacheDuration="${texts[2]}"` }), ` cacheDuration="${texts[0]}"`)).cacheDuration
  t.equal(cached('P1D', 'PT12H', 'P7D'), 43_200)
  t.equal(cached('P1DT2H3M4.5S', 'P1Y', 'P1M'), 93_784)
  t.equal(cached('a day', '-P1D', 'P1W'), undefined)
})

t.test('S6 S11 S12 S26 hostile metadata is refused, and quickly', async t => {
  const inside = (text: string): string => entity({ before: `<Organization>${text}</Organization>` })
  for (const [what, xml] of Object.entries({
    'a DOCTYPE': `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${entity()}`,
    'a DOCTYPE after a comment': `<?xml version="1.0"?><!-- x --><!DOCTYPE x>${entity()}`,
    'an entity': inside('&e;'),
    CDATA: inside('<![CDATA[x]]>'),
    'a comment without end': `${inside('<!-- ')}`,
    'a comment that hides an end': entity().replace('</IDP', '<!-- </IDP').replace('</Entity', '--></Entity'),
    'an undeclared prefix': inside('<x:y/>'),
    'one that only a comment declares': inside('<x:y <!-- xmlns:x="urn:x" -->/>'),
    'too many elements': inside('<x/>'.repeat(20_001)),
    'too deep': inside('<x>'.repeat(65) + '</x>'.repeat(65)),
    'too large': inside('x'.repeat(1_024 * 1_024)),
    'too many attributes': inside(`<x ${Array.from({ length: 65 }, (_, i) => `a${i}=""`).join(' ')}/>`),
    nothing: '',
    'no XML': 'not found',
    'comments that never end': `${'<!--'.repeat(200_000)}`,
    'another encoding': `<?xml version="1.0" encoding="ISO-8859-1"?>${entity()}`
  })) t.equal(codeOf(() => read(xml)), 'PORTICO_SAML_METADATA', what)
})

t.test('S26 a signature is asked for, and then only what is signed is read', async t => {
  const authority = createForge()
  const { certificate } = authority
  const federated = federation(entity({ entityId: 'https://acme.example/idp' }) + entity({ entityId: 'https://globex.example/idp', keys: keyDescriptor(two) }), ' ID="_federation"')
  const sign = (xml: string, options = {}): string => signXml(xml, { key: authority.privateKey, target: '/*', after: '/*/*[1]', ...options })
  const asked = (xml: string, certificates: readonly string[] = [certificate]) => () => read(xml, { certificates, entityId: 'https://globex.example/idp' })
  const signed = sign(federated)
  t.match(asked(signed)(), { entityId: 'https://globex.example/idp', certificates: [two] })
  t.match(asked(signed, [one, certificate])(), { certificates: [two] }, 'any one of them')
  t.match(asked(signed.replace('<EntitiesDescriptor', '<!-- of today --><EntitiesDescriptor').replace('</EntitiesDescriptor>', '<!-- the end --></EntitiesDescriptor>'))(), { certificates: [two] }, 'comments, which no signature is over')
  for (const [what, work, code] of [
    ['by another one', asked(signed, [one]), 'PORTICO_SAML_SIGNATURE'],
    ['not signed', asked(federated), 'PORTICO_SAML_SIGNATURE'],
    ['changed', asked(signed.replace('https://idp.acme.com/sso', 'https://evil.example/sso')), 'PORTICO_SAML_SIGNATURE'],
    ['only an entity of it is signed', asked(sign(federated.replace('<EntityDescriptor ', '<EntityDescriptor ID="_one" '), { target: '/*/*[1]', after: '/*/*[1]/*[1]' })), 'PORTICO_SAML_SIGNATURE'],
    ['wrapped in another', asked(federation(signed, ' ID="_outer"')), 'PORTICO_SAML_SIGNATURE'],
    ['SHA-1', asked(sign(federated, { algorithm: 'rsa-sha1' })), 'PORTICO_SAML_ALGORITHM'],
    ['a processing instruction in it', asked(signed.replace('<IDPSSODescriptor', '<?x y?><IDPSSODescriptor')), 'PORTICO_SAML_METADATA']
  ] as const) t.equal(codeOf(work), code, what)
  t.match(read(signed.replace(/<ds:DigestValue>[^<]*/, '<ds:DigestValue>AAAA'), { entityId: 'https://globex.example/idp' }), { certificates: [two] }, 'where nobody asks, it is not looked at')
})
