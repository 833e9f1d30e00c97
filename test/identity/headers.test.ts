import { createRemoteJWKSet, decodeProtectedHeader, importSPKI, jwtVerify } from 'jose'
import { createPublicKey, verify } from 'node:crypto'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { request } from 'undici'
import t from 'tap'
import type { Test } from 'tap'
import type { AppPlace, Configuration } from '../../src/config/configuration.ts'
import { createAssertionKeys } from '../../src/identity/assertion.ts'
import { createIdentityHeaders } from '../../src/identity/headers.ts'
import { createPublishedKeys } from '../../src/identity/published-keys.ts'
import { deriveKeys } from '../../src/sessions/keyring.ts'
import type { Session } from '../../src/sessions/session.ts'
import { configuration, key, place, session } from './configuration.ts'

const listen = async (t: Test, listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return `http://127.0.0.1:${address.port}`
}

const named = (flat: readonly string[]): Record<string, string> =>
  Object.fromEntries(flat.flatMap((name, i) => i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : []))

/** Headers made now for the given person, app and configuration. */
const made = (given: Partial<Session> = {}, at: AppPlace = place(), from: Configuration = configuration()): Record<string, string> =>
  named(createIdentityHeaders({ configuration: () => from }).for(session(given), at))

/** Serves whatever keys are published for the configuration that `current` answers with. */
const publish = async (t: Test, current: () => Configuration) => {
  const published = createPublishedKeys({ configuration: current })
  const url = await listen(t, (req, res) => {
    const { headers, body } = req.url === '/pem' ? published.pem() : published.jwks()
    res.writeHead(200, { ...headers }).end(body)
  })
  return { url, jwks: () => createRemoteJWKSet(new URL(url)) }
}

const full: Partial<Session> = { invited: 'ada+cio@acme.com', name: 'Žofie, Ada', groups: ['eng', 'Sales, EMEA'], newUser: true, amr: ['pwd', 'otp'], acr: 'urn:mfa' }

t.test('C1 the headers are those of the contract', async t => {
  const { 'X-Auth-Assertion': assertion, ...rest } = made(full, place(), configuration({ defaultRole: 'viewer' }))
  t.ok(assertion)
  t.strictSame(rest, {
    'X-Auth-User': 'mem_ada',
    'X-Auth-Email': 'ada@acme.com',
    'X-Auth-Member': 'ada+cio@acme.com',
    'X-Auth-Name': '%C5%BDofie, Ada',
    'X-Auth-Groups': 'eng,Sales%2C EMEA',
    'X-Auth-Organization': 'acme',
    'X-Auth-Connection': 'okta_acme',
    'X-Auth-Role': 'viewer',
    'X-Auth-New-User': 'true'
  })
})

t.test('C2 what nobody knows has no header at all', async t => {
  t.strictSame(Object.keys(made()), ['X-Auth-User', 'X-Auth-Email', 'X-Auth-Organization', 'X-Auth-Connection', 'X-Auth-Assertion'])
  t.notOk('X-Auth-Name' in made({ name: '' }))
  t.notOk('X-Auth-Groups' in made({ groups: ['', ''] }))
})

t.test('the assertion verifies against the published keys, and carries the values raw', async t => {
  const inForce = configuration({ defaultRole: 'viewer' })
  const { jwks } = await publish(t, () => inForce)
  const before = Math.floor(Date.now() / 1_000)
  const token = made(full, place(), inForce)['X-Auth-Assertion'] ?? ''
  const { payload, protectedHeader } = await jwtVerify(token, jwks(), {
    issuer: 'http://auth.localhost:8080', audience: 'http://analytics.localhost:8080', algorithms: ['ES256'], typ: 'JWT'
  })
  t.equal(protectedHeader.alg, 'ES256')
  const { iat = 0, exp = 0, ...claims } = payload
  t.strictSame(claims, {
    iss: 'http://auth.localhost:8080',
    aud: 'http://analytics.localhost:8080',
    sub: 'mem_ada',
    email: 'ada@acme.com',
    member: 'ada+cio@acme.com',
    name: 'Žofie, Ada',
    groups: ['eng', 'Sales, EMEA'],
    org: 'acme',
    connection: 'okta_acme',
    role: 'viewer',
    new_user: true,
    amr: ['pwd', 'otp'],
    acr: 'urn:mfa',
    auth_time: 1_000,
    sid: 'sid-1'
  })
  t.ok(iat >= before && iat <= before + 5)
  t.equal(exp, iat + 300)

  const bare = await jwtVerify(made({}, place(), inForce)['X-Auth-Assertion'] ?? '', jwks())
  t.strictSame(bare.payload.groups, [], 'groups are a list even where there are none')
  t.equal(bare.payload.new_user, false)
  t.notOk('name' in bare.payload)
})

