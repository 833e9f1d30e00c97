import t from 'tap'
import type { Answer } from '../support/browser.ts'
import { callbackOf, codeOf, linksOf, origins, startGateway } from '../support/gateway.ts'
import { signIn, startProvider } from '../support/provider.ts'

const secret = 'a secret of the client at the provider'
const tenant = 'abcdef11-1111-4111-8111-111111111111'

t.test('the connectors, from YAML through the running gateway', async t => {
  const world = await startGateway(t)
  const provider = await startProvider({
    clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: ['google', 'entra', 'okta', 'manual'].map(name => callbackOf(`initech_${name}`)) }],
    claims: { openid: ['sub', 'hd', 'tid', 'oid', 'ver', 'preferred_username'] },
    accounts: {
      // one person for each connection: a second one with the same e-mail would be another subject
      ...Object.fromEntries(['google', 'entra', 'okta', 'manual'].map(name => [name, {
        email: `${name}@initech.example`, email_verified: true, name: 'Ada', groups: ['Everyone', 'staff'], hd: 'initech.example', tid: tenant, oid: 'ADA', ver: '2.0', preferred_username: `${name}@initech.example`
      }])),
      private: { email: 'ada@initech.example', email_verified: true, tid: '9188040d-6c67-4c5b-b112-36a304b66dad', oid: 'x', ver: '2.0', preferred_username: 'ada@initech.example' },
      guest: { email: 'bob@initech.example', hd: 'other.example', tid: tenant, oid: 'x', ver: '2.0', preferred_username: 'bob_x#EXT#@initech.onmicrosoft.com' }
    }
  })
  t.teardown(provider.close)
  const use = async (name: string, lines: readonly string[]): Promise<void> => {
    await world.reload({
      initech: ['name: Initech', 'connections:', `  initech_${name}:`, ...[`connector: ${name}`, 'status: active', 'domains: [initech.example]', 'client_id: portico', 'client_secret: { file: ../secret }', ...lines].map(line => `    ${line}`)].join('\n')
    })
  }
  const isProvider = (url: URL): boolean => url.port === String(provider.port)
  const arrive = async (name: string, login: string): Promise<Answer> => {
    const browser = world.browser()
    const answer = await browser.open(`${origins.auth}/login/initech_${name}?app=portal`, { until: isProvider })
    return await browser.follow(await signIn(answer.location ?? answer.url, browser, login))
  }
  const headersOf = (answer: Answer): Record<string, string> => answer.status === 200 ? JSON.parse(answer.text).headers : { code: String(codeOf(answer)) }

  await t.test('R4 google', async t => {
    await use('google', ['workspace_domain: initech.example', `discovery_url: ${provider.issuer}`])
    t.match(headersOf(await arrive('google', 'google')), { 'x-auth-email': 'google@initech.example', 'x-auth-connection': 'initech_google' })
    const refused = await arrive('google', 'private')
    t.equal(refused.status, 403)
    t.equal(codeOf(refused), 'PORTICO_CONSUMER_ACCOUNT')
    t.ok(linksOf(refused)['Use another account'], 'a way on')
    t.equal(codeOf(await arrive('google', 'guest')), 'PORTICO_WORKSPACE_DOMAIN')
  })

  await t.test('R3 O4 entra', async t => {
    await use('entra', [`tenant_id: ${tenant}`, `discovery_url: ${provider.issuer}`])
    t.match(headersOf(await arrive('entra', 'entra')), { 'x-auth-email': 'entra@initech.example', 'x-auth-connection': 'initech_entra' })
    t.equal(codeOf(await arrive('entra', 'private')), 'PORTICO_CONSUMER_ACCOUNT')
    t.equal(codeOf(await arrive('entra', 'guest')), 'PORTICO_GUEST_ACCOUNT')
  })

  await t.test('R5 I okta', async t => {
    await use('okta', ['okta_domain: initech.okta.com', `discovery_url: ${provider.issuer}`, 'groups: { filter: [staff], rename: { staff: everybody } }'])
    t.match(headersOf(await arrive('okta', 'okta')), { 'x-auth-email': 'okta@initech.example', 'x-auth-groups': 'everybody' })
    t.equal(codeOf(await arrive('okta', 'guest')), 'PORTICO_EMAIL_UNVERIFIED')
  })

  await t.test('R30 manual', async t => {
    const addresses = [`authorization_url: ${provider.issuer}/auth`, `token_url: ${provider.issuer}/token`, `userinfo_url: ${provider.issuer}/me`]
    await use('manual', [...addresses, `jwks_url: ${provider.issuer}/jwks`, `issuer: ${provider.issuer}`])
    t.match(headersOf(await arrive('manual', 'manual')), { 'x-auth-email': 'manual@initech.example', 'x-auth-connection': 'initech_manual' })
    await t.rejects(use('manual', addresses), 'a file without a way to verify is refused')
    await use('manual', [...addresses, 'dangerously_trust_token_endpoint: true'])
    t.equal(codeOf(await arrive('manual', 'guest')), 'PORTICO_EMAIL_UNVERIFIED')
  })
})
