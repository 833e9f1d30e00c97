import fc from 'fast-check'
import t from 'tap'
import { startHostileProvider } from '../support/hostile-provider.ts'
import type { Connection } from '../../src/config/configuration.ts'
import type { Identity } from '../../src/connections/connector.ts'
import { dialectOf } from '../../src/connections/dialects.ts'
import { mapIdentity } from '../../src/connections/oidc/identity.ts'
import { profileFrom } from '../../src/connections/oidc/profile.ts'
import { PorticoError } from '../../src/errors.ts'
import { codeOf, connectionTo, createBench, signInAt } from './setup.ts'

type Json = Record<string, unknown>

/** A name for a subtest: some of what is tried here breaks lines. */
const shown = (value: unknown): string => encodeURI(JSON.stringify(value)).slice(0, 60)

const provider = await startHostileProvider()
const connection = connectionTo(provider.issuer)
const trusting = connectionTo(provider.issuer, { id: 'trusting', settings: { dangerously_trust_unverified_email: true } })
const upn = connectionTo(provider.issuer, { id: 'upn', settings: { claims: { email: 'upn' } } })
const trustingUpn = connectionTo(provider.issuer, { id: 'trusting_upn', settings: { claims: { email: 'upn', name: 'display', groups: 'roles' }, dangerously_trust_unverified_email: true } })
const bench = createBench([connection, trusting, upn, trustingUpn])
t.teardown(async () => { await bench.close(); await provider.close() })

const usual = { email: 'ada@acme.com', email_verified: true, name: 'Ada' }
const signedIn = (profile: Json, use: Connection = connection, userinfo?: Json): Promise<Identity> => {
  provider.script = { profile, userinfo: () => ({ sub: 'subject-1', ...userinfo }) }
  return signInAt(bench, use, provider)
}
const codeFor = (profile: Json, use?: Connection, userinfo?: Json): Promise<string> => codeOf(signedIn(profile, use, userinfo))

t.test('G5 O13 an e-mail counts when the provider calls it verified', async t => {
  for (const verified of [false, 'false', 'False', '', 0, 1, 'yes', 'TRUE', ' true', [true], { true: true }, null, undefined]) {
    t.equal(await codeFor({ ...usual, email_verified: verified }), 'PORTICO_EMAIL_UNVERIFIED', JSON.stringify(verified))
    t.equal(await codeFor({ ...usual, email_verified: verified }, trusting), 'no error', `${JSON.stringify(verified)}, believed on request`)
  }
  t.equal(await codeFor({ ...usual, email_verified: true }), 'no error')
  t.equal(await codeFor({ ...usual, email_verified: 'true' }), 'no error', 'the text "true", which Cognito and Apple send')
  t.equal(await codeFor({ ...usual, email: 'ada@evil.example' }, trusting), 'PORTICO_EMAIL_DOMAIN', 'N1 whatever is believed, the domain is judged')
})

t.test('G5 email_verified speaks of the e-mail beside it', async t => {
  const other = { email: 'ada@acme.com', email_verified: true }
  t.equal(await codeFor({ email: 'boss@acme.com', name: 'A' }, connection, other), 'PORTICO_EMAIL_UNVERIFIED', 'userinfo verified another address')
  t.equal(await codeFor({ email: 'ada@acme.com', name: 'A' }, connection, other), 'no error', 'userinfo verified this one')
  t.equal(await codeFor({ email_verified: true, name: 'A' }, connection, { email: 'boss@acme.com' }), 'PORTICO_EMAIL_UNVERIFIED', 'the ID token vouched for none')
  t.equal(await codeFor({ email: 'ada@acme.com', email_verified: false, name: 'A' }, connection, other), 'PORTICO_EMAIL_UNVERIFIED', 'the ID token goes first')
  t.equal(await codeFor({ ...usual, upn: 'boss@acme.com' }, upn), 'PORTICO_EMAIL_UNVERIFIED', 'a claim by another name is not vouched for')
  t.equal(await codeFor({ ...usual, upn: 'Ada@Acme.com' }, upn), 'no error', 'unless it is the same address')
  t.match(await signedIn({ email: 'x@evil.example', upn: 'boss@acme.com', display: 'Boss', roles: ['r'], name: 'no', groups: ['no'] }, trustingUpn), { email: 'boss@acme.com', name: 'Boss', groups: ['r'] })
})

