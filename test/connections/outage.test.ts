import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createSigningKey, startHostileProvider, type HostileProvider, type Responder, type Script } from '../support/hostile-provider.ts'
import { isSameIssuer } from '../../src/connections/oidc/issuer.ts'
import { discoveryAddress } from '../../src/connections/oidc/metadata.ts'
import { createLookup } from '../../src/connections/outbound/lookup.ts'
import { isForbiddenAddress, unreachable } from '../../src/connections/outbound/reach.ts'
import { PorticoError } from '../../src/errors.ts'
import { codeOf, configurationWith, connectionTo, createBench, redirectUri, signInAt, type Bench } from './setup.ts'
import type { Connection } from '../../src/config/configuration.ts'

const key = await createSigningKey()
const wellKnown = '/.well-known/openid-configuration'

const begin = (bench: Bench, connection: Connection): Promise<string> =>
  codeOf(bench.connectors.oidc.authorize(connection, { redirectUri, state: 's', loginHint: undefined, prompt: undefined }))

t.test('R6 O3 G2 either form of discovery_url, with and without the last slash; the issuer is checked either way', async t => {
  for (const suffix of ['', '/', '/realms/acme', '/oauth2/default', '/tenant/']) {
    const provider = await startHostileProvider({ key, suffix })
    t.teardown(provider.close)
    const bare = provider.issuer.replace(/\/$/, '')
    for (const form of [bare, `${bare}/`, `${bare}${wellKnown}`, `${bare}${wellKnown}/`, `${bare}${wellKnown}?policy=x`]) {
      const connection = connectionTo(form)
      const bench = createBench([connection])
      t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error', form.replace(/:\d+/, ''))
      t.equal(bench.connectors.issuer(connection), provider.issuer, 'known as the provider spells it')
      t.ok(bench.connectors.isIssuer(connection, bare) && bench.connectors.isIssuer(connection, `${bare}/`))
      t.notOk(bench.connectors.isIssuer(connection, `${bare}//`) || bench.connectors.isIssuer(connection, `${bare}x`) || bench.connectors.isIssuer(connection, ''))
      provider.script = { claims: all => ({ ...all, iss: suffix.endsWith('/') ? bare : `${bare}/` }) }
      t.equal(await codeOf(signInAt(bench, connection, provider)), 'PORTICO_ID_TOKEN_ISSUER', 'the token names it exactly')
      provider.script = {}
      await bench.close()
    }
  }
  const liar = await startHostileProvider({ key, script: { discovery: document => ({ ...document, issuer: 'https://accounts.example' }) } })
  t.teardown(liar.close)
  for (const form of [liar.issuer, `${liar.issuer}${wellKnown}`]) {
    const connection = connectionTo(form)
    const bench = createBench([connection])
    t.equal(await codeOf(signInAt(bench, connection, liar)), 'PORTICO_IDP_ISSUER')
    t.equal(bench.connectors.health(connection).lastError, 'PORTICO_IDP_ISSUER')
    t.equal(bench.connectors.issuer(connection).replace(/\/$/, ''), liar.issuer, 'as configured until then')
    await bench.close()
  }
  t.same(discoveryAddress('https://ACME.auth0.com'), { issuer: 'https://acme.auth0.com/', url: `https://acme.auth0.com${wellKnown}` })
  t.notOk(isSameIssuer('https://a.example//', 'https://a.example'), 'one slash, not two')
})

