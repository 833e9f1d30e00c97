import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import t from 'tap'
import { readTokenAnswer } from '../../src/connections/oidc/token-answer.ts'
import { PorticoError } from '../../src/errors.ts'
import { readClientAnswer, judgeAlone, judgeTogether } from '../../src/doctor/client-verdict.ts'
import { codeOf, origins, startGateway } from '../support/gateway.ts'
import { createSigningKey, startHostileProvider } from '../support/hostile-provider.ts'
import { opsGet } from './ops.ts'

const read = (status: number, body: Record<string, unknown>, secrets: readonly string[] = [], hasExpired = false): PorticoError => {
  try {
    readTokenAnswer({ status, headers: {}, text: JSON.stringify(body) }, secrets, hasExpired)
  } catch (error) {
    if (error instanceof PorticoError) return error
  }
  throw new Error('it was accepted')
}

const entra = (code: string) => ({ error: 'invalid_client', error_description: `${code}: Something in English. Trace ID: 0 Correlation ID: 0` })

t.test('R11 O18 an expired secret, a Secret ID and an unknown application are told apart', async t => {
  for (const [error, found] of [
    [read(401, entra('AADSTS7000222')), { code: 'PORTICO_IDP_SECRET_EXPIRED', remedy: /client_secret_expires/ }],
    [read(401, entra('AADSTS7000215'), ['a value']), { code: 'PORTICO_IDP_CLIENT_REFUSED', remedy: /Value \(not the Secret ID\)/ }],
    [read(401, entra('AADSTS7000215'), ['c0ffee00-1111-4222-8333-444455556666']), { code: 'PORTICO_IDP_CLIENT_REFUSED', remedy: /looks like a Secret ID/ }],
    [read(400, { ...entra('AADSTS700016'), error: 'unauthorized_client' }), { code: 'PORTICO_IDP_CLIENT_REFUSED', remedy: /no such application/ }],
    [read(401, entra('AADSTS700027')), { code: 'PORTICO_IDP_CLIENT_REFUSED', remedy: /certificate/ }],
    [read(401, { error: 'invalid_client' }), { code: 'PORTICO_IDP_CLIENT_REFUSED', remedy: /wrong or expired/ }],
    [read(401, { error: 'invalid_client' }, [], true), { code: 'PORTICO_IDP_SECRET_EXPIRED' }],
    [read(401, { error: 'invalid_client', error_description: 'The client secret has expired.' }), { code: 'PORTICO_IDP_SECRET_EXPIRED' }],
    [read(401, { error: 'invalid_client', error_description: 'client_assertion has expired' }), { code: 'PORTICO_IDP_CLIENT_REFUSED' }],
    [read(200, { error: 'incorrect_client_credentials' }), { code: 'PORTICO_IDP_CLIENT_REFUSED' }],
    [read(400, { error: 'invalid_grant' }, [], true), { code: 'PORTICO_IDP_CODE_REFUSED' }],
    [read(400, { error: 'invalid_grant', error_description: 'AADSTS70008: expired' }), { code: 'PORTICO_IDP_CODE_REFUSED' }]
  ] as const) t.match(error, found)
})

t.test('R16 what providers answer, and what follows from it', async t => {
  const invalidClient = readClientAnswer(401, '{"error":"invalid_client"}')
  const invalidGrant = readClientAnswer(400, '{"error":"invalid_grant"}')
  for (const [status, body, kind] of [
    [401, '{"error":"invalid_client"}', 'refused'], [400, '{"error":"invalid_client"}', 'refused'],
    [401, '{"error":"access_denied","error_description":"Unauthorized"}', 'refused'], // Auth0
    [401, '{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}', 'refused'], // Keycloak
    [400, '{"error":"unauthorized_client"}', 'request'], // RFC 6749: authenticated, and not allowed this grant
    [200, '{"error":"incorrect_client_credentials"}', 'refused'], [200, '{"error":"bad_verification_code"}', 'grant'], // GitHub
    [200, '{"ok":false,"error":"bad_client_secret"}', 'refused'], [200, '{"ok":false,"error":"invalid_code"}', 'grant'], // Slack
    [200, '{"ok":false,"error":"invalid_client_id"}', 'unknown'],
    [400, '{"error":"invalid_grant","error_description":"Malformed auth code."}', 'grant'], // Google
    [400, JSON.stringify({ error: 'invalid_request', error_description: 'AADSTS9002313: Invalid request.' }), 'grant'],
    [400, JSON.stringify({ error: 'invalid_grant', error_description: 'AADSTS70000: The provided value for the code is not valid.' }), 'grant'],
    [401, JSON.stringify(entra('AADSTS7000222')), 'expired'], [400, JSON.stringify({ error: 'unauthorized_client', error_description: 'AADSTS700016: x' }), 'unknown'],
    [401, '', 'unauthorized'], [401, '<html>proxy</html>', 'unauthorized'],
    [429, '', 'busy'], [503, '{"error":"invalid_client"}', 'busy'], [400, '{"error":"slow_down"}', 'busy'],
    [200, '', 'accepted'], [200, '{}', 'accepted'], [200, '{"access_token":"x"}', 'token'], [400, '{"error":{"nested":1}}', 'request'], [200, '{"ok":false,"error":"x"}', 'request'],
    [200, '<html>', 'other'], [400, '<html>', 'other'], [404, '', 'other'], [403, '{"error":"x"}', 'other'], [302, '', 'other']
  ] as const) t.equal(readClientAnswer(status, body).kind, kind, `${status} ${body}`)
  t.equal(readClientAnswer(400, '{"error":"x <script>","error_description":"secret"}').text, 'HTTP 400', 'nothing that the provider wrote freely')

  t.same(judgeAlone(invalidClient), { verdict: 'refuted', fault: 'refused' })
  t.equal(judgeAlone(invalidGrant), undefined)
  t.equal(judgeAlone(readClientAnswer(200, '<html>')), undefined, 'a page is no token')
  for (const [real, random, verdict] of [
    [invalidGrant, invalidClient, 'proven'], [readClientAnswer(200, ''), invalidClient, 'proven'], [readClientAnswer(400, '{}'), readClientAnswer(401, ''), 'proven'],
    [invalidGrant, invalidGrant, 'unprovable'], [readClientAnswer(401, ''), readClientAnswer(401, ''), 'unprovable'],
    // a firewall's word about the real one says nothing of it, however the random one was refused
    ...([[403, 'blocked'], [302, ''], [401, ''], [200, '<html>'], [404, '{}']] as const).map(([status, body]) => [readClientAnswer(status, body), invalidClient, 'unprovable'] as const),
    [invalidGrant, readClientAnswer(429, ''), 'unprovable'], [invalidGrant, readClientAnswer(404, ''), 'unprovable']
  ] as const) t.equal(judgeTogether(real, random).verdict, verdict)
})

