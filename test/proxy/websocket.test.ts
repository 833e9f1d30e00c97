import { once } from 'node:events'
import { createServer as createTcpServer, connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { ask, bodyOf, configurationOf, exchangeRaw, listenOn, rule, signedIn, startProxy, startUpstream, statusOf, upstreamAt } from './harness.ts'

type Test = Parameters<typeof startProxy>[0]

const origin = 'http://app.localhost:8080'
const handshake = ['Host: app.localhost', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

/** A raw handshake; `ask` would say Connection: close. */
const shake = (port: number, headers: readonly string[], target = '/ws') => exchangeRaw(port, [`GET ${target} HTTP/1.1`, ...headers, '', ''].join('\r\n'))

const start = async (t: Test, overrides: Parameters<typeof upstreamAt>[1] = {}) => {
  const requests: { target: string | undefined, headers: string[] }[] = []
  const upstream = await startUpstream(t, (_request, response) => { response.end('plain') })
  const sockets = new WebSocketServer({ server: upstream.server, handleProtocols: names => [...names].at(-1) ?? false, maxPayload: 64 * 1024 * 1024 })
  sockets.on('connection', (socket, request) => {
    requests.push({ target: request.url, headers: request.rawHeaders })
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    if (request.url === '/greet') socket.send('at once')
  })
  const proxy = await startProxy(t, configurationOf({
    app: { upstream: upstreamAt(upstream.port, overrides), websocketOrigins: new Set(['https://friend.example']), public: [rule('/public/*')] }
  }))
  return { ...proxy, requests, sockets }
}

const open = async (port: number, path = '/ws', options: { sid?: string, origin?: string, protocols?: string[], headers?: Record<string, string> } = {}) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options.protocols ?? [], {
    ...options.origin !== '' && { origin: options.origin ?? origin },
    headers: { Host: 'app.localhost:8080', Cookie: `a=1; __Host-portico=${options.sid ?? 'sid-1'}; b=2`, ...options.headers }
  })
  const first = once(socket, 'message').then(([data]) => String(data), () => '')
  await once(socket, 'open')
  return { socket, first }
}

t.test('K5 echo, large frames, subprotocols, and what the upstream speaks at once', async t => {
  const { port, requests, lines } = await start(t)
  const { socket, first } = await open(port, '/greet', { protocols: ['a', 'b'], headers: { 'X-Auth-User': 'evil', 'X-Forwarded-For': '6.6.6.6', 'X-Custom': 'yes' } })
  t.equal(await first, 'at once', 'no byte behind the 101 is lost')
  t.equal(socket.protocol, 'b', 'the upstream chooses among all')
  for (const size of [0, 1, 125, 126, 65_536, 5_000_000]) {
    const data = Buffer.alloc(size, 3)
    socket.send(data)
    const [back] = await once(socket, 'message')
    t.ok(data.equals(back), `${size} bytes`)
  }
  const { headers = [], target } = requests[0] ?? {}
  const value = (name: string) => headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name)
  t.equal(target, '/greet')
  t.same(value('x-auth-user'), ['member-1'], 'F8 identity headers are sent')
  t.same(value('x-forwarded-for'), ['127.0.0.1'])
  t.same(value('x-forwarded-proto'), ['http'])
  t.same(value('host'), ['app.localhost:8080'], 'K4')
  t.same(value('origin'), [origin])
  t.same(value('x-custom'), ['yes'])
  t.same(value('cookie'), ['a=1; b=2'], 'C10')
  t.match(value('sec-websocket-extensions')[0], /permessage-deflate/)
  const closed = once(socket, 'close')
  socket.close(4321, 'bye')
  t.equal((await closed)[0], 4321, 'the farewell of one end reaches the other')
  t.match(lines, [{ status: 101, path: '/greet', member: 'member-of-sid-1' }], 'logged once')
  t.equal(lines.length, 1)
})