t.test('N12 where a discovery document may lead', async t => {
  const far = { issuerHost: 'idp.acme.com', allowHttp: false }
  const near = { issuerHost: 'idp.localhost', allowHttp: false }
  for (const url of ['https://idp.acme.com/token', 'https://tokens.acme.com/x?y=z', 'https://10.0.0.5/token', 'https://keycloak.internal:8443/token']) {
    t.equal(unreachable(url, far), undefined, url)
  }
  for (const url of [
    'http://idp.acme.com/token', 'http://127.0.0.1:9090/status', 'https://127.0.0.1/token', 'https://localhost/token', 'https://x.localhost/token', 'https://[::1]/token',
    'https://[::ffff:127.0.0.1]/token', 'https://169.254.169.254/latest', 'http://169.254.169.254/latest', 'https://[fe80::1]/', 'https://0.0.0.0/', 'https://2130706433/', 'https://0x7f.1/', 'https://127.1/',
    'ftp://idp.acme.com/', 'file:///etc/passwd', 'javascript:alert(1)', 'data:,x', '/token', '', 'https://user:pw@idp.acme.com/', 'https://idp.acme.com/#x'
  ]) t.type(unreachable(url, far), 'string', url)
  t.equal(unreachable('http://127.0.0.1:1/token', near), undefined)
  t.equal(unreachable('http://idp.localhost:1/token', near), undefined)
  t.type(unreachable('http://idp.acme.com/token', near), 'string')
  t.equal(unreachable('http://idp.acme.com/token', { ...far, allowHttp: true }), undefined)
  t.type(unreachable('http://127.0.0.1/token', { ...far, allowHttp: true }), 'string', 'dangerously_allow_http opens no way to this machine')

  const addressOf = (address: string): Promise<string> => new Promise(resolve => {
    const family = address.includes(':') ? 6 : 4
    const find = createLookup(each => !isForbiddenAddress(each), (_name, _options, callback) => { callback(null, [{ address: '10.0.0.5', family: 4 }, { address, family }]) })
    find('idp.acme.com', { all: true }, (error, found) => { resolve(error?.code ?? JSON.stringify(found)) })
  })
  for (const address of ['127.0.0.1', '127.9.9.9', '169.254.169.254', '0.0.0.0', '::1', '::', 'fe80::1', '::ffff:127.0.0.1']) {
    t.equal(await addressOf(address), 'EFORBIDDEN', `a name that resolves to ${address}`)
  }
  t.match(await addressOf('10.0.0.6'), /10\.0\.0\.6/)

  const fields = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'] as const
  for (const field of fields) {
    for (const value of ['http://idp.acme.com/x', 'javascript:alert(1)', field]) {
      const provider = await startHostileProvider({ key, script: { discovery: document => ({ ...document, [field]: value }) } })
      const connection = connectionTo(provider.issuer)
      const bench = createBench([connection])
      t.equal(await begin(bench, connection), 'PORTICO_IDP_METADATA', `${field}: ${value}`)
      await bench.close()
      await provider.close()
    }
  }
  const connection = connectionTo('http://idp.acme.com')
  const bench = createBench([connection])
  t.teardown(bench.close)
  t.equal(await begin(bench, connection), 'PORTICO_IDP_METADATA', 'plain http beyond loopback')
})

t.test('O15 G12 hostile answers end soon, small, with a code', async t => {
  const whole = 250
  const endless = (head: Record<string, string>): Responder => (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...head })
    response.on('error', () => undefined)
    const drip = setInterval(() => { response.write(' ') }, 20)
    response.on('close', () => { clearInterval(drip) })
  }
  const whole200 = (body: string | Buffer, head: Record<string, string> = {}): Responder => (_request, response) => { response.writeHead(200, { 'content-type': 'application/json', ...head }).end(body) }
  const flood: Responder = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const chunk = ' '.repeat(64 * 1024)
    const more = (): void => { while (!response.destroyed && response.write(chunk)); }
    response.on('drain', more)
    response.on('error', () => undefined)
    more()
  }
  const redirect: Responder = (_request, response) => { response.writeHead(307, { location: `${provider.issuer}/elsewhere` }).end() }
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const cases: readonly (readonly [string, string, Responder])[] = [
    ['no answer at all', 'PORTICO_IDP_TIMEOUT', () => undefined],
    ['a slow-loris body', 'PORTICO_IDP_TIMEOUT', endless({})],
    ['a slow body of a known length', 'PORTICO_IDP_TIMEOUT', endless({ 'content-length': '100000' })],
    ['an endless body', 'PORTICO_IDP_ANSWER', flood],
    ['an oversize body', 'PORTICO_IDP_ANSWER', whole200(JSON.stringify({ x: 'x'.repeat(1_100_000) }))],
    ['a gzip bomb', 'PORTICO_IDP_ANSWER', whole200(gzipSync(Buffer.alloc(20_000_000, 32)), { 'content-encoding': 'gzip' })],
    ['a redirect', 'PORTICO_IDP_ANSWER', redirect],
    ['HTML', 'PORTICO_IDP_ANSWER', whole200('<!doctype html><title>Sign in to the proxy</title>', { 'content-type': 'text/html' })],
    ['a broken connection', 'PORTICO_IDP_UNREACHABLE', request => { request.socket.destroy() }],
    ['half an answer', 'PORTICO_IDP_UNREACHABLE', (_request, response) => { response.writeHead(200, { 'content-length': '1000' }).write('{'); setTimeout(() => response.destroy(), 20) }],
    ['no HTTP', 'PORTICO_IDP_UNREACHABLE', request => { request.socket.end('SSH-2.0-OpenSSH_9.6\r\n') }],
    ['a status of no kind', 'PORTICO_IDP_ANSWER', (_request, response) => { response.writeHead(999).end() }],
    ['an internal error', 'PORTICO_IDP_UNREACHABLE', (_request, response) => { response.writeHead(500).end('stack') }],
    ['deep JSON', 'PORTICO_IDP_ANSWER', whole200('['.repeat(200_000))]
  ]
  for (const path of [wellKnown, '/jwks', '/token', '/userinfo']) {
    for (const [name, code, responder] of cases) {
      const connection = connectionTo(provider.issuer)
      const bench = createBench([connection], { whole })
      provider.script = { profileInIdToken: false, answers: { [path]: responder } }
      t.equal(await codeOf(signInAt(bench, connection, provider)), code, `${name} from ${path}`)
      await bench.close()
    }
  }
  t.equal(provider.hits.get('/elsewhere'), undefined, 'no redirect was followed')

  const connection = connectionTo(provider.issuer)
  const bench = createBench([connection])
  t.teardown(bench.close)
  provider.script = { claims: all => ({ ...all, padding: 'x'.repeat(400_000) }) }
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'PORTICO_IDP_ANSWER', 'G12 a huge ID token')
  provider.script = { claims: all => ({ ...all, padding: 'x'.repeat(100_000) }) }
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error', 'a large one is read')
})

