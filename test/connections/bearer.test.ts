import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { Connection } from '../../src/config/configuration.ts'
import { createSigningKey, encodePart, signJwt, startHostileProvider } from '../support/hostile-provider.ts'
import { startProvider } from '../support/provider.ts'
import { createBrowser } from '../support/browser.ts'
import { organizationOf } from '../support/configuration.ts'
import { signIn } from '../support/provider.ts'
import { clientSecret, codeOf, configurationWith, connectionFrom, createBench, redirectUri, signInAt } from './setup.ts'

type Json = Record<string, unknown>

const now = (): number => Math.floor(Date.now() / 1_000)
const key = await createSigningKey()
const provider = await startHostileProvider({ key })
const evil = await createSigningKey('ES256', key.kid)
const bearer = { audience: 'api://analytics' }
const connection = connectionFrom({ connector: 'oidc', discovery_url: provider.issuer, bearer })
const bench = createBench([connection])
t.teardown(async () => { await bench.close(); await provider.close() })

const usual = (): Json => ({
  iss: provider.issuer, sub: 'subject-1', aud: 'api://analytics', client_id: 'a-program', exp: now() + 3_600, iat: now() - 1_800, email: 'Ada@acme.com', email_verified: true, groups: ['staff'], jti: 'x'
})
const tokenOf = (changed: Json = {}, header: Json = {}, signer = key): Promise<string> =>
  signJwt({ alg: signer.alg, kid: signer.kid, typ: 'at+jwt', ...header }, { ...usual(), ...changed }, signer.privateKey)
const verify = (token: string, use: Connection = connection): ReturnType<typeof bench.connectors.verifyAccessToken> => bench.connectors.verifyAccessToken(use, token, now())
const codeFor = async (changed: Json, header: Json = {}, signer = key, use: Connection = connection): Promise<string> => codeOf(verify(await tokenOf(changed, header, signer), use))
const refused = 'PORTICO_BEARER_INVALID'

t.test('R13 G1 an access token of the connection\'s own provider says who it is', async t => {
  const { identity, expiresAt } = await verify(await tokenOf())
  t.match(identity, { subject: `${provider.issuer} subject-1`, email: 'ada@acme.com', groups: ['staff'] })
  t.ok(Math.abs(expiresAt - now() - 3_600) < 10)
  provider.script = {}
  t.equal(identity.subject, (await signInAt(bench, connection, provider)).subject, 'the same person as at a sign-in')
  for (const aud of [['api://analytics'], ['another', 'api://analytics']]) t.equal(await codeFor({ aud }), 'no error', JSON.stringify(aud))
  for (const aud of ['another', undefined, [], '', 'api://analytics/', ['api://analytics', 1], { 'api://analytics': 1 }]) t.equal(await codeFor({ aud }), refused, JSON.stringify(aud))
  t.match(await verify(await tokenOf({ email: undefined, email_verified: undefined })), { identity: { email: undefined, subject: `${provider.issuer} subject-1` } }, 'without an e-mail the subject says who it is')
})

t.test('G2 G3 issuer and times', async t => {
  for (const iss of [`${provider.issuer}/`, 'https://evil.example', undefined, '', [provider.issuer]]) t.equal(await codeFor({ iss }), refused, JSON.stringify(iss))
  for (const changed of [{ exp: now() - 60 }, { exp: now() - 1 }, { exp: undefined }, { exp: '9999999999' }, { nbf: now() + 600 }, { iat: now() + 600 }, { nbf: 'x' }]) t.equal(await codeFor(changed), refused, JSON.stringify(changed))
  t.equal(await codeFor({ iat: now() - 86_000, nbf: now() - 86_000 }), 'no error', 'issued long ago, good still')
})

