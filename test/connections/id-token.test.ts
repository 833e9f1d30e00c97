import { createHash } from 'node:crypto'
import { exportSPKI, importJWK } from 'jose'
import t from 'tap'
import { createSigningKey, encodePart, signJwt, startHostileProvider, type Script } from '../support/hostile-provider.ts'
import { PorticoError } from '../../src/errors.ts'
import { clientSecret, codeOf, connectionTo, createBench, redirectUri, signInAt } from './setup.ts'

const now = (): number => Math.floor(Date.now() / 1_000)
const provider = await startHostileProvider()
const connection = connectionTo(provider.issuer)
const bench = createBench([connection])
t.teardown(async () => { await bench.close(); await provider.close() })
const evil = await createSigningKey('ES256', provider.key.kid)

const codeWith = async (script: Script, change?: (parameters: URLSearchParams) => void, use = connection): Promise<string> => {
  provider.script = script
  return codeOf(signInAt(bench, use, provider, change))
}
const claims = (changed: Record<string, unknown>): Script => ({ claims: all => ({ ...all, ...changed }) })

t.test('a sign-in as it should be', async t => {
  provider.script = {}
  t.match(await signInAt(bench, connection, provider), {
    subject: `${provider.issuer} subject-1`, email: 'ada@acme.com', name: 'Ada Lovelace', groups: ['staff'], idpSession: 'idp-session-1', amr: ['pwd'], acr: '1'
  })
  t.equal(provider.hits.get('/userinfo'), undefined, 'nothing is missing, nothing is asked')
  const [token] = provider.seen.filter(({ path }) => path === '/token')
  t.equal(token?.form.get('grant_type'), 'authorization_code')
  t.equal(token?.form.get('redirect_uri'), redirectUri)
  t.match(token?.form.get('code_verifier'), /^[\w-]{43,128}$/, 'O8 PKCE')
  t.match(token?.headers.authorization, /^Basic /, 'client_secret_basic where discovery says nothing')
})

t.test('O1 F13 a forged signature is refused', async t => {
  t.equal(await codeWith({ idToken: (header, all) => signJwt(header, all, evil.privateKey) }), 'PORTICO_ID_TOKEN_SIGNATURE', 'by another key under the same kid')
  t.equal(await codeWith({ idToken: async (header, all) => (await signJwt(header, all, provider.key.privateKey)).replace(/[^.]+$/, 'AAAA') }), 'PORTICO_ID_TOKEN_SIGNATURE')
  t.equal(await codeWith({
    idToken: async (header, all) => {
      const [head = '', , signature = ''] = (await signJwt(header, all, provider.key.privateKey)).split('.')
      return `${head}.${encodePart({ ...all, email: 'boss@acme.com' })}.${signature}`
    }
  }), 'PORTICO_ID_TOKEN_SIGNATURE', 'claims exchanged under a good signature')
})

t.test('O2 G4 alg none, HS256 with the public key or the secret, and what is not listed are refused', async t => {
  const none = { alg: 'none' }
  for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
    t.equal(await codeWith({ idToken: (_header, all) => `${encodePart({ alg })}.${encodePart(all)}.` }), 'PORTICO_ID_TOKEN_ALGORITHM', alg)
  }
  t.equal(await codeWith({ idToken: (_header, all) => `${encodePart(none)}.${encodePart(all)}` }), 'PORTICO_ID_TOKEN_MALFORMED')
  const key = await importJWK(provider.key.publicJwk, 'ES256', { extractable: true })
  if (key instanceof Uint8Array) throw new Error('not a key')
  const pem = await exportSPKI(key)
  t.equal(await codeWith({ idToken: (_header, all) => signJwt({ alg: 'HS256', kid: provider.key.kid }, all, Buffer.from(pem)) }), 'PORTICO_ID_TOKEN_ALGORITHM')
  t.equal(await codeWith({ idToken: (_header, all) => signJwt({ alg: 'HS256' }, all, Buffer.from(clientSecret)) }), 'PORTICO_ID_TOKEN_ALGORITHM')
  const other = await createSigningKey('ES384', 'es384')
  t.equal(await codeWith({ keys: [other] }), 'PORTICO_ID_TOKEN_ALGORITHM', 'good, and not what discovery lists')
  t.equal(await codeWith({ idToken: (header, all) => signJwt({ ...header, crit: ['x'], x: 1 }, all, provider.key.privateKey).catch(() => `${encodePart({ ...header, crit: ['x'], x: 1 })}.${encodePart(all)}.AAAA`) }), 'PORTICO_ID_TOKEN_MALFORMED')
  for (const listed of [['HS256'], ['none'], ['HS256', 'none'], []]) {
    const hs = await startHostileProvider({ key: provider.key, script: { discovery: document => ({ ...document, id_token_signing_alg_values_supported: listed }) } })
    const symmetric = connectionTo(hs.issuer, { id: 'symmetric' })
    t.equal(await codeOf(signInAt(bench, symmetric, hs)), 'PORTICO_IDP_METADATA', `a provider that lists ${JSON.stringify(listed)}`)
    await hs.close()
  }
  const sloppy = await startHostileProvider({ key: provider.key, script: { discovery: document => ({ ...document, id_token_signing_alg_values_supported: ['none', 'HS256', 'ES256'] }) } })
  const both = connectionTo(sloppy.issuer, { id: 'sloppy' })
  t.equal(await codeOf(signInAt(bench, both, sloppy)), 'no error')
  sloppy.script = { ...sloppy.script, idToken: (_header, all) => `${encodePart(none)}.${encodePart(all)}.` }
  t.equal(await codeOf(signInAt(bench, both, sloppy)), 'PORTICO_ID_TOKEN_ALGORITHM', 'none stays refused where it is listed')
  await sloppy.close()
})

