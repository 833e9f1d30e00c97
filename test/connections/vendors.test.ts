import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Connection } from '../../src/config/configuration.ts'
import { PorticoError } from '../../src/errors.ts'
import { createSigningKey, startHostileProvider, type Script } from '../support/hostile-provider.ts'
import { startProvider } from '../support/provider.ts'
import { clientSecret, codeOf, connectionFrom, createBench, redirectUri, signInAt, signInThrough } from './setup.ts'

type Json = Record<string, unknown>

const key = await createSigningKey()
const clients = [{ client_id: 'portico', client_secret: clientSecret, redirect_uris: [redirectUri] }]
/** Google and Entra put into the ID token what others give at userinfo. */
const fatTokens = { conformIdTokenClaims: false }

const tenant = 'abcdef11-1111-4111-8111-111111111111'
const other = '22222222-2222-4222-8222-222222222222'
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'
const oid = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'

const authorizationOf = async (connection: Connection, hints: { loginHint?: string, prompt?: string } = {}): Promise<URLSearchParams> => {
  const bench = createBench([connection])
  const { url } = await bench.connectors[connection.connector].authorize(connection, { redirectUri, state: 's', loginHint: hints.loginHint, prompt: hints.prompt })
  await bench.close()
  return new URL(url).searchParams
}

t.test('R4 R1 Google: a Workspace account at a real provider, and what is sent', async t => {
  const provider = await startProvider({
    clients,
    claims: { openid: ['sub', 'hd'] },
    configuration: fatTokens,
    accounts: {
      ada: { email: 'Ada@acme.com', email_verified: true, name: 'Ada', hd: 'acme.com' },
      second: { email: 'bob@acme.co.uk', email_verified: true, name: 'Bob', hd: 'ACME.com' },
      private: { email: 'ada@acme.com', email_verified: true, name: 'Ada at home' },
      stranger: { email: 'ada@acme.com', email_verified: true, name: 'Ada', hd: 'evil.example' },
      unverified: { email: 'ada@acme.com', email_verified: false, name: 'Ada', hd: 'acme.com' },
      elsewhere: { email: 'ada@other.example', email_verified: true, name: 'Ada', hd: 'acme.com' }
    }
  })
  t.teardown(provider.close)
  const connection = connectionFrom({ connector: 'google', workspace_domain: 'Acme.com', discovery_url: provider.issuer })
  const bench = createBench([connection])
  t.teardown(bench.close)
  let sent = new URLSearchParams()
  const ada = await signInThrough(bench, connection, 'ada', parameters => { sent = parameters }, { loginHint: 'ada@acme.com', prompt: 'select_account' })
  t.match(ada, { subject: `${provider.issuer} ada`, email: 'ada@acme.com', name: 'Ada', groups: [] })
  t.match(Object.fromEntries(sent), { hd: 'acme.com', login_hint: 'ada@acme.com', prompt: 'select_account', scope: 'openid email profile' })
  t.notOk(sent.has('access_type'), 'no offline access unless it is asked for')
  t.equal((await signInThrough(bench, connection, 'second')).email, 'bob@acme.co.uk', 'a secondary domain of the Workspace')
  t.equal(provider.hits.get('/me'), undefined, 'the ID token says it all')
  t.equal(await codeOf(signInThrough(bench, connection, 'private')), 'PORTICO_CONSUMER_ACCOUNT', 'a work e-mail without hd is a personal account')
  t.equal(await codeOf(signInThrough(bench, connection, 'stranger')), 'PORTICO_WORKSPACE_DOMAIN')
  t.equal(await codeOf(signInThrough(bench, connection, 'unverified')), 'PORTICO_EMAIL_UNVERIFIED', 'O13 G5')
  t.equal(await codeOf(signInThrough(bench, connection, 'elsewhere')), 'PORTICO_EMAIL_DOMAIN', 'N1 H7 hd does not stand for the e-mail')
})

