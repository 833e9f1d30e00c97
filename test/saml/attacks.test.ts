import { createPublicKey } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import t from 'tap'
import { judge } from '../../src/connections/saml/judge.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { assertionIn, createForge, createForgeKey } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { dataCiphers, encryptElement, keyTransports, type DataCipher, type EncryptionOptions, type KeyTransport } from '../support/saml/encrypting.ts'
import { hostileXml } from '../support/saml/floods.ts'
import { createBench } from '../support/saml/judging.ts'
import { namespaces, success, type Facts } from '../support/saml/message.ts'
import { enveloped, exclusive, signXml, type DigestMethod, type SignatureMethod } from '../support/saml/signing.ts'
import { everyTree, firstNamed, parentOf, replaceTree, setAttribute, treeOf, type Tree } from '../support/saml/tree.ts'
import { accepts, refuses, tampered, type Vectors } from '../support/saml/vectors.ts'
import { falsify, hidings, operate, wrappings } from '../support/saml/wrapping.ts'

const now = Math.floor(Date.now() / 1_000)
const forge = createForge({ now: () => now })
const mallory = createForge({ now: () => now })
const ourKey = createForgeKey()
const ours = createCertificate(ourKey)
const bench = createBench(forge, now, [ourKey.export({ type: 'pkcs8', format: 'pem' }).toString()])

/** Whatever is wrong with the structure of a message. */
const structural: readonly ErrorCode[] = ['PORTICO_SAML_MESSAGE', 'PORTICO_SAML_SIGNATURE', 'PORTICO_SAML_ASSERTION']
const unreadable: readonly ErrorCode[] = ['PORTICO_SAML_MESSAGE']
const unproven: readonly ErrorCode[] = ['PORTICO_SAML_SIGNATURE']

type Style = 'response' | 'assertion' | 'both'
const styles: readonly Style[] = ['response', 'assertion', 'both']
const signedIn = (what: Style, facts?: Partial<Facts>): string => forge.sign(forge.response(facts), { what })
const named = <T>(names: readonly string[], of: (name: string) => T): Readonly<Record<string, T>> => Object.fromEntries(names.map(name => [name, of(name)]))
const inEveryStyle = (change: (xml: string, style: Style) => string, facts?: Partial<Facts>): Vectors =>
  Object.fromEntries(styles.map(style => [style, change(signedIn(style, facts), style)]))
const into = (what: string) => (xml: string): string => xml.replace(/(<saml:NameID[^>]*>)/, `$1${what}`)

t.test('the control: what is attacked below is accepted when nobody attacks it', async t => {
  await accepts(t, bench, inEveryStyle(xml => xml))
  await accepts(t, bench, inEveryStyle(xml => `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`))
  t.equal(await bench.code(forge.encrypt(signedIn('assertion'), ours)), 'received')
  t.equal(await bench.code(forge.sign(forge.encrypt(forge.response(), ours), { what: 'response' })), 'received')
  t.match(await bench.received(signedIn('assertion')), { inResponseTo: '_request', assertion: { nameId: { value: 'ada-1' }, attributes: [['mail', ['ada@acme.com']], ['displayName', ['Ada Lovelace']], ['memberOf', ['staff', 'R&D']]] } })
})

t.test('S1 V25 signature wrapping 1 to 8, response, assertion and both signed', async t => {
  for (const style of styles) {
    for (const id of ['_evil', undefined]) {
      const wrapped = Object.entries(wrappings(id)).map(([name, surgery]) => [`${style} ${name} ${id ?? 'same ID'}`, operate(signedIn(style), surgery)] as const)
      await refuses(t, bench, Object.fromEntries(wrapped), structural)
      // what is forged is signed as well, by somebody
      const signed = wrapped.map(([name, xml]) => [`${name}, signed by mallory`, mallory.sign(xml, { what: 'response' })] as const)
      await refuses(t, bench, Object.fromEntries(signed), structural)
    }
  }
})

t.test('S1 V24 an assertion put anywhere else', async t => {
  for (const style of styles) {
    await refuses(t, bench, Object.fromEntries(Object.entries(hidings).map(([name, surgery]) => [`${style}: ${name}`, operate(signedIn(style), surgery)])), structural)
  }
  // V24: one of two assertions is signed, in either order, and the response around them is or is not
  const evil = assertionIn(operate(forge.response(), response => { falsify(response) }))
  const two = tampered(signedIn('assertion'), {
    'unsigned before signed': xml => xml.replace('<saml:Assertion ', () => `${evil}<saml:Assertion `),
    'unsigned behind signed': xml => xml.replace('</samlp:Response>', () => `${evil}</samlp:Response>`),
    'mallory’s before': xml => xml.replace('<saml:Assertion ', () => `${assertionIn(mallory.sign(mallory.response()))}<saml:Assertion `)
  })
  await refuses(t, bench, two, structural)
  await refuses(t, bench, Object.fromEntries(Object.entries(two).map(([name, xml]) => [`${name}, all signed as response`, forge.sign(xml, { what: 'response' })])), structural)
  await refuses(t, bench, {
    'encrypted before the signed one': signedIn('assertion').replace('<saml:Assertion ', () => `${encryptElement(evil, ours)}<saml:Assertion `),
    'encrypted behind the signed one': signedIn('assertion').replace('</samlp:Response>', () => `${encryptElement(evil, ours)}</samlp:Response>`),
    'two inside one encryption': signedIn('assertion').replace(/<saml:Assertion .*<\/saml:Assertion>/, all => encryptElement(`${all}${evil}`, ours)),
    'encrypted, unsigned': forge.encrypt(forge.response(), ours),
    'encrypted, signed by mallory': mallory.encrypt(mallory.sign(mallory.response()), ours),
    'the forged one around the encrypted one': operate(forge.encrypt(signedIn('assertion'), ours), response => {
      const encrypted = firstNamed(response, 'EncryptedAssertion')
      replaceTree(response, encrypted, { name: 'saml:Assertion', attributes: [['ID', '_evil'], ['Version', '2.0']], children: [encrypted] })
    }),
    'an encrypted one inside the encrypted one': forge.response().replace(/<saml:Assertion .*<\/saml:Assertion>/, () => encryptElement(encryptElement(assertionIn(signedIn('assertion')), ours), ours)),
    'a response inside the encryption': forge.response().replace(/<saml:Assertion .*<\/saml:Assertion>/, () => encryptElement(signedIn('response'), ours)),
    'no assertion at all': forge.sign(operate(forge.response(), response => { replaceTree(response, firstNamed(response, 'Assertion')) }), { what: 'response' })
  }, [...structural, 'PORTICO_SAML_ENCRYPTION'])
})