t.test('V4 an assertion is for one app only, and an altered one is worth nothing', async t => {
  const inForce = configuration()
  const { jwks } = await publish(t, () => inForce)
  const token = made({}, place(), inForce)['X-Auth-Assertion'] ?? ''
  await t.rejects(jwtVerify(token, jwks(), { audience: 'http://dashboard.localhost:8080' }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' })
  const [header, , signature] = token.split('.')
  const forged = Buffer.from(JSON.stringify({ sub: 'mem_eve' })).toString('base64url')
  await t.rejects(jwtVerify(`${header}.${forged}.${signature}`, jwks()), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  const stranger = made({}, place(), configuration({ keys: [key(9)] }))['X-Auth-Assertion'] ?? ''
  await t.rejects(jwtVerify(stranger, jwks()), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
})

t.test('V4 the assertion has a key of its own purpose, and publishes no private half', async t => {
  const seed = deriveKeys([key(1)], 'assertion', 48)[0]
  for (const purpose of ['session', 'ticket', 'state', 'attempt']) t.notSame(deriveKeys([key(1)], purpose, 48)[0], seed, purpose)
  for (const jwk of createAssertionKeys([key(1), key(2)]).published) {
    t.strictSame(Object.keys(jwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    t.match(jwk, { alg: 'ES256', crv: 'P-256', kty: 'EC', use: 'sig' })
  }
})

t.test('every signature is in the form of JWS, also where a half of it begins with zeros', async t => {
  const { sign, published: [jwk] } = createAssertionKeys([key(1)])
  if (jwk === undefined) throw new TypeError('no key')
  const publicKey = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  let short = 0
  for (let round = 0; round < 2_000; round++) {
    const token = sign({ round })
    const [signature = ''] = token.split('.').slice(2)
    const bytes = Buffer.from(signature, 'base64url')
    if (bytes[0] === 0 || bytes[32] === 0) short++
    if (bytes.length !== 64 || !verify('sha256', Buffer.from(token.slice(0, token.lastIndexOf('.'))), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)) t.fail(token)
  }
  t.ok(short > 0)
})

t.test('the same configured keys give the same assertion keys, on every instance and with an emptied store', async t => {
  const kid = (...bytes: number[]) => createAssertionKeys(bytes.map(key)).published.map(jwk => jwk.kid)
  t.strictSame(kid(1), kid(1))
  t.strictSame(kid(1, 2), [...kid(1), ...kid(2)])
  t.strictSame(kid(1, 1), kid(1), 'a key listed twice is published once')
  t.strictSame(kid(1), ['wKZ82WWsGhK_1hDbEAqo0hXhyJBCyhf80zMnxbGLunE'], 'pinned: another derivation would make a new release and an old one disagree')
})

t.test('rotation: the next key is published ahead, then signs, and the last one goes when nothing carries it any more', async t => {
  const steps = [[1], [1, 2], [2, 1], [2]].map(bytes => configuration({ keys: bytes.map(key) }))
  let inForce = steps[0] ?? configuration()
  const { jwks } = await publish(t, () => inForce)
  const tokens: string[] = []
  for (const step of steps) {
    inForce = step
    // An app's cache is no older than this publication
    const keys = jwks()
    const token = made({}, place(), inForce)['X-Auth-Assertion'] ?? ''
    await jwtVerify(token, keys)
    const last = tokens.at(-1)
    if (last !== undefined) await jwtVerify(last, keys)
    tokens.push(token)
  }
  const kids = tokens.map(token => decodeProtectedHeader(token).kid)
  t.equal(kids[0], kids[1], 'a key listed second does not sign yet')
  t.not(kids[1], kids[2])
  t.equal(kids[2], kids[3])

  inForce = steps[1] ?? inForce
  const early = jwks()
  await early.reload()
  inForce = steps[2] ?? inForce
  await jwtVerify(made({}, place(), inForce)['X-Auth-Assertion'] ?? '', early)
  t.pass('an app that fetched the keys before the rotation verifies what is signed after it')
})

t.test('the key documents may be cached and read by pages of any origin', async t => {
  const { url } = await publish(t, () => configuration({ keys: [key(1), key(2)] }))
  const { headers, body } = await request(url)
  t.equal(headers['cache-control'], 'public, max-age=300')
  t.equal(headers['access-control-allow-origin'], '*')
  t.match(headers['content-type'], /^application\/json/)
  t.match(await body.json(), { keys: [{ use: 'sig', alg: 'ES256' }, { use: 'sig', alg: 'ES256' }] })
})

t.test('the same list is handed out for two minutes, then the assertion is made anew', async t => {
  let now = 1_000_000_000
  let inForce = configuration()
  const headers = createIdentityHeaders({ configuration: () => inForce, now: () => now })
  const ada = session()
  const [here, there] = [place(), place()]
  const first = headers.for(ada, here)
  now += 119_000
  t.equal(headers.for(ada, here), first)
  now += 1_000
  const second = headers.for(ada, here)
  t.not(second, first)
  t.not(headers.for(session(), here), second, 'another session has a list of its own')
  now -= 1_000
  t.not(headers.for(ada, here), second, 'a clock that was set back keeps none alive')
  const third = headers.for(ada, here)
  t.not(headers.for(ada, there), third)
  const fourth = headers.for(ada, there)
  inForce = configuration()
  t.not(headers.for(ada, there), fourth)
})

t.test('V2 what the configuration says of a person is never older than the configuration', async t => {
  let inForce = configuration({ defaultRole: 'viewer' })
  const headers = createIdentityHeaders({ configuration: () => inForce })
  const [ada, here] = [session(), place()]
  t.equal(named(headers.for(ada, here))['X-Auth-Role'], 'viewer')
  inForce = configuration({ defaultRole: 'editor' })
  t.equal(named(headers.for(ada, here))['X-Auth-Role'], 'editor')
  inForce = configuration()
  t.notOk('X-Auth-Role' in named(headers.for(ada, here)))
})

t.test('C8 hostile claims travel to an upstream as they were, and change no other header', async t => {
  const groups = ['a,b', 'c;d', 'e\r\nX-Auth-Role: admin', 'f\0g', 'Žižek', '日本 💡', ' edge ']
  const name = 'Ada\r\nX-Auth-Role: admin'
  const url = await listen(t, (req, res) => res.end(JSON.stringify(req.rawHeaders)))
  const inForce = configuration()
  const { jwks } = await publish(t, () => inForce)
  const sent = createIdentityHeaders({ configuration: () => inForce }).for(session({ groups, name }), place())
  const { body } = await request(url, { headers: [...sent] })
  const got = JSON.parse(await body.text())
  const seen = named(got)
  t.notOk('X-Auth-Role' in seen)
  t.equal(decodeURIComponent(seen['X-Auth-Name'] ?? ''), name)
  t.strictSame(seen['X-Auth-Groups']?.split(',').map(decodeURIComponent), groups)
  const { payload } = await jwtVerify(seen['X-Auth-Assertion'] ?? '', jwks())
  t.match(payload, { name, groups })
})

t.test('C8 groups beyond 8 kB leave header and assertion alike', async t => {
  const inForce = configuration()
  const { jwks } = await publish(t, () => inForce)
  const groups = Array.from({ length: 1_000 }, (_, i) => `group-${i}`)
  const headers = made({ groups }, place(), inForce)
  const kept = headers['X-Auth-Groups']?.split(',') ?? []
  t.equal(kept.length + Number(headers['X-Auth-Groups-Omitted']), 1_000)
  const { payload } = await jwtVerify(headers['X-Auth-Assertion'] ?? '', jwks())
  t.strictSame(payload.groups, kept)
  t.equal(payload.groups_omitted, 1_000 - kept.length)
  t.notOk('X-Auth-Groups-Omitted' in made({ groups: groups.slice(0, 300) }))
})

t.test('dialects speak other gateways\' words, and none of Portico\'s own', async t => {
  const inForce = configuration()
  const { url, jwks } = await publish(t, () => inForce)
  const person: Partial<Session> = { name: 'Ada', groups: ['eng', 'a,b', 'c|d'] }
  const speak = (preset: Parameters<typeof place>[0]) => made(person, place(preset), inForce)

  t.strictSame(speak('oauth2-proxy'), {
    'X-Forwarded-User': 'mem_ada',
    'X-Forwarded-Email': 'ada@acme.com',
    'X-Forwarded-Groups': 'eng,a%2Cb,c|d',
    'X-Forwarded-Preferred-Username': 'ada@acme.com',
    'X-Auth-Request-User': 'mem_ada',
    'X-Auth-Request-Email': 'ada@acme.com',
    'X-Auth-Request-Groups': 'eng,a%2Cb,c|d',
    'X-Auth-Request-Preferred-Username': 'ada@acme.com'
  })

  t.strictSame(speak('authelia'), {
    'Remote-User': 'mem_ada', 'Remote-Groups': 'eng,a%2Cb,c|d', 'Remote-Name': 'Ada', 'Remote-Email': 'ada@acme.com'
  })
  t.equal(made({}, place('authelia'))['Remote-Name'], '', 'a dialect sets each of its headers always')

  const authentik = speak('authentik')
  t.match(authentik, {
    'X-authentik-username': 'ada@acme.com',
    'X-authentik-groups': 'eng|a,b|c%7Cd',
    'X-authentik-email': 'ada@acme.com',
    'X-authentik-name': 'Ada',
    'X-authentik-uid': 'mem_ada',
    'X-authentik-meta-jwks': 'http://auth.localhost:8080/.well-known/jwks.json',
    'X-authentik-meta-app': 'analytics'
  })
  t.match((await jwtVerify(authentik['X-authentik-jwt'] ?? '', jwks(), { issuer: 'http://auth.localhost:8080' })).payload, {
    sub: 'mem_ada', email: 'ada@acme.com', email_verified: true, preferred_username: 'ada@acme.com', groups: person.groups, entitlements: []
  })

  const pomerium = speak('pomerium')
  t.match(pomerium, { 'X-Pomerium-Claim-Email': 'ada@acme.com', 'X-Pomerium-Claim-Groups': 'eng,a%2Cb,c|d', 'X-Pomerium-Claim-User': 'mem_ada' })
  const route = await jwtVerify(pomerium['X-Pomerium-Jwt-Assertion'] ?? '', jwks(), { issuer: 'analytics.localhost', audience: 'analytics.localhost' })
  t.match(route.payload, { sub: 'mem_ada', user: 'mem_ada', email: 'ada@acme.com', name: 'Ada', groups: person.groups, sid: 'sid-1' })
  t.match(route.payload.jti, /^[0-9a-f-]{36}$/)
  t.equal(route.payload.aud, 'analytics.localhost', 'a string, as its libraries expect')

  const iap = speak('google-iap')
  t.match(iap, {
    'X-Goog-Authenticated-User-Email': 'accounts.google.com:ada@acme.com', 'X-Goog-Authenticated-User-Id': 'accounts.google.com:mem_ada'
  })
  const pem: unknown = await (await request(`${url}/pem`)).body.json()
  const { kid } = decodeProtectedHeader(iap['X-Goog-IAP-JWT-Assertion'] ?? '')
  const spki: unknown = Reflect.get(Object(pem), kid ?? '')
  const verified = await jwtVerify(iap['X-Goog-IAP-JWT-Assertion'] ?? '', await importSPKI(String(spki), 'ES256'), {
    issuer: 'https://cloud.google.com/iap', audience: 'http://analytics.localhost:8080'
  })
  t.match(verified.payload, { sub: 'accounts.google.com:mem_ada', email: 'ada@acme.com', hd: 'acme.com' })

  for (const preset of ['oauth2-proxy', 'authelia', 'authentik', 'pomerium', 'google-iap'] as const) {
    const own = Object.keys(speak(preset)).filter(name => /^x-auth-(?!request-)/i.test(name))
    t.strictSame(own, [], preset)
  }
})
