import { createHash, X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { SignedXml } from 'xml-crypto'
import { readXml } from '../../src/connections/saml/document.ts'
import type { ResponseExpectations } from '../../src/connections/saml/expectations.ts'
import { judge } from '../../src/connections/saml/judge.ts'
import { assertionSchema, receivedSchema } from '../../src/connections/saml/received.ts'
import { messageLimits, screenXml } from '../../src/connections/saml/screen.ts'
import { verifySigned } from '../../src/connections/saml/signature.ts'
import { PorticoError } from '../../src/errors.ts'
import { assertionIn, createForge, createForgeKey } from '../support/saml-forge.ts'
import { createCertificate } from '../support/saml/certificate.ts'
import { encryptElement } from '../support/saml/encrypting.ts'
import { createBench } from '../support/saml/judging.ts'
import { persistent } from '../support/saml/message.ts'
import { signXml } from '../support/saml/signing.ts'

const now = 1_800_000_000
const forge = createForge({ now: () => now })
const ourKeys = [createForgeKey(), createForgeKey()]
const [ours = '', next = ''] = ourKeys.map(key => createCertificate(key))
const bench = createBench(forge, now, ourKeys.map(key => key.export({ type: 'pkcs8', format: 'pem' }).toString()))

const fingerprint = (pem: string): string => createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url')
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'nothing thrown'
  } catch (error) {
    return error instanceof PorticoError ? error.code : String(error)
  }
}