t.test('O2 every accepted algorithm works', async t => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    const key = await createSigningKey(alg, alg)
    const one = await startHostileProvider({ key, script: { claims: all => all } })
    if (alg === 'RS256') one.script.discovery = ({ id_token_signing_alg_values_supported: _left, ...document }) => document
    t.equal(await codeOf(signInAt(bench, connectionTo(one.issuer, { id: 'one' }), one)), 'no error', alg)
    await one.close()
  }
})

t.test('G2 O3 iss is the issuer, character by character', async t => {
  for (const iss of [`${provider.issuer}/`, provider.issuer.toUpperCase(), 'https://evil.example', provider.issuer.replace('http:', ''), '', null, [provider.issuer]]) {
    t.equal(await codeWith(claims({ iss })), 'PORTICO_ID_TOKEN_ISSUER', JSON.stringify(iss))
  }
  t.equal(await codeWith({ claims: ({ iss: _left, ...all }) => all }), 'PORTICO_ID_TOKEN_ISSUER')
})

t.test('G1 G7 O5 aud and azp', async t => {
  const refused: readonly Record<string, unknown>[] = [
    { aud: 'another' }, { aud: ['another'] }, { aud: [] }, { aud: undefined }, { aud: '' }, { aud: { portico: 1 } }, { aud: 'portico2' }, { aud: ['portico', 1] },
    { aud: ['portico', 'another'] }, { aud: ['portico', 'another'], azp: 'another' }, { aud: 'portico', azp: 'another' }
  ]
  for (const changed of refused) t.equal(await codeWith(claims(changed)), 'PORTICO_ID_TOKEN_AUDIENCE', JSON.stringify(changed))
  for (const changed of [{ aud: ['portico'] }, { aud: ['another', 'portico'], azp: 'portico' }, { azp: 'portico' }]) {
    t.equal(await codeWith(claims(changed)), 'no error', JSON.stringify(changed))
  }
})

t.test('O11 G3 F18 times: iat within five minutes, exp, nbf', async t => {
  const week = 7 * 86_400
  const refused: readonly Record<string, unknown>[] = [
    { iat: now() - week }, { iat: now() + week }, { iat: now() - 400 }, { iat: now() + 400 }, { iat: undefined }, { iat: String(now()) }, { iat: null },
    { exp: now() - 60 }, { exp: undefined }, { exp: String(now() + 300) }, { nbf: now() + 400 }, { nbf: 'x' }
  ]
  for (const changed of refused) t.equal(await codeWith(claims(changed)), 'PORTICO_ID_TOKEN_TIME', JSON.stringify(changed))
  const taken: readonly Record<string, unknown>[] = [
    { iat: now() - 290 }, { iat: now() + 290 }, { exp: now() - 10 }, { nbf: now() + 290 }, { nbf: now() - week }, { iat: now() - 290, exp: now() + 5 }, { auth_time: now() - week }, { auth_time: undefined }
  ]
  for (const changed of taken) t.equal(await codeWith(claims(changed)), 'no error', JSON.stringify(changed))
  t.equal(await codeWith(claims({ auth_time: now() + week })), 'PORTICO_ID_TOKEN_AUTH_TIME')
  t.equal(await codeWith(claims({ auth_time: 'yesterday' })), 'PORTICO_ID_TOKEN_AUTH_TIME')
})

