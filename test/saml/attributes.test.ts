import fc from 'fast-check'
import t from 'tap'
import type { Connection } from '../../src/config/configuration.ts'
import { saml } from '../../src/config/schema/connectors/saml.ts'
import type { Identity } from '../../src/connections/connector.ts'
import { knownAttributes } from '../../src/connections/saml/attributes.ts'
import { hintFrom } from '../../src/connections/saml/email.ts'
import { mapIdentity } from '../../src/connections/saml/identity.ts'
import type { Assertion, Received } from '../../src/connections/saml/received.ts'
import type { TracedCheck, TracedField } from '../../src/connections/trace.ts'
import { PorticoError } from '../../src/errors.ts'
import { connectionOf, organizationOf } from '../support/configuration.ts'
import { codeOf, origins } from '../support/gateway.ts'
import { startSamlGateway } from '../support/saml/gateway.ts'

const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified'
const emailFormat = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'
const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const microsoft = 'http://schemas.microsoft.com'

const connectionWith = (settings: Readonly<Record<string, unknown>> = {}, changed: Partial<Connection> = {}): Connection => connectionOf('acme_saml', organizationOf('acme'), {
  connector: 'saml',
  settings: saml.parse({ connector: 'saml', status: 'active', domains: ['acme.com'], metadata_url: 'https://idp.acme.com/metadata', ...settings }),
  ...changed
})

const usual = connectionWith()

type Attributes = Readonly<Record<string, string | readonly string[]>>

const receivedWith = (attributes: Attributes, changed: Partial<Assertion> = {}): Received => ({
  assertion: {
    id: '_a',
    issuer: 'https://idp.acme.com',
    issueInstant: 1_000,
    nameId: { value: 'G-1234', format: persistent },
    confirmations: [],
    statements: [{ authnInstant: 990.5, sessionIndex: '_s', authnContextClassRef: 'urn:class' }],
    attributes: Object.entries(attributes).map(([name, values]) => [name, typeof values === 'string' ? [values] : [...values]]),
    ...changed
  },
  inResponseTo: '_request',
  certificate: 'the thumbprint',
  replayableUntil: 2_000
})

const map = (attributes: Attributes, changed?: Partial<Assertion>, connection = usual): Identity => mapIdentity(receivedWith(attributes, changed), connection)

/** The code that refuses, or `none`. */
const refusal = (attributes: Attributes, changed?: Partial<Assertion>, connection = usual): string => {
  try {
    map(attributes, changed, connection)
    return 'none'
  } catch (error) {
    if (error instanceof PorticoError) return error.code
    throw error
  }
}

