import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { loadConfiguration } from '../../src/config/load.ts'
import type { Connection } from '../../src/config/configuration.ts'
import type { Identity } from '../../src/connections/connector.ts'
import type { TracedCheck, TracedField, Trace } from '../../src/connections/trace.ts'
import { createSigningKey, encodePart, signJwt, startHostileProvider, type Script } from '../support/hostile-provider.ts'
import { startProvider } from '../support/provider.ts'
import { clientSecret, codeOf, connectionFrom, createBench, redirectUri, signInAt, signInThrough } from './setup.ts'

type Json = Record<string, unknown>

const provider = await startHostileProvider()
const evil = await createSigningKey('ES256', provider.key.kid)
const base = provider.issuer
const endpoints = { connector: 'manual', authorization_url: `${base}/authorize`, token_url: `${base}/token` }
const signed = connectionFrom({ ...endpoints, jwks_url: `${base}/jwks`, issuer: base }, { id: 'signed' })
const trusting = connectionFrom({ ...endpoints, dangerously_trust_token_endpoint: true }, { id: 'trusting' })
const named = connectionFrom({ ...endpoints, issuer: base, dangerously_trust_token_endpoint: true }, { id: 'named' })
const plain = connectionFrom({ ...endpoints, userinfo_url: `${base}/userinfo`, dangerously_trust_token_endpoint: true }, { id: 'plain' })
const believing = connectionFrom({ ...endpoints, userinfo_url: `${base}/userinfo`, dangerously_trust_unverified_email: true, scopes: ['read:user'], claims: { subject: 'id', email: 'mail', name: 'login' } }, { id: 'believing' })
const bench = createBench([signed, trusting, named, plain, believing])
t.teardown(async () => { await bench.close(); await provider.close() })

const signIn = (use: Connection, script: Script): Promise<Identity> => {
  provider.script = script
  return signInAt(bench, use, provider)
}
const codeFor = (use: Connection, script: Script): Promise<string> => codeOf(signIn(use, script))
const claims = (changed: Json): Script => ({ claims: all => ({ ...all, ...changed }) })
const withoutIdToken = (script: Script = {}): Script => ({ ...script, token: ({ id_token: _left, ...rest }) => rest })

t.test('R30 with jwks_url the ID token is verified as anywhere else', async t => {
  t.match(await signIn(signed, {}), { subject: `${base} subject-1`, email: 'ada@acme.com', groups: ['staff'] })
  t.equal(provider.hits.get('/.well-known/openid-configuration'), undefined, 'no discovery')
  t.equal(await codeFor(signed, { idToken: (header, all) => signJwt(header, all, evil.privateKey) }), 'PORTICO_ID_TOKEN_SIGNATURE', 'O1')
  t.equal(await codeFor(signed, { idToken: (_header, all) => `${encodePart({ alg: 'none' })}.${encodePart(all)}.` }), 'PORTICO_ID_TOKEN_ALGORITHM', 'O2 G4')
  t.equal(await codeFor(signed, { idToken: (_header, all) => signJwt({ alg: 'HS256' }, all, Buffer.from(clientSecret)) }), 'PORTICO_ID_TOKEN_ALGORITHM')
  t.equal(await codeFor(signed, claims({ iss: `${base}/` })), 'PORTICO_ID_TOKEN_ISSUER', 'G2')
  t.equal(await codeFor(signed, withoutIdToken()), 'PORTICO_ID_TOKEN_MISSING', 'and has to be there')
})