t.test('G4 O1 O2 signature and algorithm', async t => {
  t.equal(await codeFor({}, {}, evil), refused, 'another key under the same kid')
  t.equal(await codeOf(verify(`${encodePart({ alg: 'none', typ: 'at+jwt' })}.${encodePart(usual())}.`)), refused)
  t.equal(await codeOf(verify(await signJwt({ alg: 'HS256', typ: 'at+jwt' }, usual(), Buffer.from(clientSecret)))), refused)
  const [head = '', , signature = ''] = (await tokenOf()).split('.')
  t.equal(await codeOf(verify(`${head}.${encodePart({ ...usual(), sub: 'boss' })}.${signature}`)), refused)
  for (const odd of ['', 'a', 'a.b', 'a.b.c', 'a.b.c.d.e', 'Bearer x', `${head}.${encodePart('[]')}.x`]) t.equal(await codeOf(verify(odd)), refused, odd)

  const stranger = await createSigningKey('ES256', 'unknown')
  const before = provider.hits.get('/jwks') ?? 0
  bench.ahead += 61
  for (let i = 0; i < 5; i++) t.equal(await codeFor({}, {}, stranger), refused)
  t.equal((provider.hits.get('/jwks') ?? 0) - before, 1, 'O14 an unknown kid asks once a minute')
  provider.script = { keys: [key, stranger] }
  bench.ahead += 61
  t.equal(await codeFor({}, {}, stranger), 'no error', 'a new key is found')
  provider.script = {}
})

t.test('R13 an ID token is never accepted', async t => {
  let idToken = ''
  provider.script = { claims: all => ({ ...all, aud: ['portico', 'api://analytics'], azp: 'portico', scope: 'openid' }), idToken: async (header, all) => { idToken = await signJwt(header, all, key.privateKey); return idToken } }
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error', 'good for a sign-in')
  t.equal(await codeOf(verify(idToken)), refused)
  for (const changed of [{ nonce: 'x' }, { at_hash: 'x' }, { c_hash: 'x' }, { events: {} }, { token_use: 'id' }, { typ: 'ID' }, { typ: 'Refresh' }]) {
    t.equal(await codeFor(changed), refused, JSON.stringify(changed))
    t.equal(await codeFor(changed, { typ: undefined }), refused)
  }
  t.equal(await codeFor({ aud: ['api://analytics', 'portico'] }), refused, 'the client id as audience')
  t.equal(await codeFor({ client_id: undefined }, { typ: 'JWT' }), refused, 'nothing says that it is an access token')
  for (const mark of ['client_id', 'scope', 'scp', 'cid']) t.equal(await codeFor({ client_id: undefined, [mark]: 'read' }, { typ: 'JWT' }), 'no error', mark)
  for (const typ of ['application/at+jwt', 'AT+JWT', 'JWT', undefined]) t.equal(await codeFor({}, { typ }), 'no error', String(typ))
  for (const typ of ['logout+jwt', 'id+jwt', 'dpop+jwt', '', 5]) t.equal(await codeFor({}, { typ }), refused, JSON.stringify(typ))
  t.equal(await codeFor({}, {}, key, connectionFrom({ connector: 'oidc', discovery_url: provider.issuer }, { id: 'silent' })), refused, 'nor any token where bearer is not configured')
})

t.test('R13 a token that is bound to a key is no bearer token', async t => {
  for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, 'x', null]) t.equal(await codeFor({ cnf }), refused, JSON.stringify(cnf))
})

t.test('G12 a huge token is refused before it is read', async t => {
  t.equal(await codeFor({ more: 'x'.repeat(20_000) }), refused)
  t.equal(await codeFor({ more: 'x'.repeat(8_000) }), 'no error')
})

