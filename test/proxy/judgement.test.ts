import fc from 'fast-check'
import t from 'tap'
import { createClients, requestId } from '../../src/proxy/client.ts'
import { createFrameBoundary } from '../../src/proxy/frame-boundary.ts'
import { createHeaderKinds, listedNames } from '../../src/proxy/header-kinds.ts'
import { canonicalHost, requestHost } from '../../src/proxy/host.ts'
import { canonicalPath, isForwardable, isPublic, readsAsOwn } from '../../src/proxy/target.ts'
import { configurationOf, rule, upstreamAt } from './harness.ts'

const appWith = (...rules: ReturnType<typeof rule>[]) => {
  const app = configurationOf({ app: { upstream: upstreamAt(1), public: rules } }).apps.get('app')
  if (app === undefined) throw new Error('no app')
  return app
}

t.test('V12 a host has one spelling', async t => {
  for (const header of ['app.example.com', 'APP.Example.COM', 'app.example.com.', 'app.example.com:8080', 'aPp.example.com.:443']) {
    t.equal(canonicalHost(header), 'app.example.com', header)
  }
  t.equal(canonicalHost('[::1]:8080'), '[::1]')
  t.equal(canonicalHost('[0:0:0:0:0:0:0:1]'), '[::1]')
  t.equal(canonicalHost('127.0.0.1:80'), '127.0.0.1')
})

t.test('B14 whatever is no host is none', async t => {
  for (const header of [undefined, '', ' ', 'user@app.example.com', 'user:pw@app.example.com', 'app.example.com:', 'app.example.com:99999', 'app.example.com:8a',
    'app.example.com/x', 'app.example.com?x', 'app.example.com#x', 'app..example.com', '.example.com', 'a b', 'a,b', 'äpp.example.com', 'app%2eexample.com',
    'app.example.com\\', '[::1', '[::zz]', 'a'.repeat(300)]) {
    t.equal(canonicalHost(header), undefined, String(header))
  }
  t.equal(requestHost(['Host', 'a.example', 'x', 'y', 'hOsT', 'a.example']), undefined, 'two Host lines')
  t.equal(requestHost(['x', 'y', 'hOsT', 'A.example']), 'a.example')
  t.equal(requestHost([]), undefined)
})

t.test('V42 B13 only origin-form targets without # and controls are forwarded', async t => {
  for (const target of ['http://other/', '*', '', 'x', '/a#b', '/a\u0000b', '/a b', '/a\tb', '/a\u007f', 'app:80']) t.notOk(isForwardable(target), target)
  for (const target of ['/', '//x', '/a%2Fb', '/%zz', '/x?', '/x?a;b', '/ä', '/..', '/a\\b', '/http://x', '//evil/x']) t.ok(isForwardable(target), target)
})

t.test('B3 N8 V17 V46 a rule is judged on the one reading, and what has several is never public', async t => {
  const app = appWith(rule('/public/*'), rule('/favicon.ico'))
  for (const target of ['/public/a', '/public/a/b?path=/x', '/public/', '/public/a%20b', '/public/caf%C3%A9', '/favicon.ico', '/favicon.ico?v=1', '/public/..a', '/public/a.b']) {
    t.ok(isPublic(app, 'GET', target), target)
  }
  for (const target of ['/public/%2e%2e/admin', '/public/%2E./admin', '/public/../admin', '/public/..;/admin', '/public//../admin', '//public/a', '/public//a', '/public/./a',
    '/public\\..\\admin', '/public/..%2fadmin', '/public/..%5cadmin', '/public/a;jsessionid=1', '/public/a%3bx', '/public/..', '/public/.',
    '/public/%252e%252e/admin', '/public/secret%23/endpoint', '/public/a%3Fb', '/public/%00', '/public/%zz', '/public/%', '/public/%2', '/public/\u00e9', '/%70ublic/a']) {
    t.equal(canonicalPath(target), undefined, target)
    t.notOk(isPublic(app, 'GET', target), target)
  }
})