t.test('S1 what is read is what was signed: plain data, whichever of the two is signed, in the clear or encrypted', async t => {
  const xml = forge.response({ assertionId: '_a', sessionIndex: '_s' })
  const expected = {
    assertion: {
      id: '_a',
      issuer: forge.entityId,
      issueInstant: now,
      nameId: { value: 'ada-1', format: persistent },
      confirmations: [{ method: 'urn:oasis:names:tc:SAML:2.0:cm:bearer', recipient: forge.sp.acs, inResponseTo: '_request', notOnOrAfter: now + 300 }],
      conditions: { notBefore: now - 60, notOnOrAfter: now + 300, audiences: [[forge.sp.metadata]] },
      statements: [{ authnInstant: now - 5, sessionIndex: '_s', authnContextClassRef: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport' }],
      attributes: [['mail', ['ada@acme.com']], ['displayName', ['Ada Lovelace']], ['memberOf', ['staff', 'R&D']]]
    },
    inResponseTo: '_request',
    certificate: fingerprint(forge.certificate)
  }
  const vectors = {
    assertion: forge.sign(xml),
    response: forge.sign(xml, { what: 'response' }),
    both: forge.sign(xml, { what: 'both' }),
    'assertion, encrypted': forge.encrypt(forge.sign(xml), ours),
    'for the key that comes next': forge.encrypt(forge.sign(xml), next),
    'response around an encrypted assertion': forge.sign(forge.encrypt(xml, ours), { what: 'response' }),
    'response around an encrypted, signed assertion': forge.sign(forge.encrypt(forge.sign(xml), ours, { place: 'beside' }), { what: 'response' })
  }
  for (const [name, message] of Object.entries(vectors)) {
    const received = await bench.received(message)
    t.match(received, expected, name)
    t.ok(received.replayableUntil >= now + 300 + 180, `${name}: remembered for as long as it is accepted`)
    t.same(receivedSchema.parse(JSON.parse(JSON.stringify(received))), JSON.parse(JSON.stringify(received)), `${name}: survives being kept`)
    t.equal(Object.getPrototypeOf(structuredClone(received)), Object.prototype)
  }
})

t.test('S9 algorithms that are accepted, and which of several certificates it was', async t => {
  const ec = createForgeKey('ec')
  const elliptic = createForge({ now: () => now, privateKey: ec })
  const weak = createForge({ now: () => now, privateKey: createForgeKey('rsa', 1_024) })
  const certificates = [createForge().certificate, weak.certificate, 'not a certificate', elliptic.certificate, forge.certificate]
  const by = async (xml: string, changed?: Partial<ResponseExpectations>) => (await bench.received(xml, { certificates, ...changed })).certificate
  for (const algorithm of ['rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'rsa-pss-sha256', 'rsa-pss-sha512'] as const) {
    t.equal(await by(forge.sign(forge.response(), { algorithm })), fingerprint(forge.certificate), algorithm)
  }
  for (const algorithm of ['ecdsa-sha256', 'ecdsa-sha512'] as const) {
    t.equal(await by(elliptic.sign(elliptic.response(), { algorithm })), fingerprint(elliptic.certificate), algorithm)
  }
  for (const digest of ['sha256', 'sha384', 'sha512'] as const) t.equal(await by(forge.sign(forge.response(), { digest })), fingerprint(forge.certificate), digest)
  t.equal(await bench.code(weak.sign(weak.response()), { certificates }), 'PORTICO_SAML_SIGNATURE', 'a key of 1,024 bits is not believed')
  t.match(await bench.refusal(weak.sign(weak.response()), { certificates: [weak.certificate] }), { got: /1 more are too weak/ })

  for (const options of [{ algorithm: 'rsa-sha1' }, { digest: 'sha1' }] as const) {
    t.equal(await bench.code(forge.sign(forge.response(), options)), 'PORTICO_SAML_ALGORITHM')
    t.equal(await bench.code(forge.sign(forge.response(), options), { allowSha1: true }), 'received')
  }
  t.equal(await bench.code(forge.encrypt(forge.sign(forge.response()), ours, { data: 'aes256-cbc' })), 'PORTICO_SAML_ALGORITHM')
  t.equal(await bench.code(forge.encrypt(forge.sign(forge.response()), ours, { data: 'aes256-cbc' }), { allowCbc: true }), 'received')
})

t.test('S7 what must be signed', async t => {
  const signed = { none: forge.response(), assertion: forge.sign(forge.response()), response: forge.sign(forge.response(), { what: 'response' }), both: forge.sign(forge.response(), { what: 'both' }) }
  const enough = { either: ['assertion', 'response', 'both'], assertion: ['assertion', 'both'], response: ['response', 'both'], both: ['both'] }
  for (const wantSigned of ['either', 'assertion', 'response', 'both'] as const) {
    for (const [what, xml] of Object.entries(signed)) {
      t.equal(await bench.code(xml, { wantSigned }), enough[wantSigned].includes(what) ? 'received' : 'PORTICO_SAML_SIGNATURE', `wanted ${wantSigned}, got ${what}`)
    }
  }
  t.equal(await bench.code(forge.sign(forge.response()), { certificates: [] }), 'PORTICO_SAML_SIGNATURE', 'nobody is believed')
})

t.test('the shapes of the usual providers', async t => {
  const { response } = forge
  const shapes = {
    'Okta: xs declared at both roots, and kept by both signatures': signXml(signXml(
      response().replace('<samlp:Response ', '<samlp:Response xmlns:xs="http://www.w3.org/2001/XMLSchema" ').replace('<saml:Assertion ', '<saml:Assertion xmlns:xs="http://www.w3.org/2001/XMLSchema" '),
      { key: forge.privateKey, inclusive: ['xs'], target: "/*/*[local-name()='Assertion']" }), { key: forge.privateKey, inclusive: ['xs'] }),
    'xs declared around the assertion alone': signXml(
      response().replace('<samlp:Response ', '<samlp:Response xmlns:xs="http://www.w3.org/2001/XMLSchema" '),
      { key: forge.privateKey, inclusive: ['xs', 'nothing'], target: "/*/*[local-name()='Assertion']" }),
    'AD FS: default namespaces': forge.sign(response()
      .replace(/(<\/?)saml:/g, '$1').replaceAll('xmlns:saml=', 'xmlns=')),
    'Keycloak: the default namespace declared, the prefix used': forge.sign(response().replace('<saml:Assertion xmlns:saml="', '<saml:Assertion xmlns="')),
    'Java: carriage returns in the values of a signature': forge.sign(response()).replace(/<ds:SignatureValue>([^<]{80})/, '<ds:SignatureValue>\n$1&#13;\n'),
    'a declaration, and line breaks': `<?xml version="1.0" encoding="UTF-8"?>\r\n${forge.sign(response().replaceAll('><saml:', '>\n  <saml:'), { what: 'both' })}\n`
  }
  for (const [name, xml] of Object.entries(shapes)) {
    t.equal(await bench.code(xml), 'received', name)
    t.equal(await bench.code(xml.replace('ada-1', 'ada-2')), 'PORTICO_SAML_SIGNATURE', `${name}, changed`)
  }
  const keycloak = forge.sign(response().replace('<saml:Assertion xmlns:saml="', '<saml:Assertion xmlns="'))
  const inside = assertionIn(keycloak)
  t.notOk(inside.slice(0, inside.indexOf('>')).includes('xmlns:saml'))
  const wrapped = (wrapper: string): string => keycloak.replace(inside, () => encryptElement(inside, ours).replace('<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">', wrapper))
  t.equal(await bench.code(wrapped('<saml:EncryptedAssertion>')), 'received', 'encrypted, it counts on the namespaces around it')
  t.equal(await bench.code(wrapped('<saml:EncryptedAssertion xmlns:other="urn:o">')), 'received')
})

t.test('S10 S12 what is encrypted holds one assertion, for a few', async t => {
  const encrypted = forge.encrypt(forge.sign(forge.response()), ours)
  const [key = ''] = /<xenc:EncryptedKey .*<\/xenc:EncryptedKey>/s.exec(encrypted) ?? []
  const times = (count: number): string => encrypted.replace(key, () => Array.from({ length: count }, (_, i) => key.replace(' Id="', ` Id="_${i}`)).join(''))
  t.equal(await bench.code(times(4)), 'received')
  t.equal(await bench.code(times(5)), 'PORTICO_SAML_ENCRYPTION')
  t.equal(await bench.code(times(0)), 'PORTICO_SAML_ENCRYPTION')
  const around = forge.response().replace('<saml:AuthnStatement', () => `<saml:Advice>${assertionIn(forge.response())}</saml:Advice><saml:AuthnStatement`)
  const [whole = ''] = /<saml:Assertion.*<\/saml:Assertion>/s.exec(around) ?? []
  const nested = around.replace(whole, () => encryptElement(whole, ours))
  t.match(await bench.refusal(forge.sign(nested, { what: 'response' })), { code: 'PORTICO_SAML_ASSERTION', wanted: 'no assertion within another' })
})

t.test('S22 attributes', async t => {
  const attributes = async (...elements: readonly string[]) => {
    const xml = forge.response({ attributes: [['mail', ['@@']]] }).replace(/<saml:Attribute .*<\/saml:Attribute>/s, () => elements.join(''))
    const outcome = await bench.judge(forge.post(forge.sign(xml)))
    return outcome.kind === 'received' ? outcome.received.assertion.attributes : outcome.kind === 'refused' ? outcome.refusal.code : undefined
  }
  const one = (name: string, ...values: readonly string[]): string => `<saml:Attribute Name="${name}">${values.map(value => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('')}</saml:Attribute>`
  t.same(await attributes(one('Role', 'a'), one('mail', 'ada@acme.com'), one('Role', 'b', 'c'), one('Role')), [['Role', ['a', 'b', 'c']], ['mail', ['ada@acme.com']]], 'values of equal names, in order')
  t.same(await attributes(one('__proto__', 'a'), one('constructor', 'b'), one('toString')), [['__proto__', ['a']], ['constructor', ['b']], ['toString', []]])
  t.same(await attributes(one('a', '', ' b ', '&lt;c&gt;&#10;é😀')), [['a', ['', ' b ', '<c>\né😀']]])
  t.same(await attributes('<saml:Attribute Name="id"><saml:AttributeValue>\n <saml:NameID NameQualifier="q">G-1</saml:NameID>\n</saml:AttributeValue></saml:Attribute>'), [['id', ['G-1']]])
  t.same(await attributes('<saml:Attribute Name="a"><saml:AttributeValue xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/><saml:AttributeValue>b</saml:AttributeValue></saml:Attribute>'), [['a', ['b']]])
  t.same(await attributes(one('photo', 'x'), one('photo', 'A'.repeat(5_000)), one('kept', 'y'.repeat(4_096))), [['kept', ['y'.repeat(4_096)]]], 'too long: left out as a whole')
  t.same(await attributes(`${one('a', 'b')}</saml:AttributeStatement><saml:AttributeStatement>${one('a', 'c')}`), [['a', ['b', 'c']]])
  t.equal(await attributes('<saml:EncryptedAttribute/>'), 'PORTICO_SAML_ENCRYPTION')
  t.equal(await attributes('<saml:Attribute><saml:AttributeValue>a</saml:AttributeValue></saml:Attribute>'), 'PORTICO_SAML_ASSERTION')
})

t.test('whom an assertion names', async t => {
  const subject = async (element: string) => {
    const outcome = await bench.judge(forge.post(forge.sign(forge.response().replace(/<saml:NameID.*<\/saml:NameID>/, () => element))))
    return outcome.kind === 'received' ? outcome.received.assertion.nameId : outcome.kind === 'refused' ? outcome.refusal.code : undefined
  }
  const id = '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Format="f" NameQualifier="n" SPNameQualifier="s">ada &amp; co</saml:NameID>'
  const expected = { value: 'ada & co', format: 'f', nameQualifier: 'n', spNameQualifier: 's' }
  t.same(await subject(id), expected)
  t.same(await subject(encryptElement(id, ours, { wrapper: 'saml:EncryptedID' })), expected, 'EncryptedID')
  t.equal(await subject(encryptElement(id, forge.certificate, { wrapper: 'saml:EncryptedID' })), 'PORTICO_SAML_ENCRYPTION', 'for somebody else')
  t.equal(await subject(encryptElement('<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">x</saml:Issuer>', ours, { wrapper: 'saml:EncryptedID' })), 'PORTICO_SAML_ASSERTION')
  t.equal(await subject(''), undefined, 'an attribute may say who it is')
  t.equal(await subject('<saml:BaseID/>'), 'PORTICO_SAML_ASSERTION')
  t.equal(await subject(`${id}${id}`), 'PORTICO_SAML_ASSERTION')
  t.equal(await subject('<saml:NameID>a<saml:b/></saml:NameID>'), 'PORTICO_SAML_MESSAGE')
})

t.test('R9 every check is told by name, the one that refused last; nothing of the message beside what it is about', async t => {
  const names = (outcome: Awaited<ReturnType<typeof bench.judge>>): readonly string[] => outcome.checks.map(({ name }) => name)
  t.same(names(await bench.judge(forge.post(forge.sign(forge.response(), { what: 'both' })))), [
    'SAMLResponse', 'Signature of Response', 'Status', 'Signature of Assertion', 'signed', 'Assertion',
    'Version', 'Issuer', 'Issuer of the response', 'Destination', 'Audience', 'Conditions',
    'SubjectConfirmation', 'Recipient', 'NotOnOrAfter of the confirmation',
    'NotBefore', 'NotOnOrAfter', 'IssueInstant', 'AuthnStatement', 'AuthnInstant', 'InResponseTo'
  ])
  const refusals = {
    SAMLResponse: 'no XML',
    'Signature of Response': forge.sign(forge.response(), { what: 'response' }).replace('ada-1', 'eve-1'),
    Status: forge.response({ status: 'urn:oasis:names:tc:SAML:2.0:status:Responder', statusMessage: 'no\nway' }),
    'Signature of Assertion': forge.sign(forge.response()).replace('ada-1', 'eve-1'),
    signed: forge.response(),
    decryption: forge.encrypt(forge.sign(forge.response()), forge.certificate),
    Assertion: forge.sign(forge.response({ issueInstant: '2026-02-30T00:00:00Z' })),
    Audience: forge.sign(forge.response({ audiences: [] })),
    AuthnInstant: forge.sign(forge.response({ authnInstant: 400 }))
  }
  for (const [name, xml] of Object.entries(refusals)) {
    const outcome = await bench.judge(forge.post(xml))
    if (outcome.kind !== 'refused') throw new Error(`${name} was accepted`)
    t.match(outcome.checks.at(-1), { name, passed: false, wanted: outcome.refusal.wanted, got: outcome.refusal.got }, name)
    t.equal(outcome.checks.filter(({ passed }) => !passed).length, 1, `${name}: one that failed`)
    const told = JSON.stringify(outcome)
    for (const secret of ['ada-1', 'eve-1', 'ada@acme.com', /<ds:SignatureValue>([^<]{40})/.exec(xml)?.[1] ?? '<saml:'].map(String)) t.notOk(told.includes(secret), `${name}: ${secret.slice(0, 8)}`)
  }
  t.match(await bench.refusal(refusals.Status), { code: 'PORTICO_SAML_STATUS', got: 'Responder: no way' }, 'though nobody signed it: it is refused in either case')
})

t.test('S12 whatever comes, judging it never throws, and is the same each time', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.base64String({ maxLength: 300 }), fc.string({ maxLength: 200 }).map(text => Buffer.from(`<a>${text}</a>`).toString('base64'))), message => {
    const task = { kind: 'response', message, expectations: bench.expectations, now } as const
    const outcome = judge(task)
    return outcome.kind === 'refused' && JSON.stringify(outcome) === JSON.stringify(judge(task))
  }), { numRuns: 500 }))
})

