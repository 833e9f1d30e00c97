import t, { type Test } from 'tap'
import type { Connection } from '../../src/config/configuration.ts'
import type { Identity, Tokens } from '../../src/connections/connector.ts'
import { PorticoError } from '../../src/errors.ts'
import { createSigningKey, signJwt, startHostileProvider, type Responder, type Script } from '../support/hostile-provider.ts'
import { connectionFrom, connectionTo, createBench, redirectUri, type Bench } from './setup.ts'

type Json = Record<string, unknown>

const key = await createSigningKey()
const provider = await startHostileProvider({ key })
t.teardown(() => provider.close())

const refresh = { every: 3_600 }
const connection: Connection = { ...connectionTo(provider.issuer), refresh }
const bench = createBench([connection])
t.teardown(() => bench.close())

const now = (): number => Math.floor(Date.now() / 1_000)

/** Signs in, and answers with what is kept of it. */
const signIn = async (script: Script = {}, to = connection, at: Bench = bench): Promise<Identity & { tokens: Tokens }> => {
  provider.script = { token: answer => ({ ...answer, refresh_token: 'refresh-1' }), ...script }
  const request = { redirectUri, state: 'the state of this one', loginHint: undefined, prompt: undefined }
  const { url, secrets } = await at.connectors.oidc.authorize(to, request)
  const identity = await at.connectors.oidc.authenticate(to, { parameters: provider.authorize(url), redirectUri, state: request.state, secrets }, now())
  if (identity.tokens === undefined) throw new Error('no tokens were kept')
  return { ...identity, tokens: identity.tokens }
}

/** The token endpoint of a refresh: answers with what is there beside the usual, and an ID token of `claims`, if any. */
const refreshed = (answer: Json, claims?: Json): Responder => async (_request, response, body) => {
  const form = new URLSearchParams(body)
  const usual = { iss: provider.issuer, sub: 'subject-1', aud: 'portico', iat: now(), exp: now() + 300, email: 'ada@acme.com', email_verified: true, name: 'Ada anew', groups: ['staff', 'board'] }
  const token = claims === undefined ? {} : { id_token: await signJwt({ alg: key.alg, kid: key.kid }, { ...usual, ...claims }, key.privateKey) }
  response.writeHead(form.get('grant_type') === 'refresh_token' ? 200 : 400, { 'content-type': 'application/json' })
    .end(JSON.stringify({ access_token: 'access-2', token_type: 'Bearer', expires_in: 300, ...token, ...answer }))
}

const again = async (tokens: Tokens, token: Responder, script: Script = {}): Promise<{ next: Tokens, identity: Identity }> => {
  provider.script = { ...script, answers: { '/token': token, ...script.answers } }
  const next = await bench.connectors.refreshing.refresh(connection, tokens, now())
  return { next, identity: await bench.connectors.refreshing.identify(connection, next, tokens, now()) }
}

const refuses = async (t: Test, code: string, work: () => Promise<unknown>, name: string): Promise<void> => {
  const error: unknown = await work().then(() => undefined, (error: unknown) => error)
  t.equal(error instanceof PorticoError ? error.code : error, code, name)
}

t.test('J5 what the answer leaves out stays as it was, and a new refresh token takes the place of the old one', async t => {
  const { tokens, authTime, acr, amr, idpSession } = await signIn()
  t.match(tokens, { accessToken: /^access-code/, refreshToken: 'refresh-1', idToken: /^ey/ })
  t.ok(Math.abs((tokens.accessTokenExpires ?? 0) - now() - 300) < 5)

  const rotated = await again(tokens, refreshed({ refresh_token: 'refresh-2' }, {}))
  t.match(rotated.next, { accessToken: 'access-2', refreshToken: 'refresh-2' })
  t.not(rotated.next.idToken, tokens.idToken)
  t.match(rotated.identity, { name: 'Ada anew', groups: ['staff', 'board'], authTime, acr, amr, idpSession }, 'what the sign-in was like is not said again')
  const sent = provider.seen.findLast(({ path }) => path === '/token')
  t.same([sent?.form.get('grant_type'), sent?.form.get('refresh_token')], ['refresh_token', 'refresh-1'])
  t.match(sent?.headers.authorization, /^Basic /, 'the client says who it is')

  const kept = await again(tokens, refreshed({}, undefined), { userinfo: claims => ({ ...claims, name: 'Ada of userinfo', groups: ['board'] }) })
  t.match(kept.next, { accessToken: 'access-2', refreshToken: 'refresh-1', idToken: tokens.idToken })
  t.match(kept.identity, { name: 'Ada of userinfo', groups: ['board'], email: 'ada@acme.com', authTime }, 'userinfo is asked in the place of the ID token')
  t.equal(kept.identity.subject, rotated.identity.subject)
})