t.test('R4 G2 O3 Google: hd and iss made by hand', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const connection = connectionFrom({ connector: 'google', workspace_domain: 'bücher.example', domains: ['bücher.example'], discovery_url: provider.issuer })
  const bench = createBench([connection])
  t.teardown(bench.close)
  const signIn = (changed: Json): Promise<string> => {
    provider.script = { profile: { email: 'ada@bücher.example', email_verified: true, name: 'Ada' }, claims: all => ({ ...all, hd: 'xn--bcher-kva.example', ...changed }) }
    return codeOf(signInAt(bench, connection, provider))
  }
  t.equal(await signIn({}), 'no error')
  t.equal(await signIn({ hd: 'Bücher.Example' }), 'no error', 'either spelling')
  for (const hd of ['xbücher.example', 'bücher.example.evil.example', '', ' bücher.example', ['bücher.example'], true, { hd: 'bücher.example' }]) {
    t.equal(await signIn({ hd }), 'PORTICO_WORKSPACE_DOMAIN', encodeURI(JSON.stringify(hd)))
  }
  for (const hd of [undefined, null]) t.equal(await signIn({ hd }), 'PORTICO_CONSUMER_ACCOUNT', String(hd))
  t.equal(await signIn({ iss: provider.issuer.replace(/^https?:\/\//, '') }), 'PORTICO_ID_TOKEN_ISSUER', 'the legacy issuer without a scheme is another text')
  const google = connectionFrom({ connector: 'google', workspace_domain: 'acme.com' })
  const index = createBench([google])
  t.ok(index.connectors.isIssuer(google, 'https://accounts.google.com'))
  t.notOk(index.connectors.isIssuer(google, 'accounts.google.com'))
  await index.close()
})

t.test('R5 R1 Okta: org and custom authorization server at a real provider', async t => {
  const accounts = {
    ada: { email: 'ada@acme.com', email_verified: true, name: 'Ada', groups: ['Everyone', 'staff-research', '', 'staff-all'] },
    unverified: { email: 'ada@acme.com', name: 'Ada' }
  }
  for (const path of ['', '/oauth2/default']) {
    const provider = await startProvider({ clients, path, accounts })
    t.teardown(provider.close)
    const connection = connectionFrom({ connector: 'okta', okta_domain: 'acme.okta.com', discovery_url: provider.issuer, groups: { filter: ['staff-*'], rename: { 'staff-all': 'everybody' } } })
    const bench = createBench([connection])
    t.teardown(bench.close)
    let sent = new URLSearchParams()
    const ada = await signInThrough(bench, connection, 'ada', parameters => { sent = parameters }, { loginHint: 'ada@acme.com', prompt: 'select_account' })
    t.match(ada, { subject: `${provider.issuer} ada`, email: 'ada@acme.com', groups: ['staff-research', 'everybody'] }, 'I groups filtered by the names that Okta gives, then renamed')
    t.match(Object.fromEntries(sent), { login_hint: 'ada@acme.com', prompt: 'login', scope: 'openid email profile groups' }, 'Okta has no select_account')
    t.equal(await codeOf(signInThrough(bench, connection, 'unverified')), 'PORTICO_EMAIL_UNVERIFIED', 'G5 absent is not true')
  }
  const bench = createBench([])
  const issuerFor = (settings: Json): string => bench.connectors.issuer(connectionFrom({ connector: 'okta', okta_domain: 'acme.okta.com', ...settings })).replace(/\/$/, '')
  t.equal(issuerFor({}), 'https://acme.okta.com')
  t.equal(issuerFor({ authorization_server: 'default' }), 'https://acme.okta.com/oauth2/default')
  t.equal(issuerFor({ okta_domain: 'login.acme.com', authorization_server: 'aus1' }), 'https://login.acme.com/oauth2/aus1')
  await bench.close()
})

const person = { preferred_username: 'ada@acme.com', email: 'ada@acme.com', name: 'Ada', tid: tenant, oid, ver: '2.0' }
const entraClaims = ['sub', 'tid', 'oid', 'ver', 'preferred_username', 'email', 'name', 'groups', 'acct', 'idp']

t.test('R3 R1 Entra, one tenant: at a real provider, and what is sent', async t => {
  const provider = await startProvider({
    clients,
    path: `/${tenant}/v2.0`,
    claims: { openid: entraClaims },
    configuration: fatTokens,
    accounts: {
      ada: { ...person, tid: tenant.toUpperCase(), oid: oid.toUpperCase(), groups: ['g1'] },
      noMail: { ...person, email: undefined },
      guest: { ...person, preferred_username: 'ada_acme.com#EXT#@tenant.onmicrosoft.com' },
      other: { ...person, tid: other },
      noOid: { ...person, oid: undefined }
    }
  })
  t.teardown(provider.close)
  const settings = { connector: 'entra', tenant_id: tenant, discovery_url: provider.issuer }
  const connection = connectionFrom(settings)
  const guests = connectionFrom({ ...settings, allow_guests: true }, { id: 'guests' })
  const bench = createBench([connection, guests])
  t.teardown(bench.close)
  let sent = new URLSearchParams()
  const ada = await signInThrough(bench, connection, 'ada', parameters => { sent = parameters }, { loginHint: 'ada@acme.co.uk', prompt: 'select_account' })
  t.match(ada, { subject: `${tenant} ${oid}`, email: 'ada@acme.com', groups: ['g1'] }, 'keyed by tid and oid; no email_verified is asked for')
  t.match(Object.fromEntries(sent), { login_hint: 'ada@acme.co.uk', domain_hint: 'acme.co.uk', prompt: 'select_account', scope: 'openid email profile' })
  t.equal((await authorizationOf(connection)).get('domain_hint'), 'acme.com')
  t.equal((await authorizationOf(guests)).get('domain_hint'), null, 'guests come from elsewhere')
  t.equal((await authorizationOf(connection, { loginHint: 'eve@evil.example' })).get('domain_hint'), null)
  t.match(await signInThrough(bench, connection, 'noMail'), { email: 'ada@acme.com', subject: `${tenant} ${oid}` }, 'preferred_username where there is no e-mail')
  t.equal(await codeOf(signInThrough(bench, connection, 'guest')), 'PORTICO_GUEST_ACCOUNT')
  t.equal(await codeOf(signInThrough(bench, guests, 'guest')), 'no error')
  t.equal(await codeOf(signInThrough(bench, connection, 'other')), 'PORTICO_TENANT_NOT_ALLOWED', 'O4')
  t.equal(await codeOf(signInThrough(bench, connection, 'noOid')), 'PORTICO_ID_TOKEN_SUBJECT')
  t.equal(provider.hits.get('/me'), undefined, 'Entra\'s userinfo is not asked for what is there')
})

t.test('R3 O4 Entra, several tenants: the template issuer at a real provider', async t => {
  const wellKnown = '/organizations/v2.0/.well-known/openid-configuration'
  const provider = await startProvider({
    clients,
    path: `/${tenant}/v2.0`,
    claims: { openid: entraClaims },
    configuration: fatTokens,
    documents: {
      [wellKnown]: issuer => ({
        issuer: issuer.replace(tenant, '{tenantid}'),
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        userinfo_endpoint: `${issuer}/me`,
        id_token_signing_alg_values_supported: ['RS256']
      })
    },
    accounts: { ada: person, bob: { ...person, email: 'bob@acme.co.uk' }, liar: { ...person, tid: other, email: 'ada@acme.co.uk' } }
  })
  t.teardown(provider.close)
  const url = `${new URL(provider.issuer).origin}${wellKnown}`
  const connection = connectionFrom({ connector: 'entra', tenancy: 'multiple', discovery_url: url, tenants: { [tenant]: ['acme.com'], [other]: ['acme.co.uk'] } })
  const single = connectionFrom({ connector: 'entra', tenant_id: tenant, discovery_url: url }, { id: 'single' })
  const oidc = connectionFrom({ connector: 'oidc', discovery_url: url, dangerously_trust_unverified_email: true }, { id: 'plain' })
  const bench = createBench([connection, single, oidc])
  t.teardown(bench.close)
  t.match(await signInThrough(bench, connection, 'ada'), { subject: `${tenant} ${oid}`, email: 'ada@acme.com' })
  t.equal(await codeOf(signInThrough(bench, connection, 'bob')), 'PORTICO_EMAIL_DOMAIN', 'N1 a domain of the connection that this tenant may not assert')
  t.equal(await codeOf(signInThrough(bench, connection, 'liar')), 'PORTICO_ID_TOKEN_ISSUER', 'tid of another allowed tenant under this one\'s issuer')
  t.equal(await codeOf(signInThrough(bench, single, 'bob')), 'no error', 'one tenant, whose domains are the connection\'s')
  t.equal(await codeOf(signInThrough(bench, oidc, 'ada')), 'PORTICO_IDP_ISSUER', 'the oidc connector takes no template')
  t.equal((await authorizationOf(connection)).get('domain_hint'), null, 'several tenants: whose domain is not known before the e-mail is')
  const cloud = connectionFrom({ connector: 'entra', tenancy: 'multiple', tenants: { [tenant]: ['acme.com'] } }, { id: 'cloud' })
  t.ok(bench.connectors.isIssuer(cloud, `https://login.microsoftonline.com/${tenant}/v2.0`))
  t.notOk(bench.connectors.isIssuer(cloud, `https://login.microsoftonline.com/${other}/v2.0`))
})

t.test('O4 R3 Entra: tokens made by hand', async t => {
  const provider = await startHostileProvider({ key, suffix: '/organizations/v2.0' })
  t.teardown(provider.close)
  const origin = `http://127.0.0.1:${provider.port}`
  const settings = { connector: 'entra', tenancy: 'multiple', discovery_url: provider.issuer, tenants: { [tenant]: ['acme.com'], [other]: ['acme.co.uk'] } }
  const connection = connectionFrom(settings)
  const consumer = connectionFrom({ ...settings, tenants: { [consumers]: ['acme.com'] } }, { id: 'consumer' })
  const guests = connectionFrom({ ...settings, allow_guests: true }, { id: 'guests' })
  const upn = connectionFrom({ ...settings, claims: { email: 'upn' } }, { id: 'upn' })
  const trusting = connectionFrom({ ...settings, dangerously_trust_unverified_email: true }, { id: 'trusting' })
  const bench = createBench([connection, consumer, guests, upn, trusting])
  t.teardown(bench.close)
  const script = (changed: Json, more: Script = {}): Script => ({
    discovery: document => ({ ...document, issuer: `${origin}/{tenantid}/v2.0` }),
    profile: {},
    claims: all => ({ ...all, iss: `${origin}/${String(changed.tid ?? tenant)}/v2.0`, ...person, ...changed }),
    ...more
  })
  const signIn = (changed: Json, use = connection, more: Script = {}): Promise<string> => {
    provider.script = script(changed, more)
    return codeOf(signInAt(bench, use, provider))
  }

  t.equal(await signIn({}), 'no error')
  t.equal(await signIn({ tid: other, email: 'bob@acme.co.uk' }), 'no error')
  for (const tid of ['33333333-3333-4333-8333-333333333333', '', '*', 'organizations', '{tenantid}', `${tenant}x`, [tenant], 5]) t.equal(await signIn({ tid }), 'PORTICO_TENANT_NOT_ALLOWED', JSON.stringify(tid))
  t.equal(await signIn({ tid: undefined, iss: `${origin}/${tenant}/v2.0` }), 'PORTICO_TENANT_NOT_ALLOWED', 'tid is always checked')
  t.equal(await signIn({ tid: consumers }), 'PORTICO_CONSUMER_ACCOUNT', 'a personal account')
  t.equal(await signIn({ tid: consumers }, consumer), 'no error', 'unless its tenant is listed')
  for (const iss of [`${origin}/${other}/v2.0`, `${origin}/{tenantid}/v2.0`, `${origin}/${tenant}/v2.0/`, `${origin}/${tenant.toUpperCase()}/v2.0`, `https://sts.windows.net/${tenant}/`]) {
    t.equal(await signIn({ iss }), 'PORTICO_ID_TOKEN_ISSUER', iss.replace(origin, ''))
  }
  for (const ver of ['1.0', undefined, 2, '2']) t.equal(await signIn({ ver }), 'PORTICO_TOKEN_VERSION', `ver ${String(ver)}`)
  for (const missing of [undefined, '', null, 5, 'a\nb']) t.equal(await signIn({ oid: missing }), 'PORTICO_ID_TOKEN_SUBJECT', JSON.stringify(missing))

  const ext = 'ada_acme.com#EXT#@tenant.onmicrosoft.com'
  const guestsAre: readonly Json[] = [
    { preferred_username: ext }, { upn: ext.toLowerCase() }, { unique_name: ext }, { email: ext }, { acct: 1 }, { acct: '1' }, { idp: 'live.com' }, { idp: `https://sts.windows.net/${other}/` }
  ]
  for (const guest of guestsAre) {
    t.equal(await signIn(guest), 'PORTICO_GUEST_ACCOUNT', JSON.stringify(guest))
    t.equal(await signIn(guest, guests), guest.email === undefined ? 'no error' : 'PORTICO_EMAIL_DOMAIN', 'the domain is judged all the same')
  }
  for (const member of [{ acct: 0 }, { acct: '0' }, { idp: `https://sts.windows.net/${tenant}/` }]) t.equal(await signIn(member), 'no error', JSON.stringify(member))

  for (const edov of [false, 'false', '0', 0, 'no']) {
    t.equal(await signIn({ xms_edov: edov }), 'PORTICO_EMAIL_UNVERIFIED', `nOAuth: xms_edov ${JSON.stringify(edov)}`)
    t.equal(await signIn({ xms_edov: edov }, trusting), 'no error', 'believed on request')
  }
  for (const edov of [true, 'true', '1', 1]) t.equal(await signIn({ xms_edov: edov }), 'no error', JSON.stringify(edov))
  t.equal(await signIn({ email: 'victim@acme.co.uk' }), 'PORTICO_EMAIL_DOMAIN', 'N1 nOAuth: another tenant\'s domain')
  t.equal(await signIn({ email: 'ada@evil.example', preferred_username: 'ada@acme.com' }), 'PORTICO_EMAIL_DOMAIN', 'no fallback from an e-mail that is there')
  t.equal(await signIn({ upn: 'ada@acme.com', email: 'eve@evil.example' }, upn), 'no error', 'the configured claim alone')
  t.equal(await signIn({}, upn, { userinfo: () => ({ sub: 'subject-1' }) }), 'PORTICO_EMAIL_MISSING', 'and no fallback from it')

  for (const overage of [{ _claim_names: { groups: 'src1' }, _claim_sources: {} }, { hasgroups: true }]) {
    t.equal(await signIn(overage), 'PORTICO_GROUPS_ELSEWHERE', 'G6 groups overage is an error, not no groups')
  }
  provider.script = script({ hasgroups: true })
  const error = await signInAt(bench, connection, provider).catch((reason: unknown) => reason)
  t.match(error, { remedy: /Groups assigned to the application/ })
})

t.test('O4 G4 Entra: a key that is another tenant\'s signs nothing for this one', async t => {
  const foreign = await createSigningKey('ES256', 'foreign')
  const shared = await createSigningKey('ES256', 'shared')
  const provider = await startHostileProvider({ key, suffix: '/organizations/v2.0' })
  t.teardown(provider.close)
  const origin = `http://127.0.0.1:${provider.port}`
  const connection = connectionFrom({ connector: 'entra', tenancy: 'multiple', discovery_url: provider.issuer, tenants: { [tenant]: ['acme.com'], [other]: ['acme.co.uk'] } })
  const bench = createBench([connection])
  t.teardown(bench.close)
  const signIn = (signer: typeof key, changed: Json): Promise<string> => {
    provider.script = {
      discovery: document => ({ ...document, issuer: `${origin}/{tenantid}/v2.0` }),
      profile: {},
      keys: [signer],
      jwks: () => ({
        keys: [
          { ...key.publicJwk, issuer: `${origin}/${tenant}/v2.0` }, { ...foreign.publicJwk, issuer: `${origin}/${other}/v2.0` }, { ...shared.publicJwk, issuer: `${origin}/{tenantid}/v2.0` }
        ]
      }),
      claims: all => ({ ...all, iss: `${origin}/${String(changed.tid ?? tenant)}/v2.0`, ...person, ...changed })
    }
    return codeOf(signInAt(bench, connection, provider))
  }
  t.equal(await signIn(key, {}), 'no error')
  t.equal(await signIn(shared, {}), 'no error', 'a key of all tenants')
  t.equal(await signIn(foreign, { tid: other, email: 'bob@acme.co.uk' }), 'no error')
  t.equal(await signIn(foreign, {}), 'PORTICO_ID_TOKEN_KEY')
  t.equal(await signIn(key, { tid: other, email: 'bob@acme.co.uk' }), 'PORTICO_ID_TOKEN_KEY')
})

t.test('Entra: what Microsoft refuses has a name', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const connection = connectionFrom({ connector: 'entra', tenant_id: tenant, discovery_url: provider.issuer })
  const bench = createBench([connection])
  t.teardown(bench.close)
  const refused = async (description: string): Promise<unknown> =>
    await signInAt(bench, connection, provider, parameters => {
      parameters.delete('code')
      parameters.set('error', 'access_denied')
      parameters.set('error_description', description)
    }).catch((reason: unknown) => reason)
  t.match(await refused('AADSTS50020: User account \'{EmailHidden}\' from identity provider does not exist in tenant'), { code: 'PORTICO_IDP_WRONG_ACCOUNT', got: /AADSTS50020/ })
  t.match(await refused('AADSTS90072: …'), { code: 'PORTICO_IDP_WRONG_ACCOUNT' })
  t.match(await refused('AADSTS50105: …'), { code: 'PORTICO_IDP_REFUSED', remedy: /assigned/ })
  t.match(await refused('AADSTS1: …'), { code: 'PORTICO_IDP_REFUSED', remedy: /access_denied/ })
  t.match(await refused('nothing known'), { code: 'PORTICO_IDP_REFUSED' })
})

t.test('R3 Entra: a certificate authenticates the client (private_key_jwt)', async t => {
  const pem = (name: string): string => readFileSync(new URL(`../fixtures/connections/${name}`, import.meta.url), 'utf8')
  const certificate = pem('client.pem')
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
  const jwk = new X509Certificate(certificate).publicKey.export({ format: 'jwk' })
  const provider = await startProvider({
    clients: [{
      client_id: 'portico', redirect_uris: [redirectUri], token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'PS256', jwks: { keys: [{ ...jwk, kty: 'RSA', use: 'sig' }] }
    }],
    claims: { openid: entraClaims },
    configuration: { ...fatTokens, clientAuthMethods: ['private_key_jwt'], enabledJWA: { clientAuthSigningAlgValues: ['PS256', 'RS256'] } },
    accounts: { ada: person }
  })
  t.teardown(provider.close)
  const settings = { connector: 'entra', tenant_id: tenant, discovery_url: provider.issuer, client_secret: undefined }
  const connection = connectionFrom(settings, { clientSecret: undefined, clientCertificate: { certificate, key: pem('client.key') } })
  const wrong = connectionFrom(settings, { id: 'wrong', clientSecret: undefined, clientCertificate: { certificate, key: stranger.privateKey } })
  const bench = createBench([connection, wrong])
  t.teardown(bench.close)
  t.match(await signInThrough(bench, connection, 'ada'), { subject: `${tenant} ${oid}` })
  t.equal(await codeOf(signInThrough(bench, wrong, 'ada')), 'PORTICO_IDP_CLIENT_REFUSED')

  const hostile = await startHostileProvider({ key, script: { profile: {}, claims: all => ({ ...all, ...person }) } })
  t.teardown(hostile.close)
  const seen = connectionFrom({ ...settings, discovery_url: hostile.issuer }, { id: 'seen', clientSecret: undefined, clientCertificate: { certificate, key: pem('client.key') } })
  t.equal(await codeOf(signInAt(bench, seen, hostile)), 'no error')
  const [token] = hostile.seen.filter(({ path }) => path === '/token')
  const [header, claims] = (token?.form.get('client_assertion') ?? '').split('.').slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')))
  t.match(header, { alg: 'PS256', 'x5t#S256': createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url') })
  t.match(claims, { aud: `${hostile.issuer}/token`, iss: 'portico', sub: 'portico' })
  t.notOk(token?.form.has('client_secret'))
})

t.test('R22 require_acr and require_amr are asked for and checked', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const connection = connectionFrom({ connector: 'oidc', discovery_url: provider.issuer, require_acr: ['urn:mfa', 'phr'], require_amr: ['mfa', 'hwk'] })
  const bench = createBench([connection])
  t.teardown(bench.close)
  t.equal((await authorizationOf(connection)).get('acr_values'), 'urn:mfa phr')
  const signIn = (changed: Json): Promise<string> => {
    provider.script = { claims: all => ({ ...all, acr: 'phr', amr: ['pwd', 'mfa'], ...changed }) }
    return codeOf(signInAt(bench, connection, provider))
  }
  t.equal(await signIn({}), 'no error')
  for (const acr of [undefined, '1', 'PHR', ['phr'], 'phr urn:mfa', '']) t.equal(await signIn({ acr }), 'PORTICO_ACR_REQUIRED', JSON.stringify(acr))
  for (const amr of [undefined, [], ['pwd'], 'mfa', ['mfas']]) t.equal(await signIn({ amr }), 'PORTICO_AMR_REQUIRED', JSON.stringify(amr))
})

t.test('R21 several connections at one provider, by different clients', async t => {
  const provider = await startHostileProvider({ key, clientId: 'second' })
  t.teardown(provider.close)
  const first = connectionFrom({ connector: 'oidc', discovery_url: provider.issuer }, { id: 'first' })
  const second = connectionFrom({ connector: 'oidc', discovery_url: provider.issuer, client_id: 'second' }, { id: 'second' })
  const bench = createBench([first, second])
  t.teardown(bench.close)
  t.equal(await codeOf(signInAt(bench, second, provider)), 'no error')
  t.equal(await codeOf(signInAt(bench, first, provider)), 'PORTICO_ID_TOKEN_AUDIENCE', 'what was meant for the one is nothing to the other')
})

t.test('R8 R27 O9 the shared redirect URI is for providers that name themselves', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const connection = connectionFrom({ connector: 'oidc', discovery_url: provider.issuer, callback: 'shared' })
  const dressed = connectionFrom({ connector: 'google', workspace_domain: 'acme.com', discovery_url: provider.issuer, callback: 'shared' })
  t.equal(await codeOf(authorizationOf(connection)), 'PORTICO_SHARED_CALLBACK')
  t.equal(await codeOf(authorizationOf(dressed)), 'PORTICO_SHARED_CALLBACK', 'Google at another address is not Google')
  provider.script = { discovery: document => ({ ...document, authorization_response_iss_parameter_supported: true }) }
  const bench = createBench([connection])
  t.teardown(bench.close)
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'PORTICO_RESPONSE_ISSUER', 'then it must')
  t.equal(await codeOf(signInAt(bench, connection, provider, parameters => parameters.set('iss', 'https://evil.example'))), 'PORTICO_RESPONSE_ISSUER')
  t.equal(await codeOf(signInAt(bench, connection, provider, parameters => parameters.set('iss', provider.issuer))), 'no error')
})

t.test('I groups: filter first, by the provider\'s names, then rename; empty ones never', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const groupsBy = async (groups: Json, given: unknown): Promise<unknown> => {
    const connection = connectionFrom({ connector: 'oidc', discovery_url: provider.issuer, groups })
    const bench = createBench([connection])
    provider.script = { profile: { email: 'ada@acme.com', email_verified: true, name: 'Ada', groups: given } }
    try {
      return (await signInAt(bench, connection, provider)).groups
    } catch (error) {
      return error instanceof PorticoError ? error.code : error
    } finally {
      await bench.close()
    }
  }
  t.same(await groupsBy({ filter: ['staff', 'team-*'] }, ['staff', 'staffing', 'team-', 'team-a', 'ateam-a', 'Staff', '']), ['staff', 'team-', 'team-a'])
  t.same(await groupsBy({ rename: { '0ab1': 'admins', a: 'b' } }, ['0ab1', 'a', 'b', 'c']), ['admins', 'b', 'c'], 'one of each')
  t.same(await groupsBy({ filter: ['admins'], rename: { '0ab1': 'admins' } }, ['0ab1']), [], 'a new name is not what is filtered')
  t.same(await groupsBy({ filter: ['*'] }, ['', ' ', 'a']), ['a'])
  t.same(await groupsBy({ filter: ['__proto__'], rename: { constructor: 'x' } }, ['constructor', '__proto__', 'toString']), ['__proto__'])
  t.equal(await groupsBy({ filter: ['staff'] }, ['staff', 5]), 'PORTICO_CLAIM_INVALID', 'G6 what is left out is judged too')
})