t.test('O11 max_age is asked for and auth_time judged', async t => {
  const strict = connectionTo(provider.issuer, { id: 'strict', settings: { max_age: 3_600 } })
  const { url } = await bench.connectors.oidc.authorize(strict, { redirectUri, state: 's', loginHint: undefined, prompt: 'select_account' })
  t.equal(new URL(url).searchParams.get('max_age'), '3600')
  t.equal(new URL(url).searchParams.get('prompt'), 'select_account')
  t.equal(await codeWith({}, undefined, strict), 'no error')
  t.equal(await codeWith(claims({ auth_time: now() - 5_000 }), undefined, strict), 'PORTICO_ID_TOKEN_AUTH_TIME')
  t.equal(await codeWith(claims({ auth_time: undefined }), undefined, strict), 'PORTICO_ID_TOKEN_AUTH_TIME')
})

t.test('O6 F10 nonce: missing, another, of another sign-in', async t => {
  for (const nonce of [undefined, null, '', 'another', 1]) t.equal(await codeWith(claims({ nonce })), 'PORTICO_ID_TOKEN_NONCE', String(nonce))
  let first = ''
  provider.script = { idToken: async (header, all) => { first = await signJwt(header, all, provider.key.privateKey); return first } }
  await signInAt(bench, connection, provider)
  t.equal(await codeWith({ idToken: () => first }), 'PORTICO_ID_TOKEN_NONCE', 'replayed')
})

t.test('O7 O10 F19 F8 the return is judged before the token endpoint is asked', async t => {
  const before = provider.hits.get('/token')
  const refused: readonly (readonly [string, (parameters: URLSearchParams) => void])[] = [
    ['PORTICO_RESPONSE_STATE', p => { p.delete('state') }],
    ['PORTICO_RESPONSE_STATE', p => { p.set('state', '') }],
    ['PORTICO_RESPONSE_STATE', p => { p.set('state', 'another') }],
    ['PORTICO_RESPONSE_INVALID', p => { p.append('state', p.get('state') ?? '') }],
    ['PORTICO_RESPONSE_INVALID', p => { p.append('code', 'other') }],
    ['PORTICO_RESPONSE_INVALID', p => { p.append('x', '1'); p.append('x', '1') }],
    ['PORTICO_RESPONSE_INVALID', p => { p.delete('code') }],
    ['PORTICO_RESPONSE_INVALID', p => { p.set('code', '') }],
    ['PORTICO_RESPONSE_INVALID', p => { p.set('id_token', 'a.b.c') }],
    ['PORTICO_RESPONSE_INVALID', p => { p.set('response', 'a.b.c') }],
    ['PORTICO_RESPONSE_ISSUER', p => { p.set('iss', 'https://evil.example') }],
    ['PORTICO_RESPONSE_ISSUER', p => { p.set('iss', `${provider.issuer}/`) }],
    ['PORTICO_IDP_REFUSED', p => { p.delete('code'); p.set('error', 'login_required') }],
    ['PORTICO_IDP_REFUSED', p => { p.set('error', 'access_denied') }]
  ]
  for (const [code, change] of refused) t.equal(await codeWith({}, change), code, String(change))
  t.equal(provider.hits.get('/token'), before, 'not one of them reached it')
  t.equal(await codeWith({}, p => { p.set('iss', provider.issuer) }), 'no error')
})

t.test('O9 F9 RFC 9207: iss is required where it is promised', async t => {
  const promising = await startHostileProvider({ key: provider.key, script: { discovery: document => ({ ...document, authorization_response_iss_parameter_supported: true }) } })
  t.teardown(promising.close)
  const use = connectionTo(promising.issuer, { id: 'promising' })
  t.equal(await codeOf(signInAt(bench, use, promising)), 'PORTICO_RESPONSE_ISSUER')
  t.equal(await codeOf(signInAt(bench, use, promising, p => { p.set('iss', provider.issuer) })), 'PORTICO_RESPONSE_ISSUER', 'the answer of another provider')
  t.equal(await codeOf(signInAt(bench, use, promising, p => { p.set('iss', promising.issuer) })), 'no error')
})

