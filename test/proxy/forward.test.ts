import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { Upstream } from '../../src/config/configuration.ts'
import { ask, bodyOf, configurationOf, exchangeRaw, listenOn, rule, signedIn, startProxy, startUpstream, statusOf, upstreamAt } from './harness.ts'

type Test = Parameters<typeof startProxy>[0]

interface Seen { method: string, target: string, headers: string[], body: string }

const host = 'Host: app.localhost'

/** An upstream that answers with what it received. */
const echo = (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk)).on('end', () => {
    response.setHeader('Content-Type', 'application/json')
    response.end(Buffer.from(JSON.stringify({ method: request.method, target: request.url, headers: request.rawHeaders, body: Buffer.concat(chunks).toString('latin1') }), 'latin1'))
  })
}

const seen = (answer: string): Seen => JSON.parse(bodyOf(answer).replace(/^[0-9a-f]+\r\n([\s\S]*)\r\n0\r\n\r\n$/, '$1'))

const valuesOf = ({ headers }: Seen, name: string): string[] =>
  headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name.toLowerCase())

const startEcho = async (t: Test, overrides: Parameters<typeof upstreamAt>[1] = {}, configuration: Parameters<typeof configurationOf>[1] = {}) => {
  const { port } = await startUpstream(t, echo)
  return await startProxy(t, configurationOf({ app: { upstream: upstreamAt(port, overrides), public: [rule('/public/*')], preflight: 'pass' } }, configuration))
}

/** A raw upstream: `answer` gets each socket with the bytes of its first request. */
const startRaw = async (t: Test, answer: (socket: Socket, head: string) => void) => {
  const server = createTcpServer(socket => socket.once('data', head => answer(socket, head.toString('latin1'))))
  const port = await listenOn(t, server)
  return { server, proxy: await startProxy(t, configurationOf({ app: { upstream: upstreamAt(port, { headersTimeout: 1_000 }) } })) }
}

t.test('K1 the target goes over byte for byte', async t => {
  const { port } = await startEcho(t)
  for (const target of ['/', '/a%2Fb', '/%2F/x', '//x', '//evil.example/x', '/x?', '/x?a;b', '/%zz', '/caf%C3%A9', '/%ff', '/a/../b', '/a/./b', '/a//b', '/a;b=c', '/a\\b',
    '/ping', '/ready', '/robots.txt', '/metrics', '/livez', '/favicon.ico', '/x?q=%2e%2e/..&r=//', `/${'p'.repeat(16_000)}`, '/*', '/:id', '/__proto__']) {
    t.equal(seen(await ask(port, `GET ${target}`, [host, signedIn])).target, target, target.slice(0, 40))
  }
  for (const target of ['/x#y', '/\u0001', 'http://app.localhost/', '*', 'x', '/caf\u00e9']) t.equal(statusOf(await ask(port, `GET ${target}`, [host, signedIn])), 400, target)
})

t.test('K1 any method and any content type reaches the app', async t => {
  const { port } = await startEcho(t)
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL', 'REPORT', 'PURGE', 'M-SEARCH', 'QUERY', 'SEARCH']) {
    t.equal(seen(await ask(port, `${method} /x`, [host, signedIn])).method, method)
  }
  for (const type of ['application/json', 'text/;;bad', 'x', ',', 'multipart/form-data', 'application/json; charset="']) {
    const received = seen(await ask(port, 'POST /x', [host, signedIn, `Content-Type: ${type}`, 'Content-Length: 4'], '{bad'))
    t.same([received.body, valuesOf(received, 'content-type')], ['{bad', [type]], type)
  }
})

t.test('K2 bodies: none, empty, sized, chunked, with trailers, and on methods that have none', async t => {
  const { port } = await startEcho(t)
  t.equal(seen(await ask(port, 'POST /x', [host, signedIn])).body, '')
  t.equal(seen(await ask(port, 'POST /x', [host, signedIn, 'Content-Length: 0'])).body, '')
  t.equal(seen(await ask(port, 'PUT /x', [host, signedIn, 'Content-Length: 3'], 'a\u00ffc')).body, 'a\u00ffc')
  const chunked = seen(await ask(port, 'POST /x', [host, signedIn, 'Transfer-Encoding: chunked', 'Trailer: X-Sum'], '3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n'))
  t.equal(chunked.body, 'abcde')
  t.same(valuesOf(chunked, 'trailer'), [])
  t.equal(seen(await ask(port, 'DELETE /x', [host, signedIn, 'Content-Length: 3'], 'abc')).body, 'abc')
  t.equal(seen(await ask(port, 'GET /x', [host, signedIn, 'Content-Length: 3'], 'abc')).body, 'abc')
})