t.test('N1 G5 G6 R22 the person is judged as at a sign-in', async t => {
  t.equal(await codeFor({ email: 'eve@evil.example' }), 'PORTICO_EMAIL_DOMAIN')
  t.equal(await codeFor({ email_verified: undefined }), 'PORTICO_EMAIL_UNVERIFIED')
  t.equal(await codeFor({ groups: [5] }), 'PORTICO_CLAIM_INVALID')
  t.equal(await codeFor({ hasgroups: true, groups: undefined }), 'PORTICO_GROUPS_ELSEWHERE')
  for (const sub of [undefined, '', 5, 'a\u0000']) t.equal(await codeFor({ sub }), refused, JSON.stringify(sub))
  const strict = connectionFrom({ connector: 'oidc', discovery_url: provider.issuer, bearer, require_amr: ['mfa'] }, { id: 'strict' })
  t.equal(await codeFor({}, {}, key, strict), 'PORTICO_AMR_REQUIRED')
  t.equal(await codeFor({ amr: ['mfa'] }, {}, key, strict), 'no error')

  const tenant = 'abcdef11-1111-4111-8111-111111111111'
  const entra = connectionFrom({ connector: 'entra', tenant_id: tenant, discovery_url: provider.issuer, bearer })
  const claims = { tid: tenant, oid: 'OID', ver: '2.0', scp: 'read', client_id: undefined, email: undefined, preferred_username: 'ada@acme.com' }
  t.match(await verify(await tokenOf(claims, { typ: 'JWT' }), entra), { identity: { subject: `${tenant} oid`, email: 'ada@acme.com' } })
  t.equal(await codeFor({ ...claims, tid: 'abcdef22-1111-4111-8111-111111111111' }, {}, key, entra), refused, 'O4')
  t.equal(await codeFor({ ...claims, ver: '1.0' }, {}, key, entra), refused)
  t.equal(await codeFor({ ...claims, acct: 1 }, {}, key, entra), 'PORTICO_GUEST_ACCOUNT')

  const okta = connectionFrom({ connector: 'okta', okta_domain: 'acme.okta.com', authorization_server: 'default', discovery_url: provider.issuer, bearer })
  t.match(await verify(await tokenOf({ sub: 'ada@acme.com', uid: '00u1', cid: 'x', email: undefined }, { typ: undefined }), okta), { identity: { subject: `${provider.issuer} 00u1`, email: undefined } }, 'Okta\'s sub is the login, uid is who it is')
  t.match(await verify(await tokenOf({ cid: 'x', email: undefined }), okta), { identity: { subject: `${provider.issuer} subject-1` } }, 'sub where there is no uid')
  t.equal(await codeFor({ uid: 5 }, {}, key, okta), refused)
  t.equal(await codeFor({ sub: '0oa1', cid: '0oa1', email: undefined }, {}, key, okta), refused, 'a program of its own is nobody')
  t.equal(await codeFor({ sub: '0oa1', cid: '0oa1', uid: '00u1' }, {}, key, okta), refused)
  t.equal(await codeFor({ ...claims, idtyp: 'app' }, {}, key, entra), refused)
  for (const name of ['client_id', 'cid', 'azp']) t.equal(await codeFor({ sub: 'robot', [name]: 'robot' }), refused, `client credentials: sub is ${name}`)
})

t.test('R13 the access token of a real provider, and not its ID token', async t => {
  const real = await startProvider({
    clients: [{ client_id: 'portico', client_secret: clientSecret, redirect_uris: [redirectUri] }],
    accounts: { ada: { email: 'ada@acme.com', email_verified: true, name: 'Ada' } },
    configuration: {
      features: {
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => 'api://analytics',
          getResourceServerInfo: () => ({ scope: 'read', audience: 'api://analytics', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
          useGrantedResource: () => true
        }
      },
      scopes: ['openid', 'email', 'profile', 'groups', 'read']
    }
  })
  t.teardown(real.close)
  const use = connectionFrom({ connector: 'oidc', discovery_url: real.issuer, bearer })
  const own = createBench([use])
  t.teardown(own.close)
  const { url, secrets } = await own.connectors.oidc.authorize(use, { redirectUri, state: 's', loginHint: undefined, prompt: undefined })
  const back = await signIn(url, createBrowser(), 'ada')
  const response = await fetch(`${real.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`portico:${encodeURIComponent(clientSecret)}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code: back.location?.searchParams.get('code') ?? '', redirect_uri: redirectUri, code_verifier: secrets.codeVerifier })
  })
  const tokens: unknown = await response.json()
  if (typeof tokens !== 'object' || tokens === null || !('access_token' in tokens) || !('id_token' in tokens)) throw new Error(`no tokens: ${JSON.stringify(tokens)}`)
  t.match(await own.connectors.verifyAccessToken(use, String(tokens.access_token), now()), { identity: { subject: `${real.issuer} ada`, email: undefined } })
  t.equal(await codeOf(own.connectors.verifyAccessToken(use, String(tokens.id_token), now())), refused)
})