t.test('N1 H7 H1 H2 H3 H5 the e-mail is of one of the connection\'s domains, exactly', async t => {
  for (const email of ['foo@evilacme.com', 'foo@acme.com.evil.example', 'foo@mail.acme.com', 'foo@acme.co', 'foo@me.com', 'foo@xacme.co.uk', 'foo@uk', 'acme.com@evil.example']) {
    t.match(await codeFor({ ...usual, email }), /PORTICO_EMAIL_(?:DOMAIN|INVALID)/, email)
  }
  for (const email of ['attacker@evil.com@acme.com', 'attacker@acme.com@evil.com', 'ada@acme.com.', '"a@acme.com"@evil.com', 'ada@acme.com\r\nX: y', ['ada@acme.com'], { email: 'ada@acme.com' }, 5, true]) {
    t.equal(await codeFor({ ...usual, email }), 'PORTICO_EMAIL_INVALID', JSON.stringify(email))
  }
  for (const email of [undefined, null, '']) t.equal(await codeFor({ ...usual, email }), 'PORTICO_EMAIL_MISSING', String(email))
  t.equal((await signedIn({ ...usual, email: 'Ada@ACME.co.UK' })).email, 'ada@acme.co.uk')
  const error = await signedIn({ ...usual, email: 'eve@evil.example' }).catch((reason: unknown) => reason)
  if (!(error instanceof PorticoError)) throw new Error('not refused')
  t.match(error, { code: 'PORTICO_EMAIL_DOMAIN', wanted: /acme\.com, acme\.co\.uk/, got: 'eve@evil.example', connection: 'oidc_acme' })
  t.equal(await codeFor(usual, connectionTo(provider.issuer, { id: 'none', domains: [] })), 'PORTICO_EMAIL_DOMAIN', 'H6 no domains, nobody')
})

t.test('V38 the subject is issuer and sub; an e-mail that changes hands changes nothing', async t => {
  const first = await signedIn(usual)
  const renamed = await signedIn({ ...usual, email: 'countess@acme.com' })
  t.equal(first.subject, `${provider.issuer} subject-1`)
  t.equal(renamed.subject, first.subject)
  provider.script = { claims: all => ({ ...all, sub: 'subject-2' }), profile: { ...usual, groups: [] } }
  t.not((await signInAt(bench, connection, provider)).subject, first.subject, 'the same e-mail, somebody else')
})

t.test('G6 groups: what they may be', async t => {
  const groups = async (value: unknown): Promise<readonly string[] | string> => {
    try {
      return (await signedIn({ ...usual, groups: value })).groups
    } catch (error) {
      if (error instanceof PorticoError) return error.code
      throw error
    }
  }
  t.same(await groups(['a', 'b']), ['a', 'b'])
  t.same(await groups('a'), ['a'])
  t.same(await groups('a,b'), ['a,b'], 'one text is one group')
  t.same(await groups([]), [])
  t.same(await groups(undefined), [])
  t.same(await groups(null), [])
  t.same(await groups(['', 'a', ' ', 'a']), ['a'], 'I empty ones are filtered, repeated ones are one')
  t.same(await groups(''), [])
  t.same(await groups(['grüße', '管理者', 'a;b', 'a,b']), ['grüße', '管理者', 'a;b', 'a,b'])
  for (const odd of [5, true, { a: 1 }, [['a']], [{ name: 'a' }], ['a', 5], ['a', null], ['a\r\nX-Auth-Groups: admin'], ['a\0'], ['a\u0085b'], ['a\u2028b'], ['\ud800'], ['x'.repeat(2_000)], 'a\nb']) {
    t.equal(await groups(odd), 'PORTICO_CLAIM_INVALID', shown(odd))
  }
})