t.test('R30 O16 with neither keys nor userinfo the token endpoint is believed on request: all but the signature is checked', async t => {
  const forged: Script = { idToken: (header, all) => signJwt(header, all, evil.privateKey) }
  t.match(await signIn(trusting, forged), { subject: `${base} subject-1`, email: 'ada@acme.com' }, 'no signature is verified')
  t.equal(await codeFor(trusting, { idToken: (_header, all) => signJwt({ alg: 'HS256' }, all, Buffer.from(clientSecret)) }), 'no error', 'nor its algorithm')
  const now = Math.floor(Date.now() / 1_000)
  const cases: readonly (readonly [string, Json])[] = [
    ['PORTICO_ID_TOKEN_AUDIENCE', { aud: 'another' }],
    ['PORTICO_ID_TOKEN_AUDIENCE', { azp: 'another' }],
    ['PORTICO_ID_TOKEN_TIME', { exp: now - 60 }],
    ['PORTICO_ID_TOKEN_TIME', { exp: undefined }],
    ['PORTICO_ID_TOKEN_TIME', { iat: now - 3_600 }],
    ['PORTICO_ID_TOKEN_TIME', { nbf: now + 3_600 }],
    ['PORTICO_ID_TOKEN_NONCE', { nonce: 'another' }],
    ['PORTICO_ID_TOKEN_NONCE', { nonce: undefined }],
    ['PORTICO_ID_TOKEN_SUBJECT', { sub: '' }],
    ['PORTICO_EMAIL_UNVERIFIED', { email_verified: false }],
    ['PORTICO_EMAIL_DOMAIN', { email: 'eve@evil.example' }],
    ['PORTICO_ID_TOKEN_HASH', { at_hash: 'AAAA' }]
  ]
  for (const [code, changed] of cases) t.equal(await codeFor(trusting, claims(changed)), code, JSON.stringify(changed))
  t.equal(await codeFor(trusting, claims({ iss: 'https://other.example' })), 'no error', 'no issuer is configured')
  t.match(await signIn(trusting, claims({ iss: 'https://other.example' })), { subject: `${base} subject-1` }, 'and none is believed')
  t.equal(await codeFor(named, claims({ iss: 'https://other.example' })), 'PORTICO_ID_TOKEN_ISSUER', 'a configured one is checked')
  t.equal(await codeFor(trusting, withoutIdToken()), 'PORTICO_ID_TOKEN_MISSING')
  t.equal(provider.hits.get('/userinfo'), undefined)
})

t.test('R30 O16 O12 without keys userinfo is the identity, keyed by the configured claim at its origin', async t => {
  t.match(await signIn(plain, withoutIdToken()), { subject: `${base} subject-1`, email: 'ada@acme.com', name: 'Ada Lovelace' })
  t.equal(await codeFor(plain, withoutIdToken({ profile: { email: 'ada@acme.com', name: 'Ada' } })), 'PORTICO_EMAIL_UNVERIFIED', 'the endpoint is trusted, the e-mail must be verified')
  t.equal(await codeFor(plain, withoutIdToken({ profile: { email: 'ada@evil.example', email_verified: true } })), 'PORTICO_EMAIL_DOMAIN', 'N1')
  t.equal(await codeFor(plain, { userinfo: all => ({ ...all as Json, sub: 'somebody-else' }) }), 'PORTICO_USERINFO_SUBJECT', 'G11 an ID token beside it must speak of the same person')
  t.equal(await codeFor(plain, claims({ nonce: 'another' })), 'PORTICO_ID_TOKEN_NONCE', 'and be of this sign-in')

  const github = (changed: Json): Script => withoutIdToken({ userinfo: () => ({ id: 583231, login: 'ada', mail: 'Ada@acme.com', ...changed }) })
  t.match(await signIn(believing, github({})), { subject: `${base} 583231`, email: 'ada@acme.com', name: 'ada', groups: [] })
  for (const id of [undefined, null, '', 1.5, {}, ['1'], 'a\nb', Number.MAX_VALUE]) t.equal(await codeFor(believing, github({ id })), 'PORTICO_ID_TOKEN_SUBJECT', JSON.stringify(id))
  t.equal(await codeFor(believing, github({ mail: 'ada@evil.example' })), 'PORTICO_EMAIL_DOMAIN', 'believed, and judged by domain')
  t.equal(await codeFor(believing, github({ mail: undefined })), 'PORTICO_EMAIL_MISSING')
  for (const answer of ['[]', 'null', '<html>', '']) {
    t.equal(await codeFor(believing, { ...withoutIdToken(), answers: { '/userinfo': (_request, response) => { response.end(answer) } } }), 'PORTICO_IDP_ANSWER', answer)
  }
  const asked = provider.seen.findLast(({ path }) => path === '/userinfo')
  t.match(asked?.headers.authorization, /^Bearer access-code-/)
  const { url, secrets } = await bench.connectors.manual.authorize(believing, { redirectUri, state: 's', loginHint: undefined, prompt: undefined })
  const sent = new URL(url).searchParams
  t.match(Object.fromEntries(sent), { state: 's', scope: 'read:user', code_challenge_method: 'S256', nonce: secrets.nonce }, 'state and PKCE always; the scopes as written')
})