t.test('J5 a new ID token is of the same issuer, person and client, and judged like any', async t => {
  const { tokens } = await signIn()
  const other = await createSigningKey('ES256', 'key-1')
  const foreign = await signJwt({ alg: 'ES256', kid: 'key-1' }, { iss: provider.issuer, sub: 'subject-1', aud: 'portico', iat: now(), exp: now() + 300 }, other.privateKey)
  const cases: readonly [string, string, Responder][] = [
    ['another person', 'PORTICO_ID_TOKEN_SUBJECT', refreshed({}, { sub: 'subject-2' })],
    ['another issuer', 'PORTICO_ID_TOKEN_ISSUER', refreshed({}, { iss: 'https://evil.example' })],
    ['another client', 'PORTICO_ID_TOKEN_AUDIENCE', refreshed({}, { aud: 'somebody else' })],
    ['another nonce', 'PORTICO_ID_TOKEN_NONCE', refreshed({}, { nonce: 'mine' })],
    ['an old one', 'PORTICO_ID_TOKEN_TIME', refreshed({}, { iat: now() - 900, exp: now() - 600 })],
    ['another key', 'PORTICO_ID_TOKEN_SIGNATURE', refreshed({ id_token: foreign })],
    ['none at all', 'PORTICO_ID_TOKEN_MALFORMED', refreshed({ id_token: 'x' })],
    ['an e-mail of another company', 'PORTICO_EMAIL_DOMAIN', refreshed({}, { email: 'ada@globex.com' })],
    ['an e-mail that nobody verified', 'PORTICO_EMAIL_UNVERIFIED', refreshed({}, { email_verified: false })]
  ]
  for (const [name, code, token] of cases) await refuses(t, code, () => again(tokens, token), name)
  await refuses(t, 'PORTICO_USERINFO_SUBJECT', () => again(tokens, refreshed({}), { userinfo: claims => ({ ...claims, sub: 'subject-2' }) }), 'userinfo of another person')
  const same = JSON.parse(Buffer.from(tokens.idToken?.split('.')[1] ?? '', 'base64url').toString()) as Json
  t.match((await again(tokens, refreshed({}, { nonce: same.nonce }))).identity, { name: 'Ada anew' }, 'the nonce of the sign-in, which some repeat')
})

t.test('J3 J4 how the token endpoint can refuse, and what each means', async t => {
  const { tokens } = await signIn()
  const says = (status: number, body: string): Responder => (_request, response) => { response.writeHead(status, { 'content-type': 'application/json' }).end(body) }
  const cases: readonly [Responder, string][] = [
    ...['invalid_grant', 'interaction_required', 'login_required', 'consent_required', 'access_denied']
      .map((error): [Responder, string] => [says(400, JSON.stringify({ error })), 'PORTICO_IDP_REFRESH_REFUSED']),
    [says(401, '{"error":"invalid_client"}'), 'PORTICO_IDP_CLIENT_REFUSED'],
    [says(400, '{"error":"temporarily_unavailable"}'), 'PORTICO_IDP_TOKEN_REFUSED'],
    [says(503, '{"error":"invalid_grant"}'), 'PORTICO_IDP_UNREACHABLE'],
    [says(429, ''), 'PORTICO_IDP_UNREACHABLE'],
    [says(200, '<html>'), 'PORTICO_IDP_ANSWER'],
    [(_request, response) => { response.destroy() }, 'PORTICO_IDP_UNREACHABLE']
  ]
  for (const [token, code] of cases) await refuses(t, code, () => again(tokens, token), code)
  provider.script = { answers: { '/token': says(400, JSON.stringify({ error: 'invalid_grant', error_description: `no ${tokens.refreshToken}` })) } }
  const error: unknown = await bench.connectors.refreshing.refresh(connection, tokens, now()).catch((error: unknown) => error)
  t.notMatch(JSON.stringify([error, bench.lines]), 'refresh-1', 'the token is told to nobody')
})