t.test('an IdP that is down at start touches nobody else, and is back when it is back', async t => {
  const down = await startHostileProvider({ key })
  const up = await startHostileProvider({ key })
  t.teardown(async () => { await down.close(); await up.close() })
  const one = connectionTo(down.issuer, { id: 'down' })
  const other = connectionTo(up.issuer, { id: 'up' })
  await down.stop()
  const bench = createBench([one, other])
  t.teardown(bench.close)
  t.equal(up.hits.size + down.hits.size, 0, 'start asks nobody')
  t.same(bench.connectors.health(one), { lastGood: undefined, lastError: undefined, lastErrorAt: undefined })

  await Promise.all([bench.connectors.warm(one), bench.connectors.warm(other)])
  t.match(bench.connectors.health(one), { lastGood: undefined, lastError: 'PORTICO_IDP_UNREACHABLE', lastErrorAt: Number })
  t.match(bench.connectors.health(other), { lastGood: Number, lastError: undefined })
  t.equal(up.hits.get('/jwks'), 1, 'warm')
  t.equal(await begin(bench, one), 'PORTICO_IDP_UNREACHABLE')
  t.equal(await codeOf(signInAt(bench, other, up)), 'no error')
  const error = await bench.connectors.oidc.authorize(one, { redirectUri, state: 's', loginHint: undefined, prompt: undefined }).catch((reason: unknown) => reason)
  t.match(error, { status: 503, connection: 'down', got: 'ECONNREFUSED', cause: undefined })

  await down.listen()
  t.equal(await begin(bench, one), 'PORTICO_IDP_UNREACHABLE', 'within the back-off nobody asks')
  t.equal(down.hits.size, 0)
  bench.ahead += 4
  t.equal(await codeOf(signInAt(bench, one, down)), 'no error')
  t.match(bench.connectors.health(one), { lastGood: Number, lastError: undefined })
  t.ok(bench.lines.some(line => line.includes('"code":"PORTICO_IDP_UNREACHABLE"') && line.includes('"connection":"down"')))
})

t.test('health tells of keys that cannot be fetched, until they can', async t => {
  const provider = await startHostileProvider({ key, script: { answers: { '/jwks': (_request, response) => { response.writeHead(404).end() } } } })
  t.teardown(provider.close)
  const connection = connectionTo(provider.issuer)
  const bench = createBench([connection])
  t.teardown(bench.close)
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'PORTICO_IDP_ANSWER')
  t.equal(provider.hits.get('/token'), undefined, 'the code is not spent for nothing')
  t.match(bench.connectors.health(connection), { lastGood: Number, lastError: 'PORTICO_IDP_ANSWER' })
  provider.script = {}
  bench.ahead += 4
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error')
  t.match(bench.connectors.health(connection), { lastGood: Number, lastError: undefined, lastErrorAt: undefined })
})

t.test('fifty who wait cost one fetch, of the document and of the keys', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const connection = connectionTo(provider.issuer)
  const bench = createBench([connection])
  t.teardown(bench.close)
  const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(signInAt(bench, connection, provider))))
  t.same([...new Set(codes)], ['no error'])
  t.equal(provider.hits.get(wellKnown), 1)
  t.equal(provider.hits.get('/jwks'), 1)

  await provider.stop()
  const dead = connectionTo(provider.issuer, { id: 'dead' })
  const failing = createBench([dead])
  t.teardown(failing.close)
  t.same([...new Set(await Promise.all(Array.from({ length: 50 }, () => begin(failing, dead))))], ['PORTICO_IDP_UNREACHABLE'])
  t.equal(failing.lines.length, 1, 'and one line in the log')
})