t.test('B1 B2 B4 B7 B12 V16 methods, case, segment boundaries, and no query', async t => {
  const app = appWith(rule('/public/*'), rule('/favicon.ico'), rule('/hook', ['POST']), { methods: undefined, path: '/any', prefix: false })
  for (const method of ['GET', 'POST', 'PROPFIND']) t.ok(isPublic(app, method, '/any'), 'a rule that names none is for all')
  t.ok(isPublic(app, 'HEAD', '/public/a'))
  t.notOk(isPublic(app, 'POST', '/public/a'), 'another method')
  t.ok(isPublic(app, 'POST', '/hook'))
  t.notOk(isPublic(app, 'GET', '/hook'), 'a rule for POST')
  for (const target of ['/PUBLIC/a', '/public', '/publicity', '/publi', '/favicon.ico/', '/favicon.ico.', '/favicon.icon', '/api?path=/public/a', '/']) t.notOk(isPublic(app, 'GET', target), target)
  t.notOk(isPublic(appWith(), 'GET', '/'), 'no rules')
})

t.test('A11 whatever reads as /.portico/ is recognised', async t => {
  for (const target of ['/.portico/', '/.portico', '/.portico/begin', '/.PORTICO/x', '//.portico/x', '/x/../.portico/ticket', '/./.portico/x', '/%2eportico/x', '/%2Eportico%2Fx',
    '/.%70ortico/x', '/\\.portico\\x', '/x/%2e%2e/.portico/x', '/x/..%2f.portico/x', '/%252eportico/x', '/.portico;a=b/x', '/;x/.portico/y', '/.portico%3fx', '/.por%09tico/x',
    '/..;/.portico/x', '/x/..;y/.portico/z', '/%5c.portico/x', '/.portico?x', '/%25252eportico/x', '/.portico/../x']) t.ok(readsAsOwn(target), target)
  for (const target of ['/', '/portico/x', '/.porticos/x', '/x/.portico/y', '/a?x=/.portico/', '/.well-known/x', '/x%2fy', '/%zz', '/docs/.portico', '/.portico-docs/']) t.notOk(readsAsOwn(target), target)
})

t.test('V10 no target makes the judgement throw', async t => {
  const app = appWith(rule('/public/*'))
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii', maxLength: 60 }), text => {
    readsAsOwn(text)
    isPublic(app, 'GET', `/${text}`)
    canonicalHost(text)
  }))
  t.pass()
})

t.test('D1 D2 D3 V18 V31 V32 the client is who no trusted proxy is', async t => {
  const clients = createClients(() => trusting)
  const trusting = configurationOf({}, { trustedProxies: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] })
  const of = (peer: string | undefined, header?: string) => clients.identify(peer, header)
  t.same(of('203.0.113.9', '1.2.3.4'), { address: '203.0.113.9', forwardedFor: '203.0.113.9', trusted: false }, 'D2 an untrusted peer is not believed')
  t.same(of('10.0.0.1', '1.2.3.4'), { address: '1.2.3.4', forwardedFor: '1.2.3.4, 10.0.0.1', trusted: true })
  t.equal(of('::ffff:10.0.0.1', '1.2.3.4').address, '1.2.3.4', 'mapped addresses are IPv4')
  t.equal(of('10.0.0.1', '6.6.6.6, 1.2.3.4, 10.0.0.9').address, '1.2.3.4', 'D3 the rightmost that is untrusted')
  t.equal(of('10.0.0.1', '10::23').address, '10::23')
  t.equal(of('10.0.0.1', '[2001:db9::1]:1234').address, '2001:db9::1')
  t.equal(of('10.0.0.1', '8.8.8.8:1234').address, '8.8.8.8')
  t.equal(of('192.0.2.7', '10.0.0.3, 10.0.0.2').address, '10.0.0.3', 'all are proxies: the farthest')
  for (const header of ['', 'nil', '10000.10000.10000.10000', 'adsfljk29242as!!', 'a, b, c', '1.2.3.4, garbage']) {
    t.same(of('10.0.0.1', header), { address: '10.0.0.1', forwardedFor: '10.0.0.1', trusted: true }, `D1 V31 ${header}`)
  }
  t.same(of(undefined, '1.2.3.4'), { address: 'unknown', forwardedFor: 'unknown', trusted: false }, 'D4 a unix socket')
  t.notOk(createClients(() => configurationOf({})).isTrusted('127.0.0.1'), 'nobody is trusted by default')
})

