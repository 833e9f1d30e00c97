import t from 'tap'
import type { ErrorCode } from '../../src/errors.ts'
import { createForge } from '../support/saml-forge.ts'
import { createBench } from '../support/saml/judging.ts'
import { bearer, success, type Facts, type ForgedConfirmation, type Time } from '../support/saml/message.ts'
import { accepts, refuses, tampered, type Vectors } from '../support/saml/vectors.ts'

const now = 1_800_000_000
const forge = createForge({ now: () => now })
const bench = createBench(forge, now)
const { acs, metadata } = forge.sp

/** What the provider itself says and signs: its assertion, or the response. */
const said = (facts: Partial<Facts>): string => forge.sign(forge.response(facts))
const saidInResponse = (facts: Partial<Facts>): string => forge.sign(forge.response(facts), { what: 'response' })
const each = <T>(values: Readonly<Record<string, T>>, of: (value: T) => string): Vectors =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, of(value)]))
const good: ForgedConfirmation = { method: bearer, recipient: acs, inResponseTo: '_request', notOnOrAfter: 300 }

/** Names that look like another: case, spaces, slashes, Unicode. */
const lookalikes = (name: string): Readonly<Record<string, string>> => ({
  'a prefix': name.slice(0, -1),
  'a suffix': `${name}x`,
  'a slash': `${name}/`,
  'a query': `${name}?`,
  'a fragment': `${name}#`,
  'upper case': name.toUpperCase(),
  'a space behind': `${name} `,
  'a space before': ` ${name}`,
  'a line break': `${name}\n`,
  'Cyrillic a': name.replace('a', 'а'),
  'full width': name.replace('.', '．'),
  'a zero-width space': `${name}\u200b`,
  'a soft hyphen': `${name}\u00ad`,
  'another port': name.replace(/(\/\/[^/:]*)(?::\d+)?/, '$1:81'),
  'a user': name.replace('//', '//x@'),
  'percent-encoded': name.replace('a', '%61'),
  empty: '',
  'another one': 'https://evil.example/'
})

t.test('S14 audiences', async t => {
  const code: readonly ErrorCode[] = ['PORTICO_SAML_AUDIENCE']
  await refuses(t, bench, each(lookalikes(metadata), audience => said({ audience })), code)
  await refuses(t, bench, each({
    'no restriction': [],
    'a restriction without audience': [[]],
    'two restrictions, one of another': [[metadata], ['https://evil.example/']],
    'two restrictions, the first of another': [['https://evil.example/'], [metadata]],
    'two restrictions, one empty': [[metadata], []],
    'both names in one': [[`${metadata} https://evil.example/`]]
  }, audiences => said({ audiences })), code)
  await refuses(t, bench, { 'no conditions': said({ conditions: undefined }) }, code)
  await accepts(t, bench, each({ 'one of two': [['https://other.example/', metadata]], 'two restrictions': [[metadata], [metadata, 'urn:x']] }, audiences => said({ audiences })))
  await refuses(t, bench, { 'the audience outside of Conditions': forge.sign(forge.response({ audiences: [] }).replace('<saml:AuthnStatement', `<saml:AudienceRestriction><saml:Audience>${metadata}</saml:Audience></saml:AudienceRestriction><saml:AuthnStatement`)) }, code)
})

t.test('S15 whom it is for: Destination and Recipient', async t => {
  const code: readonly ErrorCode[] = ['PORTICO_SAML_DESTINATION']
  const others = lookalikes(acs)
  await refuses(t, bench, each(others, destination => said({ destination })), code)
  await refuses(t, bench, each(others, destination => saidInResponse({ destination })), code)
  await refuses(t, bench, each(others, recipient => said({ confirmations: [{ ...good, recipient }] })), code)
  await refuses(t, bench, { 'no Destination, the response signed': saidInResponse({ destination: undefined }) }, code)
  await refuses(t, bench, { 'no Recipient': said({ confirmations: [{ ...good, recipient: undefined }] }) }, ['PORTICO_SAML_CONFIRMATION'])
  await refuses(t, bench, { 'of another connection': said({ acs: acs.replace('acme', 'globex') }), 'our entityID': said({ acs: metadata }), 'our SLO address': said({ acs: forge.sp.slo }) }, code)
  await accepts(t, bench, { 'no Destination, the assertion signed': said({ destination: undefined }) })
  await accepts(t, bench, { 'an address of acs_urls': said({ acs: 'https://old.example/acs' }) }, { acsUrls: [acs, 'https://old.example/acs'] })
})

