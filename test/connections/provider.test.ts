import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { signIn, startProvider } from '../support/provider.ts'
import { PorticoError } from '../../src/errors.ts'
import { codeOf, connectionTo, createBench, redirectUri } from './setup.ts'

const secret = 'p3:%+ /&=-_.~ a secret with all that needs escaping'
const accounts = {
  ada: { email: 'Ada@ACME.com', email_verified: true, name: 'Ada Lovelace', groups: ['staff', 'research'] },
  eve: { email: 'eve@evil.example', email_verified: true, name: 'Eve' }
}

for (const [name, path, method] of [['an issuer at the root', '', 'client_secret_basic'], ['an issuer with a path', '/realms/acme', 'client_secret_post']] as const) {
  t.test(`R6 O8 a sign-in at a real provider: ${name}, ${method}`, async t => {
    const provider = await startProvider({
      path,
      accounts,
      clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: [redirectUri], token_endpoint_auth_method: method }]
    })
    t.teardown(provider.close)
    const connection = connectionTo(path === '' ? provider.issuer : provider.url, { secret, settings: { token_endpoint_auth_method: method } })
    const bench = createBench([connection])
    t.teardown(bench.close)
    t.equal(provider.hits.size, 0, 'nothing is asked before somebody signs in')

    const browser = createBrowser()
    const { url, secrets } = await bench.connectors.oidc.authorize(connection, { redirectUri, state: 'state-1', loginHint: 'ada@acme.com', prompt: undefined })
    const sent = new URL(url).searchParams
    t.equal(sent.get('response_type'), 'code')
    t.equal(sent.get('code_challenge_method'), 'S256')
    t.equal(sent.get('redirect_uri'), redirectUri)
    t.equal(sent.get('login_hint'), 'ada@acme.com')
    t.equal(sent.get('nonce'), secrets.nonce)
    t.equal(sent.get('scope'), 'openid email profile groups', 'groups, since discovery lists it')
    t.notOk(url.includes(secrets.codeVerifier))

    const back = await signIn(url, browser, 'ada')
    const parameters = back.location?.searchParams ?? new URLSearchParams()
    const response = { parameters, redirectUri, state: 'state-1', secrets }
    const identity = await bench.connectors.oidc.authenticate(connection, response, Date.now() / 1_000)
    t.match(identity, {
      subject: `${provider.issuer} ada`, email: 'ada@acme.com', name: 'Ada Lovelace', groups: ['staff', 'research'], amr: ['pwd'], acr: '1'
    })
    t.ok(Math.abs(identity.authTime - Date.now() / 1_000) < 120)
    t.equal(provider.hits.get('/token'), 1)
    t.equal(provider.hits.get('/me'), 1, 'claims came from userinfo')

    t.equal(await codeOf(bench.connectors.oidc.authenticate(connection, response, Date.now() / 1_000)), 'PORTICO_IDP_CODE_REFUSED', 'F3 a code is good once')

    const again = await bench.connectors.oidc.authorize(connection, { redirectUri, state: 'state-2', loginHint: undefined, prompt: undefined })
    const silent = await signIn(again.url, browser, 'nobody')
    t.equal((await bench.connectors.oidc.authenticate(connection, { parameters: silent.location?.searchParams ?? new URLSearchParams(), redirectUri, state: 'state-2', secrets: again.secrets }, Date.now() / 1_000)).subject, identity.subject, 'R12 already signed in there: no question')
    t.equal(provider.hits.get('/jwks'), 1, 'keys are shared by sign-ins')
    t.equal(provider.hits.get('/.well-known/openid-configuration'), 1, 'and so is the discovery document')
  })
}

t.test('a real provider refuses', async t => {
  const provider = await startProvider({ accounts, clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: [redirectUri] }] })
  t.teardown(provider.close)
  const connection = connectionTo(provider.issuer, { secret })
  const wrong = connectionTo(provider.issuer, { id: 'wrong_secret', secret: 'not the secret of this client at all' })
  const bench = createBench([connection, wrong])
  t.teardown(bench.close)

  const returned = async (login: string, change: (parameters: { code: string, secrets: { nonce: string, codeVerifier: string } }) => { nonce: string, codeVerifier: string } = ({ secrets }) => secrets, use = connection) => {
    const { url, secrets } = await bench.connectors.oidc.authorize(use, { redirectUri, state: 's', loginHint: undefined, prompt: undefined })
    const back = await signIn(url, createBrowser(), login)
    const parameters = back.location?.searchParams ?? new URLSearchParams()
    return bench.connectors.oidc.authenticate(use, { parameters, redirectUri, state: 's', secrets: change({ code: parameters.get('code') ?? '', secrets }) }, Date.now() / 1_000)
  }

  t.equal(await codeOf(returned('ada')), 'no error')
  t.equal(await codeOf(returned('eve')), 'PORTICO_EMAIL_DOMAIN', 'N1 H7 an e-mail of a domain that the connection does not have')
  t.equal(await codeOf(returned('nobody')), 'PORTICO_IDP_REFUSED', 'F7 access_denied')
  t.equal(await codeOf(returned('ada', ({ secrets }) => ({ ...secrets, codeVerifier: 'x'.repeat(43) }))), 'PORTICO_IDP_CODE_REFUSED', 'O8 F11 the verifier belongs to the challenge')
  t.equal(await codeOf(returned('ada', ({ secrets }) => ({ ...secrets, nonce: 'another' }))), 'PORTICO_ID_TOKEN_NONCE', 'O6 F10')
  const refused = await returned('ada', undefined, wrong).catch((error: unknown) => error)
  if (!(refused instanceof PorticoError)) throw new Error('not refused')
  t.match(refused, { code: 'PORTICO_IDP_CLIENT_REFUSED', connection: 'wrong_secret', remedy: /secret is wrong or expired/ })
  t.equal(refused.cause, undefined, 'nothing of the library is attached')
})