t.test('G6 groups that are elsewhere are not no groups', async t => {
  const elsewhere = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example/x' } } }
  t.equal(await codeFor({ ...usual, ...elsewhere }), 'PORTICO_GROUPS_ELSEWHERE')
  t.equal(await codeFor({ ...usual, hasgroups: true }), 'PORTICO_GROUPS_ELSEWHERE')
  t.equal(await codeFor({ ...usual, hasgroups: 'true' }), 'PORTICO_GROUPS_ELSEWHERE')
  t.equal(await codeFor(usual, connection, elsewhere), 'PORTICO_GROUPS_ELSEWHERE', 'said by userinfo')
  t.equal(await codeFor({ ...usual, ...elsewhere, groups: ['a'] }), 'no error', 'they are here')
  t.equal(await codeFor({ ...usual, _claim_names: { address: 'src1' } }), 'no error', 'something else is elsewhere')
})

t.test('what goes to apps is clean and bounded', async t => {
  for (const name of ['Ada\r\nX-Auth-Role: admin', 'Ada\0', 'a\u0007', 'a\u2028b', '\udc00', 5, ['Ada'], { first: 'Ada' }]) {
    t.equal(await codeFor({ ...usual, name }), 'PORTICO_CLAIM_INVALID', shown(name))
  }
  t.equal((await signedIn({ ...usual, name: ' Zoë Müller-Lüdenscheidt 🦊 ' })).name, 'Zoë Müller-Lüdenscheidt 🦊')
  t.equal((await signedIn({ ...usual, name: undefined })).name, undefined)
  t.equal((await signedIn({ ...usual, name: '  ' })).name, undefined)
  t.equal((await signedIn({ ...usual, name: '🦊'.repeat(5_000) })).name, '🦊'.repeat(256))
  provider.script = {}
  for (const changed of [{ acr: 'a\nb' }, { amr: ['a\nb'] }, { sid: 'a\0' }]) {
    provider.script = { profile: usual, claims: all => ({ ...all, ...changed, groups: [] }) }
    t.equal(await codeOf(signInAt(bench, connection, provider)), 'PORTICO_CLAIM_INVALID', JSON.stringify(changed))
  }
  provider.script = { profile: { ...usual, groups: [] }, claims: ({ auth_time: _left, ...all }) => ({ ...all, acr: 1, amr: 'pwd', sid: null }) }
  t.match(await signInAt(bench, connection, provider), { acr: undefined, amr: undefined, idpSession: undefined })
})

t.test('G6 H4 any claims at all: an identity within the rules, or a code', async t => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }), fc.constantFrom('ada@acme.com', 'Ada@ACME.com', true, 'true', ['a']))
  const claims = fc.record({ email: value, email_verified: value, name: value, groups: value, amr: value, acr: value, sid: value, auth_time: value, _claim_names: value, hasgroups: value, __proto__: value }, { requiredKeys: [] })
  let mapped = 0
  fc.assert(fc.property(claims, fc.boolean(), (claims, trust) => {
    try {
      const identity = mapIdentity(profileFrom(claims, 'the ID token'), { subject: { value: 'https://idp.example s', from: 'iss and sub' }, issuedAt: 1 }, dialectOf(trust ? trusting : connection), trust ? trusting : connection)
      mapped++
      const texts = [identity.email, identity.name ?? '', ...identity.groups, ...identity.amr ?? [], identity.acr ?? '', identity.idpSession ?? '']
      return ['acme.com', 'acme.co.uk'].includes(identity.email.split('@')[1] ?? '') && Number.isFinite(identity.authTime) &&
        texts.every(text => typeof text === 'string' && text.isWellFormed() && !/[\r\n\0]/.test(text))
    } catch (error) {
      return error instanceof PorticoError
    }
  }), { numRuns: 3_000 })
  t.ok(mapped > 5, `and some were mapped: ${mapped}`)
})