t.test('K5 Firefox\'s Connection, another case, and bytes that follow the handshake', async t => {
  const { port } = await start(t)
  const socket = connect(port, '127.0.0.1', () => {
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])
    const text = ['GET /ws HTTP/1.1', 'Host: app.localhost', 'Connection: keep-alive, Upgrade', 'Upgrade: WebSocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', `Origin: ${origin}`, signedIn, '', ''].join('\r\n')
    socket.write(Buffer.concat([Buffer.from(text), frame]))
  })
  let received = Buffer.alloc(0)
  while (!received.includes(Buffer.from([0x81, 0x02, 0x68, 0x69]))) received = Buffer.concat([received, (await once(socket, 'data'))[0]])
  t.match(received.toString('latin1'), /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  t.match(received.toString('latin1'), /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i)
  socket.destroy()
})

t.test('A6 nobody signed in: 401, never 101 or 302, public path or not', async t => {
  const { port, requests } = await start(t)
  for (const target of ['/ws', '/public/ws']) {
    const answer = await shake(port, [...handshake, `Origin: ${origin}`], target)
    t.equal(statusOf(answer), 401)
    t.match(JSON.parse(bodyOf(answer)), { code: 'PORTICO_SIGN_IN_REQUIRED', request_id: String })
    t.notMatch(answer, /set-cookie|location/i)
  }
  t.same(requests, [])
})

t.test('F8 A6 only pages of the app may connect', async t => {
  const { port, requests } = await start(t)
  for (const wrong of ['https://evil.example', 'null', 'http://app.localhost', 'http://app.localhost:8081', 'https://app.localhost:8080', 'http://app.localhost:8080.evil.example', 'http://auth.localhost:8080', 'https://friend.example:444']) {
    const answer = await shake(port, [...handshake, signedIn, `Origin: ${wrong}`])
    t.equal(statusOf(answer), 403, wrong)
    t.match(JSON.parse(bodyOf(answer)), { code: 'PORTICO_WEBSOCKET_ORIGIN' })
  }
  t.same(requests, [])
  const { socket } = await open(port, '/ws', { origin: 'https://friend.example' })
  t.equal(requests.length, 1)
  socket.terminate()
  const { socket: program } = await open(port, '/ws', { origin: '' })
  t.equal(requests.length, 2, 'a program sends none')
  program.terminate()
})

t.test('A11 A13 a handshake is judged as every request', async t => {
  const { port } = await start(t)
  const headers = [...handshake.slice(1), signedIn, `Origin: ${origin}`]
  t.equal(statusOf(await shake(port, ['Host: unknown.localhost', ...headers])), 421)
  t.equal(statusOf(await shake(port, ['Host: app.localhost', 'Host: app.localhost', ...headers])), 400)
  t.equal(statusOf(await shake(port, ['Host: app.localhost', ...headers], '/x/../.portico/ws')), 404)
  t.equal(statusOf(await shake(port, ['Host: app.localhost', ...headers], '/x#y')), 400)
  t.equal(statusOf(await shake(port, ['Host: app.localhost', ...headers, 'Content-Length: 5'])), 400)
})

t.test('K5 an upstream that says no is heard, and the next request is served (#1347)', async t => {
  const { port: upstream } = await startUpstream(t, (request, response) => {
    if (request.headers.upgrade === undefined) response.end('plain')
    else response.end('plain')
  })
  const refusing = createTcpServer(socket => socket.once('data', () => socket.end('HTTP/1.1 403 Nope\r\nX-Why: because\r\nContent-Length: 4\r\n\r\nnope')))
  const refusingPort = await listenOn(t, refusing)
  const proxy = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(refusingPort) }, plain: { upstream: upstreamAt(upstream) } }))
  const answer = await shake(proxy.port, [...handshake, signedIn, `Origin: ${origin}`])
  t.match(answer, /^HTTP\/1\.1 403 Nope\r\nX-Why: because\r\n[\s\S]*nope$/)
  t.match(answer, /connection: close/i)
  const plain = await shake(proxy.port, ['Host: plain.localhost', ...handshake.slice(1), signedIn, 'Origin: http://plain.localhost:8080'])
  t.match(plain, /^HTTP\/1\.1 200 [\s\S]*plain/, 'an upstream that ignores the offer')
  t.equal(statusOf(await ask(proxy.port, 'GET /', ['Host: plain.localhost', signedIn])), 200)
})