t.test('S2 a signed error, and a decoy that holds what is forged', async t => {
  const status = 'urn:oasis:names:tc:SAML:2.0:status:Responder'
  const error = forge.sign(operate(forge.response({ status }), response => { replaceTree(response, firstNamed(response, 'Assertion')) }), { what: 'response' })
  const evil = assertionIn(operate(forge.response(), response => { falsify(response) }))
  const decoy = `<ds:Signature xmlns:ds="${namespaces.signature}"><ds:SignedInfo/><ds:SignatureValue/><ds:Object>${evil}</ds:Object></ds:Signature>`
  t.equal(await bench.code(error), 'PORTICO_SAML_STATUS')
  await refuses(t, bench, tampered(error, {
    'an assertion put in': xml => xml.replace('</samlp:Response>', () => `${evil}</samlp:Response>`),
    'a decoy with an Object': xml => xml.replace('</samlp:Response>', () => `${decoy}</samlp:Response>`),
    'a decoy before the signature': xml => xml.replace('<ds:Signature ', () => `${decoy}<ds:Signature `),
    'an Object in the signature': xml => xml.replace('</ds:Signature>', () => `<ds:Object>${evil}</ds:Object></ds:Signature>`),
    'a good status before it': xml => xml.replace('<samlp:Status>', `<samlp:Status><samlp:StatusCode Value="${success}"/></samlp:Status><samlp:Status>`),
    'a good response around it': xml => operate(forge.response({ status: success }), outer => { outer.children.push(xml) })
  }), structural)
  t.equal(await bench.code(forge.sign(forge.response({ status }), { what: 'both' })), 'PORTICO_SAML_STATUS')
})

t.test('S3 S4 V26 comments, CDATA and processing instructions, before and after signing', async t => {
  const cutters = ['<!---->', '<!-- x -->', '<![CDATA[]]>', '<![CDATA[eve]]>', '<?p eve-?>', '<?p not-an-?>', '<?xml version="1.0"?>', '<?xml-stylesheet href="x"?>']
  for (const cutter of cutters) {
    await refuses(t, bench, inEveryStyle(into(cutter)), unreadable)
    const signed = forge.sign(into(cutter)(forge.response()))
    // an empty one, whoever signs leaves out
    if (signed.includes(cutter)) t.equal(await bench.code(signed), 'PORTICO_SAML_MESSAGE', `signed with ${cutter}`)
    await refuses(t, bench, {
      'before the root': `${cutter === '<?xml version="1.0"?>' ? ' ' : ''}${cutter}${signedIn('assertion')}`,
      'behind the root': `${signedIn('assertion')}${cutter}`,
      'in the digest': signedIn('assertion').replace('<ds:DigestValue>', `<ds:DigestValue>${cutter}`),
      'in the signature value': signedIn('assertion').replace('<ds:SignatureValue>', `<ds:SignatureValue>${cutter}`),
      'in the audience': signedIn('assertion').replace('</saml:Audience>', `${cutter}</saml:Audience>`),
      'in the issuer': signedIn('assertion').replace('</saml:Issuer>', `${cutter}</saml:Issuer>`)
    }, unreadable)
  }
  const truncated = forge.sign(forge.response({ nameId: { value: 'ada@acme.com' } })).replace('ada@acme.com', 'ada@acme.com<!---->.evil.example')
  t.equal(await bench.code(truncated), 'PORTICO_SAML_MESSAGE')
  t.equal(await bench.code(`\ufeff${signedIn('assertion')}`), 'PORTICO_SAML_MESSAGE', 'a byte order mark')
})

t.test('S5 what a signature says twice, or with more than text', async t => {
  const part = (xml: string, name: string): string => new RegExp(`<ds:${name}[ >].*?</ds:${name}>`, 's').exec(xml)?.[0] ?? ''
  const evilInfo = (xml: string): string => part(xml, 'SignedInfo').replace(/(<ds:DigestValue>)[^<]*/, '$1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')
  await refuses(t, bench, Object.fromEntries(styles.flatMap(style => Object.entries(tampered(signedIn(style), {
    'two SignedInfo, the other before': xml => xml.replace('<ds:SignedInfo>', () => `${evilInfo(xml)}<ds:SignedInfo>`),
    'two SignedInfo, the other behind': xml => xml.replace('</ds:SignedInfo>', () => `</ds:SignedInfo>${evilInfo(xml)}`),
    'SignedInfo in an Object': xml => xml.replace('</ds:SignatureValue>', () => `</ds:SignatureValue><ds:Object>${evilInfo(xml)}</ds:Object>`),
    'SignedInfo twice the same': xml => xml.replace('</ds:SignedInfo>', () => `</ds:SignedInfo>${part(xml, 'SignedInfo')}`),
    'two DigestValue': xml => xml.replace('<ds:DigestValue>', '<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>'),
    'an element in DigestValue': xml => xml.replace('<ds:DigestValue>', '<ds:DigestValue><x xmlns="urn:x">AAAA</x>'),
    'two SignatureValue': xml => xml.replace('<ds:SignatureValue>', () => `${part(xml, 'SignatureValue')}<ds:SignatureValue>`),
    'two References': xml => xml.replace('</ds:Reference>', () => `</ds:Reference>${part(xml, 'Reference')}`),
    'no Reference': xml => xml.replace(part(xml, 'Reference'), ''),
    'two signatures': xml => xml.replace('<ds:Signature ', () => `${part(xml, 'Signature')}<ds:Signature `),
    'another namespace': xml => xml.replace(`xmlns:ds="${namespaces.signature}"`, 'xmlns:ds="http://www.w3.org/2000/09/xmldsig"'),
    'white space in the URI': xml => xml.replace('<ds:Reference URI="#', '<ds:Reference URI=" #'),
    'an entity in the URI': xml => xml.replace('<ds:Reference URI="#', '<ds:Reference URI="&#38;#'),
    'SignatureValue of another message': xml => xml.replace(part(xml, 'SignatureValue'), part(signedIn('assertion'), 'SignatureValue'))
  })).map(([name, xml]) => [`${style}: ${name}`, xml]))), structural)
})

