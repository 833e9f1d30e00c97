import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { ask, bodyOf, configurationOf, exchangeRaw, rule, signedIn, startProxy, startUpstream, statusOf, upstreamAt } from './harness.ts'

const host = 'Host: app.localhost'

const start = async (t: Parameters<typeof startProxy>[0]) => {
  const targets: string[] = []
  const upstream = await startUpstream(t, (request, response) => {
    targets.push(`${request.method} ${request.url}`)
    request.resume().on('end', () => response.end('from the app'))
  })
  const proxy = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream.port), public: [rule('/public/*')] }, other: { upstream: upstreamAt(upstream.port) } }))
  return { ...proxy, targets }
}

t.test('A13 B14 V1 V12 hosts', async t => {
  const { port, targets, challenged } = await start(t)
  for (const value of ['app.localhost', 'APP.LOCALHOST', 'app.localhost.', 'app.localhost:1234']) t.equal(statusOf(await ask(port, 'GET /', [`Host: ${value}`, signedIn])), 200, value)
  const reached = targets.length
  for (const value of ['unknown.localhost', '127.0.0.1', 'localhost', 'app.localhost.evil.example', 'xapp.localhost', '[::1]']) {
    const answer = await ask(port, 'GET /', [`Host: ${value}`, signedIn])
    t.equal(statusOf(answer), 421, value)
    t.match(JSON.parse(bodyOf(answer)), { code: 'PORTICO_UNKNOWN_HOST' })
  }
  for (const headers of [[], ['Host:'], ['Host: user@app.localhost'], ['Host: app.localhost', 'Host: app.localhost'], ['Host: app.localhost', 'host: other.localhost'], ['Host: app.localhost:x'], ['Host: app.localhost/x']]) {
    const answer = await ask(port, 'GET /', [...headers, signedIn])
    t.equal(statusOf(answer), 400, headers.join(' | '))
    t.notMatch(answer, /location/i)
  }
  t.equal(targets.length, reached, 'nothing of it reached an app')
  t.equal(challenged.length, 0, 'and nobody was asked to sign in')
})

t.test('A1 V23 without a live session nothing but public paths is forwarded', async t => {
  const { port, targets, challenged } = await start(t)
  for (const cookie of ['', '__Host-portico=', 'portico=sid-1', '__host-portico=sid-1', '__Host-porticox=sid-1']) t.equal(statusOf(await ask(port, 'GET /x', [host, ...cookie === '' ? [] : [`Cookie: ${cookie}`]])), 401, cookie)
  t.equal(challenged.length, 5)
  t.same(targets, [])
  for (const path of ['/public/..%2fadmin', '/public/../admin', '//public/x', '/PUBLIC/x']) t.equal(statusOf(await ask(port, `GET ${path}`, [host])), 401, path)
  t.equal(statusOf(await ask(port, 'POST /public/x', [host])), 401, 'B2')
  t.equal(statusOf(await ask(port, 'GET /x', [host, 'User-Agent: GoogleHC/1.0'])), 401, 'B11 V41')
  t.same(targets, [])
  t.equal(statusOf(await ask(port, 'GET /public/x', [host])), 200)
  t.same(targets, ['GET /public/x'])
})

t.test('A10 A11 only /.portico/ is Portico\'s, and whatever reads as it is nobody\'s', async t => {
  const { port, targets } = await start(t)
  for (const step of ['begin', 'ticket', 'logout']) {
    t.match(await ask(port, `GET /.portico/${step}?x=1`, [host]), new RegExp(`X-Step: ${step}`))
    t.match(await ask(port, `POST /.portico/${step}`, [host]), new RegExp(`X-Step: ${step}`))
  }
  for (const path of ['/.portico/', '/.portico', '/.portico/x', '/.Portico/begin', '//.portico/begin', '/x/../.portico/ticket', '/./.portico/begin', '/%2eportico/begin', '/.%70ortico/begin',
    '/.portico%2fbegin', '/.portico\\begin', '/\\.portico/begin', '/.portico/../x', '/.portico/begin/', '/.portico//begin', '/%252eportico/begin', '/.portico;x/begin', '/x/%2e%2e/.portico/x']) {
    const answer = await ask(port, `GET ${path}`, [host, signedIn])
    t.equal(statusOf(answer), 404, path)
    t.match(JSON.parse(bodyOf(answer)), { code: 'PORTICO_NOT_FOUND' })
  }
  t.same(targets, [], 'none was forwarded')
  for (const path of ['/livez', '/readyz', '/metrics', '/status', '/login', '/logout', '/account', '/verify', '/.well-known/jwks.json', '/portico', '/x/.portico/y']) t.equal(statusOf(await ask(port, `GET ${path}`, [host, signedIn])), 200, path)
})

