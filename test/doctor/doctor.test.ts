import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Configuration, Connection } from '../../src/config/configuration.ts'
import { entra } from '../../src/config/schema/connectors/entra.ts'
import { manual } from '../../src/config/schema/connectors/manual.ts'
import { oidc } from '../../src/config/schema/connectors/oidc.ts'
import { okta } from '../../src/config/schema/connectors/okta.ts'
import { examine, type DoctorDeps } from '../../src/doctor/doctor.ts'
import type { ConnectionFinding, Level } from '../../src/doctor/finding.ts'
import { ownershipRecord } from '../../src/doctor/ownership.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'
import { createSigningKey, startHostileProvider, type HostileProvider, type Responder, type Script } from '../support/hostile-provider.ts'
import { startProvider } from '../support/provider.ts'

const secret = 'the secret of the client at this provider'
const callback = 'http://auth.localhost:8080/login/oidc_acme/callback'
const key = await createSigningKey()

const acme = organizationOf('acme', { name: 'Acme' })
const common = { status: 'active', domains: ['acme.com'], client_id: 'portico', client_secret: 'in the connection' }

const connectionTo = (discoveryUrl: string, { id = 'oidc_acme', settings = {}, ...changed }: Partial<Omit<Connection, 'settings'>> & { settings?: Record<string, unknown> } = {}): Connection => connectionOf(id, acme, {
  clientSecret: secret,
  settings: oidc.parse({ connector: 'oidc', ...common, discovery_url: discoveryUrl, ...settings }),
  ...changed
})

const noRecord: DoctorDeps['resolveTxt'] = () => Promise.reject(Object.assign(new Error('queryTxt ENODATA'), { code: 'ENODATA' }))

interface Looked {
  readonly hasProblem: boolean
  readonly findings: readonly ConnectionFinding[]
  /** The level of each check that was made, the worst where it was made more than once. */
  readonly levels: Readonly<Record<string, Level>>
  of (check: string): ConnectionFinding
}

const order: readonly Level[] = ['ok', 'warning', 'problem']

const look = async (connections: Connection | readonly Connection[], deps: Partial<DoctorDeps> = {}, overrides: Partial<Configuration> = {}): Promise<Looked> => {
  const list = 'id' in connections ? [connections] : connections
  const configuration = configurationOf({ connections: new Map(list.map(each => [each.id, each])), ...overrides })
  const findings: ConnectionFinding[] = []
  const hasProblem = await examine(list, { configuration, resolveTxt: noRecord, patience: { connect: 1_000, whole: 2_000 }, ...deps }, found => { findings.push(...found) })
  const levels: Record<string, Level> = {}
  for (const { check, level } of findings) {
    if (order.indexOf(level) >= order.indexOf(levels[check] ?? 'ok')) levels[check] = level
  }
  return {
    hasProblem,
    findings,
    levels,
    of: check => {
      const found = findings.filter(finding => finding.check === check).sort((one, other) => order.indexOf(other.level) - order.indexOf(one.level))[0]
      if (found === undefined) throw new Error(`nothing was found about ${check}: ${JSON.stringify(findings)}`)
      return found
    }
  }
}

/** A hostile provider that tells a wrong client secret from a wrong code, as most do. */
const start = async (test: { teardown (handler: () => unknown): void }, script: Script = {}): Promise<HostileProvider> => {
  const provider = await startHostileProvider({ key, script })
  test.teardown(provider.close)
  return provider
}

const json = (status: number, body: unknown): Responder => (_request, response) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const secretOf = (authorization: string | undefined, body: string): string =>
  new URLSearchParams(body).get('client_secret') ?? decodeURIComponent(Buffer.from((authorization ?? '').slice(6), 'base64').toString().split(':')[1]?.replaceAll('+', ' ') ?? '')

/** A token or revocation endpoint that answers `right` to the secret and `wrong` to any other. */
const judging = (right: [number, unknown], wrong: [number, unknown]): Responder => (request, response, body) =>
  json(...secretOf(request.headers.authorization, body) === secret ? right : wrong)(request, response, body)