t.test('S16 whose it is: Issuer', async t => {
  const code: readonly ErrorCode[] = ['PORTICO_SAML_ISSUER']
  const others = lookalikes(forge.entityId)
  await refuses(t, bench, each(others, assertionIssuer => said({ assertionIssuer })), code)
  await refuses(t, bench, each(others, assertionIssuer => saidInResponse({ assertionIssuer })), code)
  await refuses(t, bench, each(others, responseIssuer => said({ responseIssuer })), code)
  await refuses(t, bench, each(others, responseIssuer => saidInResponse({ responseIssuer })), code)
  await refuses(t, bench, { 'no Issuer': forge.sign(forge.response({ assertionIssuer: undefined }), { after: '/*/*[1]' }) }, ['PORTICO_SAML_SIGNATURE', 'PORTICO_SAML_ASSERTION', 'PORTICO_SAML_MESSAGE'])
  await refuses(t, bench, { 'two issuers': forge.sign(forge.response().replaceAll(/<saml:Issuer>.*?<\/saml:Issuer>/g, '$&<saml:Issuer>https://evil.example/</saml:Issuer>'), { after: "/*/*[local-name()='Assertion']/*[1]" }) }, ['PORTICO_SAML_MESSAGE'])
  await accepts(t, bench, { 'the response has none': said({ responseIssuer: undefined }) })
  // another connection's provider, with its own certificate: nothing of it counts here
  const globex = createForge({ now: () => now, entityId: 'https://idp.globex.example/saml' })
  t.equal(await bench.code(globex.sign(globex.response())), 'PORTICO_SAML_SIGNATURE')
  t.equal(await bench.code(globex.sign(globex.response()), { certificates: [globex.certificate] }), 'PORTICO_SAML_ISSUER')
})

t.test('S17 what it answers: the signed InResponseTo, and no other', async t => {
  const code: readonly ErrorCode[] = ['PORTICO_SAML_IN_RESPONSE_TO']
  const unsolicited = [{ ...good, inResponseTo: undefined }]
  await refuses(t, bench, {
    'on the root alone': said({ confirmations: unsolicited }),
    'on the root alone, signed': saidInResponse({ confirmations: unsolicited }),
    'another on the root': said({ responseInResponseTo: '_other' }),
    'another on the signed root': saidInResponse({ responseInResponseTo: '_other' }),
    'another case': said({ responseInResponseTo: '_Request' }),
    'put on the root by whoever stole it': said({ inResponseTo: undefined }).replace('<samlp:Response ', '<samlp:Response InResponseTo="_mine" ')
  }, code)
  t.equal((await bench.received(said({ responseInResponseTo: undefined }))).inResponseTo, '_request')
  t.equal((await bench.received(said({ inResponseTo: undefined }))).inResponseTo, undefined)
  const swapped = said({ confirmations: [{ ...good, recipient: 'https://evil.example/', inResponseTo: '_theirs' }, { ...good, inResponseTo: '_ours' }], responseInResponseTo: undefined })
  t.equal((await bench.received(swapped)).inResponseTo, '_ours', 'of the confirmation that counts')
})