t.test('S1 S5 what is verified here, xml-crypto verifies as a whole, and finds the same bytes under the signature', async t => {
  const target = "/*/*[local-name()='a']"
  const leaf = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ', '&amp;', '&lt;', '&gt;', '&quot;', '\n', '&#13;', '&#x9;', '"', "'"), maxLength: 6 }),
    fc.constantFrom('<p:x/>', '<x xmlns="urn:d" b="&quot;&#10;"/>', '<q:y xmlns:q="urn:q" q:b="1" a="2"><x/></q:y>', '<p:z xml:lang="en" xmlns:q="urn:2" q:c="3" p:b="1"/>', '<x xmlns:p="urn:other"><p:y/></x>'))
  const own = fc.constantFrom('', ' xmlns:r="urn:own"', ' xmlns:p="urn:p"', ' xmlns:q="urn:q" q:m="1"')
  const documents = fc.tuple(fc.array(leaf, { maxLength: 6 }), fc.subarray(['p', 'q', 'r']), fc.boolean(), own).map(([content, inclusive, isRoot, own]) => ({
    xml: `<p:root xmlns:p="urn:p" xmlns:r="urn:r" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_root"><p:a${own} ID="_a" r:k="1"><saml:Issuer/>${content.join('')}</p:a></p:root>`,
    inclusive,
    target: isRoot ? '/*' : target
  }))
  const signOf = ({ xml, inclusive, target }: { readonly xml: string, readonly inclusive: readonly string[], readonly target: string }): string =>
    signXml(xml, { key: forge.privateKey, target, inclusive, after: "//*[local-name()='Issuer']" })
  const place = (xml: string): string => xml.replace(/(<ds:Signature .*<\/ds:Signature>)/s, '')
  const checked = { good: 0, bad: 0 }
  fc.assert(fc.property(documents, fc.nat(), fc.constantFrom('', 'x', '<p:n/>', ' '), (document, at, change) => {
    // The signature of the inner element stands right below it; of the root it is put there.
    const made = signOf(document)
    const signature = /<ds:Signature .*<\/ds:Signature>/s.exec(made)?.[0] ?? ''
    const signed = document.target === '/*' ? place(made).replace('</p:root>', () => `${signature}</p:root>`) : made
    const position = signed.indexOf('<saml:Issuer/>') + 14 + (change === '' ? 0 : at % 3)
    const text = `${signed.slice(0, position)}${change}${signed.slice(position)}`
    let root: Element
    try {
      root = readXml(text)
    } catch {
      return true
    }
    const element = document.target === '/*' ? root : Array.from(root.childNodes).find((node): node is Element => node.nodeType === 1)
    if (element === undefined) return false
    const whole = new SignedXml({ publicCert: forge.certificate })
    const [found] = Array.from(element.childNodes).filter((node): node is Element => node.nodeName === 'ds:Signature')
    if (found === undefined) return false
    whole.loadSignature(found)
    const isVerified = (() => { try { return whole.checkSignature(text) } catch { return false } })()
    checked[isVerified ? 'good' : 'bad']++
    try {
      const mine = verifySigned(element, { certificates: [forge.certificate], allowSha1: false }, undefined)
      const [theirs = ''] = whole.getSignedReferences()
      return isVerified && readXml(theirs).toString() === mine.root.toString()
    } catch {
      return !isVerified
    }
  }), { numRuns: 300 })
  t.ok(checked.good > 30 && checked.bad > 30, `${checked.good} verified, ${checked.bad} did not`)
})