const invalidClient: [number, unknown] = [401, { error: 'invalid_client', error_description: 'Client authentication failed' }]
const invalidGrant: [number, unknown] = [400, { error: 'invalid_grant', error_description: 'unknown code' }]

t.test('R16 R26 a real provider: everything is proven, the issuer is named, and nothing secret is told', async t => {
  const provider = await startProvider({
    clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: [callback] }],
    accounts: {},
    logout: { post: async () => 200 }
  })
  t.teardown(provider.close)
  const connection = connectionTo(provider.issuer)
  const { hasProblem, findings, levels, of } = await look(connection)
  t.equal(hasProblem, false)
  t.match(levels, {
    reach: 'ok',
    discovery: 'ok',
    issuer: 'ok',
    algorithms: 'ok',
    pkce: 'ok',
    scopes: 'ok',
    keys: 'ok',
    'authorization endpoint': 'ok',
    'userinfo endpoint': 'ok',
    'end session endpoint': 'ok',
    'client secret': 'ok',
    'redirect URI': 'ok',
    clock: 'ok',
    domain: 'warning'
  })
  t.equal(of('issuer').got, provider.issuer, 'R26 the issuer as the provider names it')
  t.match(of('client secret').got, /^proven /)
  t.match(of('redirect URI').got, /^registered/)
  for (const finding of findings) {
    t.equal(finding.remedy === undefined, finding.level === 'ok', `${finding.check} has a remedy when it is not fine`)
    t.notMatch(JSON.stringify(finding), secret)
  }
  t.ok((provider.hits.get('/token') ?? 0) <= 2, 'at most two token requests')

  const refuted = await look(connectionTo(provider.issuer, { clientSecret: 'some other secret altogether' }))
  t.equal(refuted.hasProblem, true)
  t.match(refuted.of('client secret'), { level: 'problem', got: /^refuted: refused/, remedy: /client_secret|new one/ })

  const elsewhere = await look(connectionTo(provider.issuer, { id: 'oidc_elsewhere' }))
  t.match(elsewhere.of('redirect URI'), { level: 'problem', got: /^not registered/, wanted: /login\/oidc_elsewhere\/callback/ })
})