t.test('S6 what two parsers might read in two ways', async t => {
  const declared = (xml: string, what: string): string => xml.replace('<samlp:Response ', `<samlp:Response ${what} `)
  await refuses(t, bench, Object.fromEntries(styles.flatMap(style => Object.entries(tampered(signedIn(style), {
    DOCTYPE: xml => `<!DOCTYPE Response>${xml}`,
    'DOCTYPE with entity': xml => `<!DOCTYPE r [<!ENTITY e "eve">]>${xml.replace('ada-1', '&e;')}`,
    'DOCTYPE behind the declaration': xml => `<?xml version="1.0"?><!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">${xml}`,
    'DOCTYPE with ID attribute': xml => `<!DOCTYPE r [<!ATTLIST r x ID #IMPLIED>]>${xml}`,
    'lower case doctype': xml => `<!doctype r>${xml}`,
    'ENTITY alone': xml => `<!ENTITY e "eve">${xml}`,
    'unknown entity': xml => xml.replace('ada-1', '&eve;'),
    'an ID twice': xml => xml.replace('<samlp:Status>', () => `<samlp:Status ID="${/<saml:Assertion [^>]*ID="([^"]*)"/.exec(xml)?.[1]}">`),
    'an ID twice as Id': xml => xml.replace('<samlp:Status>', () => `<samlp:Status Id="${/<saml:Assertion [^>]*ID="([^"]*)"/.exec(xml)?.[1]}">`),
    'an ID twice as xml:id': xml => xml.replace('<samlp:Status>', () => `<samlp:Status xml:id="${/ ID="([^"]*)"/.exec(xml)?.[1]}">`),
    'an ID twice as wsu:Id': xml => xml.replace('<samlp:Status>', () => `<samlp:Status xmlns:wsu="urn:wsu" wsu:Id="${/ ID="([^"]*)"/.exec(xml)?.[1]}">`),
    'a relative namespace': xml => declared(xml, 'xmlns:x="1"'),
    'a relative namespace inside': xml => xml.replace('<samlp:Status>', '<samlp:Status xmlns:x="../x">'),
    'an unbound prefix': xml => xml.replace('<samlp:Status>', '<samlp:Status nope:a="1">'),
    'an undeclared prefix': xml => declared(xml, 'xmlns:x=""'),
    'xml bound otherwise': xml => declared(xml, 'xmlns:xml="urn:x"'),
    'xmlns as an element’s prefix': xml => xml.replaceAll('samlp:Status', 'xmlns:Status'),
    'an attribute twice': xml => xml.replace(' Destination="', ' Destination="http://evil.example/" Destination="'),
    'an attribute twice by namespace': xml => xml.replace('<samlp:Status>', '<samlp:Status xmlns:a="urn:a" xmlns:b="urn:a" a:x="1" b:x="2">'),
    'an attribute without quotes': xml => xml.replace('Version="2.0"', 'Version=2.0'),
    'an attribute without a value': xml => declared(xml, 'Version2'),
    'attributes without space between': xml => xml.replace('" Version="2.0"', '"Version="2.0"'),
    'a tag that is not closed': xml => xml.replace('</samlp:Response>', ''),
    'tags that cross': xml => xml.replace('</saml:AudienceRestriction></saml:Conditions>', '</saml:Conditions></saml:AudienceRestriction>'),
    'two roots': xml => `${xml}<x/>`,
    'text behind the root': xml => `${xml}eve`,
    'a NUL': xml => xml.replace('ada-1', 'ada-1\0'),
    'a NUL by number': xml => xml.replace('ada-1', 'ada-1&#0;'),
    'a control character by number': xml => xml.replace('ada-1', 'ada-1&#1;'),
    'half a character by number': xml => xml.replace('ada-1', 'ada-1&#xd800;'),
    'a number beyond Unicode': xml => xml.replace('ada-1', 'ada-1&#x110000;'),
    'a number beyond numbers': xml => xml.replace('ada-1', `ada-1&#${'9'.repeat(400)};`),
    'a bare ampersand': xml => xml.replace('ada-1', 'ada & eve'),
    'a bare less-than in an attribute': xml => xml.replace('Version="2.0"', 'Version="<2.0"'),
    'the end of CDATA': xml => xml.replace('ada-1', 'ada-1]]>'),
    'XML 1.1': xml => `<?xml version="1.1"?>${xml}`,
    'two declarations': xml => `<?xml version="1.0"?><?xml version="1.0"?>${xml}`,
    'a declaration of UTF-7': xml => `<?xml version="1.0" encoding="UTF-7"?>${xml}`,
    'a declaration of UTF-16': xml => `<?xml version="1.0" encoding="UTF-16"?>${xml}`,
    'a declaration of windows-1252': xml => `<?xml version="1.0" encoding="windows-1252"?>${xml}`,
    'XHTML, in which xmldom reads scripts': xml => xml.replace('<samlp:Status>', '<samlp:Status><script xmlns="http://www.w3.org/1999/xhtml"><x></script>'),
    'a line separator': xml => xml.replace('ada-1', 'ada\u2028eve'),
    'a next line': xml => xml.replace('ada-1', 'ada\u0085eve')
  })).map(([name, xml]) => [`${style}: ${name}`, xml]))), unreadable)
  // void canonicalization: where canonicalization fails, some take the digest of nothing
  const empty = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
  await refuses(t, bench, Object.fromEntries(['xmlns:ns="1"', 'xmlns:ns=""', 'xmlns:ns="relative/uri"'].map(declaration =>
    [declaration, declared(signedIn('response').replace(/(<ds:DigestValue>)[^<]*/, `$1${empty}`), declaration)])), unreadable)
})