t.test('R30 a real provider, by hand', async t => {
  const real = await startProvider({
    clients: [{ client_id: 'portico', client_secret: clientSecret, redirect_uris: [redirectUri], token_endpoint_auth_method: 'client_secret_post' }],
    accounts: { ada: { email: 'ada@acme.com', email_verified: true, name: 'Ada' } }
  })
  t.teardown(real.close)
  const addresses = { connector: 'manual', authorization_url: `${real.issuer}/auth`, token_url: `${real.issuer}/token`, userinfo_url: `${real.issuer}/me`, token_endpoint_auth_method: 'client_secret_post' }
  const verified = connectionFrom({ ...addresses, jwks_url: `${real.issuer}/jwks`, issuer: real.issuer }, { id: 'verified' })
  const bare = connectionFrom({ ...addresses, dangerously_trust_token_endpoint: true }, { id: 'bare' })
  const own = createBench([verified, bare])
  t.teardown(own.close)
  t.match(await signInThrough(own, verified, 'ada'), { subject: `${real.issuer} ada`, email: 'ada@acme.com' })
  t.match(await signInThrough(own, bare, 'ada'), { subject: `${real.issuer} ada`, email: 'ada@acme.com' })
  t.equal(real.hits.get('/.well-known/openid-configuration'), undefined)
  t.match(own.connectors.health(bare), { lastError: undefined })
})

const tracing = (): { checks: TracedCheck[], fields: TracedField[], said: [string, Json][], trace: Trace } => {
  const [checks, fields, said]: [TracedCheck[], TracedField[], [string, Json][]] = [[], [], []]
  return {
    checks, fields, said, trace: { check: check => { checks.push(check) }, field: field => { fields.push(field) }, claims: (source, all) => { said.push([source, { ...all }]) } }
  }
}

t.test('R9 a trace is told of every check, every claim, and where each part of the identity came from', async t => {
  const one = await startHostileProvider({ key: provider.key, script: { profileInIdToken: false } })
  t.teardown(one.close)
  const connection = connectionFrom({ connector: 'oidc', discovery_url: one.issuer, groups: { filter: ['staff'], rename: { staff: 'everybody' } }, require_acr: ['1'] })
  const own = createBench([connection])
  t.teardown(own.close)
  const good = tracing()
  await signInAt(own, connection, one, undefined, good.trace)
  t.ok(good.checks.every(({ passed }) => passed))
  for (const name of ['state', 'code', 'alg', 'iss', 'aud', 'exp', 'iat', 'nonce', 'sub', 'signature', 'sub of userinfo', 'e-mail', 'email_verified', 'domain of the e-mail', 'acr']) {
    t.equal(good.checks.filter(check => check.name === name).length, 1, name)
  }
  t.same(good.said.map(([source]) => source), ['ID token', 'userinfo'])
  t.match(good.said[1]?.[1], { email: 'ada@acme.com', groups: ['staff'] })
  t.match(good.fields.find(({ field }) => field === 'subject'), { value: `${one.issuer} subject-1`, from: 'issuer and claim sub of the ID token' })
  t.match(good.fields.find(({ field }) => field === 'email'), { value: 'ada@acme.com', from: 'claim email of userinfo' })
  t.match(good.fields.find(({ field }) => field === 'groups'), { value: ['everybody'], from: 'claim groups of userinfo; everybody renamed from staff by groups.rename' })
  t.same(good.fields.map(({ field }) => field).sort(), ['acr', 'amr', 'auth_time', 'email', 'groups', 'name', 'subject'])

  const lastCheck = async (script: Script): Promise<TracedCheck | undefined> => {
    one.script = { profileInIdToken: false, ...script }
    const { checks, trace } = tracing()
    const code = await codeOf(signInAt(own, connection, one, undefined, trace))
    t.not(code, 'no error')
    t.ok(checks.slice(0, -1).every(({ passed }) => passed), 'only the last one failed')
    return checks.at(-1)
  }
  t.match(await lastCheck(claims({ aud: 'another' })), { name: 'aud', passed: false, wanted: 'aud portico', got: 'another' })
  t.match(await lastCheck(claims({ nonce: 'another' })), { name: 'nonce', passed: false, got: 'another one' })
  t.match(await lastCheck({ idToken: (header, all) => signJwt(header, all, evil.privateKey) }), { name: 'signature', passed: false })
  t.match(await lastCheck({ userinfo: all => ({ ...all as Json, sub: 'x' }) }), { name: 'sub of userinfo', passed: false })
  t.match(await lastCheck({ profile: { email: 'not one', email_verified: true } }), { name: 'e-mail', passed: false })
  t.match(await lastCheck({ profile: { email: 'ada@acme.com', email_verified: 'no' } }), { name: 'email_verified', passed: false, got: 'no' })
  t.match(await lastCheck({ profile: { email: 'a@evil.example', email_verified: true } }), { name: 'domain of the e-mail', passed: false, got: 'a@evil.example' })
  t.match(await lastCheck(claims({ acr: '0' })), { name: 'acr', passed: false, wanted: 'acr 1', got: '0' })
  t.notMatch(JSON.stringify(good), /eyJ|access-code|code-\d/, 'and never of a token or code')
})