t.test('K2 F4 Expect: 100-continue is answered, and not passed on', async t => {
  const { port } = await startEcho(t)
  const answer = await ask(port, 'POST /x', [host, signedIn, 'Expect: 100-continue', 'Content-Length: 3'], 'abc')
  t.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  const received = seen(answer.slice(answer.indexOf('\r\n\r\n') + 4))
  t.equal(received.body, 'abc')
  t.same(valuesOf(received, 'expect'), [])
  const refused = await ask(port, 'POST /x', [host, 'Expect: 100-continue', 'Content-Length: 3'])
  t.equal(statusOf(refused), 401, 'whoever is refused is not invited')
  t.match(refused, /connection: close/i)
})

t.test('K2 a large body streams both ways with bounded memory', async t => {
  const size = 256 * 1024 * 1024
  const { port: upstream } = await startUpstream(t, (request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' })
    request.pipe(response)
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  const request = send({ port, method: 'POST', path: '/', headers: { Host: 'app.localhost', Cookie: '__Host-portico=sid-1', 'Content-Length': size } })
  const block = Buffer.alloc(1024 * 1024, 7)
  const expected = createHash('sha256')
  let rest = size / block.length
  const push = () => {
    while (rest > 0) {
      rest--
      expected.update(block)
      if (!request.write(block)) return
    }
    request.end()
  }
  request.on('drain', push)
  push()
  const [response] = await once(request, 'response')
  const actual = createHash('sha256')
  let received = 0
  let peak = 0
  for await (const chunk of response) {
    received += chunk.length
    actual.update(chunk)
    peak = Math.max(peak, process.memoryUsage().rss)
  }
  t.equal(received, size)
  t.equal(actual.digest('hex'), expected.digest('hex'))
  t.ok(peak < 700 * 1024 * 1024, 'the whole body was never in memory with its copies')
})

t.test('C1 C2 C3 C4 N7 identity headers of any spelling are replaced', async t => {
  const { port } = await startEcho(t)
  const forged = ['X-Auth-User: evil', 'x-auth-user: evil2', 'X_Auth_User: evil', 'X-Auth_Email: evil', 'X-AUTH-GROUPS: evil', 'X-Auth-Assertion: evil', 'X-Auth-Role: evil',
    'X-Forwarded-User: evil', 'X_Forwarded_Email: evil', 'Remote-User: evil', 'X-Auth-Request-Email: evil', 'Cf-Access-Jwt-Assertion: evil', 'X-Goog-Iap-Jwt-Assertion: evil', 'X-Amzn-Oidc-Data: evil']
  const received = seen(await ask(port, 'GET /x', [host, signedIn, ...forged]))
  t.notMatch(JSON.stringify(received.headers), /evil/)
  t.same(valuesOf(received, 'x-auth-user'), ['member-1'])
  t.same(valuesOf(received, 'x-auth-email'), ['ada@acme.com'])
  t.same(valuesOf(received, 'x-auth-groups'), [], 'C2 what the session does not say is absent')
  for (const [method, path, headers] of [['GET', '/public/x', []], ['OPTIONS', '/x', ['Origin: https://a.example', 'Access-Control-Request-Method: PUT']]] as const) {
    const open = seen(await ask(port, `${method} ${path}`, [host, ...headers, ...forged]))
    t.notMatch(JSON.stringify(open.headers), /evil|member-1/, `B9 ${method} ${path}`)
  }
  t.same(valuesOf(seen(await ask(port, 'GET /public/x', [host, signedIn])), 'x-auth-user'), ['member-1'], 'B10')
})

t.test('C5 names with blanks and folded lines are refused', async t => {
  const { port } = await startEcho(t)
  for (const line of ['X-Auth-User : evil', 'X-Foo: a\r\n b', 'X-Foo', ': x', 'X-F\u0000oo: x', 'X-Foo: a\u0000b']) t.equal(statusOf(await ask(port, 'GET /x', [host, signedIn, line])), 400, line)
})

t.test('C6 K7 F5 what Connection lists goes, but never what Portico sets', async t => {
  const { port } = await startEcho(t)
  const received = seen(await ask(port, 'GET /x', [host, signedIn, 'X-Hop: 1', 'X-Keep: 2', 'Keep-Alive: 5', 'TE: trailers', 'Trailer: x', 'Proxy-Authorization: x', 'Proxy-Connection: x', 'Upgrade: h2c',
    'Proxy: http://evil', 'Connection: X-Hop, X-Auth-User, X-Forwarded-For, X-Request-Id, Host, Upgrade']))
  for (const name of ['x-hop', 'keep-alive', 'te', 'trailer', 'proxy-authorization', 'proxy-connection', 'upgrade', 'proxy']) t.same(valuesOf(received, name), [], name)
  t.same(valuesOf(received, 'x-keep'), ['2'])
  t.same(valuesOf(received, 'x-auth-user'), ['member-1'])
  t.same(valuesOf(received, 'x-forwarded-for'), ['127.0.0.1'])
  t.same(valuesOf(received, 'host'), ['app.localhost:8080'])
  t.same(valuesOf(received, 'connection'), ['keep-alive'])
})

t.test('C7 C10 C13 V11 the rest arrives as it was sent', async t => {
  const { port } = await startEcho(t)
  const received = seen(await ask(port, 'GET /x', [host, 'Authorization: Basic eDp5', 'X-Multi: a', 'x-MULTI: b', 'Accept: a, b', 'X-Bytes: caf\u00c3\u00a9',
    'Cookie: a=1; __Host-portico=sid-1; b="2;c=3"; __Host-portico-begin-x=1;__host-PORTICO=x; __Secure-portico=y; a=4', 'Cookie: d=5']))
  t.same(valuesOf(received, 'authorization'), ['Basic eDp5'], 'C7')
  t.same(received.headers.filter((_, i) => received.headers[i - 1]?.toLowerCase() === 'x-multi' || /^x-multi$/i.test(received.headers[i] ?? '')), ['X-Multi', 'a', 'x-MULTI', 'b'], 'C13 case and order')
  t.same(valuesOf(received, 'x-bytes'), ['caf\u00c3\u00a9'])
  t.same(valuesOf(received, 'cookie'), ['a=1; b="2;c=3"; a=4', 'd=5'], 'C10')
  t.same(valuesOf(seen(await ask(port, 'GET /x', [host, signedIn])), 'cookie'), [], 'none is left, none is sent')
})

t.test('C11 B5 V19 V40 forwarding headers of an untrusted peer are overwritten', async t => {
  const { port } = await startEcho(t)
  const forged = ['Forwarded: for=6.6.6.6', 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Host: evil', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 1', 'X_Forwarded_For: 6.6.6.6', 'X-Forwarded-Uri: /public/x',
    'X-Original-URL: /public/x', 'X-Original-URI: /public/x', 'X-Rewrite-URL: /public/x', 'X-Real-IP: 6.6.6.6', 'X-Forwarded-Whatever: 1', 'X-Request-Id: mine', 'X-HTTP-Method-Override: GET']
  t.equal(statusOf(await ask(port, 'GET /private', [host, ...forged])), 401, 'B5 B6 they open nothing')
  const received = seen(await ask(port, 'GET /x', [host, signedIn, ...forged]))
  t.same(valuesOf(received, 'x-forwarded-for'), ['127.0.0.1'])
  t.same(valuesOf(received, 'x-forwarded-host'), ['app.localhost:8080'])
  t.same(valuesOf(received, 'x-forwarded-proto'), ['http'])
  t.match(valuesOf(received, 'x-request-id')[0], /^[0-9a-f-]{36}$/)
  t.notMatch(JSON.stringify(received.headers), /6\.6\.6\.6|evil|public|whatever|mine/i)
})

t.test('C11 those of a trusted peer are appended to', async t => {
  const { port, lines } = await startEcho(t, {}, { trustedProxies: ['127.0.0.0/8'] })
  const received = seen(await ask(port, 'GET /x', [host, signedIn, 'X-Forwarded-For: 6.6.6.6, 1.2.3.4', 'X-Forwarded-Port: 443', 'X-Forwarded-User: evil', 'X-Request-Id: mine', 'X-Forwarded-Host: evil']))
  t.same(valuesOf(received, 'x-forwarded-for'), ['6.6.6.6, 1.2.3.4, 127.0.0.1'])
  t.same(valuesOf(received, 'x-forwarded-port'), ['443'])
  t.same(valuesOf(received, 'x-request-id'), ['mine'])
  t.same(valuesOf(received, 'x-forwarded-host'), ['app.localhost:8080'], 'known from the configuration')
  t.same(valuesOf(received, 'x-forwarded-user'), [])
  t.match(lines, [{ client: '1.2.3.4', requestId: 'mine' }])
})

t.test('K4 the upstream sees the public host or the configured one', async t => {
  const { port } = await startEcho(t, { hostHeader: 'inner.example:81' })
  const received = seen(await ask(port, 'GET /x', ['Host: APP.localhost.:8080', signedIn]))
  t.same(valuesOf(received, 'host'), ['inner.example:81'])
  t.same(valuesOf(received, 'x-forwarded-host'), ['app.localhost:8080'])
})

t.test('K7 K8 C9 headers of a response', async t => {
  const { port: upstream } = await startUpstream(t, (_request, response) => {
    response.writeHead(203, 'As It Was', ['X-Multi', 'a', 'x-multi', 'b', 'Set-Cookie', 'a=1; Path=/', 'Set-Cookie', '__Host-portico=evil; Path=/', 'Set-Cookie', '__HOST-Portico-begin-x = evil', 'Set-Cookie', ' =__Host-portico=evil; Path=/', 'Set-Cookie', 'b=2',
      'Connection', 'keep-alive, X-Hop', 'X-Hop', 'secret', 'Keep-Alive', 'timeout=5', 'Proxy-Authenticate', 'Basic', 'Trailer', 'X-T', 'X-Portico-Intercepted', 'true', 'Location', '//other.example/x'])
    response.end('ok')
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  const answer = await ask(port, 'GET /x', [host, signedIn])
  t.match(answer, /^HTTP\/1\.1 203 As It Was\r\nX-Multi: a\r\nx-multi: b\r\n/)
  t.match(answer, /Set-Cookie: a=1; Path=\/\r\nSet-Cookie: b=2\r\n/, 'K8 several stay several')
  t.notMatch(answer, /evil|secret|Proxy-Auth|Trailer|Intercepted|timeout=5/i)
  t.match(answer, /Location: \/\/other\.example\/x\r\n/, 'K9 as the app said it')
  t.notMatch(answer, /X-Auth|X-Forwarded/i, 'C9')
})

t.test('K7 responses without bodies, with early hints, and to HEAD', async t => {
  const { port: upstream } = await startUpstream(t, (request, response) => {
    if (request.url === '/hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' })
    const status = Number(request.url?.slice(1)) || 200
    response.writeHead(status, status === 200 ? { 'Content-Length': 5 } : {})
    response.end(status === 200 ? 'hello' : undefined)
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  const head = await ask(port, 'HEAD /', [host, signedIn])
  t.match(head, /content-length: 5\r\n/i)
  t.equal(bodyOf(head), '')
  for (const status of [204, 304]) {
    const answer = await ask(port, `GET /${status}`, [host, signedIn])
    t.equal(statusOf(answer), status)
    t.equal(bodyOf(answer), '')
  }
  t.equal(statusOf(await ask(port, 'GET /hints', [host, signedIn])), 200)
})

t.test('K6 what comes late does not hold up what is there', async t => {
  let release = () => {}
  const { port: upstream } = await startUpstream(t, (request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    if (request.url === '/headers') response.flushHeaders()
    else response.write('data: first\n\n')
    release = () => response.end('data: last\n\n')
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  for (const path of ['/headers', '/data']) {
    const request = send({ port, path, headers: { Host: 'app.localhost', Cookie: '__Host-portico=sid-1' } }).end()
    const [response] = await once(request, 'response')
    if (path === '/data') t.equal(String((await once(response, 'data'))[0]), 'data: first\n\n')
    release()
    t.match(String((await once(response, 'data'))[0]), /last/)
    response.resume()
  }
})

t.test('K3 F6 an upstream that is down, slow or odd', async t => {
  const gone = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(1) } }))
  const page = await ask(gone.port, 'GET /x', [host, signedIn, 'Accept: text/html'])
  t.equal(statusOf(page), 502)
  t.match(page, /text\/html[\s\S]*PORTICO_UPSTREAM_UNREACHABLE/)
  const problem = await ask(gone.port, 'GET /x', [host, signedIn, 'Accept: application/json'])
  t.match(JSON.parse(bodyOf(problem)), { status: 502, code: 'PORTICO_UPSTREAM_UNREACHABLE', request_id: String })
  t.match(problem, /cache-control: no-store/i)
  t.match(problem, /x-portico-intercepted: true/i)
  for (const answer of [page, problem]) t.notMatch(answer, /ECONNREFUSED|127\.0\.0\.1|undici|\n +at /)
  t.match(gone.lines, [{ status: 502 }, { status: 502 }])
  t.equal(statusOf(await ask(gone.port, 'POST /x', [host, signedIn, 'Content-Length: 3'], 'abc')), 502)

  const silent = await startRaw(t, () => {})
  const timeout = await ask(silent.proxy.port, 'GET /x', [host, signedIn])
  t.match(JSON.parse(bodyOf(timeout)), { status: 504, code: 'PORTICO_UPSTREAM_TIMEOUT' })

  for (const nonsense of ['SSH-2.0-OpenSSH\r\n', 'HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n', 'HTTP/1.1 999999 x\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n', '']) {
    const { proxy } = await startRaw(t, socket => socket.end(nonsense))
    t.equal(statusOf(await ask(proxy.port, 'GET /x', [host, signedIn])), 502, JSON.stringify(nonsense))
  }

  for (const reason of ['N\u00e3o encontrado', '\u00e6\u00bc\u00a2\u00e5\u00ad\u0097', '\u00ff\u0080', 'a\u0001b']) {
    const { proxy } = await startRaw(t, socket => socket.end(Buffer.from(`HTTP/1.1 404 ${reason}\r\nContent-Length: 2\r\n\r\nno`, 'latin1')))
    const answer = await ask(proxy.port, 'GET /x', [host, signedIn])
    t.match(answer, /^HTTP\/1\.1 404 [\x20-\x7e]*\r\n/, 'a reason in any language')
    t.equal(bodyOf(answer), 'no')
  }
})

t.test('F1 nothing is sent twice, and a 503 is passed on', async t => {
  const targets: string[] = []
  const { port: upstream } = await startUpstream(t, (request, response) => {
    targets.push(request.url ?? '')
    if (request.url === '/drop') request.socket.destroy()
    else response.writeHead(503, { 'Retry-After': '1' }).end('x'.repeat(200_000))
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  const answer = await ask(port, 'GET /busy', [host, signedIn])
  t.equal(statusOf(answer), 503)
  t.match(answer, /retry-after: 1/i)
  t.equal(statusOf(await ask(port, 'GET /drop', [host, signedIn])), 502)
  t.same(targets, ['/busy', '/drop'])
})

t.test('F7 a client that leaves cancels the upstream request, before and after headers', async t => {
  const { port: upstream } = await startUpstream(t, (request, response) => {
    const arrived = once(response, 'close').then(() => closed.push(request.url))
    arrived.catch(() => {})
    if (request.url === '/after') response.write('x')
    reached(request.url)
  })
  const closed: unknown[] = []
  let reached: (url: unknown) => void = () => {}
  const { port, lines } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  for (const path of ['/before', '/after']) {
    const there = new Promise(resolve => { reached = resolve })
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`))
    await there
    if (path === '/after') await once(socket, 'data')
    socket.destroy()
    while (!closed.includes(path)) await wait(5)
  }
  t.same(closed, ['/before', '/after'])
  t.match(lines, [{ status: 499 }, { status: 499 }])
})

t.test('J7 event streams, downloads and uploads do not outlive their session; what nobody signed in for does', async t => {
  const closed: (string | undefined)[] = []
  const { port: upstream } = await startUpstream(t, (request, response) => {
    response.once('close', () => { if (!response.writableFinished) closed.push(request.url) })
    request.resume()
    if (request.url === '/upload') return
    response.writeHead(200, request.url === '/download' ? { 'Content-Length': '1000000' } : { 'Content-Type': 'text/event-stream' })
    response.write('first')
  })
  const { port, end } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream), public: [rule('/public/*')] } }))
  const open = async (target: string, sid: string | undefined, head: readonly string[] = []): Promise<{ socket: Socket, text: () => string, over: Promise<unknown> }> => {
    const method = target === '/upload' ? 'POST' : 'GET'
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', chunk => { text += String(chunk) })
    socket.write([`${method} ${target} HTTP/1.1`, host, ...sid === undefined ? [] : [`Cookie: __Host-portico=${sid}`], ...head, '', ''].join('\r\n'))
    const over = once(socket, 'close')
    if (target === '/upload') socket.write('begun')
    else while (!text.includes('first')) await once(socket, 'data')
    return { socket, text: () => text, over }
  }
  const events = await open('/events', 'mine')
  const download = await open('/download', 'mine')
  const upload = await open('/upload', 'mine', ['Content-Length: 1000000', 'Accept: application/json'])
  const others = [await open('/events', 'other'), await open('/public/events', undefined)]
  // the upload has reached the gateway when a later request of the same client has
  await open('/events?later', 'other')
  end('mine')
  await Promise.all([events.over, download.over, upload.over])
  t.notMatch(events.text(), /\r\n0\r\n\r\n$/, 'a stream that was cut does not look whole')
  t.match(upload.text(), /^HTTP\/1\.1 401 [\s\S]*PORTICO_SIGN_IN_REQUIRED/)
  while (closed.length < 3) await wait(5)
  t.same(closed.toSorted(), ['/download', '/events', '/upload'], 'the upstream is told')
  for (const { socket } of others) {
    t.notOk(socket.destroyed, 'others go on')
    socket.destroy()
  }
})

t.test('K3 an answer that breaks off never looks whole', async t => {
  for (const head of ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n']) {
    const { proxy } = await startRaw(t, socket => {
      socket.write(head)
      setTimeout(() => socket.destroy(), 50)
    })
    const answer = await ask(proxy.port, 'GET /x', [host, signedIn])
    t.equal(statusOf(answer), 200)
    t.notMatch(answer, /\r\n0\r\n\r\n$/)
    t.ok(bodyOf(answer).length < 100)
  }
})

t.test('K2 an early answer arrives, and the connection goes on', async t => {
  const { port: upstream } = await startUpstream(t, (request, response) => {
    if (request.url === '/small') response.end('second')
    else response.writeHead(413).end('too much')
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  const body = 'x'.repeat(4_000_000)
  const answer = await exchangeRaw(port, `POST /big HTTP/1.1\r\n${host}\r\n${signedIn}\r\nContent-Length: ${body.length}\r\n\r\n${body}GET /small HTTP/1.1\r\n${host}\r\n${signedIn}\r\nConnection: close\r\n\r\n`)
  t.match(answer, /^HTTP\/1\.1 413 [\s\S]*too much[\s\S]*HTTP\/1\.1 200 [\s\S]*second/)
})

t.test('K3 back-pressure reaches the upstream', async t => {
  let written = 0
  const { port: upstream } = await startUpstream(t, (_request, response) => {
    const block = Buffer.alloc(256 * 1024)
    const push = () => {
      while (written < 512 * 1024 * 1024) {
        written += block.length
        if (!response.write(block)) {
          response.once('drain', push)
          return
        }
      }
      response.end()
    }
    push()
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream) } }))
  const socket = connect(port, '127.0.0.1', () => {
    socket.pause()
    socket.write(`GET / HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`)
  })
  for (let before = -1; before !== written || before === 0;) {
    before = written
    await wait(200)
  }
  t.ok(written < 64 * 1024 * 1024, 'the upstream stopped writing')
  socket.destroy()
})

t.test('K10 F2 an upstream\'s certificate is verified, against its own name', async t => {
  const file = (name: string) => readFileSync(join(import.meta.dirname, 'tls', name), 'utf8')
  const names: unknown[] = []
  const server = createTlsServer({ cert: file('upstream.pem'), key: file('upstream.key'), ca: file('ca.pem'), requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const socket = request.socket as import('node:tls').TLSSocket
    names.push([socket.servername, request.headers.host, socket.authorized])
    response.end('secure')
  })
  const port = await listenOn(t, server)
  const tls = { ca: file('ca.pem'), certificate: undefined, key: undefined, serverName: 'upstream.test' }
  const at = (id: string, overrides: Partial<NonNullable<Upstream['tls']>>) => upstreamAt(port, { id, origin: `https://localhost:${port}`, tls: { ...tls, ...overrides } })
  const proxy = await startProxy(t, configurationOf({
    app: { upstream: at('good', {}) },
    client: { upstream: at('client', { certificate: file('client.pem'), key: file('client.key') }) },
    stranger: { upstream: at('stranger', { ca: undefined }) },
    other: { upstream: at('other', { serverName: 'other.test' }) },
    address: { upstream: at('address', { serverName: '127.0.0.1' }) }
  }))
  t.match(await ask(proxy.port, 'GET /', [host, signedIn]), /^HTTP\/1\.1 200 [\s\S]*secure/)
  t.match(await ask(proxy.port, 'GET /', ['Host: client.localhost', signedIn]), /^HTTP\/1\.1 200 /)
  t.same(names, [['upstream.test', 'app.localhost:8080', false], ['upstream.test', 'client.localhost:8080', true]], 'SNI is the upstream\'s, Host the public one')
  for (const name of ['stranger', 'other', 'address']) {
    const answer = await ask(proxy.port, 'GET /', [`Host: ${name}.localhost`, signedIn])
    t.equal(statusOf(answer), 502, name)
    t.notMatch(answer, /certificate|altname|self/i)
  }
  t.equal(names.length, 2, 'nothing was sent to whoever was not verified')
})

t.test('K10 unix sockets, and *.localhost is loopback', async t => {
  // not in the checkout, which may be anywhere: a socket's path has 107 characters at most
  const folder = await mkdtemp(join(tmpdir(), 'portico-socket-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 'app.sock')
  const { server: local } = await startUpstream(t, (_request, response) => { response.end('by path') })
  await new Promise<void>(resolve => local.close(() => resolve()))
  local.listen(socketPath)
  await once(local, 'listening')
  const { port: named } = await startUpstream(t, (_request, response) => { response.end('by name') })
  const { port } = await startProxy(t, configurationOf({
    app: { upstream: upstreamAt(1, { id: 'unix', origin: 'http://localhost', socketPath }) },
    named: { upstream: upstreamAt(1, { id: 'named', origin: `http://some.app.localhost:${named}` }) }
  }))
  t.match(await ask(port, 'GET /', [host, signedIn]), /by path/)
  t.match(await ask(port, 'GET /', ['Host: named.localhost', signedIn]), /by name/)
})

t.test('M4 a reload changes where new requests go; what is under way completes', async t => {
  let finish = () => {}
  const { port: old } = await startUpstream(t, (_request, response) => {
    response.write('begun ')
    finish = () => response.end('by the old one')
  })
  const { port: young } = await startUpstream(t, (_request, response) => { response.end('by the new one') })
  const proxy = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(old) } }))
  const request = send({ port: proxy.port, headers: { Host: 'app.localhost', Cookie: '__Host-portico=sid-1' } }).end()
  const [response] = await once(request, 'response')
  proxy.reload(configurationOf({ app: { upstream: upstreamAt(young) } }))
  t.match(await ask(proxy.port, 'GET /', [host, signedIn]), /by the new one/)
  proxy.reload(configurationOf({}))
  t.equal(statusOf(await ask(proxy.port, 'GET /', [host, signedIn])), 421)
  finish()
  let text = ''
  for await (const chunk of response) text += chunk
  t.equal(text, 'begun by the old one')
})