t.test('S6 bytes that are no message', async t => {
  const xml = signedIn('assertion')
  const bytes = (buffer: Uint8Array): string => Buffer.from(buffer).toString('base64')
  const bad: Readonly<Record<string, string>> = {
    empty: '',
    'one character': 'A',
    'not base64': '<samlp:Response/>',
    base64url: bytes(Buffer.from(xml.replace('ada-1', 'ÿþýüûúù'))).replaceAll('+', '-').replaceAll('/', '_'),
    'padding in the middle': `${bytes(Buffer.from(xml.slice(0, 100)))}=${bytes(Buffer.from(xml.slice(100)))}`,
    'garbage behind': `${forge.post(xml)}!`,
    'a comma': forge.post(xml).replace(/^(.{40})/, '$1,'),
    'percent encoded twice': encodeURIComponent(forge.post(xml)).padEnd(8, '%'),
    'UTF-16': bytes(Buffer.from(`\ufeff${xml}`, 'utf16le')),
    'UTF-16 without a mark': bytes(Buffer.from(xml, 'utf16le')),
    'UTF-8 that is none': bytes(Buffer.concat([Buffer.from(xml.slice(0, 900)), Buffer.from([0xc0, 0xae]), Buffer.from(xml.slice(900))])),
    'a lone surrogate': bytes(Buffer.concat([Buffer.from(xml.slice(0, -30)), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from(xml.slice(-30))])),
    'UTF-7': bytes(Buffer.from(`+ADw-samlp:Response+AD4-${xml}`)),
    deflated: bytes(deflateRawSync(xml)),
    'base64 of base64': bytes(Buffer.from(forge.post(xml))),
    JSON: bytes(Buffer.from('{"Response":{}}')),
    HTML: bytes(Buffer.from('<!doctype html><p>x'))
  }
  for (const [name, message] of Object.entries(bad)) {
    t.match(await bench.judge(message), { kind: 'refused', refusal: { code: 'PORTICO_SAML_MESSAGE' } }, name)
  }
  t.match(await bench.judge(forge.post(xml).replace(/.{76}/g, '$&\r\n')), { kind: 'received' }, 'lines of 76 are base64 too')
})

t.test('S7 what nobody signed', async t => {
  const unsigned = forge.response()
  const emptied = (xml: string, name: string): string => xml.replace(new RegExp(`<ds:${name}>.*?</ds:${name}>`, 'gs'), `<ds:${name}/>`)
  await refuses(t, bench, {
    unsigned,
    ...inEveryStyle(xml => xml.replaceAll(/<ds:Signature .*?<\/ds:Signature>/gs, '')),
    'an empty signature': unsigned.replace('<samlp:Status>', `<ds:Signature xmlns:ds="${namespaces.signature}"/><samlp:Status>`),
    'no value': emptied(signedIn('assertion'), 'SignatureValue'),
    'no digest': emptied(signedIn('assertion'), 'DigestValue'),
    'no SignedInfo': emptied(signedIn('assertion'), 'SignedInfo'),
    'value AAAA': signedIn('assertion').replace(/(<ds:SignatureValue>)[^<]*/, '$1AAAA')
  }, structural)
  await refuses(t, bench, inEveryStyle(xml => xml), unproven, { certificates: [] })
  await refuses(t, bench, { response: signedIn('response'), unsigned }, unproven, { wantSigned: 'assertion' })
  await refuses(t, bench, { assertion: signedIn('assertion'), unsigned }, unproven, { wantSigned: 'response' })
  await refuses(t, bench, { response: signedIn('response'), assertion: signedIn('assertion'), unsigned }, unproven, { wantSigned: 'both' })
  // what is signed beside what counts must verify as well
  await refuses(t, bench, {
    'a bad assertion in a good response': forge.sign(mallory.sign(forge.response()), { what: 'response' }),
    'a good assertion in a bad response': mallory.sign(forge.sign(forge.response()), { what: 'response' })
  }, unproven)
})

t.test('S8 the wrong keys', async t => {
  const weak = createForge({ now: () => now, privateKey: createForgeKey('rsa', 1_024) })
  const spki = createPublicKey(forge.certificate).export({ type: 'spki', format: 'pem' }).toString()
  const bare = forge.certificate.replace(/-----.*?-----|\s/g, '')
  for (const what of styles) {
    await refuses(t, bench, {
      'mallory’s key and certificate': mallory.sign(forge.response(), { what }),
      'mallory’s key, the provider’s certificate': mallory.sign(forge.response(), { what, certificate: forge.certificate }),
      'both certificates': mallory.sign(forge.response(), { what, certificate: forge.certificate + mallory.certificate }),
      'mallory’s key as KeyValue': mallory.sign(forge.response(), { what }).replace(/<ds:X509Data>.*?<\/ds:X509Data>/gs, '<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>'),
      'our own key': forge.sign(forge.response(), { what, key: bench.expectations.decryptionKeys[0] ?? '' })
    }, unproven)
    for (const [name, key] of Object.entries({ PEM: forge.certificate, 'public key': spki, base64: bare, DER: Buffer.from(bare, 'base64').toString('latin1'), nothing: '' })) {
      await refuses(t, bench, {
        [`HMAC-SHA1 with the certificate as ${name}`]: forge.sign(forge.response(), { what, algorithm: 'hmac-sha1', key }),
        [`HMAC-SHA256 with the certificate as ${name}`]: forge.sign(forge.response(), { what, algorithm: 'hmac-sha256', key })
      }, ['PORTICO_SAML_ALGORITHM'], { allowSha1: true })
    }
    await refuses(t, bench, { 'RSA of 1,024 bits': weak.sign(weak.response(), { what }) }, unproven, { certificates: [weak.certificate] })
  }
  await accepts(t, bench, {
    'no KeyInfo': forge.sign(forge.response(), { certificate: undefined }),
    'KeyInfo of another': forge.sign(forge.response(), { certificate: mallory.certificate })
  })
  // the second of two certificates signs, and its own thumbprint is what is remembered
  const both = await bench.received(signedIn('assertion'), { certificates: [mallory.certificate, forge.certificate] })
  t.equal(both.certificate, (await bench.received(signedIn('assertion'))).certificate)
  t.not(both.certificate, (await bench.received(mallory.sign(mallory.response()), { certificates: [mallory.certificate, forge.certificate] })).certificate)
})