t.test('V20 the last good copy serves on: in memory, after a restart, per connection and issuer, and only if it is ours', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const connection = connectionTo(provider.issuer)
  const bench = createBench([connection])
  t.teardown(bench.close)
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error')
  const broken: Script = { answers: { [wellKnown]: (_request, response) => { response.writeHead(500).end() } } }
  provider.script = broken
  bench.ahead += 4_000
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error', 'an hour later, the document is gone')
  await bench.connectors.warm(connection)
  t.equal(provider.hits.get(wellKnown), 2, 'it was asked for once more, behind')
  t.match(bench.connectors.health(connection), { lastGood: Number, lastError: 'PORTICO_IDP_UNREACHABLE' })

  const restarted = createBench([connection], { store: bench.store, configuration: { keys: bench.configuration.keys } })
  t.teardown(restarted.close)
  t.equal(await codeOf(signInAt(restarted, connection, provider)), 'no error', 'a process that never saw the document')
  const copies = async (change: (stored: { content: string }) => unknown): Promise<void> => {
    const name = `${connection.id} ${provider.issuer}/`
    const stored: unknown = JSON.parse(await bench.store.get('discovery', name) ?? 'null')
    if (typeof stored !== 'object' || stored === null || !('content' in stored) || typeof stored.content !== 'string') throw new Error('no copy')
    await bench.store.put('discovery', name, JSON.stringify(change({ ...stored, content: stored.content })), Date.now() / 1_000 + 1_000)
  }
  const another = connectionTo(provider.issuer, { id: 'another' })
  const fresh = (): Bench => {
    const made = createBench([connection, another], { store: bench.store, configuration: { keys: bench.configuration.keys } })
    t.teardown(made.close)
    return made
  }
  t.equal(await begin(fresh(), another), 'PORTICO_IDP_UNREACHABLE', 'the copy of another connection is not used')
  await copies(stored => ({ ...stored, content: stored.content.replace('/jwks', '/evil') }))
  t.equal(await begin(fresh(), connection), 'PORTICO_IDP_UNREACHABLE', 'a copy that was changed is not used')
  await copies(() => 'rubbish')
  t.equal(await begin(fresh(), connection).catch(() => 'threw'), 'PORTICO_IDP_UNREACHABLE')

  provider.script = { discovery: document => ({ ...document, authorization_endpoint: `${provider.issuer}/new-place` }) }
  bench.ahead += 4_000
  await bench.connectors.warm(connection)
  await t.resolves(bench.connectors.warm(connection))
  // The refresh runs behind the sign-in that noticed: the next ones see it
  for (let i = 0; i < 100 && bench.connectors.health(connection).lastError !== undefined; i++) await new Promise(resolve => setTimeout(resolve, 20))
  const { url } = await bench.connectors.oidc.authorize(connection, { redirectUri, state: 's', loginHint: undefined, prompt: undefined })
  t.equal(new URL(url).pathname, '/new-place', 'and a provider that moved is followed')
})

t.test('a store that is out of reach stops no sign-in', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const connection = connectionTo(provider.issuer)
  const working = createBench([connection])
  t.teardown(working.close)
  const lost = (): Promise<never> => Promise.reject(new PorticoError('PORTICO_STORE_UNAVAILABLE'))
  const bench = createBench([connection], { store: { ...working.store, get: lost, put: lost } })
  t.teardown(bench.close)
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error')
})

t.test('N13 a reload keeps what it does not concern', async t => {
  const provider = await startHostileProvider({ key })
  const moved = await startHostileProvider({ key })
  t.teardown(async () => { await provider.close(); await moved.close() })
  const kept = connectionTo(provider.issuer, { id: 'kept' })
  const changed = connectionTo(provider.issuer, { id: 'changed' })
  const bench = createBench([kept, changed])
  t.teardown(bench.close)
  await Promise.all([bench.connectors.warm(kept), bench.connectors.warm(changed)])
  t.equal(provider.hits.get(wellKnown), 2, 'one for each connection')

  const later = connectionTo(moved.issuer, { id: 'changed', secret: 'a secret that was rotated meanwhile, long' })
  bench.configuration = configurationWith([{ ...kept }, later])
  t.equal(await codeOf(signInAt(bench, { ...kept }, provider)), 'no error')
  t.equal(provider.hits.get(wellKnown), 2, 'the unchanged one asks nothing')
  t.equal(await codeOf(signInAt(bench, later, moved)), 'no error')
  t.equal(moved.hits.get(wellKnown), 1)
  const sent = Buffer.from(moved.seen.find(({ path }) => path === '/token')?.headers.authorization?.slice(6) ?? '', 'base64').toString()
  t.match(sent, /rotated/)

  bench.configuration = configurationWith([later])
  t.ok(bench.connectors.health(later).lastGood)
  bench.configuration = configurationWith([kept, later])
  t.equal(bench.connectors.health(kept).lastGood, undefined, 'one that was removed has left')
})