t.test('O19 F7 the provider\'s own words are bounded and on one line', async t => {
  provider.script = {}
  const error = await signInAt(bench, connection, provider, p => {
    p.delete('code')
    p.set('error', 'access_denied')
    p.set('error_description', `<script>alert(1)</script>\r\nSet-Cookie: x=1\0\u202e${'long '.repeat(1_000)}`)
  }).catch((reason: unknown) => reason)
  if (!(error instanceof PorticoError)) throw new Error('not refused')
  t.equal(error.code, 'PORTICO_IDP_REFUSED')
  t.equal(error.connection, connection.id)
  t.ok((error.got ?? '').length <= 301)
  t.notMatch(error.got, /[\p{C}]/u)
  t.match(error.got, /^access_denied: <script>/)
})

t.test('sub is a text that can be kept', async t => {
  for (const sub of [undefined, null, '', 1, {}, 'x'.repeat(256), 'a\nb', 'a\0b', '\ud800']) {
    t.equal(await codeWith(claims({ sub })), 'PORTICO_ID_TOKEN_SUBJECT', JSON.stringify(sub)?.slice(0, 30))
  }
  t.equal(await codeWith(claims({ sub: 'x'.repeat(255) })), 'no error')
})

t.test('at_hash belongs to the access token beside it', async t => {
  const half = (token: string): string => createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url')
  t.equal(await codeWith({ claims: all => ({ ...all, at_hash: half('fixed') }), token: answer => ({ ...answer, access_token: 'fixed' }) }), 'no error')
  t.equal(await codeWith({ claims: all => ({ ...all, at_hash: half('fixed') }), token: answer => ({ ...answer, access_token: 'exchanged' }) }), 'PORTICO_ID_TOKEN_HASH')
})

t.test('O12 G11 userinfo of somebody else is refused, its claims are asked for when missing', async t => {
  provider.script = { profileInIdToken: false }
  const identity = await signInAt(bench, connection, provider)
  t.match(identity, { email: 'ada@acme.com', name: 'Ada Lovelace', groups: ['staff'] })
  const asked = provider.seen.findLast(({ path }) => path === '/userinfo')
  t.match(asked?.headers.authorization, /^Bearer access-/)
  for (const sub of ['subject-2', '', undefined, null, 'Subject-1', ['subject-1']]) {
    const code = await codeWith({ profileInIdToken: false, userinfo: all => ({ ...all, sub }) })
    t.ok(code === 'PORTICO_USERINFO_SUBJECT' || (typeof sub !== 'string' && code === 'PORTICO_IDP_ANSWER') || (sub === '' && code === 'PORTICO_IDP_ANSWER'), `${String(sub)}: ${code}`)
  }
  t.equal(await codeWith({ profileInIdToken: false, answers: { '/userinfo': (_request, response) => { response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end() } } }), 'PORTICO_IDP_ANSWER')
  t.equal(await codeWith({ profileInIdToken: false, answers: { '/userinfo': (_request, response) => { response.writeHead(503).end() } } }), 'PORTICO_IDP_UNREACHABLE')
  t.equal(await codeWith({ profileInIdToken: false, userinfo: all => ({ ...all, iss: 'https://evil.example', auth_time: 1, amr: ['forged'], sid: 'forged', acr: 'forged' }), claims: ({ amr: _amr, acr: _acr, sid: _sid, ...all }) => all }), 'no error')
  const plain = await signInAt(bench, connection, provider)
  t.match(plain, { amr: undefined, acr: undefined, idpSession: undefined }, 'how somebody signed in is the ID token\'s to say')
  const signing = await startHostileProvider({ key: provider.key })
  t.teardown(signing.close)
  const use = connectionTo(signing.issuer, { id: 'signed_userinfo' })
  for (const [key, code] of [[provider.key, 'no error'], [evil, 'PORTICO_IDP_ANSWER']] as const) {
    signing.script = {
      profileInIdToken: false,
      discovery: document => ({ ...document, userinfo_signing_alg_values_supported: ['ES256'] }),
      answers: {
        '/userinfo': async (_request, response) => {
          const all = { iss: signing.issuer, aud: 'portico', sub: 'subject-1', email: 'ada@acme.com', email_verified: true }
          response.writeHead(200, { 'content-type': 'application/jwt' }).end(await signJwt({ alg: 'ES256', kid: key.kid }, all, key.privateKey))
        }
      }
    }
    t.equal(await codeOf(signInAt(bench, use, signing)), code, 'a signed userinfo')
  }
})