t.test('S9 algorithms', async t => {
  const weak: readonly ErrorCode[] = ['PORTICO_SAML_ALGORITHM']
  const c14n = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'
  const ec = createForge({ now: () => now, privateKey: createForgeKey('ec') })
  for (const what of styles) {
    const by = (algorithm: SignatureMethod) => forge.sign(forge.response(), { what, algorithm })
    const over = (digest: DigestMethod) => forge.sign(forge.response(), { what, digest })
    const shaped = (transforms: readonly string[]) => forge.sign(forge.response(), { what, transforms })
    await refuses(t, bench, { ...named(['rsa-md5', 'rsa-sha1'], name => by(name === 'rsa-md5' ? name : 'rsa-sha1')), 'digest MD5': over('md5'), 'digest SHA-1': over('sha1') }, weak)
    await refuses(t, bench, { 'MD5, SHA-1 allowed': by('rsa-md5'), 'digest MD5, SHA-1 allowed': over('md5') }, weak, { allowSha1: true })
    await accepts(t, bench, { 'SHA-1 allowed': forge.sign(forge.response(), { what, algorithm: 'rsa-sha1', digest: 'sha1' }) }, { allowSha1: true })
    await accepts(t, bench, { 'RSA-SHA384': by('rsa-sha384'), 'RSA-SHA512': by('rsa-sha512'), PSS: by('rsa-pss-sha256'), 'digest SHA-384': over('sha384'), 'digest SHA-512': over('sha512') })
    await accepts(t, bench, { ECDSA: ec.sign(ec.response(), { what }) }, { certificates: [ec.certificate] })
    await refuses(t, bench, { 'ECDSA-SHA1': ec.sign(ec.response(), { what, algorithm: 'ecdsa-sha1' }) }, weak, { certificates: [ec.certificate], allowSha1: true })
    await refuses(t, bench, {
      'inclusive canonicalization': shaped([enveloped, c14n]),
      'inclusive, with comments': shaped([enveloped, `${c14n}#WithComments`]),
      'exclusive, with comments': shaped([enveloped, `${exclusive}WithComments`]),
      'enveloped alone': shaped([enveloped]),
      'exclusive alone': shaped([exclusive]),
      'the other order': shaped([exclusive, enveloped]),
      'exclusive twice': shaped([enveloped, exclusive, exclusive]),
      'enveloped twice': shaped([enveloped, enveloped, exclusive]),
      'SignedInfo by inclusive canonicalization': forge.sign(forge.response(), { what, canonicalization: c14n }),
      'SignedInfo with comments': forge.sign(forge.response(), { what, canonicalization: `${exclusive}WithComments` })
    }, [...weak, ...unproven])
  }
  await refuses(t, bench, tampered(signedIn('assertion'), {
    'an unknown SignatureMethod': xml => xml.replace('#rsa-sha256', '#rsa-sha257'),
    'no SignatureMethod': xml => xml.replace(/<ds:SignatureMethod[^>]*>/, ''),
    'a name of Object.prototype': xml => xml.replace(/(<ds:SignatureMethod Algorithm=")[^"]*/, '$1constructor'),
    'a digest named __proto__': xml => xml.replace(/(<ds:DigestMethod Algorithm=")[^"]*/, '$1__proto__'),
    'an XPath transform': xml => xml.replace(/<ds:Transforms>.*<\/ds:Transforms>/, '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>false()</ds:XPath></ds:Transform></ds:Transforms>'),
    'an XSLT transform': xml => xml.replace(/<ds:Transforms>.*<\/ds:Transforms>/, '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/></ds:Transforms>'),
    'no transforms': xml => xml.replace(/<ds:Transforms>.*<\/ds:Transforms>/, ''),
    HMACOutputLength: xml => xml.replace(/(<ds:SignatureMethod [^>]*)\/>/, '$1><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>')
  }), [...weak, ...unproven])
})