t.test('S18 how long a used one is remembered: as long as it could be accepted again', async t => {
  const until = async (facts: Partial<Facts>): Promise<number> => (await bench.received(said(facts))).replayableUntil - now
  const judgedAt = async (xml: string, later: number) => await createBench(forge, now + later).code(xml)
  const vectors: readonly Partial<Facts>[] = [
    {},
    { conditions: { notOnOrAfter: 60 } },
    { conditions: {} },
    { conditions: {}, confirmations: [{ ...good, notOnOrAfter: 86_400 * 365 }] },
    { confirmations: [{ ...good, notOnOrAfter: 10 }, { ...good, notOnOrAfter: 4_000 }], conditions: { notOnOrAfter: 5_000 } },
    { confirmations: [{ ...good, notOnOrAfter: 4_000 }, { ...good, notOnOrAfter: 10 }], conditions: { notOnOrAfter: 5_000 } },
    { confirmations: [{ ...good, notOnOrAfter: -170 }, { ...good, notOnOrAfter: 86_400 }], conditions: {} }
  ]
  for (const facts of vectors) {
    const xml = said(facts)
    const end = await until(facts)
    t.ok(end > 0 && end <= 86_400 + 360, `${JSON.stringify(facts)}: ${end} s`)
    // in an instance whose clock is as late as is tolerated anywhere
    for (const late of [0, 1, 10, 1_000]) t.equal(await judgedAt(xml, end - 180 + late) === 'received', false, `${JSON.stringify(facts)} ${late} s later`)
  }
})

t.test('what is refused for what nobody sees says so', async t => {
  for (const xml of [said({ issuer: `${forge.entityId}\n` }), said({ audience: ` ${metadata}` }), said({ destination: `${acs} ` })]) t.match((await bench.refusal(xml)).got, /blanks/)
  t.equal((await bench.refusal(said({ conditions: { notOnOrAfter: '2027-01-15T08:05:00+00:00' } }))).got, '2027-01-15T08:05:00+00:00')
  t.match((await bench.refusal(`<?xml version="1.0" encoding="ISO-8859-1"?>${said({})}`)).wanted, /UTF-8/)
})