t.test('G4 O14 keys: an unknown kid asks once a minute, a new key under an old kid is found', async t => {
  const rotating = await startHostileProvider()
  t.teardown(rotating.close)
  const use = connectionTo(rotating.issuer, { id: 'rotating' })
  const attempt = (): Promise<string> => codeOf(signInAt(bench, use, rotating))
  const fetched = (): number => rotating.hits.get('/jwks') ?? 0
  t.equal(await attempt(), 'no error')
  t.equal(fetched(), 1)

  const stranger = await createSigningKey('ES256', 'unknown-kid')
  rotating.script = { idToken: (_header, all) => signJwt({ alg: 'ES256', kid: 'unknown-kid' }, all, stranger.privateKey) }
  for (let i = 0; i < 5; i++) t.equal(await attempt(), 'PORTICO_ID_TOKEN_KEY')
  t.equal(fetched(), 2, 'asked once more at once, since keys may change a moment after they were fetched')
  bench.ahead += 61
  for (let i = 0; i < 5; i++) t.equal(await attempt(), 'PORTICO_ID_TOKEN_KEY')
  t.equal(fetched(), 3)
  bench.ahead += 61
  await Promise.all(Array.from({ length: 10 }, attempt))
  t.equal(fetched(), 4, 'ten at once ask once')

  bench.ahead += 61
  rotating.script = { keys: [stranger] }
  t.equal(await attempt(), 'no error', 'a key that was added is found')
  t.equal(fetched(), 5)

  bench.ahead += 61
  const successor = await createSigningKey('ES256', 'unknown-kid')
  rotating.script = { keys: [successor] }
  const spent = rotating.hits.get('/token') ?? 0
  t.equal(await attempt(), 'no error', 'another key under the same kid is found')
  t.equal(fetched(), 6)
  t.equal(rotating.hits.get('/token'), spent + 1, 'and the code was spent once')

  rotating.script = { keys: [stranger], jwks: () => ({ keys: [successor.publicJwk, null, 1, { kty: 'oct', k: 'AAAA' }, { kty: 'NEW' }] }) }
  t.equal(await attempt(), 'PORTICO_ID_TOKEN_SIGNATURE')
  t.equal(fetched(), 6, 'a forged signature does not make Portico ask within the minute')

  bench.ahead += 301
  rotating.script = { keys: [successor], jwks: () => ({ keys: [] }) }
  t.equal(await attempt(), 'PORTICO_ID_TOKEN_KEY', 'a key that was withdrawn is forgotten after five minutes')
})

t.test('G4 a provider that changes its keys right after they were fetched locks nobody out, whatever it calls them', async t => {
  for (const kid of ['another', undefined]) {
    const rotating = await startHostileProvider()
    t.teardown(rotating.close)
    const use = connectionTo(rotating.issuer, { id: `rotating_${kid ?? 'same'}` })
    t.equal(await codeOf(signInAt(bench, use, rotating)), 'no error')
    rotating.script = { keys: [await createSigningKey('ES256', kid ?? rotating.key.kid)] }
    const spent = rotating.hits.get('/token') ?? 0
    t.equal(await codeOf(signInAt(bench, use, rotating)), 'no error')
    t.equal(rotating.hits.get('/jwks'), 2)
    t.equal(rotating.hits.get('/token'), spent + 1, 'the code was spent once')
  }
})