t.test('each vendor is asked for a refresh token in its own words, where the connection refreshes', async t => {
  const own = { discovery_url: provider.issuer }
  const asked = async (settings: Json, isRefreshing: boolean, script: Script = {}, prompt?: string): Promise<Json> => {
    const to: Connection = { ...connectionFrom(settings, { id: `c${Math.random()}` }), refresh: isRefreshing ? refresh : undefined }
    const at = createBench([to])
    provider.script = script
    const { url } = await at.connectors[to.connector].authorize(to, { redirectUri, state: 's', loginHint: undefined, prompt })
    await at.close()
    const { searchParams } = new URL(url)
    return { scope: searchParams.get('scope'), access_type: searchParams.get('access_type'), prompt: searchParams.get('prompt') }
  }
  const lists = { discovery: (document: Json) => ({ ...document, scopes_supported: ['openid', 'offline_access'] }) }
  const plain = { access_type: null, prompt: null }
  const oidc = { connector: 'oidc', ...own }
  t.same(await asked(oidc, true, lists), { scope: 'openid email profile offline_access', ...plain })
  t.same(await asked(oidc, false, lists), { scope: 'openid email profile', ...plain })
  t.same(await asked(oidc, true), { scope: 'openid email profile groups', ...plain }, 'a provider that does not list it')
  t.same(await asked({ ...oidc, scopes: ['openid', 'email'] }, true, lists), { scope: 'openid email', ...plain }, 'whoever writes the scopes decides')
  t.same(await asked({ connector: 'okta', okta_domain: 'acme.okta.com', ...own }, true, lists), { scope: 'openid email profile offline_access', ...plain })
  const tenant = '8a1b7c2e-1111-4222-8333-944455556666'
  const entra = { discovery: (document: Json) => ({ ...document, issuer: `http://127.0.0.1:${provider.port}` }) }
  t.match(await asked({ connector: 'entra', tenant_id: tenant, ...own }, true, entra), { scope: 'openid email profile offline_access' })
  t.match(await asked({ connector: 'entra', tenant_id: tenant, ...own }, false, entra), { scope: 'openid email profile' })
  const google = { connector: 'google', workspace_domain: 'acme.com', ...own }
  t.same(await asked(google, true), { scope: 'openid email profile', access_type: 'offline', prompt: 'consent' })
  t.same(await asked(google, true, {}, 'select_account'), { scope: 'openid email profile', access_type: 'offline', prompt: 'select_account consent' })
  t.same(await asked(google, false), { scope: 'openid email profile', ...plain })
  const manual = { connector: 'manual', authorization_url: `${provider.issuer}/authorize`, token_url: `${provider.issuer}/token`, jwks_url: `${provider.issuer}/jwks`, issuer: provider.issuer }
  t.same(await asked(manual, true), { scope: 'openid email profile offline_access', ...plain })
})

t.test('tokens are kept only where somebody has a use for them', async t => {
  const still = connectionTo(provider.issuer, { id: 'still' })
  const at = createBench([still])
  t.teardown(() => at.close())
  provider.script = { token: answer => ({ ...answer, refresh_token: 'refresh-1' }) }
  const { url, secrets } = await at.connectors.oidc.authorize(still, { redirectUri, state: 's', loginHint: undefined, prompt: undefined })
  const identity = await at.connectors.oidc.authenticate(still, { parameters: provider.authorize(url), redirectUri, state: 's', secrets }, now())
  t.equal(identity.tokens, undefined)
})