t.test('K5 K3 no 101 before the upstream\'s: dead, silent and lying upstreams', async t => {
  const silent = await listenOn(t, createTcpServer(socket => socket.resume()))
  const closing = await listenOn(t, createTcpServer(socket => socket.once('data', () => socket.destroy())))
  const proxy = await startProxy(t, configurationOf({
    dead: { upstream: upstreamAt(1) },
    silent: { upstream: upstreamAt(silent, { headersTimeout: 1_000 }) },
    closing: { upstream: upstreamAt(closing) }
  }))
  for (const [name, status] of [['dead', 502], ['silent', 504], ['closing', 502]] as const) {
    const answer = await shake(proxy.port, [`Host: ${name}.localhost`, ...handshake.slice(1), signedIn, `Origin: http://${name}.localhost:8080`])
    t.equal(statusOf(answer), status, name)
    t.notMatch(answer, /101 Switching/)
  }
})

t.test('F7 a client that leaves during the handshake takes the upstream along', async t => {
  const reached = Promise.withResolvers<Socket>()
  const port = await listenOn(t, createTcpServer(socket => socket.once('data', () => reached.resolve(socket))))
  const proxy = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(port) } }))
  const client = connect(proxy.port, '127.0.0.1', () => client.write(['GET /ws HTTP/1.1', ...handshake, signedIn, `Origin: ${origin}`, '', ''].join('\r\n')))
  const upstream = await reached.promise
  const gone = once(upstream.resume(), 'close')
  client.end()
  await gone
  t.pass()
})

t.test('K5 both ends go together', async t => {
  const { port, sockets, tunnels } = await start(t)
  const one = await open(port)
  for (const socket of sockets.clients) socket.terminate()
  await once(one.socket, 'close')
  const two = await open(port)
  const left = Promise.all([...sockets.clients].map(socket => once(socket, 'close')))
  two.socket.terminate()
  await left
  while (tunnels.size > 0) await wait(5)
  t.pass()
})

t.test('J7 a tunnel does not outlive its session', async t => {
  const { port, end, tunnels } = await start(t)
  const mine = await open(port, '/ws', { sid: 'mine' })
  const other = await open(port, '/ws', { sid: 'other' })
  t.equal(tunnels.size, 2)
  const closed = once(mine.socket, 'close')
  end('mine')
  t.equal((await closed)[0], 1008)
  t.equal(tunnels.size, 1)
  other.socket.send('still there')
  t.equal(String((await once(other.socket, 'message'))[0]), 'still there')
  other.socket.terminate()
})

t.test('K11 closing says goodbye', async t => {
  const { port, tunnels } = await start(t)
  const { socket } = await open(port)
  const closed = once(socket, 'close')
  tunnels.close()
  t.equal((await closed)[0], 1001)
})

t.test('F8 a silent upstream stops the client, not the gateway\'s memory', async t => {
  const port = await listenOn(t, createTcpServer(socket => socket.once('data', () => {
    socket.pause()
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  })))
  const proxy = await startProxy(t, configurationOf({ app: { upstream: upstreamAt(port) } }))
  const client = connect(proxy.port, '127.0.0.1', () => client.write(['GET /ws HTTP/1.1', ...handshake, signedIn, `Origin: ${origin}`, '', ''].join('\r\n')))
  await once(client, 'data')
  const block = Buffer.alloc(1024 * 1024)
  let sent = 0
  while (sent < 200) {
    sent++
    if (client.write(block)) continue
    if (await Promise.race([once(client, 'drain').then(() => false), wait(1_000).then(() => true)])) break
  }
  t.ok(sent < 64, 'the client has to wait')
  client.destroy()
})