t.test('S12 S6 what the screen lets through, and what it does not', async t => {
  const repeat = (count: number, text: string): string => text.repeat(count)
  const passes = (text: string): boolean => codeOf(() => { screenXml(text, messageLimits) }) === 'nothing thrown'
  const good = {
    'tags to the limit': `<a>${repeat(999, '<b></b>')}</a>`,
    'as deep as it may be': `${repeat(32, '<a>')}${repeat(32, '</a>')}`,
    'attributes to the limit': `<a${Array.from({ length: 24 }, (_, i) => ` b${i}="1"`).join('')}/>`,
    'bytes to the limit': `<a>${repeat(messageLimits.bytes - 7, 'x')}</a>`,
    'a declaration': '<?xml version="1.0" encoding="utf-8" standalone=\'no\' ?>\n<a/>\n',
    'entities and references': '<a b="&lt;&#x41;&#13;">&amp;&gt;&quot;&apos;&#128512;</a>',
    'names with dots': '<x:a.b-c_1 xmlns:x="urn:x" x:Id="1"/>',
    'both quotes': '<a b="\'" c=\'"\'/>',
    'text with >': '<a>></a>'
  }
  for (const [name, text] of Object.entries(good)) t.ok(passes(text), name)
  const bad = {
    'one tag more': `<a>${repeat(1_000, '<b></b>')}</a>`,
    'one deeper': `${repeat(33, '<a>')}${repeat(33, '</a>')}`,
    'one attribute more': `<a${Array.from({ length: 25 }, (_, i) => ` b${i}="1"`).join('')}/>`,
    'attributes in all': `<a>${repeat(91, `<b${Array.from({ length: 22 }, (_, i) => ` c${i}=""`).join('')}/>`)}</a>`,
    'one byte more': `<a>${repeat(messageLimits.bytes - 6, 'x')}</a>`,
    'too many names': `<a>${Array.from({ length: 128 }, (_, i) => `<b${i}/>`).join('')}</a>`,
    'a long name': `<${repeat(129, 'a')}/>`,
    'a long name of an attribute': `<a ${repeat(129, 'a')}="1"/>`,
    DOCTYPE: '<!DOCTYPE a><a/>',
    entity: '<a>&nbsp;</a>',
    'entity in an attribute': '<a b="&x;"/>',
    'a bare ampersand': '<a>R&D</a>',
    comment: '<a><!-- --></a>',
    CDATA: '<a><![CDATA[x]]></a>',
    'end of CDATA': '<a>]]></a>',
    'processing instruction': '<a><?b?></a>',
    'a second declaration': '<?xml version="1.0"?><?xml version="1.0"?><a/>',
    'another version': '<?xml version="1.1"?><a/>',
    'another encoding': '<?xml version="1.0" encoding="utf-16"?><a/>',
    BOM: '\ufeff<a/>',
    NUL: '<a>\0</a>',
    'a reference to NUL': '<a>&#0;</a>',
    'a reference to a surrogate': '<a>&#xD800;</a>',
    'a reference beyond Unicode': '<a>&#1114112;</a>',
    'a control': '<a>\u0085</a>',
    'a line separator': '<a>\u2028</a>',
    'text before': 'x<a/>',
    'text behind': '<a/>x',
    'two roots': '<a/><a/>',
    'no root': ' ',
    nothing: '',
    'not closed': '<a>',
    'closed by another': '<a></b>',
    'closed twice': '<a></a></a>',
    crosswise: '<a><b></a></b>',
    'an attribute without quotes': '<a b=1/>',
    'an attribute without value': '<a b/>',
    'an attribute twice': '<a b="1" b="1"/>',
    '< in an attribute': '<a b="<"/>',
    'attributes without a space': '<a b="1"c="2"/>',
    'a name that begins with a digit': '<1/>',
    'an end with attributes': '<a></a b="1">',
    'an ID twice': '<a ID="x"><b Id="x"/></a>',
    'an xml:id twice': '<a AssertionID="x" xml:id="x"/>',
    'a relative namespace': '<a xmlns:x="1"/>',
    'an empty namespace': '<a xmlns=""/>',
    'XHTML, whose scripts are read otherwise': '<a xmlns="http://www.w3.org/1999/xhtml"/>',
    'the prefix xml': '<a xmlns:xml="urn:x"/>'
  }
  for (const [name, text] of Object.entries(bad)) t.equal(codeOf(() => { screenXml(text, messageLimits) }), 'PORTICO_SAML_MESSAGE', name)
  for (const text of ['<x:a/>', '<a x:b="1"/>', '<constructor:a/>', '<__proto__:a/>', '<ds:Signature/>', '<a xmlns:x="urn:x" xmlns:y="urn:x" x:b="1" y:b="2"/>']) {
    t.equal(codeOf(() => readXml(text)), 'PORTICO_SAML_MESSAGE', text)
  }
})

t.test('an assertion is of the shape that is kept', async t => {
  const { assertion } = await bench.received(forge.sign(forge.response()))
  t.same(assertionSchema.parse(assertion), assertion)
  const xml = forge.response()
  const none = await bench.judge(forge.post(forge.sign(xml.replace(assertionIn(xml), ''), { what: 'response' })))
  t.match(none, { refusal: { code: 'PORTICO_SAML_ASSERTION', got: 'none' } }, 'there is one')
  t.match(none.checks.at(-1), { passed: false, wanted: 'one assertion', got: 'none' })
})