t.test('the usual providers need no configuration', async t => {
  const ada = { email: 'ada@acme.com', name: 'Ada Lovelace' }
  const providers: Readonly<Record<string, { attributes: Attributes, nameId?: Assertion['nameId'], groups: readonly string[], amr?: readonly string[] }>> = {
    entra: {
      attributes: {
        [`${microsoft}/identity/claims/tenantid`]: 'tid',
        [`${microsoft}/identity/claims/objectidentifier`]: 'oid',
        [`${microsoft}/identity/claims/displayname`]: 'Ada Lovelace',
        [`${microsoft}/identity/claims/identityprovider`]: 'https://sts.windows.net/tid/',
        [`${microsoft}/claims/authnmethodsreferences`]: [`${microsoft}/ws/2008/06/identity/authenticationmethod/password`, `${microsoft}/claims/multipleauthn`],
        [`${soap}/givenname`]: 'A',
        [`${soap}/surname`]: 'L',
        [`${soap}/emailaddress`]: 'Ada@Acme.com',
        [`${soap}/name`]: 'ada@acme.onmicrosoft.com',
        [`${microsoft}/ws/2008/06/identity/claims/groups`]: ['g1', 'g2'],
        [`${microsoft}/ws/2008/06/identity/claims/role`]: 'Admin'
      },
      nameId: { value: 'ada@acme.onmicrosoft.com', format: emailFormat },
      groups: ['g1', 'g2'],
      amr: [`${microsoft}/ws/2008/06/identity/authenticationmethod/password`, `${microsoft}/claims/multipleauthn`]
    },
    adfs: {
      attributes: { [`${soap}/emailaddress`]: 'ada@acme.com', [`${soap}/name`]: 'Ada Lovelace', 'http://schemas.xmlsoap.org/claims/Group': ['staff'] },
      nameId: { value: 'ACME\\ada', format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName' },
      groups: ['staff']
    },
    google: { attributes: { email: 'ada@acme.com', firstName: 'Ada', lastName: 'Lovelace', groups: 'staff' }, nameId: { value: 'ada@acme.com', format: unspecified }, groups: ['staff'] },
    okta: { attributes: { email: 'ada@acme.com', displayName: 'Ada Lovelace', firstName: 'no', groups: ['Everyone', 'staff'] }, nameId: { value: 'ada@acme.com', format: unspecified }, groups: ['Everyone', 'staff'] },
    'okta by expression': { attributes: { 'user.email': 'ada@acme.com', 'user.firstName': 'Ada', 'user.lastName': 'Lovelace' }, groups: [] },
    onelogin: { attributes: { 'User.email': 'ada@acme.com', 'User.FirstName': 'Ada', 'User.LastName': 'Lovelace', memberOf: ['staff'] }, groups: ['staff'] },
    ping: { attributes: { saml_subject: 'ada@acme.com', first_name: 'Ada', last_name: 'Lovelace', memberOf: 'staff' }, nameId: { value: '2b0c-guid' }, groups: ['staff'] },
    keycloak: {
      attributes: { 'urn:oid:1.2.840.113549.1.9.1': 'ada@acme.com', 'urn:oid:2.5.4.42': 'Ada', 'urn:oid:2.5.4.4': 'Lovelace', Role: ['manage-account', 'staff'] },
      groups: ['manage-account', 'staff']
    },
    'keycloak with groups': { attributes: { email: 'ada@acme.com', 'urn:oid:2.5.4.42': 'Ada', 'urn:oid:2.5.4.4': 'Lovelace', Role: ['manage-account'], member: ['/staff'] }, groups: ['/staff'] },
    shibboleth: {
      attributes: {
        'urn:oid:0.9.2342.19200300.100.1.3': 'ada@acme.com',
        'urn:oid:2.16.840.1.113730.3.1.241': 'Ada Lovelace',
        'urn:oid:2.5.4.42': 'no',
        'urn:oid:1.3.6.1.4.1.5923.1.5.1.1': ['urn:staff'],
        'urn:oid:1.3.6.1.4.1.5923.1.1.1.9': ['member@acme.com']
      },
      groups: ['urn:staff']
    },
    auth0: { attributes: { [`${soap}/emailaddress`]: 'ada@acme.com', [`${soap}/givenname`]: 'Ada', [`${soap}/surname`]: 'Lovelace', [`${soap}/name`]: 'Ada', 'http://schemas.auth0.com/groups': ['staff'] }, nameId: { value: 'auth0|5f7c8ec7' }, groups: ['staff'] },
    simplesamlphp: { attributes: { mail: ['ada@acme.com'], cn: ['Ada Lovelace'], memberOf: ['staff', 'R&D'] }, groups: ['staff', 'R&D'] }
  }
  for (const [name, { attributes, nameId, groups, amr }] of Object.entries(providers)) {
    t.match(map(attributes, nameId === undefined ? {} : { nameId }), { ...ada, groups, amr }, name)
  }
  t.same(Object.values(knownAttributes).flat().filter((name, at, all) => all.indexOf(name) !== at), [], 'no attribute is two things')
})

t.test('who it is, and when they signed in', async t => {
  t.same(map({ mail: 'ada@acme.com' }), {
    subject: 'https://idp.acme.com G-1234',
    email: 'ada@acme.com',
    name: undefined,
    groups: [],
    idpSession: '_s',
    amr: undefined,
    acr: 'urn:class',
    authTime: 990,
    saml: { certificate: 'the thumbprint', nameId: { value: 'G-1234', format: persistent } }
  })
  t.equal(map({ mail: 'ada@acme.com' }, { statements: [] }).authTime, 1_000)
  t.equal(map({ mail: 'ada@acme.com', displayName: 'x'.repeat(300) }).name?.length, 256)
  t.equal(map({ mail: 'ada@acme.com', givenName: ' Ada ', sn: '' }).name, 'Ada', 'blanks around, and what is empty')
  t.equal(map({ mail: 'ada@acme.com', [`${soap}/name`]: 'ada@acme.onmicrosoft.com' }).name, undefined, 'the name of an account is nobody’s')
})

t.test('the subject is what never changes', async t => {
  const mail = { mail: 'ada@acme.com' }
  const subjects = [
    { value: 'a' }, { value: 'b' }, { value: 'A' }, { value: 'a b' }, { value: 'a%20b' }, { value: 'a', nameQualifier: 'x' }, { value: 'a', spNameQualifier: 'x' },
    { value: 'a', nameQualifier: 'x', spNameQualifier: 'y' }, { value: 'a x' }, { value: 'a x y' }
  ].map(nameId => map(mail, { nameId }).subject)
  t.equal(new Set(subjects).size, subjects.length, 'each is another person')
  t.equal(map(mail, { nameId: { value: 'a', format: unspecified, nameQualifier: 'https://idp.acme.com' } }).subject, map(mail, { nameId: { value: 'a' } }).subject)

  for (const nameId of [
    undefined, { value: 'a', format: transient }, { value: '' }, { value: ' ' }, { value: '\u00a0' }, { value: 'a\nb' }, { value: 'a'.repeat(1_025) },
    ...['format', 'nameQualifier', 'spNameQualifier'].flatMap(part => ['q'.repeat(1_025), 'q\nq'].map(text => ({ value: 'a', [part]: text })))
  ]) {
    t.equal(refusal(mail, { nameId }), 'PORTICO_SAML_SUBJECT', JSON.stringify(nameId)?.slice(0, 80))
  }
  const id = 'urn:oasis:names:tc:SAML:attribute:subject-id'
  t.equal(map({ ...mail, [id]: 'a@acme.com' }, { nameId: { value: '_now', format: transient } }).subject, 'https://idp.acme.com a@acme.com attribute', 'an attribute that lasts by definition')
  t.equal(map({ ...mail, [id]: 'a@acme.com' }).subject, 'https://idp.acme.com G-1234', 'where there is no NameID that does')

  const named = connectionWith({ attributes: { subject: 'uid' } })
  t.equal(map({ ...mail, uid: 'u-1' }, { nameId: { value: '_now', format: transient } }, named).subject, 'https://idp.acme.com u-1 attribute', 'which no NameID of the same text is')
  t.equal(map({ ...mail, uid: ['u-1', 'u-1'] }, {}, named).subject, 'https://idp.acme.com u-1 attribute', 'not the NameID')
  t.match(map({ ...mail, uid: 'u-1' }, { nameId: { value: 'a', format: 'q'.repeat(1_025) } }, named).saml, { nameId: undefined }, 'nor is one remembered that cannot be')
  for (const uid of [[], [''], ['u-1', 'u-2'], ['a\u0000']]) t.equal(refusal({ ...mail, uid }, {}, named), 'PORTICO_SAML_SUBJECT', JSON.stringify(uid))
})

t.test('S22 G5 N2 one e-mail, of a domain that may be asserted', async t => {
  const invalid: readonly Attributes[] = [
    { mail: ['ada@acme.com', 'bob@acme.com'] }, { mail: ['ada@acme.com', 'ada@evil.example'] }, { mail: ['ada@acme.com', 'x'] }, { mail: 'ada@acme.com@evil.example' },
    { mail: 'ada@acme.com, bob@acme.com' }, { mail: 'Ada <ada@acme.com>' }, { mail: 'ada' }, { mail: 'ada@acme.com\u0000.evil.example' }, { mail: '"a@acme.com"@evil.com' },
    { email: 'nobody', mail: 'ada@acme.com' }
  ]
  for (const attributes of invalid) t.equal(refusal(attributes), 'PORTICO_EMAIL_INVALID', JSON.stringify(attributes))
  for (const email of ['ada@evilacme.com', 'ada@acme.com.evil.example', 'ada@mail.acme.com', 'ada@com']) t.match(refusal({ mail: email }), /PORTICO_EMAIL_(?:DOMAIN|INVALID)/, email)
  t.equal(map({ mail: ['ada@acme.com', 'ADA@Acme.com', ' ada@acme.com '] }).email, 'ada@acme.com', 'the same one, three times')
  t.equal(map({ email: ['', ' '], mail: 'ada@acme.com' }).email, 'ada@acme.com', 'what is empty is not there')

  t.equal(refusal({}), 'PORTICO_EMAIL_MISSING')
  t.equal(refusal({ ['__proto__']: 'ada@acme.com', constructor: 'ada@acme.com', MAIL: 'ada@acme.com', 'urn:mail': 'ada@acme.com' }), 'PORTICO_EMAIL_MISSING', 'names are compared as they are written')
  t.equal(map({}, { nameId: { value: 'Ada@acme.com', format: emailFormat } }).email, 'ada@acme.com', 'NameID, where it is one')
  t.equal(map({}, { nameId: { value: 'ada@acme.com' } }).email, 'ada@acme.com')
  t.equal(refusal({}, { nameId: { value: 'ada@evil.example', format: emailFormat } }), 'PORTICO_EMAIL_DOMAIN')
  t.equal(refusal({}, { nameId: { value: 'ada', format: emailFormat } }), 'PORTICO_EMAIL_MISSING')
  t.equal(refusal({ mail: 'x' }, { nameId: { value: 'ada@acme.com' } }), 'PORTICO_EMAIL_INVALID', 'never beside an attribute')
  t.equal(refusal({ saml_subject: ['ada@acme.com', 'bob@acme.com'] }), 'PORTICO_EMAIL_INVALID')

  const named = connectionWith({ attributes: { email: ['work', 'other'] } })
  t.equal(map({ mail: 'bob@acme.com', other: 'ada@acme.com' }, {}, named).email, 'ada@acme.com')
  t.equal(refusal({ mail: 'ada@acme.com' }, { nameId: { value: 'ada@acme.com' } }, named), 'PORTICO_EMAIL_MISSING', 'what is named is all that counts')
  fc.assert(fc.property(fc.array(fc.string(), { maxLength: 3 }), values => {
    const code = refusal({ mail: values })
    return ['PORTICO_EMAIL_MISSING', 'PORTICO_EMAIL_INVALID', 'PORTICO_EMAIL_DOMAIN'].includes(code)
  }))
})

t.test('S22 G6 I groups: every value of the first attribute that is there', async t => {
  const groupsOf = (attributes: Attributes, connection = usual) => map({ mail: 'ada@acme.com', ...attributes }, {}, connection).groups
  t.same(groupsOf({ memberOf: ['a', 'b', 'a', '', ' '], Role: ['c'] }), ['a', 'b'])
  t.same(groupsOf({ groups: [], Role: ['c'] }), ['c'])
  t.same(groupsOf({ memberOf: ['a'], team: ['b', 'c'] }, connectionWith({ attributes: { groups: 'team' } })), ['b', 'c'])
  t.same(groupsOf({ memberOf: ['a'] }, connectionWith({ attributes: { groups: 'team' } })), [])
  const picking = connectionWith({}, { groups: { filter: ['CN=*'], rename: new Map([['CN=Staff', 'staff']]) } })
  t.same(groupsOf({ memberOf: ['CN=Staff', 'other', 'CN=R&D'] }, picking), ['staff', 'CN=R&D'])
  t.equal(refusal({ mail: 'ada@acme.com', memberOf: ['a\r\nX-Auth-Role: admin'] }), 'PORTICO_CLAIM_INVALID')
  t.equal(refusal({ mail: 'ada@acme.com', displayName: 'Ada\u0007' }), 'PORTICO_CLAIM_INVALID')
  const link = { mail: 'ada@acme.com', [`${microsoft}/claims/groups.link`]: 'https://graph.windows.net/…' }
  t.equal(refusal(link), 'PORTICO_GROUPS_ELSEWHERE', 'too many for Entra are not none')
  t.equal(refusal({ ...link, Role: 'admin' }, {}, connectionWith({ attributes: { groups: 'Role' } })), 'none')
})

t.test('a guest of a tenant is somebody of another company', async t => {
  const mail = { [`${soap}/emailaddress`]: 'ada@acme.com' }
  const guests: readonly (readonly [Attributes, Partial<Assertion>])[] = [
    [{ [`${soap}/name`]: 'bob_gmail.com#EXT#@acme.onmicrosoft.com' }, {}],
    [{}, { nameId: { value: 'bob_gmail.com#ext#@acme.onmicrosoft.com' } }],
    [{ [`${microsoft}/identity/claims/identityprovider`]: 'live.com', [`${microsoft}/identity/claims/tenantid`]: 'tid' }, {}]
  ]
  for (const [attributes, changed] of guests) t.equal(refusal({ ...mail, ...attributes }, changed), 'PORTICO_GUEST_ACCOUNT')
})

t.test('R22 acr and amr are required where the operator says so', async t => {
  const mail = { mail: 'ada@acme.com' }
  const classes = connectionWith({}, { requireAcr: ['urn:mfa', 'urn:other'] })
  t.equal(refusal(mail, {}, classes), 'PORTICO_ACR_REQUIRED')
  t.equal(refusal(mail, { statements: [] }, classes), 'PORTICO_ACR_REQUIRED')
  t.equal(refusal(mail, { statements: [{ authnInstant: 1, authnContextClassRef: 'urn:other' }] }, classes), 'none')
  const methods = connectionWith({ attributes: { amr: 'methods' } }, { requireAmr: ['mfa'] })
  t.equal(refusal(mail, {}, methods), 'PORTICO_AMR_REQUIRED')
  t.equal(refusal({ ...mail, methods: ['pwd'] }, {}, methods), 'PORTICO_AMR_REQUIRED')
  t.equal(refusal({ ...mail, methods: ['pwd', 'mfa'] }, {}, methods), 'none')
})

t.test('R9 a test is told of everything: what was said, what was judged, and where each part came from', async t => {
  const [checks, fields, said]: [TracedCheck[], TracedField[], unknown[]] = [[], [], []]
  mapIdentity(receivedWith({ mail: 'ada@acme.com', givenName: 'Ada', sn: 'L', memberOf: ['a', 'b'] }), usual, {
    check: each => { checks.push(each) }, field: each => { fields.push(each) }, claims: (source, claims) => { said.push(source, claims) }
  })
  t.same(checks.map(({ name, passed }) => [name, passed]), [['guest', true], ['Subject', true], ['e-mail', true], ['domain of the e-mail', true]])
  t.match(Object.fromEntries(fields.map(({ field, from }) => [field, from])), {
    subject: 'entityID and NameID', email: 'attribute mail', name: 'attribute givenName and attribute sn', groups: 'attribute memberOf', acr: 'AuthnContextClassRef', auth_time: 'AuthnInstant'
  })
  t.match(said, ['assertion', { Issuer: 'https://idp.acme.com', NameID: { value: 'G-1234' }, Attributes: { mail: 'ada@acme.com', memberOf: ['a', 'b'] } }])

  const last: TracedCheck[] = []
  t.throws(() => mapIdentity(receivedWith({ mail: 'ada@evil.example' }), usual, { check: each => { last.push(each) }, field: () => undefined, claims: () => undefined }), { code: 'PORTICO_EMAIL_DOMAIN' })
  t.match(last.at(-1), { name: 'domain of the e-mail', passed: false, wanted: /acme\.com/, got: 'ada@evil.example' })
})

t.test('a hint for a sign-in that begins anew', async t => {
  t.equal(hintFrom(receivedWith({ mail: 'Ada@acme.com' }), usual), 'ada@acme.com')
  t.equal(hintFrom(receivedWith({}, { nameId: { value: 'ada@acme.com' } }), usual), 'ada@acme.com')
  for (const attributes of [{}, { mail: ['a@acme.com', 'b@acme.com'] }, { mail: 'nobody' }]) t.equal(hintFrom(receivedWith(attributes), usual), undefined)
})

t.test('through the gateway', async t => {
  const world = await startSamlGateway(t)
  const signIn = async (attributes: readonly (readonly [string, readonly string[]])[]) => {
    world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), attributes }))
    return await world.signInBySaml(world.browser(), `${origins.analytics}/`)
  }
  const headersOf = ({ text }: { readonly text: string }): Record<string, string> => JSON.parse(text).headers

  await t.test('S22 Keycloak’s roles, one element each, are all there, and no role of ours', async t => {
    const headers = headersOf(await signIn([['email', ['ada@acme.com']], ['Role', ['one']], ['Role', ['two']], ['urn:oid:2.5.4.42', ['Ádá']], ['Role', ['three, four']]]))
    t.match(headers, { 'x-auth-groups': 'one,two,three%2C four', 'x-auth-name': '%C3%81d%C3%A1' })
    t.notOk(headers['x-auth-role'], 'R19')
  })

  await t.test('S22 an e-mail that comes twice is one that nobody believes', async t => {
    t.equal(codeOf(await signIn([['email', ['ada@acme.com']], ['email', ['bob@acme.com']]])), 'PORTICO_EMAIL_INVALID')
  })

  await t.test('R14 R19 R25 only whom the organization has invited', async t => {
    await world.reload({ acme: world.acmeWith({}).replace('name: Acme Corp', 'name: Acme Corp\nmembers: { invited: [ada@acme.com] }') })
    t.match(headersOf(await signIn([['mail', ['ada@acme.com']]])), { 'x-auth-email': 'ada@acme.com' })
    world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), nameId: { value: 'bob-1' }, attributes: [['mail', ['bob@acme.com']]] }))
    const bob = await world.signInBySaml(world.browser(), `${origins.analytics}/`)
    t.match({ status: bob.status, code: codeOf(bob) }, { status: 403, code: 'PORTICO_NOT_INVITED' })
    world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), nameId: { value: 'somebody else' }, attributes: [['mail', ['ada@acme.com']]] }))
    t.equal(codeOf(await world.signInBySaml(world.browser(), `${origins.analytics}/`)), 'PORTICO_MEMBER_CONFLICT', 'the same e-mail with another NameID')
  })

  await t.test('R22 a second factor where the operator wants one', async t => {
    await world.reload({ acme: world.acmeWith({ require_acr: '["urn:mfa"]' }) })
    const answer = await signIn([['mail', ['ada@acme.com']]])
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_ACR_REQUIRED' })
    world.idp.respond = request => world.forge.sign(world.forge.response({ inResponseTo: request.attribute('ID'), authnContext: 'urn:mfa' }))
    t.equal((await world.signInBySaml(world.browser(), `${origins.analytics}/`)).status, 200)
  })
})