t.test('S10 encryption: what is accepted, and nothing to ask an oracle', async t => {
  const inside = signedIn('assertion')
  const encrypted = (options: EncryptionOptions, xml = inside) => forge.encrypt(xml, ours, options)
  const weak: readonly ErrorCode[] = ['PORTICO_SAML_ALGORITHM']
  const transports = Object.keys(keyTransports).filter((name): name is KeyTransport => name in keyTransports)
  const ciphers = Object.keys(dataCiphers).filter((name): name is DataCipher => name in dataCiphers)
  await accepts(t, bench, Object.fromEntries(transports.filter(key => key !== 'rsa-1_5').map(key => [key, encrypted({ key })])))
  await accepts(t, bench, Object.fromEntries(ciphers.filter(data => data.endsWith('gcm')).map(data => [data, encrypted({ data })])))
  await accepts(t, bench, { 'the key beside': encrypted({ place: 'beside' }) })
  await refuses(t, bench, { 'RSA 1.5': encrypted({ key: 'rsa-1_5' }), ...Object.fromEntries(ciphers.filter(data => !data.endsWith('gcm')).map(data => [data, encrypted({ data })])) }, weak)
  await accepts(t, bench, { 'CBC where it is allowed': encrypted({ data: 'aes128-cbc' }), 256: encrypted({ data: 'aes256-cbc' }) }, { allowCbc: true })
  await refuses(t, bench, { 'RSA 1.5, CBC allowed': encrypted({ key: 'rsa-1_5', data: 'aes128-cbc' }), 'triple DES': encrypted({ data: 'tripledes' }) }, weak, { allowCbc: true })

  const flip = (bytes: Buffer, at: number): Buffer => Buffer.from(bytes.map((byte, index) => index === (at + bytes.length) % bytes.length ? byte ^ 1 : byte))
  const broken: Readonly<Record<string, EncryptionOptions>> = {
    'the wrapped key, first byte': { wrappedKey: bytes => flip(bytes, 0) },
    'the wrapped key, last byte': { wrappedKey: bytes => flip(bytes, -1) },
    'half a wrapped key': { wrappedKey: bytes => bytes.subarray(0, 128) },
    'a wrapped key too long': { wrappedKey: bytes => Buffer.concat([bytes, bytes]) },
    'the initialization vector': { cipherText: bytes => flip(bytes, 0) },
    'the text': { cipherText: bytes => flip(bytes, 40) },
    'the tag': { cipherText: bytes => flip(bytes, -1) },
    'a short tag': { cipherText: bytes => bytes.subarray(0, -8) },
    'no text': { cipherText: bytes => bytes.subarray(0, 4) },
    'bytes that are no text': { plain: plain => Buffer.concat([plain, Buffer.from([0xff])]) },
    'text that is no XML': { plain: () => Buffer.from('ada') },
    nothing: { plain: () => Buffer.alloc(0) }
  }
  for (const data of ['aes256-gcm', 'aes128-cbc'] as const) {
    const refusals = new Map<string, unknown>()
    for (const [name, options] of Object.entries(broken)) refusals.set(name, await bench.refusal(encrypted({ ...options, data }), { allowCbc: true }))
    if (data === 'aes128-cbc') {
      // which of these it was would tell whoever changes blocks of somebody else's what they say
      const texts: Readonly<Record<string, string>> = {
        'nobody signed it': assertionIn(forge.response()),
        'mallory signed it': assertionIn(mallory.sign(mallory.response())),
        'another algorithm': assertionIn(inside.replace('#rsa-sha256', '#rsa-sha257')),
        'another digest': assertionIn(inside.replace('xmlenc#sha256', 'xmlenc#sha257')),
        'something else': '<saml:Advice xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>',
        'an assertion within': assertionIn(inside).replace('<saml:Conditions ', '<saml:Assertion/><saml:Conditions '),
        'an encrypted one within': assertionIn(inside).replace(/<saml:NameID .*<\/saml:NameID>/, () => encryptElement('<saml:NameID>eve</saml:NameID>', ours, { data, key: 'rsa-1_5', wrapper: 'saml:EncryptedID' }))
      }
      for (const [name, text] of Object.entries(texts)) refusals.set(name, await bench.refusal(encrypted({ data, plain: () => Buffer.from(text) }), { allowCbc: true }))
    }
    refusals.set('for another', await bench.refusal(forge.encrypt(inside, mallory.certificate, { data }), { allowCbc: true }))
    const first = refusals.get('the text')
    t.match(first, { code: 'PORTICO_SAML_ENCRYPTION' })
    for (const [name, refusal] of refusals) t.same(refusal, first, `${data}: ${name} reads like every other failure`)
  }
  t.equal(await bench.code(encrypted({}), { decryptionKeys: [] }), 'PORTICO_SAML_ENCRYPTION')

  // a response that is signed is verified before anything in it is opened
  const wrongly = mallory.sign(encrypted({ wrappedKey: bytes => flip(bytes, 0) }), { what: 'response' })
  t.equal(await bench.code(wrongly), 'PORTICO_SAML_SIGNATURE')
  const later = forge.sign(forge.encrypt(forge.response(), ours), { what: 'response' })
  await refuses(t, bench, tampered(later, {
    'the text changed': xml => xml.replace(/(<xenc:CipherValue>.{40})./g, '$1_'),
    'another’s assertion inside': xml => xml.replace(/<saml:EncryptedAssertion.*<\/saml:EncryptedAssertion>/, () => encryptElement(assertionIn(forge.response({ nameId: { value: 'eve-1' } })), ours))
  }), unproven)
  await refuses(t, bench, tampered(encrypted({}), {
    'a CipherReference': xml => xml.replace(/<xenc:CipherValue>.*?<\/xenc:CipherValue>/, '<xenc:CipherReference URI="http://127.0.0.1:1/x"/>'),
    'a RetrievalMethod elsewhere': xml => xml.replace(/<xenc:EncryptedKey .*<\/xenc:EncryptedKey>/, '<ds:RetrievalMethod URI="http://127.0.0.1:1/x"/>'),
    'no EncryptedKey': xml => xml.replace(/<xenc:EncryptedKey .*<\/xenc:EncryptedKey>/, ''),
    'a hundred EncryptedKeys': xml => xml.replace(/<xenc:EncryptedKey .*<\/xenc:EncryptedKey>/, all => all.repeat(100)),
    'no CipherData': xml => xml.replace(/<xenc:CipherData>.*?<\/xenc:CipherData>/g, ''),
    'two EncryptedData': xml => xml.replace(/<xenc:EncryptedData .*<\/xenc:EncryptedData>/, all => all.repeat(2).replace(/ Id="[^"]*"/g, '')),
    'two EncryptedAssertions': xml => xml.replace(/<saml:EncryptedAssertion.*<\/saml:EncryptedAssertion>/, all => all.repeat(2).replace(/ Id="[^"]*"/g, ''))
  }), [...structural, 'PORTICO_SAML_ENCRYPTION', 'PORTICO_SAML_ALGORITHM'])
})

t.test('S11 S12 floods are refused', async t => {
  const root = (inside: string): string => `<samlp:Response xmlns:samlp="${namespaces.protocol}" ID="_1" Version="2.0">${inside}</samlp:Response>`
  const growing = (count: number, part: (index: number) => string): string => Array.from({ length: count }, (_, index) => part(index)).join('')
  const flood: Vectors = {
    ...hostileXml(forge),
    'attributes of many elements': root(`<a ${growing(20, index => `a${index}="" `)}/>`.repeat(900)),
    namespaces: root(`<a ${growing(4_000, index => `xmlns:a${index}="urn:a" `)}/>`),
    'a long name': root(`<${'a'.repeat(100_000)}/>`),
    'a long attribute name': root(`<a ${'a'.repeat(100_000)}=""/>`),
    'numeric references that are none': root('&#'.repeat(100_000)),
    quotes: root(`<a b=${'"'.repeat(200_000)}`),
    'an external entity': `<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>${root('&a;')}`,
    'a parameter entity': `<!DOCTYPE r [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x"> %a;]>${root('')}`,
    signatures: root(`<ds:Signature xmlns:ds="${namespaces.signature}"/>`.repeat(900)),
    'references to be digested': signedIn('response').replace(/<ds:Reference .*<\/ds:Reference>/, all => all.repeat(150)),
    transforms: signedIn('response').replace(/<ds:Transform .*?\/>/, all => all.repeat(900)),
    prefixes: signedIn('response').replace('<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>', `<ds:CanonicalizationMethod Algorithm="${exclusive}"><InclusiveNamespaces xmlns="${exclusive}" PrefixList="${growing(20_000, index => `p${index} `)}"/></ds:CanonicalizationMethod>`)
  }
  await refuses(t, bench, flood, [...structural, 'PORTICO_SAML_ALGORITHM', 'PORTICO_SAML_ENCRYPTION', 'PORTICO_SAML_STATUS'])
  for (const [name, text] of Object.entries({ 'a megabyte': 'A'.repeat(1_048_576), 'white space': ' '.repeat(390_000), lines: 'QUFB\n'.repeat(70_000), equals: '='.repeat(350_000) })) {
    t.match(await bench.judge(text), { kind: 'refused', refusal: { code: 'PORTICO_SAML_MESSAGE' } }, name)
  }
})

t.test('S13 S23 a redirect that inflates without end', async t => {
  const expectations = { entityId: forge.entityId, certificates: [forge.certificate], destination: forge.sp.slo, allowSha1: false, decryptionKeys: [], allowCbc: false }
  const judged = async (query: string) => await judge({ kind: 'logout', message: query, binding: 'redirect', expectations, now })
  const padded = (bytes: number): string => {
    const xml = forge.logoutRequest()
    return xml.replace('<saml:NameID', `${' '.repeat(bytes - xml.length)}<saml:NameID`)
  }
  t.match(await judged(forge.redirect(padded(256 * 1_024), 'SAMLRequest')), { kind: 'logout' }, 'the control')
  for (const [name, xml] of Object.entries({ 'one more': padded(256 * 1_024 + 1), bomb: padded(60 * 1_048_576) })) {
    t.match(await judged(forge.redirect(xml, 'SAMLRequest')), { kind: 'refused', refusal: { code: 'PORTICO_SAML_LOGOUT' } }, name)
  }
  const nested = deflateRawSync(deflateRawSync(forge.logoutRequest())).toString('base64')
  for (const garbage of ['', '!', 'AAAA', nested]) t.match(await judged(`SAMLRequest=${encodeURIComponent(garbage)}`), { kind: 'refused' }, garbage.slice(0, 4))
})

t.test('what is in no list: tricks with namespaces, IDs and references', async t => {
  const rebound = (xml: string): string => xml.replace('<saml:Subject>', '<saml:Subject xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion">')
  await refuses(t, bench, Object.fromEntries(styles.flatMap(style => Object.entries(tampered(signedIn(style), {
    'a prefix bound anew': rebound,
    'xml:base': xml => xml.replace('<samlp:Status>', '<samlp:Status xml:base="http://evil.example/">').replace('ada@acme.com', 'eve@acme.com'),
    'the default namespace on the signature': xml => xml.replace('<ds:Signature ', '<ds:Signature xmlns="urn:x" ').replace('ada-1', 'eve-1'),
    'text split by an element': xml => xml.replace('ada-1', 'ada-1<x xmlns="urn:x"/>.eve'),
    'xsi:type of something else': xml => xml.replace('xsi:type="xs:string"', 'xsi:type="xs:integer"').replace('ada@acme.com', 'eve@acme.com'),
    'an element in the signature’s white space': xml => xml.replace('<ds:SignatureValue>', '<x xmlns="urn:x"/><ds:SignatureValue>'),
    'URI empty': xml => xml.replace(/(<ds:Reference URI=")[^"]*/, '$1'),
    'URI #xpointer(/)': xml => xml.replace(/(<ds:Reference URI=")[^"]*/, '$1#xpointer(/)'),
    'URI #xpointer(id())': xml => xml.replace(/(<ds:Reference URI=")#([^"]*)/, "$1#xpointer(id('$2'))"),
    'URI elsewhere': xml => xml.replace(/(<ds:Reference URI=")[^"]*/, '$1http://127.0.0.1:1/x'),
    'URI of a file': xml => xml.replace(/(<ds:Reference URI=")[^"]*/, '$1file:///etc/passwd'),
    'no URI': xml => xml.replace(/<ds:Reference URI="[^"]*"/, '<ds:Reference'),
    'a reference with a Type': xml => xml.replace('<ds:Reference ', '<ds:Reference Type="http://www.w3.org/2000/09/xmldsig#Manifest" '),
    'IDs swapped': xml => {
      const [response = '', assertion = ''] = [...xml.matchAll(/<saml(?:p:Response|:Assertion) [^>]*?ID="([^"]*)"/g)].map(found => found[1] ?? '')
      return xml.replaceAll(response, '@').replaceAll(assertion, response).replaceAll('@', assertion)
    },
    'an ID in another attribute': xml => xml.replace(/(<saml:Assertion [^>]*?)ID="([^"]*)"/, '$1Id="$2"').replace(/(<samlp:Response [^>]*?)ID="([^"]*)"/, '$1Id="$2"')
  })).map(([name, xml]) => [`${style}: ${name}`, xml]))), [...structural, 'PORTICO_SAML_ALGORITHM'])

  // the provider itself signs what is strange
  const strange: Vectors = Object.fromEntries(['a"b', "a'b", '../x', 'a b', '', '#', 'a)b', '*', 'x\' or @ID!=\'', '_é', 'a'.repeat(5_000)].map(id =>
    [`ID ${id.slice(0, 20)}`, forge.sign(forge.response({ assertionId: '_placeholder' })).replaceAll('_placeholder', id.replaceAll('"', '&quot;'))]))
  await refuses(t, bench, strange, structural)
  const emptyUri = signXml(forge.response(), { key: forge.privateKey, emptyUri: true })
  const nested = signXml(forge.response(), { key: forge.privateKey, target: "/*/*[local-name()='Assertion']", after: "/*/*[local-name()='Issuer']" })
  const statement = signXml(forge.response().replace('<saml:Subject>', '<saml:Subject ID="_subject">'), { key: forge.privateKey, target: "//*[local-name()='Subject']", after: "/*/*[local-name()='Assertion']/*[local-name()='Issuer']" })
  await refuses(t, bench, {
    'URI="" over the whole document': emptyUri,
    'a signature over the assertion in the response': nested,
    'a signature over the subject alone': statement,
    'a signature with an Object': forge.sign(forge.response(), { object: '<x xmlns="urn:x"/>' }),
    'SAML 1.1': forge.sign(forge.response()).replaceAll('SAML:2.0:assertion', 'SAML:1.0:assertion'),
    'SAML 1.1, signed': forge.sign(forge.response().replaceAll('SAML:2.0', 'SAML:1.1')),
    'no namespace': forge.sign(forge.response().replaceAll(/ xmlns:[a-z]+="[^"]*"/g, '').replaceAll(/(<\/?)(?:samlp?):/g, '$1').replaceAll(' xsi:type="xs:string"', '')),
    'a LogoutResponse': forge.sign(forge.logoutResponse(), { what: 'response' }),
    'an ArtifactResponse around it': forge.sign(`<samlp:ArtifactResponse xmlns:samlp="${namespaces.protocol}" ID="_a" Version="2.0"><saml:Issuer xmlns:saml="${namespaces.assertion}">${forge.entityId}</saml:Issuer>${forge.response()}</samlp:ArtifactResponse>`, { what: 'response' }),
    'SOAP around it': `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>${signedIn('both')}</e:Body></e:Envelope>`,
    'metadata that the provider signed': forge.sign(forge.metadata().replace('<md:EntityDescriptor ', '<md:EntityDescriptor ID="_m" '), { what: 'response', after: '/*/*' })
  }, [...structural, 'PORTICO_SAML_ALGORITHM'])

  // a prefix of the provider's choice is as good as any other
  const renamed = forge.sign(forge.response().replaceAll('samlp:', 'p2:').replaceAll('xmlns:samlp', 'xmlns:p2'))
  await accepts(t, bench, { 'other prefixes': renamed, 'a list of prefixes': forge.sign(forge.response(), { inclusive: ['xs', 'xsi'] }) })
  await refuses(t, bench, { 'a list of a hundred prefixes': forge.sign(forge.response(), { inclusive: Array.from({ length: 100 }, (_, index) => `p${index}`) }) }, structural)
  // xs is in the list: bound otherwise outside of what is signed, the octets are others
  const listed = forge.sign(forge.response().replaceAll(' xmlns:xs="http://www.w3.org/2001/XMLSchema"', '').replace('<samlp:Response ', '<samlp:Response xmlns:xs="http://www.w3.org/2001/XMLSchema" '), { inclusive: ['xs'] })
  t.equal(await bench.code(listed), 'received')
  t.equal(await bench.code(listed.replace('<samlp:Response xmlns:xs="http://www.w3.org/2001/XMLSchema"', '<samlp:Response xmlns:xs="urn:evil"').replace('xmlns:xs="http://www.w3.org/2001/XMLSchema"', 'xmlns:xs="urn:evil"')), 'PORTICO_SAML_SIGNATURE')
})

t.test('every single attribute and text that is signed: changed, and refused', async t => {
  for (const style of styles) {
    const xml = signedIn(style)
    const scope = (root: Tree): Tree => style === 'assertion' ? firstNamed(root, 'Assertion') : root
    const count = operate(xml, () => undefined) === xml ? everyTree(scope(treeOf(xml))).length : 0
    t.ok(count > 20, 'the tree is the text')
    for (let at = 0; at < count; at++) {
      const node = (root: Tree): Tree => everyTree(scope(root))[at] ?? root
      const { attributes, children, name } = node(treeOf(xml))
      // KeyInfo is not believed, and so may say anything
      if (/^ds:(?:KeyInfo|X509)/.test(name)) continue
      for (const [key] of attributes.filter(([key]) => !key.startsWith('xmlns'))) {
        await refuses(t, bench, {
          [`${style} ${name} ${key} changed`]: operate(xml, root => { setAttribute(node(root), key, '_changed') }),
          [`${style} ${name} ${key} gone`]: operate(xml, root => { setAttribute(node(root), key, undefined) })
        }, [...structural, 'PORTICO_SAML_ALGORITHM'])
      }
      for (const [index, child] of children.entries()) {
        if (typeof child !== 'string') continue
        await refuses(t, bench, { [`${style} text of ${name}`]: operate(xml, root => { node(root).children[index] = `${child}x` }) }, [...structural, 'PORTICO_SAML_ALGORITHM'])
      }
      // of two signatures one is enough, and what it says is the same
      if (style === 'both' && name === 'ds:Signature') {
        const one = operate(xml, root => { replaceTree(parentOf(root, node(root)), node(root)) })
        if (await bench.code(one) === 'received') t.same(await bench.received(one), await bench.received(xml))
      } else if (at > 0) await refuses(t, bench, { [`${style} without ${name}`]: operate(xml, root => { replaceTree(parentOf(root, node(root)), node(root)) }) }, [...structural, 'PORTICO_SAML_ALGORITHM'])
    }
  }
})