t.test('R16 each step towards a provider is told apart', async t => {
  const provider = await start(t)
  const plain = await look(connectionTo('http://nowhere.invalid', { settings: { dangerously_allow_http: true } }))
  t.match(plain.of('reach'), { level: 'problem', wanted: /an address for nowhere\.invalid/, got: /^DNS / })
  await provider.stop()
  t.match((await look(connectionTo(provider.issuer))).of('reach'), { level: 'problem', wanted: /TCP/, got: 'ECONNREFUSED' })
  await provider.listen()
  t.match((await look(connectionTo(provider.issuer.replace('http:', 'https:')))).of('reach'), { level: 'problem', wanted: /TLS/ })

  for (const [answer, found] of [
    [json(404, {}), { check: 'discovery', level: 'problem', got: /HTTP 404/ }],
    [json(200, ['no object']), { check: 'discovery', level: 'problem', wanted: /as JSON/ }],
    [(_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Welcome to the hotel') }, { check: 'discovery', level: 'problem', got: /text\/html/ }],
    [() => undefined, { check: 'discovery', level: 'problem', got: /PORTICO_IDP_TIMEOUT/ }]
  ] satisfies [Responder, object][]) {
    provider.script = { answers: { '/.well-known/openid-configuration': answer } }
    t.match((await look(connectionTo(provider.issuer), { patience: { connect: 500, whole: 500 } })).findings.find(({ check }) => check === 'discovery'), found)
  }
})

t.test('R26 R16 a document is judged as a sign-in judges it, and its issuer named', async t => {
  const provider = await start(t)
  const told = async (change: (document: Record<string, unknown>) => unknown, settings: Record<string, unknown> = {}) => {
    provider.script = { discovery: change }
    return await look(connectionTo(provider.issuer, { settings }))
  }
  const other = await told(document => ({ ...document, issuer: 'https://another.example' }))
  t.match(other.of('issuer'), { level: 'problem', wanted: provider.issuer, got: 'https://another.example' })
  t.match((await told(({ token_endpoint: _gone, ...rest }) => rest)).of('document'), { level: 'problem', wanted: /token_endpoint/ })
  t.match((await told(document => ({ ...document, id_token_signing_alg_values_supported: ['HS256', 'none'] }))).of('document'), { level: 'problem', got: /HS256/ })
  t.match((await told(document => ({ ...document, response_types_supported: ['id_token'] }))).of('response type'), { level: 'problem' })
  t.match((await told(document => ({ ...document, code_challenge_methods_supported: ['plain'] }))).of('pkce'), { level: 'warning', got: 'plain' })
  t.match((await told(document => ({ ...document, scopes_supported: ['openid'] }))).of('scopes'), { level: 'warning', got: /without email, profile/ })
  t.match((await told(document => ({ ...document, claims_supported: ['sub', 'upn'] }))).of('claims'), { level: 'warning' })
  const forged = '/userinfo\u001b[2K\nacme_oidc  ok  everything: fine\u009b\u202e'
  const { findings } = await told(document => ({ ...document, userinfo_endpoint: `${provider.issuer}${forged}`, jwks_uri: `${provider.issuer}${forged}` }))
  t.match(findings.find(({ check }) => check === 'userinfo endpoint'), { wanted: /userinfo \[2K acme_oidc/ })
  t.notMatch(findings.map(({ wanted, got, remedy }) => `${wanted}${got}${remedy ?? ''}`).join(''), /[\p{C}\n]/u, 'O19 what a document holds cannot steer a terminal, nor add a line')
  t.match((await told(document => document, { callback: 'shared' })).levels['shared callback'], undefined, 'the connection has its own, whatever the settings say')
  provider.script = {}
  t.match((await look(connectionTo(provider.issuer, { callback: 'shared' }))).of('shared callback'), { level: 'problem' })
})

t.test('R16 keys: at least one that verifies', async t => {
  const provider = await start(t)
  for (const [set, level, got] of [
    [{ keys: [key.publicJwk] }, 'ok', /1 of 1: P-256 ES256/],
    [{ keys: [] }, 'problem', /none among 0/],
    [{ keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }, { kty: 'oct', k: 'AQAB' }, 'text', null] }, 'problem', /./],
    [{ keys: [{ ...key.publicJwk, use: 'enc' }] }, 'problem', /none among 1/],
    [{ nothing: 1 }, 'problem', /HTTP 200/]
  ] as const) {
    provider.script = { jwks: () => set }
    t.match((await look(connectionTo(provider.issuer))).of('keys'), { level, got })
  }
})

t.test('R16 a client secret is proven, refuted or unprovable, and asked about a few times at most', async t => {
  const provider = await start(t)
  const told = async (answers: NonNullable<Script['answers']>, discovery?: Script['discovery']) => {
    provider.script = { answers, ...discovery !== undefined && { discovery } }
    provider.seen.length = 0
    const { of } = await look(connectionTo(provider.issuer))
    return { ...of('client secret'), requests: provider.seen.filter(({ method }) => method === 'POST').length }
  }
  const revocable: Script['discovery'] = document => ({ ...document, revocation_endpoint: `${provider.issuer}/revoke` })

  t.match(await told({ '/token': judging(invalidGrant, invalidClient) }), { level: 'ok', got: /^proven/, requests: 2 })
  t.match(await told({ '/token': json(...invalidClient) }), { level: 'problem', got: /^refuted: refused/, requests: 1 })
  t.match(await told({ '/token': json(...invalidGrant) }), { level: 'warning', got: /^unprovable/, requests: 2 }, 'the code was looked at first')
  t.match(await told({ '/token': json(...invalidGrant), '/revoke': judging([200, {}], invalidClient) }, revocable), { level: 'ok', got: /^proven/, requests: 4 })
  t.match(await told({ '/token': json(...invalidGrant), '/revoke': json(...invalidClient) }, revocable), { level: 'problem', got: /^refuted/, requests: 3 })
  t.match(await told({ '/token': json(...invalidGrant), '/revoke': json(200, {}) }, revocable), { level: 'warning', got: /^unprovable/, requests: 4 })
  const onlyKeys: Script['discovery'] = document => ({ ...document, token_endpoint_auth_methods_supported: ['private_key_jwt'] })
  t.match(await told({}, onlyKeys), { level: 'problem', got: 'private_key_jwt', requests: 0 }, 'a sign-in could not send it either')
  t.match(await told({ '/token': json(429, {}) }), { level: 'warning', got: /^unprovable/, requests: 1 })
  t.match(await told({ '/token': json(503, {}) }), { level: 'warning', got: /^unprovable/, requests: 1 })
  t.match(await told({ '/token': (_request, response) => { response.writeHead(401).end() } }), { level: 'warning', got: /^unprovable/ }, 'a proxy may say that')
  t.match(await told({ '/token': (_request, response) => { response.destroy() } }), { level: 'warning', got: /^unprovable/ })
  t.match(await told({ '/token': json(401, { error: 'invalid_client', error_description: 'The client secret has expired' }) }), { level: 'problem', got: /^refuted: expired/, remedy: /expired/ })
  t.match(await told({ '/token': json(400, { error: 'invalid_grant', error_description: `you sent ${secret}` }) }), { got: /^unprovable/ })
  t.notMatch(JSON.stringify(await told({ '/token': json(401, { error: 'invalid_client', error_description: `not ${secret}` }) })), secret)
})

t.test('R16 R3 Entra: a token for the client alone proves, its numbers refute, and a Secret ID is called one', async t => {
  const tenant = '11111111-2222-4333-8444-555555555555'
  const value = 'Abc8Q~a.value.as.Entra.makes.them.of.forty'
  const provider = await startHostileProvider({ key, suffix: `/${tenant}/v2.0` })
  t.teardown(provider.close)
  const to = (changed: Partial<Connection> = {}): Connection => connectionOf('entra_acme', acme, {
    connector: 'entra',
    clientSecret: value,
    clientSecretExpires: Date.now() / 1_000 + 400 * 86_400,
    settings: entra.parse({ connector: 'entra', ...common, tenant_id: tenant, discovery_url: provider.issuer }),
    ...changed
  })
  const told = async (token: Responder, changed: Partial<Connection> = {}) => {
    provider.script = { answers: { '/token': token } }
    provider.seen.length = 0
    const { of } = await look(to(changed))
    return { ...of(changed.clientCertificate === undefined ? 'client secret' : 'client certificate'), forms: provider.seen.filter(({ method }) => method === 'POST').map(({ form }) => form.get('grant_type')) }
  }
  const aadsts = (status: number, error: string, code: string): Responder => json(status, { error, error_description: `${code}: Something in English. Trace ID: 1 Correlation ID: 2`, error_codes: [Number(code.slice(6))] })

  t.match(await told(json(200, { access_token: 'a-token-that-nobody-uses', token_type: 'Bearer' })), { level: 'ok', got: /^proven/, forms: ['client_credentials'] })
  t.match(await told(aadsts(401, 'invalid_client', 'AADSTS7000215')), { level: 'problem', got: /^refuted: refused .*AADSTS7000215/, remedy: /Value/, forms: ['client_credentials'] })
  t.match(await told(aadsts(401, 'invalid_client', 'AADSTS7000215'), { clientSecret: 'c0ffee00-1111-4222-8333-444455556666' }), { level: 'problem', got: /^refuted/, remedy: /Secret ID/ })
  t.match(await told(json(503, {}), { clientSecret: 'c0ffee00-1111-4222-8333-444455556666' }), { level: 'problem', got: /^unprovable/, remedy: /Secret ID/ })
  t.match(await told(aadsts(401, 'invalid_client', 'AADSTS7000222')), { level: 'problem', got: /^refuted: expired/ })
  t.match(await told(aadsts(400, 'unauthorized_client', 'AADSTS700016')), { level: 'problem', got: /^refuted: no such client/, remedy: /tenant_id/ })
  t.match(await told(aadsts(400, 'invalid_grant', 'AADSTS9002313')), { level: 'warning', got: /^unprovable/, forms: ['client_credentials', 'client_credentials', 'authorization_code', 'authorization_code'] })

  const pem = (name: string): string => readFileSync(new URL(`tls/${name}`, import.meta.url), 'utf8')
  const certified = { clientSecret: undefined, clientCertificate: { certificate: pem('client.pem'), key: pem('client.key') } }
  t.match(await told((request, response, body) => {
    const assertion = new URLSearchParams(body).get('client_assertion') ?? ''
    const [, claims = ''] = assertion.split('.')
    t.match(JSON.parse(Buffer.from(claims, 'base64url').toString()), { iss: 'portico', sub: 'portico' })
    return json(200, { access_token: 'a', token_type: 'Bearer' })(request, response, body)
  }, certified), { level: 'ok', got: /^proven/ })
  t.match(await told(aadsts(401, 'invalid_client', 'AADSTS700027'), certified), { level: 'problem', remedy: /certificate/ })

  provider.script = { answers: { '/.well-known/openid-configuration': aadsts(400, 'invalid_tenant', 'AADSTS90002') } }
  t.match((await look(to())).of('discovery'), { level: 'problem', got: /AADSTS90002/, remedy: /no such tenant/ })
  provider.script = {}
  t.match((await look(to({ clientSecretExpires: undefined }))).of('expiry'), { level: 'warning', remedy: /set it/ })
})

t.test('R16 the redirect URI, where the provider tells', async t => {
  const provider = await start(t)
  const redirect = (address: string): Responder => (_request, response) => { response.writeHead(302, { location: address }).end() }
  const page = (status: number, text: string): Responder => (_request, response) => { response.writeHead(status, { 'content-type': 'text/html' }).end(text) }
  const uriOf = (url: string | undefined): string => new URL(url ?? '', provider.issuer).searchParams.get('redirect_uri') ?? ''
  const byUri = (ours: Responder, other: Responder): Responder => (request, response, body) => (uriOf(request.url) === callback ? ours : other)(request, response, body)
  for (const [answer, level, got] of [
    [byUri(redirect(`${callback}?error=login_required`), page(400, 'redirect_uri_mismatch')), 'ok', /^registered/],
    [page(400, 'The redirect_uri did not match'), 'problem', /^not registered/],
    [page(200, 'AADSTS50011: The redirect URI specified'), 'problem', /AADSTS50011/],
    [redirect('https://accounts.example/error?authError=' + Buffer.from('\n\x15redirect_uri_mismatch').toString('base64')), 'problem', /^not registered/],
    [byUri(page(200, 'Sign in'), page(400, 'Invalid redirect_uri')), 'ok', /^registered/],
    [(request, response, body) => redirect(`${uriOf(request.url)}?error=login_required`)(request, response, body), 'warning', /anywhere/],
    [byUri(redirect(`${callback}?error=invalid_scope`), page(400, 'redirect_uri_mismatch')), 'warning', /invalid_scope/],
    [page(200, 'Sign in'), 'ok', /^not told/]
  ] satisfies [Responder, Level, RegExp][]) {
    provider.script = { answers: { '/authorize': answer } }
    t.match((await look(connectionTo(provider.issuer))).of('redirect URI'), { level, got })
  }
  provider.script = { answers: { '/authorize': page(500, 'down') } }
  t.match((await look(connectionTo(provider.issuer))).of('authorization endpoint'), { level: 'problem', got: /HTTP 500/ })
})

t.test('R16 the clocks are compared', async t => {
  const provider = await start(t, { answers: { '/token': judging(invalidGrant, invalidClient) } })
  for (const [ahead, level] of [[0, 'ok'], [20, 'ok'], [60, 'warning'], [-60, 'warning'], [400, 'problem'], [-400, 'problem']] as const) {
    t.match((await look(connectionTo(provider.issuer), { now: () => Date.now() / 1_000 + ahead })).of('clock'), { level, got: ahead < 0 ? /behind/ : ahead === 0 ? 'the same' : /ahead/ })
  }
})

t.test('R2 each domain has a record that shows whose it is', async t => {
  const provider = await start(t)
  const connection = connectionTo(provider.issuer, { domains: new Set(['acme.com', 'xn--bcher-kva.example']) })
  const records = ['acme.com', 'xn--bcher-kva.example'].map(domain => ownershipRecord({ authOrigin: 'http://auth.localhost:8080' }, connection, domain))
  t.match(records, [{ name: '_portico.acme.com', value: /^portico-verification=[0-9a-f]{32}$/ }, { name: '_portico.xn--bcher-kva.example' }])
  t.not(records[0]?.value, records[1]?.value)
  t.not(records[0]?.value, ownershipRecord({ authOrigin: 'http://auth.localhost:8080' }, { organization: organizationOf('globex') }, 'acme.com').value, 'another organization has another')
  t.not(records[0]?.value, ownershipRecord({ authOrigin: 'https://auth.example.com' }, connection, 'acme.com').value, 'and another Portico')

  const asked: string[] = []
  const zone: DoctorDeps['resolveTxt'] = async name => {
    asked.push(name)
    return name === records[0]?.name ? [['v=spf1 -all'], [records[0].value.slice(0, 9), records[0].value.slice(9)]] : [['portico-verification=0']]
  }
  const domains = (await look(connection, { resolveTxt: zone })).findings.filter(({ check }) => check === 'domain')
  t.match(domains, [{ level: 'ok' }, { level: 'warning', got: '"portico-verification=0"', wanted: `_portico.xn--bcher-kva.example TXT "${records[1]?.value}"` }])
  t.same(asked.sort(), records.map(({ name }) => name).sort())
  t.match((await look(connection)).findings.filter(({ check }) => check === 'domain'), [{ level: 'warning', got: 'no such record', remedy: /publish/ }, { level: 'warning' }])
  t.match((await look(connection, { resolveTxt: () => Promise.reject(Object.assign(new Error('x'), { code: 'ESERVFAIL' })) })).of('domain'), { level: 'warning', got: /ESERVFAIL/ })
})

t.test('R11 days left of a client secret', async t => {
  const provider = await start(t)
  const now = Date.now() / 1_000
  for (const [days, level, got] of [[400, 'ok', /^39\d days left|^400/], [45, 'warning', /^4[45] days left/], [-1, 'problem', /^expired on/]] as const) {
    t.match((await look(connectionTo(provider.issuer, { clientSecretExpires: now + days * 86_400 }))).of('expiry'), { level, got })
  }
})

t.test('R5 R16 Okta: an authorization server that is not there is looked for where Okta lists them', async t => {
  const provider = await start(t)
  const settings = okta.parse({ connector: 'okta', ...common, okta_domain: 'acme.okta.com', authorization_server: 'aus1', discovery_url: `${provider.issuer}/oauth2/aus1` })
  t.match((await look(connectionOf('okta_acme', acme, { connector: 'okta', settings }))).of('discovery'), { level: 'problem', got: /HTTP 404/, remedy: /Security > API/ })
})

t.test('R30 manual: no discovery, and everything else all the same', async t => {
  const provider = await start(t, { answers: { '/token': judging(invalidGrant, invalidClient) } })
  const { issuer } = provider
  const settings = manual.parse({ connector: 'manual', ...common, authorization_url: `${issuer}/authorize`, token_url: `${issuer}/token`, jwks_url: `${issuer}/jwks`, userinfo_url: `${issuer}/userinfo`, issuer })
  const { levels } = await look(connectionOf('manual_acme', acme, { connector: 'manual', clientSecret: secret, settings }))
  t.match(levels, { reach: 'ok', keys: 'ok', 'client secret': 'ok', clock: 'ok', 'userinfo endpoint': 'ok' })
  t.notOk('discovery' in levels)
})

t.test('R16 many connections: bounded in time, and each origin is tried once', async t => {
  const silent = await start(t, { answers: { '/.well-known/openid-configuration': () => undefined } })
  const many = Array.from({ length: 30 }, (_, i) => connectionTo(silent.issuer, { id: `c${i}` }))
  const late = await look(many, { whole: 300, patience: { connect: 1_000, whole: 1_500 } })
  t.same(new Set(late.findings.map(({ connection }) => connection)).size, 30, 'nobody is left out')
  t.ok(late.findings.every(({ check, level }) => check === 'time' && level === 'warning'))
  t.ok((silent.hits.get('/.well-known/openid-configuration') ?? 0) <= 8, 'a few at once')
})
