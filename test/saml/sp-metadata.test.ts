import { spawnSync } from 'node:child_process'
import { X509Certificate, constants, createPrivateKey, privateDecrypt, publicEncrypt, sign, verify } from 'node:crypto'
import { DOMParser } from '@xmldom/xmldom'
import t from 'tap'
import type { Configuration } from '../../src/config/configuration.ts'
import { saml } from '../../src/config/schema/connectors/saml.ts'
import { createSpKeys } from '../../src/connections/saml/sp-keys.ts'
import { spEntityIdOf, spMetadata } from '../../src/connections/saml/sp-metadata.ts'
import { configurationOf } from '../support/configuration.ts'
import { noSimpleSaml } from '../support/simplesamlphp.ts'

const ringOf = (...bytes: readonly number[]): Configuration => configurationOf({ keys: bytes.map(byte => Buffer.alloc(32, byte)) })

t.test('our keys are the same wherever they are derived, and for ever', async t => {
  const configuration = ringOf(7, 8)
  const [first, second, ...others] = await createSpKeys(() => configuration).all()
  if (first === undefined || second === undefined) throw new Error('no keys')
  t.same(others, [])
  // Providers have these certificates: a change of any byte locks everybody out
  t.equal(new X509Certificate(first.certificate).fingerprint256, 'D9:9D:6C:43:D0:D9:04:A3:4A:46:5E:8D:3E:79:F9:CC:CA:46:FF:85:54:58:B4:36:03:CC:A0:1E:56:35:A2:23')
  t.equal(new X509Certificate(second.certificate).fingerprint256, '95:DE:0E:75:A2:19:34:FF:95:91:6D:2C:9D:E3:7E:2B:2D:59:A1:7A:46:19:AA:21:FE:15:85:4D:E8:5F:4B:AB')
  t.same(await createSpKeys(() => ringOf(8, 7)).all(), [second, first], 'in the order of keys:, on another instance')
})

t.test('a key that is published ahead and moved to the front stays the key that it was, and is made once', async t => {
  let configuration = ringOf(1)
  const keys = createSpKeys(() => configuration)
  const [one] = await keys.all()
  configuration = ringOf(1, 2)
  const [still, next] = await keys.all()
  t.equal(still, one)
  configuration = ringOf(2, 1)
  const turned = await keys.all()
  t.equal(turned[0], next)
  t.equal(turned[1], one)
  configuration = ringOf(2)
  t.same(await keys.all(), [next])
  t.not(new X509Certificate(one?.certificate ?? '').fingerprint256, new X509Certificate(next?.certificate ?? '').fingerprint256)
})

t.test('a key is RSA-2048 and works, and its certificate carries it, for Node and for OpenSSL', async t => {
  const [made] = await createSpKeys(() => ringOf(7)).all()
  if (made === undefined) throw new Error('no key')
  const key = createPrivateKey(made.privateKey)
  const certificate = new X509Certificate(made.certificate)
  t.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2_048)
  t.ok(certificate.checkPrivateKey(key))
  t.ok(certificate.verify(certificate.publicKey), 'self-signed')
  t.ok(certificate.checkIssued(certificate))
  t.equal(certificate.subject, 'CN=Portico SAML')
  t.equal(certificate.ca, false)
  t.same([certificate.validFromDate, certificate.validToDate], [new Date('2025-01-01T00:00:00Z'), new Date('2055-01-01T00:00:00Z')])
  t.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/)
  const message = Buffer.from('an AuthnRequest')
  t.ok(verify('sha256', message, certificate.publicKey, sign('sha256', message, key)))
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  t.same(privateDecrypt({ key, ...oaep }, publicEncrypt({ key: certificate.publicKey, ...oaep }, message)), message)

  const folder = t.testdir({ 'sp.pem': made.certificate, 'sp.key': made.privateKey })
  const openssl = (...args: readonly string[]) => spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  await t.test('OpenSSL', { skip: process.env.CI === 'true' || openssl('version').error === undefined ? false : 'needs openssl, which another machine may lack: Node itself has read it above' }, async t => {
    t.match(openssl('verify', '-check_ss_sig', '-x509_strict', '-CAfile', 'sp.pem', 'sp.pem'), { status: 0, stdout: /OK/ })
    t.match(openssl('rsa', '-in', 'sp.key', '-check', '-noout'), { status: 0, stdout: /RSA key ok/ })
  })
})

const connectionWith = (settings: Readonly<Record<string, unknown>> = {}) => ({
  id: 'saml_acme',
  settings: saml.parse({ connector: 'saml', domains: ['acme.com'], metadata_url: 'https://idp.acme.com/metadata', ...settings })
})
const origin = 'https://auth.example.com'
const namespaces = { md: 'urn:oasis:names:tc:SAML:2.0:metadata', ds: 'http://www.w3.org/2000/09/xmldsig#' }

/** The elements of a document by their name, in order, as another reader than ours sees them. */
const elementsOf = (xml: string, namespace: keyof typeof namespaces, name: string): Element[] =>
  Array.from(new DOMParser().parseFromString(xml, 'text/xml').getElementsByTagNameNS(namespaces[namespace], name))

