import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { WebSocket } from 'ws'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import { send, type Answer, type Browser } from '../support/browser.ts'
import { codeOf, origins, startGateway, type Echo, type World } from '../support/gateway.ts'
import { createSigningKey, encodePart, signJwt, startHostileProvider, type HostileProvider, type SigningKey } from '../support/hostile-provider.ts'

type Claims = Readonly<Record<string, unknown>>

const [key, foreignKey] = await Promise.all([createSigningKey(), createSigningKey('ES256', 'key-1')])
const audience = 'https://api.rogue.example'
const seconds = (): number => Math.floor(Date.now() / 1_000)

const call = (world: World, page: string, token: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  send(page, { connect: { port: world.port }, headers: { accept: 'text/html', authorization: `Bearer ${token}`, ...headers } })

const headersOf = (answer: Answer): Readonly<Record<string, string>> => (answer.json() as Echo).headers
const outcome = (answer: Answer): unknown => ({ status: answer.status, code: codeOf(answer), type: answer.headers.get('content-type') })
const refused = (code: string, status = 401) => ({ status, code, type: 'application/problem+json' })

/** An organization whose provider's access tokens are accepted, and somebody of it who has signed in. */
const start = async (t: Parameters<typeof startGateway>[0], lines: readonly string[] = []) => {
  const provider = await startHostileProvider({ key, script: { profile: { email: 'eve@rogue.example', email_verified: true, name: 'Eve', groups: ['staff'] } } })
  t.teardown(provider.close)
  const rogue = [
    'name: Rogue',
    ...lines,
    'connections:',
    `  rogue_oidc: { connector: oidc, status: active, domains: [rogue.example], bearer: { audience: "${audience}" }, discovery_url: "${provider.issuer}", client_id: portico, client_secret: { file: ../secret } }`
  ].join('\n')
  const world = await startGateway(t, { organizations: () => ({ rogue }) })
  const mint = (claims: Claims = {}, header: Claims = {}, signer: SigningKey = key): Promise<string> =>
    signJwt({ alg: signer.alg, kid: signer.kid, typ: 'at+jwt', ...header },
      { iss: provider.issuer, sub: 'subject-1', aud: audience, client_id: 'cli', iat: seconds(), exp: seconds() + 600, scope: 'api', amr: ['pwd', 'otp'], ...claims }, signer.privateKey)
  return { world, provider, rogue, mint }
}

const signIn = async (provider: HostileProvider, browser: Browser): Promise<Answer> => {
  const begun = await browser.open(`${origins.auth}/login/rogue_oidc?app=portal&return_to=/wanted`, { until: url => url.origin === provider.issuer })
  const back = begun.location?.searchParams.get('redirect_uri') ?? ''
  return await browser.open(`${back}?${provider.authorize(begun.location?.href ?? '')}`)
}

t.test('R13 access tokens of the organization\'s own provider', async t => {
  const { world, provider, rogue, mint } = await start(t)
  const browser = world.browser()

  await t.test('G9 one that names nobody known and no e-mail is refused', async t => {
    t.match(outcome(await call(world, `${origins.portal}/x`, await mint())), refused('PORTICO_BEARER_INVALID'))
  })

  const signedIn = headersOf(await signIn(provider, browser))
  const token = await mint()

  await t.test('R13 it speaks for the member of its subject, by its own amr, and stays with Portico', async t => {
    const answer = await call(world, `${origins.portal}/x`, token)
    t.equal(answer.status, 200)
    const headers = headersOf(answer)
    for (const name of ['x-auth-user', 'x-auth-email', 'x-auth-name', 'x-auth-groups', 'x-auth-organization', 'x-auth-connection']) t.equal(headers[name], signedIn[name], name)
    t.match(JSON.parse(Buffer.from(headers['x-auth-assertion']?.split('.')[1] ?? '', 'base64url').toString()), { amr: ['pwd', 'otp'], sub: signedIn['x-auth-user'], aud: origins.portal, email: 'eve@rogue.example' })
    t.equal(headers['authorization'], undefined, 'C7')
    const again = await call(world, `${origins.portal}/y`, token)
    t.equal(headersOf(again)['x-auth-assertion'], headers['x-auth-assertion'], 'verified and made once')
  })

  await t.test('G8 G9 G1 G2 G3 G4 whatever is wrong with it is a 401 in JSON, for browsers too', async t => {
    const [head = '', body = '', signature = ''] = token.split('.')
    const cases: Record<string, string> = {
      'G4 another key': await mint({}, {}, foreignKey),
      'G4 alg none': `${encodePart({ alg: 'none', typ: 'at+jwt' })}.${body}.${signature}`,
      'a changed claim': `${head}.${encodePart({ ...JSON.parse(Buffer.from(body, 'base64url').toString()) as object, sub: 'root' })}.${signature}`,
      'G1 another audience': await mint({ aud: 'https://elsewhere.example' }),
      'G1 no audience': await mint({ aud: undefined }),
      'G3 expired': await mint({ exp: seconds() - 600 }),
      'G3 not yet': await mint({ nbf: seconds() + 3_600 }),
      'an ID token': await mint({ aud: 'portico', nonce: 'n', scope: undefined, client_id: undefined }, { typ: 'JWT' }),
      'an ID token with our audience': await mint({ nonce: 'n' }),
      'a subject that nobody is': await mint({ sub: 'subject-2' }),
      'the person of another domain': await mint({ sub: 'subject-3', email: 'ada@acme.com', email_verified: true })
    }
    for (const [name, wrong] of Object.entries(cases)) {
      const answer = await call(world, `${origins.portal}/x`, wrong)
      t.match({ type: answer.headers.get('content-type'), location: answer.location }, { type: 'application/problem+json', location: undefined }, name)
      t.ok([401, 403].includes(answer.status), `${name}: ${answer.status} ${codeOf(answer)}`)
      const withCookie = await browser.send(`${origins.portal}/x`, { headers: { authorization: `Bearer ${wrong}` } })
      t.equal(withCookie.status, answer.status, `${name}: never the cookie instead`)
    }
  })

  await t.test('G9 G10 G12 what names our issuer is ours to refuse, however odd: never the app\'s, nor the cookie instead', async t => {
    const [head = '', body = ''] = token.split('.')
    const odd = { 'no signature': `${head}.${body}.`, 'iat is no number': await mint({ iat: 'now' }), 'aud is no text': await mint({ aud: 5 }), 'G12 huge': await mint({ more: 'x'.repeat(14_000) }) }
    for (const [name, wrong] of Object.entries(odd)) {
      t.match(outcome(await browser.send(`${origins.portal}/x`, { headers: { authorization: `Bearer ${wrong}` } })), refused('PORTICO_BEARER_INVALID'), name)
    }
  })

  await t.test('N1 V38 the e-mail is the recorded one: no sign-in has compared the token\'s with anybody else\'s', async t => {
    const renamed = await call(world, `${origins.portal}/x`, await mint({ email: 'root@rogue.example', email_verified: true }))
    t.match(headersOf(renamed), { 'x-auth-user': signedIn['x-auth-user'], 'x-auth-email': 'eve@rogue.example' })
  })

  await t.test('G9 a JWT of nobody\'s provider is the app\'s own', async t => {
    const own = await mint({ iss: 'https://the-app.example' })
    t.match(outcome(await call(world, `${origins.portal}/x`, own)), refused('PORTICO_SIGN_IN_REQUIRED'))
    const forwarded = headersOf(await browser.send(`${origins.portal}/x`, { headers: { authorization: `Bearer ${own}` } }))
    t.equal(forwarded['authorization'], `Bearer ${own}`)
    t.equal(forwarded['x-auth-user'], signedIn['x-auth-user'])
  })

  await t.test('G10 a token decides over the cookie; two of them are one too many', async t => {
    const other = await mint({ sub: 'subject-9', email: 'mallory@rogue.example', email_verified: true })
    t.equal(headersOf(await browser.send(`${origins.portal}/x`, { headers: { authorization: `Bearer ${other}` } }))['x-auth-email'], 'mallory@rogue.example', 'members: anyone records who was never here')
    const both = await call(world, `${origins.portal}/x`, token, { 'x-api-key': 'ptk_something' })
    t.match(outcome(both), refused('PORTICO_CREDENTIALS_CONFLICT', 400))
  })

  await t.test('V20 V21 V33 what was verified once is judged each time', async t => {
    const verified = provider.hits.get('/jwks')
    await world.reload({ rogue: `apps: [analytics]\n${rogue}` })
    t.match(outcome(await call(world, `${origins.portal}/x`, token)), refused('PORTICO_BEARER_REFUSED', 403))
    await world.reload({ rogue: `blocked: [eve@rogue.example]\n${rogue}` })
    t.not((await call(world, `${origins.portal}/x`, token)).status, 200)
    await world.reload({ rogue })
    t.equal((await call(world, `${origins.portal}/x`, token)).status, 200)
    await world.reload({ rogue: rogue.replace(audience, 'https://another.example') })
    t.match(outcome(await call(world, `${origins.portal}/x`, token)), refused('PORTICO_BEARER_INVALID'), 'another audience now')
    await world.reload({ rogue: rogue.replace('status: active', 'status: disabled') })
    t.match(outcome(await call(world, `${origins.portal}/x`, token)), refused('PORTICO_SIGN_IN_REQUIRED'), 'nobody\'s any more')
    await world.reload({ rogue })
    t.equal((await call(world, `${origins.portal}/x`, token)).status, 200)
    t.equal(provider.hits.get('/jwks'), verified, 'its keys were known all along')
  })

  await t.test('R13 a revocation ends tokens that were issued before it, and their WebSockets', async t => {
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws`, { headers: { Host: 'portal.localhost:8080', Origin: 'https://elsewhere.example', Authorization: `Bearer ${token}` } })
    await once(socket, 'open')
    const closed = once(socket, 'close')
    const store = createSqliteStore({ path: world.configuration.store.path })
    t.teardown(() => store.close())
    await store.addRevocation({ kind: 'member', value: signedIn['x-auth-user'] ?? '', issuedBefore: seconds(), expiresAt: seconds() + 1_000 })
    t.equal((await closed)[0], 1008)
    t.match(outcome(await call(world, `${origins.portal}/x`, token)), refused('PORTICO_BEARER_INVALID'))
    world.setClock(5)
    t.equal((await call(world, `${origins.portal}/x`, await mint({ iat: seconds() }))).status, 200, 'one that was issued since')
    world.setClock(0)
  })

  await t.test('R13 F18 a token of a provider whose clock is ahead does not outlast a revocation either', async t => {
    const ahead = await mint({ sub: 'subject-ahead', email: 'ahead@rogue.example', email_verified: true, iat: seconds() + 200 })
    const { 'x-auth-user': member = '' } = headersOf(await call(world, `${origins.portal}/x`, ahead))
    const store = createSqliteStore({ path: world.configuration.store.path })
    t.teardown(() => store.close())
    await store.blockMember(member, seconds())
    await store.addRevocation({ kind: 'member', value: member, issuedBefore: seconds(), expiresAt: seconds() + 1_000 })
    let status = 200
    for (const until = Date.now() + 3_000; status === 200 && Date.now() < until;) {
      await new Promise(resolve => setTimeout(resolve, 100))
      status = (await call(world, `${origins.portal}/x`, ahead)).status
    }
    t.equal(status, 401)
  })

  await t.test('R13 no token is in a log or in the store', async t => {
    const signature = token.split('.')[2] ?? ''
    t.notMatch(JSON.stringify(world.lines), signature)
    const folder = dirname(world.configuration.store.path)
    t.notMatch(['portico.db', 'portico.db-wal'].map(name => readFileSync(join(folder, name), 'latin1')).join(''), signature)
  })
})

t.test('R13 R19 who is not invited is not let in by a token either', async t => {
  const { world, mint } = await start(t, ['members: { invited: [eve@rogue.example] }'])
  const claims = { email_verified: true, name: 'Somebody', groups: ['staff'] }
  t.match(outcome(await call(world, `${origins.portal}/x`, await mint({ sub: 'a', email: 'mallory@rogue.example', ...claims }))), refused('PORTICO_BEARER_REFUSED', 403))
  t.equal(headersOf(await call(world, `${origins.portal}/x`, await mint({ sub: 'b', email: 'eve@rogue.example', ...claims })))['x-auth-name'], 'Somebody')
})