t.test('token endpoint errors have codes of their own, and leak nothing', async t => {
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Script => ({
    answers: { '/token': (_request, response) => { response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body)) } }
  })
  const cases: readonly (readonly [string, Script])[] = [
    ['PORTICO_IDP_SECRET_EXPIRED', answer(401, { error: 'invalid_client', error_description: 'AADSTS7000222: The provided client secret keys are expired.' })],
    ['PORTICO_IDP_CLIENT_REFUSED', answer(400, { error: 'invalid_client' })],
    ['PORTICO_IDP_CLIENT_REFUSED', answer(401, 'Unauthorized', { 'www-authenticate': 'Basic realm="x"' })],
    ['PORTICO_IDP_CODE_REFUSED', answer(400, { error: 'invalid_grant' })],
    ['PORTICO_IDP_TOKEN_REFUSED', answer(400, { error: 'unsupported_grant_type' })],
    ['PORTICO_IDP_TOKEN_REFUSED', answer(200, { error: 'temporarily' })],
    ['PORTICO_IDP_UNREACHABLE', answer(500, 'oops')],
    ['PORTICO_IDP_UNREACHABLE', answer(503, { error: 'server_error' })],
    ['PORTICO_IDP_UNREACHABLE', answer(429, '')],
    ['PORTICO_IDP_ANSWER', answer(404, '<html>')],
    ['PORTICO_IDP_ANSWER', answer(200, '<!doctype html><title>Proxy</title>', { 'content-type': 'text/html' })],
    ['PORTICO_IDP_ANSWER', answer(200, '[]')],
    ['PORTICO_IDP_ANSWER', answer(200, '')],
    ['PORTICO_IDP_ANSWER', answer(204, '')],
    ['PORTICO_ID_TOKEN_MISSING', answer(200, { access_token: 'x', token_type: 'Bearer' })],
    ['PORTICO_ID_TOKEN_MISSING', answer(200, { access_token: 'x', token_type: 'Bearer', id_token: 5 })],
    ['PORTICO_ID_TOKEN_MALFORMED', answer(200, { access_token: 'x', token_type: 'Bearer', id_token: 'x' })],
    ['PORTICO_ID_TOKEN_MALFORMED', answer(200, { access_token: 'x', token_type: 'Bearer', id_token: 'a.b.c.d.e' })],
    ['PORTICO_ID_TOKEN_MALFORMED', answer(200, { access_token: 'x', token_type: 'Bearer', id_token: `${encodePart([])}.${encodePart('null')}.x` })],
    ['PORTICO_IDP_ANSWER', { token: ({ access_token: _left, ...rest }) => rest }],
    ['PORTICO_IDP_ANSWER', { token: all => ({ ...all, token_type: 'mac' }) }],
    ['no error', { token: all => ({ ...all, token_type: 'bEARER', expires_in: '300' }) }]
  ]
  for (const [code, script] of cases) t.equal(await codeWith(script), code)

  provider.script = {
    answers: {
      '/token': (_request, response, body) => {
        const sent = new URLSearchParams(body)
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant', error_description: `bad ${sent.get('code') ?? ''} ${sent.get('code_verifier') ?? ''} ${clientSecret}` }))
      }
    }
  }
  const error = await signInAt(bench, connection, provider).catch((reason: unknown) => reason)
  if (!(error instanceof PorticoError)) throw new Error('not refused')
  t.equal(error.got, 'invalid_grant: bad [removed] [removed] [removed]', 'what was sent does not come back in a log')
  t.equal(error.cause, undefined)
})

t.test('client authentication: as discovery lists, as configured', async t => {
  const methodAt = async (listed: unknown, configured?: string): Promise<string> => {
    const one = await startHostileProvider({ key: provider.key, script: { discovery: document => ({ ...document, token_endpoint_auth_methods_supported: listed }) } })
    const code = await codeOf(signInAt(bench, connectionTo(one.issuer, { id: 'one', settings: { ...(configured === undefined ? {} : { token_endpoint_auth_method: configured }) } }), one))
    const token = one.seen.find(({ path }) => path === '/token')
    await one.close()
    return code !== 'no error' ? code : token?.headers.authorization !== undefined ? 'basic' : token?.form.has('client_secret') === true ? 'post' : 'none'
  }
  t.equal(await methodAt(undefined), 'basic')
  t.equal(await methodAt(['client_secret_post', 'client_secret_basic']), 'basic')
  t.equal(await methodAt(['client_secret_post']), 'post')
  t.equal(await methodAt(['private_key_jwt']), 'PORTICO_IDP_METADATA')
  t.equal(await methodAt(['private_key_jwt'], 'client_secret_post'), 'post')
  t.equal(await methodAt(['client_secret_basic'], 'client_secret_post'), 'post')
})

t.test('nothing that was logged holds a token, a code or a secret', async t => {
  const log = bench.lines.join('\n')
  t.notMatch(log, /eyJ|access-code|code-\d/)
  t.notOk(log.includes(clientSecret))
})