t.test('R3 a certificate that cannot be used is a problem at its line', async t => {
  const folder = t.testdir({ organizations: {} })
  for (const from of ['connections', 'config']) cpSync(fileURLToPath(new URL(`../fixtures/${from}`, import.meta.url)), join(folder, 'organizations'), { recursive: true, filter: name => !name.endsWith('.yaml') })
  const env = { PORTICO_KEY: Buffer.alloc(32, 'key').toString('base64').replace(/^./, 'z'), SECRET: 'secret' }
  writeFileSync(join(folder, 'portico.yaml'), 'auth_url: https://auth.example.com\nkeys: [{ env: PORTICO_KEY }]\norganizations: ./organizations\napps: { a: { url: https://a.example.com, upstream: http://127.0.0.1:9101 } }\n')
  const problemsWith = async (certificate: string, key: string, more = '', now?: number): Promise<{ problems: string[], warnings: string[] }> => {
    writeFileSync(join(folder, 'organizations/acme.yaml'), `name: Acme
connections:
  acme:
    connector: entra
    domains: [acme.example]
    tenant_id: 11111111-1111-4111-8111-111111111111
    client_id: x
    client_certificate: { certificate: ${certificate}, key: { file: ${key} } }
    ${more}
`)
    const { problems, warnings } = await loadConfiguration({ file: join(folder, 'portico.yaml'), env, ...(now === undefined ? {} : { now: () => now }) })
    const paths = (list: typeof problems): string[] => list.map(({ path }) => path.replace('connections.acme.', ''))
    return { problems: paths(problems), warnings: paths(warnings) }
  }
  t.same(await problemsWith('client.pem', 'client.key'), { problems: [], warnings: [] })
  t.same((await problemsWith('client.pem', 'client.key', 'client_secret: { env: SECRET }')).problems, ['client_certificate'], 'one of the two')
  t.same((await problemsWith('client.pem', 'client.key', 'client_secret_expires: 2090-01-01')).problems, ['client_secret_expires'])
  t.same((await problemsWith('garbage.pem', 'client.key')).problems, ['client_certificate.certificate'])
  t.same((await problemsWith('client.pem', 'garbage.pem')).problems, ['client_certificate.key'])
  t.same((await problemsWith('client.pem', 'key.pem')).problems, ['client_certificate.key', 'client_certificate.key'], 'of another certificate, and no RSA key')
  t.same((await problemsWith('certificate.pem', 'key.pem')).problems, ['client_certificate.key'], 'Entra takes RSA alone')
  t.same((await problemsWith('nowhere.pem', 'client.key')).problems, ['client_certificate.certificate'])
  t.same(await problemsWith('client.pem', 'client.key', '', Date.parse('2200-01-01') / 1_000), { problems: [], warnings: ['client_certificate.certificate'] }, 'a date that passes holds up no reload')
})