t.test('C12 a request id is a plain short one of a trusted proxy, or new', async t => {
  t.equal(requestId('abc-1.2_3', true), 'abc-1.2_3')
  for (const header of ['abc-1', undefined]) t.match(requestId(header, false), /^[0-9a-f-]{36}$/)
  for (const header of ['a b', 'a\nb', 'x'.repeat(65), 'x'.repeat(4096), '', 'ä', '"']) t.match(requestId(header, true), /^[0-9a-f-]{36}$/, header)
})

t.test('C3 V43 F5 names of headers in every spelling', async t => {
  const kinds = createHeaderKinds()
  for (const name of ['X-Auth-User', 'x_auth_user', 'X-Auth_Email', 'X-AUTH-ASSERTION', 'x.auth.user', 'X-Forwarded-User', 'X_Forwarded_Email', 'Remote-User', 'Connection', 'Keep-Alive', 'TE', 'Trailer',
    'Transfer-Encoding', 'Upgrade', 'Expect', 'Proxy-Authorization', 'Proxy', 'Proxy-Connection', 'X-Forwarded-For', 'X_Forwarded_For', 'X-Forwarded-Host', 'X-Request-Id', 'X_Request_Id',
    'Content_Length', 'Transfer_Encoding', 'Http2-Settings', 'X-Portico-Intercepted']) t.equal(kinds.ofRequest(name), 'drop', name)
  for (const name of ['Forwarded', 'X-Forwarded-Port', 'X-Forwarded-Uri', 'X_Forwarded_Prefix', 'X-Real-IP', 'X-Original-URL', 'X-Original-URI', 'X-Rewrite-URL']) t.equal(kinds.ofRequest(name), 'forwarding', name)
  for (const name of ['Authorization', 'Accept', 'X-Foo', 'X_Foo', 'X-HTTP-Method-Override', 'Content-Length', 'Content-Type', 'Origin']) t.equal(kinds.ofRequest(name), 'keep', name)
  for (const name of ['Connection', 'Keep-Alive', 'Upgrade', 'Trailer', 'Proxy-Authenticate', 'Transfer-Encoding', 'X-Portico-Intercepted']) t.equal(kinds.ofResponse(name), 'drop', name)
  t.equal(kinds.ofResponse('SET-cookie'), 'set-cookie')
  t.equal(kinds.ofResponse('ETag'), 'keep')
  t.same([...listedNames('Keep-Alive, X-Foo ,,close') ?? []], ['x-foo'])
})

t.test('K5 the end of a frame is found whatever the chunks', async t => {
  const frames = [
    Buffer.from([0x81, 0x02, 0x61, 0x62]),
    Buffer.concat([Buffer.from([0x82, 126, 0x01, 0x00]), Buffer.alloc(256)]),
    Buffer.concat([Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]), Buffer.alloc(70_000)]),
    Buffer.concat([Buffer.from([0x81, 0x83, 1, 2, 3, 4]), Buffer.alloc(3)]),
    Buffer.from([0x8a, 0x00])
  ]
  const all = Buffer.concat(frames)
  const ends = new Set([0])
  let total = 0
  for (const frame of frames) ends.add(total += frame.length)
  for (const step of [1, 2, 3, 7, 4096, all.length]) {
    const boundary = createFrameBoundary()
    let wrong = 0
    for (let at = 0; at < all.length; at += step) {
      boundary.follow(all.subarray(at, at + step))
      if (boundary.isBetweenFrames() !== ends.has(Math.min(at + step, all.length))) wrong++
    }
    t.equal(wrong, 0, `chunks of ${step}`)
  }
})