t.test('R11 O18 whoever signs in is told whom to tell, and status and metric show it', async t => {
  const provider = await startHostileProvider({ key: await createSigningKey() })
  t.teardown(provider.close)
  const world = await startGateway(t, { organizations: ({ acme = '' }) => ({ acme: acme.replace(/discovery_url: .*/, `discovery_url: ${provider.issuer}`) }) })
  const refuse = (body: unknown) => {
    provider.script = {
      answers: { '/token': (_request, response) => { response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify(body)) } }
    }
  }
  const signIn = async () => {
    const browser = world.browser()
    const at = await browser.open(`${origins.auth}/login/acme_oidc?app=analytics`, { until: url => url.port === String(provider.port) })
    if (at.location === undefined) throw new Error(`no redirect to the provider: ${at.text}`)
    return await browser.open(`${origins.auth}/login/acme_oidc/callback?${provider.authorize(at.location.href)}`)
  }
  const health = async () => {
    const status: { connections: { id: string, health: { last_error: string | null } }[] } = JSON.parse(await opsGet(world.opsPort, '/status'))
    return status.connections.find(({ id }) => id === 'acme_oidc')?.health.last_error
  }
  refuse(entra('AADSTS7000222'))
  const page = await signIn()
  t.equal(codeOf(page), 'PORTICO_IDP_SECRET_EXPIRED')
  t.match(page.text, 'administrator')
  t.notMatch(page.text, /AADSTS|client_secret/)
  t.equal(await health(), 'PORTICO_IDP_SECRET_EXPIRED')
  t.match(await opsGet(world.opsPort, '/metrics'), 'portico_sign_ins_total{connection="acme_oidc",outcome="failed"} 1')
  t.ok(world.lines.some(line => JSON.stringify(line).includes('AADSTS7000222')), 'the operator reads what the provider said')

  refuse({ error: 'invalid_client' })
  t.equal(codeOf(await signIn()), 'PORTICO_IDP_CLIENT_REFUSED')
  t.equal(await health(), 'PORTICO_IDP_CLIENT_REFUSED')
  provider.script = {}
  t.equal((await signIn()).status < 400, true)
  t.equal(await health(), null, 'a client that is accepted is well again')
})

t.test('R15 a certificate that is not believed: the page carries the exact text, and nothing else of it', async t => {
  const pem = (name: string): Buffer => readFileSync(new URL(`tls/${name}`, import.meta.url))
  const server = createServer({ cert: pem('self-signed.pem'), key: pem('idp.key') }, (_request, response) => { response.end('{}') }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  const issuer = `https://127.0.0.1:${address.port}`
  const world = await startGateway(t, { organizations: ({ acme = '' }) => ({ acme: acme.replace(/discovery_url: .*/, `discovery_url: ${issuer}`) }) })
  const page = await world.browser().open(`${origins.auth}/login/acme_oidc?app=analytics`)
  t.equal(codeOf(page), 'PORTICO_IDP_CERTIFICATE')
  t.match(page.text, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  t.notMatch(page.text, /127\.0\.0\.1|CN=/)
  const problem = await world.browser().send(`${origins.auth}/login/acme_oidc?app=analytics`, { mode: 'cors', headers: { accept: 'application/json' } })
  t.match(JSON.parse(problem.text), { code: 'PORTICO_IDP_CERTIFICATE', exact: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
})