t.test('the candidates of a token are found by its issuer, however many connections there are', async t => {
  const tenant = 'abcdef11-1111-4111-8111-111111111111'
  const many = Array.from({ length: 2_000 }, (_none, index) => connectionFrom({ connector: 'oidc', discovery_url: `https://idp${index}.example`, bearer }, { id: `c${index}`, fingerprint: 'f' }))
  const some = [
    connectionFrom({ connector: 'okta', okta_domain: 'acme.okta.com', authorization_server: 'default', bearer }, { id: 'okta' }),
    connectionFrom({ connector: 'entra', tenancy: 'multiple', tenants: { [tenant.toUpperCase()]: ['acme.com'] }, bearer }, { id: 'entra' }),
    connectionFrom({ connector: 'entra', tenancy: 'multiple', tenants: { [tenant]: ['acme.com'] }, discovery_url: 'https://login.microsoftonline.us/organizations/v2.0', bearer }, { id: 'sovereign' }),
    connectionFrom({ connector: 'manual', authorization_url: 'https://m.example/a', token_url: 'https://m.example/t', jwks_url: 'https://m.example/k', issuer: 'https://m.example', bearer }, { id: 'manual' }),
    connectionFrom({ connector: 'oidc', discovery_url: 'https://idp7.example/', bearer: { audience: 'second' } }, { id: 'second' }),
    connectionFrom({ connector: 'oidc', discovery_url: 'https://idp8.example', status: 'disabled', bearer }, { id: 'off', status: 'disabled' }),
    connectionFrom({ connector: 'oidc', discovery_url: 'https://idp9.example' }, { id: 'without' })
  ]
  bench.configuration = configurationWith([...many, ...some], { keys: [randomBytes(32)] })
  const found = (iss: string): string[] => bench.connectors.bearerConnectionsOf(iss).map(({ id }) => id)
  t.same(found('https://idp1999.example'), ['c1999'])
  t.same(found('https://idp7.example'), ['c7', 'second'], 'with or without the last slash')
  t.same(found('https://idp8.example/'), ['c8'], 'the disabled one is none')
  t.same(found('https://idp9.example'), ['c9'])
  t.same(found('https://acme.okta.com/oauth2/default'), ['okta'])
  t.same(found(`https://login.microsoftonline.com/${tenant}/v2.0`), ['entra'])
  t.same(found(`https://login.microsoftonline.us/${tenant}/v2.0`), ['sovereign'])
  t.same(found('https://m.example'), ['manual'])
  for (const iss of ['', 'https://evil.example', '__proto__', 'constructor']) t.same(found(iss), [], iss)
  t.equal(bench.connectors.bearerConnectionsOf('https://idp5.example')[0], bench.configuration.connections.get('c5'))

  // whichever reloads there were, the same one comes first
  const both: Connection[] = []
  const organization = organizationOf('acme', { connections: both })
  both.push(...['staff', 'all'].map(id => connectionFrom({ connector: 'oidc', discovery_url: 'https://idp.example', bearer }, { id, organization })))
  for (const order of [both, both.toReversed()]) {
    bench.configuration = configurationWith(order, { keys: [randomBytes(32)] })
    t.same(found('https://idp.example'), ['staff', 'all'])
  }
})