/** A provider that calls itself by another name. */
const named = (provider: HostileProvider, name: string): Script => ({
  discovery: document => Object.fromEntries(Object.entries(document).map(([field, value]) => [field, typeof value === 'string' ? value.replace(provider.issuer, name) : value])),
  claims: all => ({ ...all, iss: name })
})

/** A proxy that leads every tunnel to one port, and tells which were asked for. */
const startProxy = async (port: number): Promise<{ url: string, tunnels: string[], close: () => void }> => {
  const tunnels: string[] = []
  const proxy: Server = createServer()
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '')
    const inner = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      inner.pipe(socket).pipe(inner)
    })
    inner.on('error', () => socket.destroy())
    socket.on('error', () => inner.destroy())
  })
  await new Promise<void>(resolve => { proxy.listen(0, '127.0.0.1', resolve) })
  return {
    // listen() on a host gives an address object
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    tunnels,
    close: () => { proxy.closeAllConnections(); proxy.close() }
  }
}

const direct = { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined, ca: undefined }

t.test('outbound requests honour the proxy that is configured, loopback excepted', async t => {
  const provider = await startHostileProvider({ key })
  const proxy = await startProxy(provider.port)
  t.teardown(async () => { proxy.close(); await provider.close() })
  const name = 'http://idp.acme.example'
  const behind = connectionTo(name, { id: 'behind', settings: { dangerously_allow_http: true } })
  const local = connectionTo(provider.issuer, { id: 'local' })
  const bench = createBench([behind, local], { configuration: { outbound: { ...direct, httpProxy: proxy.url } } })
  t.teardown(bench.close)
  t.equal(await codeOf(signInAt(bench, local, provider)), 'no error')
  t.same(proxy.tunnels, [])
  provider.script = named(provider, name)
  t.equal(await codeOf(signInAt(bench, behind, provider)), 'no error')
  t.ok(proxy.tunnels.length >= 1 && proxy.tunnels.every(target => target === 'idp.acme.example:80'), proxy.tunnels.join(' '))
  bench.configuration = configurationWith([behind, local], { outbound: { ...direct, httpProxy: 'http://127.0.0.1:1' } })
  t.equal(await codeOf(signInAt(bench, behind, provider)), 'PORTICO_IDP_UNREACHABLE', 'a reload takes effect')
})

t.test('R15 a certificate is verified, with the extra CA that is configured', async t => {
  const pem = (name: string): string => readFileSync(new URL(`../proxy/tls/${name}`, import.meta.url), 'utf8')
  const provider = await startHostileProvider({ key, tls: { cert: pem('upstream.pem'), key: pem('upstream.key') } })
  const proxy = await startProxy(provider.port)
  t.teardown(async () => { proxy.close(); await provider.close() })
  const attempt = async (name: string, ca: string | undefined): Promise<unknown> => {
    provider.script = named(provider, name)
    const connection = connectionTo(name)
    const bench = createBench([connection], { configuration: { outbound: { ...direct, httpsProxy: proxy.url, ca } } })
    try {
      return await signInAt(bench, connection, provider)
    } catch (error) {
      return error
    } finally {
      await bench.close()
    }
  }
  t.match(await attempt('https://upstream.test', pem('ca.pem')), { email: 'ada@acme.com' })
  t.match(await attempt('https://upstream.test', undefined), { code: 'PORTICO_IDP_CERTIFICATE', got: /CERT|VERIFY|ISSUER|SIGNED/ })
  t.match(await attempt('https://other.test', pem('ca.pem')), { code: 'PORTICO_IDP_CERTIFICATE', got: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

t.test('*.localhost is loopback without a name server', async t => {
  const provider = await startHostileProvider({ key })
  t.teardown(provider.close)
  const name = `http://idp.acme.localhost:${provider.port}`
  const connection = connectionTo(name)
  const bench = createBench([connection])
  t.teardown(bench.close)
  provider.script = named(provider, name)
  t.equal(await codeOf(signInAt(bench, connection, provider)), 'no error')
})