t.test('K2 V10 what is no HTTP gets a clean answer', async t => {
  const { port, targets } = await start(t)
  const smuggled = `POST / HTTP/1.1\r\n${host}\r\n${signedIn}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n${host}\r\n\r\n`
  for (const [name, text] of [
    ['both CL and TE', smuggled],
    ['TE that is not chunked', `POST / HTTP/1.1\r\n${host}\r\n${signedIn}\r\nTransfer-Encoding: gzip\r\n\r\n`],
    ['two lengths', `POST / HTTP/1.1\r\n${host}\r\n${signedIn}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`],
    ['a bad length', `POST / HTTP/1.1\r\n${host}\r\nContent-Length: -1\r\n\r\n`],
    ['no HTTP', 'hello\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a bare line feed', `GET / HTTP/1.1\nHost: app.localhost\n${signedIn}\n\n`],
    ['an unknown method', `FOO / HTTP/1.1\r\n${host}\r\n\r\n`],
    ['an expectation of something else', `POST / HTTP/1.1\r\n${host}\r\n${signedIn}\r\nExpect: much\r\nContent-Length: 1\r\n\r\na`]
  ] as const) {
    const answer = await exchangeRaw(port, Buffer.from(text, 'latin1'))
    t.equal(statusOf(answer), 400, name)
    t.match(JSON.parse(bodyOf(answer)), { code: 'PORTICO_BAD_REQUEST' }, name)
    t.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer')
  }
  t.match(await ask(port, 'CONNECT app.localhost:443', [host]), /^HTTP\/1\.1 405 [\s\S]*PORTICO_METHOD_NOT_ALLOWED/)
  t.match(await ask(port, 'GET /', [host, `Cookie: ${'x'.repeat(33_000)}`]), /^HTTP\/1\.1 431 [\s\S]*PORTICO_HEADERS_TOO_LARGE/)
  t.same(targets, [])
  t.equal(statusOf(await ask(port, 'GET /', [host, signedIn])), 200, 'and the door is still open')
})

t.test('K2 a body that breaks the protocol never ends as a whole one', async t => {
  const { port } = await start(t)
  const answer = await exchangeRaw(port, `POST /x HTTP/1.1\r\n${host}\r\n${signedIn}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`)
  t.equal(statusOf(answer), 400)
  t.notMatch(answer, /from the app/)
})

t.test('K12 slow headers are cut off', async t => {
  const { port } = await startProxy(t, configurationOf({}), { headersTimeout: 300, connectionsCheckingInterval: 100 })
  t.match(await exchangeRaw(port, `GET / HTTP/1.1\r\n${host}\r\n`), /^HTTP\/1\.1 408 [\s\S]*PORTICO_REQUEST_TIMEOUT/)
})

t.test('K12 a body that stops coming is cut off, and so is a reader that stops reading', async t => {
  const reached = Promise.withResolvers<string>()
  const left: Promise<unknown>[] = []
  const upstream = await startUpstream(t, (request, response) => {
    left.push(once(response, 'close'))
    if (request.url === '/down') response.end(Buffer.alloc(64 * 1024 * 1024))
    else request.once('data', chunk => reached.resolve(String(chunk)))
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream.port) } }), { patience: 300 })
  const answer = exchangeRaw(port, `POST /up HTTP/1.1\r\n${host}\r\n${signedIn}\r\nContent-Length: 100\r\n\r\nstart`)
  t.equal(await reached.promise, 'start')
  t.match(await answer, /^HTTP\/1\.1 408 [\s\S]*PORTICO_REQUEST_TIMEOUT/)
  await left[0]
  const reader = connect(port, '127.0.0.1', () => reader.write(`GET /down HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`))
  await once(reader, 'readable')
  while (left.length < 2) await wait(5)
  await left[1]
  reader.on('error', () => {}).destroy()
})