t.test('R7 our metadata: one entity, every key to verify with, one to encrypt for, and where answers go', async t => {
  const configuration = ringOf(7, 8)
  const keys = await createSpKeys(() => configuration).all()
  const xml = spMetadata(connectionWith(), origin, keys)
  t.equal(xml, spMetadata(connectionWith(), origin, keys))
  const [entity] = elementsOf(xml, 'md', 'EntityDescriptor')
  t.equal(entity?.getAttribute('entityID'), 'https://auth.example.com/saml/saml_acme/metadata')
  t.notOk(entity?.hasAttribute('validUntil'))
  const [descriptor] = elementsOf(xml, 'md', 'SPSSODescriptor')
  t.same(['AuthnRequestsSigned', 'WantAssertionsSigned', 'protocolSupportEnumeration'].map(name => descriptor?.getAttribute(name)), ['true', 'true', 'urn:oasis:names:tc:SAML:2.0:protocol'])
  t.same(Array.from(descriptor?.childNodes ?? []).map(node => node.nodeName).filter(name => name !== '#text'), [
    ...Array(3).fill('md:KeyDescriptor'), 'md:SingleLogoutService', 'md:SingleLogoutService', 'md:AssertionConsumerService'
  ], 'in the order of the schema, and no NameIDFormat that nobody asked for')
  const certificates = elementsOf(xml, 'ds', 'X509Certificate').map(({ textContent }) => new X509Certificate(Buffer.from(textContent ?? '', 'base64')).fingerprint256)
  const [first, second] = keys.map(({ certificate }) => new X509Certificate(certificate).fingerprint256)
  t.same(elementsOf(xml, 'md', 'KeyDescriptor').map(key => key.getAttribute('use')), ['signing', 'signing', 'encryption'])
  t.same(certificates, [first, second, first], 'the next key is published ahead')
  t.notOk(xml.includes('PRIVATE'))
  const methods = elementsOf(xml, 'md', 'EncryptionMethod').map(method => method.getAttribute('Algorithm'))
  t.same(methods.map(method => method?.split('#')[1]), ['aes256-gcm', 'aes192-gcm', 'aes128-gcm', 'rsa-oaep-mgf1p'], 'S10 nothing that can be asked until it tells')
  t.same(elementsOf(xml, 'md', 'SingleLogoutService').map(slo => [slo.getAttribute('Binding')?.split(':').at(-1), slo.getAttribute('Location')]), [
    ['HTTP-Redirect', 'https://auth.example.com/saml/saml_acme/slo'], ['HTTP-POST', 'https://auth.example.com/saml/saml_acme/slo']
  ])
  t.same(elementsOf(xml, 'md', 'AssertionConsumerService').map(acs => ['Binding', 'Location', 'index', 'isDefault'].map(name => acs.getAttribute(name))), [
    ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST', 'https://auth.example.com/saml/saml_acme/acs', '0', 'true']
  ])
})

/** Debian's SimpleSAMLphp brings the schema (SAML Metadata, Appendix), and PHP reads schemas. */
const schema = '/usr/share/simplesamlphp/schemas/saml-schema-metadata-2.0.xsd'
const validates = `$d = new DOMDocument(); $d->loadXML(stream_get_contents(STDIN)); exit($d->schemaValidate('${schema}') ? 0 : 1);`

t.test('R7 our metadata is valid by the schema', { skip: noSimpleSaml }, async t => {
  const keys = await createSpKeys(() => ringOf(7, 8)).all()
  for (const settings of [{}, { name_id_format: 'urn:x', acs_urls: ['https://old.example.com/acs'], dangerously_allow_cbc: true, sp_entity_id: 'urn:acme:<&">' }]) {
    const xml = spMetadata(connectionWith(settings), origin, keys)
    const validate = (input: string): number | null => spawnSync('php', ['-r', validates], { input }).status
    t.equal(validate(xml), 0)
    t.equal(validate(xml.replace(' protocolSupportEnumeration', ' x')), 1, 'and what is not, is not')
  }
})

t.test('our metadata says what the settings say, whatever they hold', async t => {
  const keys = await createSpKeys(() => ringOf(7)).all()
  const hostile = 'urn:acme:"><x a=\'&amp;\'>&'
  const connection = connectionWith({
    sp_entity_id: hostile, name_id_format: hostile, sign_requests: false, dangerously_allow_cbc: true, acs_urls: ['https://old.example.com/saml/acs?tenant=acme&x=1']
  })
  const xml = spMetadata(connection, origin, keys)
  t.equal(spEntityIdOf(connection, origin), hostile)
  t.equal(elementsOf(xml, 'md', 'EntityDescriptor')[0]?.getAttribute('entityID'), hostile)
  t.equal(elementsOf(xml, 'md', 'NameIDFormat')[0]?.textContent, hostile)
  t.equal(elementsOf(xml, 'md', 'SPSSODescriptor')[0]?.getAttribute('AuthnRequestsSigned'), 'false')
  t.ok(elementsOf(xml, 'md', 'EncryptionMethod').some(method => method.getAttribute('Algorithm')?.endsWith('#aes256-cbc')))
  t.same(elementsOf(xml, 'md', 'AssertionConsumerService').map(acs => [acs.getAttribute('Location'), acs.getAttribute('index'), acs.getAttribute('isDefault')]), [
    ['https://auth.example.com/saml/saml_acme/acs', '0', 'true'], ['https://old.example.com/saml/acs?tenant=acme&x=1', '1', '']
  ])
})