t.test('S19 times', async t => {
  const code: readonly ErrorCode[] = ['PORTICO_SAML_TIME']
  const wrong: Readonly<Record<string, Time>> = {
    'two hours ago': -7_200,
    'just over': -181,
    NaN: 'NaN',
    empty: '',
    'a word': 'tomorrow',
    'a number': '1800000300',
    'no zone': '2027-01-15T08:05:00',
    'an odd zone': '2027-01-15T08:05:00+99:99',
    'a zone that is not UTC': '2027-01-15T23:05:00+09:00',
    'a date alone': '2027-01-15Z',
    'a space in the middle': '2027-01-15 08:05:00Z',
    'the 31st of February': '2028-02-31T08:05:00Z',
    'hour 25': '2028-02-01T25:05:00Z',
    'second 60': '2028-02-01T23:59:60Z',
    'a year of five digits': '12027-01-15T08:05:00Z',
    'a year of many digits': `${'9'.repeat(400)}-01-15T08:05:00Z`,
    'a negative year': '-2027-01-15T08:05:00Z',
    'a long fraction': `2027-01-15T08:05:00.${'9'.repeat(5_000)}Z`,
    'Arabic digits': '٢٠٢٧-01-15T08:05:00Z',
    'a date of HTTP': 'Fri, 15 Jan 2027 08:05:00 GMT',
    'white space around': ' 2027-01-15T08:05:00Z '
  }
  const at = (of: (time: Time) => Partial<Facts>): Vectors => each(wrong, time => said(of(time)))
  await refuses(t, bench, at(notOnOrAfter => ({ conditions: { notOnOrAfter } })), code)
  await refuses(t, bench, at(notOnOrAfter => ({ confirmations: [{ ...good, notOnOrAfter }] })), code)
  await refuses(t, bench, at(sessionNotOnOrAfter => ({ sessionNotOnOrAfter })), code)
  const { 'two hours ago': past, 'just over': over, ...malformed } = wrong
  await refuses(t, bench, each({ ...malformed, 'in the future': 181, 'in two hours': 7_200 }, notBefore => said({ conditions: { notBefore, notOnOrAfter: 9_000 } })), code)
  await refuses(t, bench, each({ ...malformed, 'in the future': 181, 'last year': -86_400 * 365 }, issueInstant => said({ issueInstant })), code)
  await refuses(t, bench, each({ ...malformed, 'in the future': 181 }, authnInstant => said({ authnInstant })), code)
  t.ok(typeof past === 'number' && typeof over === 'number')

  await refuses(t, bench, { 'no NotOnOrAfter of the confirmation': said({ confirmations: [{ ...good, notOnOrAfter: undefined }] }), 'a NotBefore of it': said({ confirmations: [{ ...good, notBefore: -60 }] }) }, ['PORTICO_SAML_CONFIRMATION'])
  await refuses(t, bench, { 'no IssueInstant': said({ issueInstant: undefined }), 'no AuthnInstant': forge.sign(forge.response().replace(/ AuthnInstant="[^"]*"/, '')), 'no AuthnStatement': said({ authnInstant: undefined }) }, ['PORTICO_SAML_TIME', 'PORTICO_SAML_ASSERTION'])
  await refuses(t, bench, { 'an hour ago': said({ authnInstant: -3_600 }) }, ['PORTICO_SAML_AUTHN_INSTANT'], { maxAge: 600 })
  await accepts(t, bench, { 'no max_age': said({ authnInstant: -86_400 }) })
  await accepts(t, bench, { '10 minutes, and the clocks': said({ authnInstant: -700 }) }, { maxAge: 600 })
  await accepts(t, bench, {
    'two minutes late': said({ conditions: { notBefore: -400, notOnOrAfter: -120 }, confirmations: [{ ...good, notOnOrAfter: -120 }] }),
    'two minutes early': said({ issueInstant: 120, authnInstant: 120, conditions: { notBefore: 120, notOnOrAfter: 400 } }),
    'Conditions without times': said({ conditions: {} }),
    milliseconds: said({ issueInstant: '2027-01-15T08:00:00.123Z' }),
    'a session that goes on': said({ sessionNotOnOrAfter: 3_600 })
  })
})

t.test('S20 how the subject is confirmed', async t => {
  const code: readonly ErrorCode[] = ['PORTICO_SAML_CONFIRMATION']
  const method = (name: string): string => `urn:oasis:names:tc:SAML:2.0:cm:${name}`
  await refuses(t, bench, {
    none: said({ confirmations: [] }),
    'holder of key': said({ confirmations: [{ ...good, method: method('holder-of-key') }] }),
    'sender vouches': said({ confirmations: [{ ...good, method: method('sender-vouches') }] }),
    'no method': said({ confirmations: [{ ...good, method: undefined }] }),
    'another case': said({ confirmations: [{ ...good, method: method('Bearer') }] }),
    'SAML 1.1': said({ confirmations: [{ ...good, method: 'urn:oasis:names:tc:SAML:1.0:cm:bearer' }] }),
    'no data': forge.sign(forge.response().replace(/<saml:SubjectConfirmationData [^>]*\/>/, ''))
  }, code)
  const elsewhere: ForgedConfirmation = { ...good, recipient: 'https://evil.example/acs' }
  await accepts(t, bench, {
    'holder of key, then bearer': said({ confirmations: [{ ...good, method: method('holder-of-key') }, good] }),
    'for another first': said({ confirmations: [elsewhere, good] }),
    'expired first': said({ confirmations: [{ ...good, notOnOrAfter: -900 }, good] })
  })
  // halves of two are no whole
  await refuses(t, bench, {
    'the recipient of one, the time of the other': said({ confirmations: [{ ...good, notOnOrAfter: -900 }, elsewhere] }),
    'the method of one, the rest of the other': said({ confirmations: [{ method: bearer }, { ...good, method: method('sender-vouches') }] })
  }, ['PORTICO_SAML_CONFIRMATION', 'PORTICO_SAML_TIME', 'PORTICO_SAML_DESTINATION'])
  await refuses(t, bench, { 'no Subject': forge.sign(forge.response().replace(/<saml:Subject>.*<\/saml:Subject>/, '')), 'two Subjects': forge.sign(forge.response().replace(/<saml:Subject>.*<\/saml:Subject>/, '$&$&')) }, ['PORTICO_SAML_ASSERTION', 'PORTICO_SAML_MESSAGE'])
})

t.test('S21 Status and Version', async t => {
  const statuses = [...['Requester', 'Responder', 'VersionMismatch', 'AuthnFailed', 'NoPassive', 'PartialLogout'].map(name => `urn:oasis:names:tc:SAML:2.0:status:${name}`), 'Success', success.toUpperCase(), `${success} `, `x${success}`, '']
  await refuses(t, bench, Object.fromEntries(statuses.map(status => [status, said({ status })])), ['PORTICO_SAML_STATUS'])
  await refuses(t, bench, Object.fromEntries(statuses.map(status => [`${status}, signed`, saidInResponse({ status })])), ['PORTICO_SAML_STATUS'])
  await refuses(t, bench, { 'no Status': said({ status: undefined }), 'Success below a failure': said({ status: 'urn:oasis:names:tc:SAML:2.0:status:Responder', subStatus: success }) }, ['PORTICO_SAML_STATUS'])
  await refuses(t, bench, { 'two Status': forge.sign(forge.response().replace(/<samlp:Status>.*<\/samlp:Status>/, '$&$&')) }, ['PORTICO_SAML_MESSAGE'])
  for (const version of ['1.1', '2.1', '2', '2.0 ', '', undefined]) {
    await refuses(t, bench, { [`response ${version}`]: said({ version }), [`signed response ${version}`]: saidInResponse({ version }), [`assertion ${version}`]: said({ assertionVersion: version }) }, ['PORTICO_SAML_VERSION'])
  }
  // what the provider says is shown to operators: bounded, and on one line
  const { got } = await bench.refusal(said({ status: 'urn:oasis:names:tc:SAML:2.0:status:Responder', statusMessage: `no\n\u001b[2J${'x'.repeat(50_000)}` }))
  t.ok(got !== undefined && got.length < 400 && !got.includes('\n') && !got.includes('\u001b'))
})

t.test('S22 attributes', async t => {
  const attributesOf = async (attributes: Facts['attributes']) => (await bench.received(said({ attributes }))).assertion.attributes
  t.same(await attributesOf([['Role', ['a']], ['mail', ['ada@acme.com']], ['Role', ['b', 'c']]]), [['Role', ['a', 'b', 'c']], ['mail', ['ada@acme.com']]], 'equal names joined, in order')
  t.same(await attributesOf([['mail', ['ada@acme.com']], ['Mail', ['eve@acme.com']]]), [['mail', ['ada@acme.com']], ['Mail', ['eve@acme.com']]], 'names are as they are')
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'nameID', 'issuer', 'profile', 'attributes', 'getAssertionXml', 'then', 'length', '0']
  const received = await bench.received(said({ attributes: names.map(name => [name, ['eve']]) }))
  t.same(received.assertion.attributes, names.map(name => [name, ['eve']]))
  t.match(received, { assertion: { nameId: { value: 'ada-1' }, issuer: forge.entityId }, inResponseTo: '_request' })
  t.equal(Reflect.get({}, 'eve'), undefined)
  t.equal(JSON.stringify(received).includes('eve'), true, 'plain data, which lives through a copy')
  t.same(structuredClone(received), received)
  t.same(await attributesOf([['none', []], ['empty', ['']], ['spaces', [' a ']]]), [['none', []], ['empty', ['']], ['spaces', [' a ']]])
  const long = await attributesOf([['photo', ['x'.repeat(200_000)]], ['mail', ['ada@acme.com']]])
  t.same(long, [['mail', ['ada@acme.com']]], 'a photo is left out, and nothing else')
  const many = await attributesOf([['groups', Array.from({ length: 150 }, (_, index) => `group-${index}`)]])
  t.equal(many[0]?.[1].length, 150)
  await refuses(t, bench, tampered(said({}), { 'an EncryptedAttribute': xml => forge.sign(xml.replace(/<ds:Signature .*<\/ds:Signature>/, '').replace('</saml:AttributeStatement>', '<saml:EncryptedAttribute/></saml:AttributeStatement>')) }), ['PORTICO_SAML_ENCRYPTION'])
})

t.test('conditions that nobody here understands are not met', async t => {
  const withCondition = (condition: string): string => forge.sign(forge.response().replace('</saml:Conditions>', `${condition}</saml:Conditions>`))
  await refuses(t, bench, {
    'of another namespace': withCondition('<x:Condition xmlns:x="urn:x"/>'),
    'a Condition by type': withCondition('<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Delegation"/>')
  }, ['PORTICO_SAML_ASSERTION'])
  await accepts(t, bench, { OneTimeUse: withCondition('<saml:OneTimeUse/>'), ProxyRestriction: withCondition('<saml:ProxyRestriction Count="0"/>') })
})