t.test('K12 the rest of a body whose request was answered is not waited for', async t => {
  const { port } = await startUpstream(t, (_request, response) => { response.writeHead(413).end('no') })
  const proxy = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(port) } }), { leftover: 150 })
  for (const lines of [[host], [host, signedIn], [host, 'Expect: 100-continue'], ['Host: nobody.localhost']]) {
    const answer = await exchangeRaw(proxy.port, `POST /x HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: 1000000\r\n\r\n${lines.includes('Expect: 100-continue') ? '' : 'abc'}`)
    t.match(answer, /HTTP\/1\.1 4[0-9]{2} /, 'answered, and the connection ended')
  }
  // what comes after all is read over, and the connection goes on
  const socket = connect(proxy.port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', (data: Buffer) => { text += data.toString('latin1') })
  socket.write(`POST /x HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\n\r\nab`)
  while (!text.includes('401')) await once(socket, 'data')
  socket.write(`cde${'GET /x HTTP/1.1\r\n'}${host}\r\n${signedIn}\r\n\r\n`)
  while (!text.includes('413')) await once(socket, 'data')
  await wait(300)
  socket.write(`GET /x HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`)
  while (text.split('413').length < 3) await once(socket, 'data')
})

t.test('K12 what is slow for other reasons is left alone', async t => {
  const upstream = await startUpstream(t, (request, response) => {
    request.resume().on('end', () => {
      response.write('thinking ')
      setTimeout(() => response.end('done'), 500)
    })
  })
  const { port } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream.port) } }), { patience: 150 })
  t.match(await ask(port, 'POST /', [host, signedIn, 'Content-Length: 3'], 'abc'), /^HTTP\/1\.1 200 [\s\S]*thinking[\s\S]*done/)
})

t.test('V1 requests on one connection are judged each by its own host and session', async t => {
  const { port, targets } = await start(t)
  const answer = await exchangeRaw(port, [
    `GET /1 HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`,
    `GET /2 HTTP/1.1\r\n${host}\r\n\r\n`,
    'GET /3 HTTP/1.1\r\nHost: unknown.localhost\r\n\r\n',
    `GET /4 HTTP/1.1\r\nHost: other.localhost\r\n${signedIn}\r\nConnection: close\r\n\r\n`
  ].join(''))
  t.same(answer.match(/HTTP\/1\.1 [0-9]{3}/g), ['HTTP/1.1 200', 'HTTP/1.1 401', 'HTTP/1.1 421', 'HTTP/1.1 200'])
  t.same(targets.toSorted(), ['GET /1', 'GET /4'])
})

t.test('K2 an offer to upgrade to anything but a WebSocket is an ordinary request', async t => {
  const { port } = await start(t)
  for (const offer of ['h2c', 'TLS/1.0', 'foo, websocket']) t.equal(statusOf(await ask(port, 'GET /', [host, signedIn, `Upgrade: ${offer}`])), 200, offer)
  t.equal(statusOf(await ask(port, 'POST /', [host, signedIn, 'Upgrade: websocket', 'Content-Length: 2'], 'ab')), 200, 'POST is no handshake')
})

t.test('K11 closing finishes what is under way and ends idle connections', async t => {
  let finish = () => {}
  const reached = Promise.withResolvers<void>()
  const upstream = await startUpstream(t, (_request, response) => {
    response.write('first ')
    finish = () => response.end('last')
    reached.resolve()
  })
  const { port, door } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream.port) } }))
  const idle = connect(port, '127.0.0.1')
  await once(idle, 'connect')
  const answer = exchangeRaw(port, `GET / HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`)
  await reached.promise
  const gone = once(idle.resume(), 'close')
  const closed = door.close(10_000)
  await gone
  await wait(50)
  finish()
  t.match(await answer, /first[\s\S]*last/)
  await closed
  await t.rejects(exchangeRaw(port, 'GET / HTTP/1.1\r\n\r\n'), { code: 'ECONNREFUSED' })
})

t.test('K11 a slow download is not cut short', async t => {
  const size = 8 * 1024 * 1024
  const upstream = await startUpstream(t, (_request, response) => { response.end(Buffer.alloc(size)) })
  const { port, door } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream.port) } }))
  const socket = connect(port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`))
  let received = (await once(socket, 'data'))[0].length
  socket.pause()
  const closed = door.close(10_000)
  await wait(300)
  socket.on('data', chunk => { received += chunk.length }).resume()
  await once(socket, 'close')
  t.ok(received > size, 'headers and all of the body')
  await closed
})

t.test('K11 what does not end is ended', async t => {
  const upstream = await startUpstream(t, (_request, response) => { response.write('endless') })
  const { port, door } = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(upstream.port) } }))
  const socket = connect(port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\n${host}\r\n${signedIn}\r\n\r\n`))
  await once(socket, 'data')
  const ended = once(socket, 'close')
  await door.close(100)
  await ended
  t.pass()
})
