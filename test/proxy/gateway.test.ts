import { once } from 'node:events'
import { connect } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import type { Configuration } from '../../src/config/configuration.ts'
import { createGateway } from '../../src/gateway.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { signIn, writeConfiguration } from '../support/signed-in.ts'
import { ask, bodyOf, exchangeRaw, startUpstream, statusOf } from './harness.ts'

type Test = Parameters<typeof startUpstream>[0]

const host = 'analytics.localhost'

/** The whole gateway, from YAML, before an upstream that answers with the headers it got. */
const start = async (t: Test) => {
  const { port, server } = await startUpstream(t, (request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('done'), 300)
    else if (request.url === '/events') response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: first\n\n')
    else response.end(JSON.stringify(request.headers))
  })
  const { configuration, remove } = await writeConfiguration({ analytics: `http://127.0.0.1:${port}`, portal: `http://127.0.0.1:${port}` })
  const lines: string[] = []
  const gateway = await createGateway({ configuration, log: createLog({ level: 'info', destination: { write: line => { lines.push(line) } } }) })
  const addresses = await gateway.listen()
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= gateway.close()
    return closed
  }
  t.teardown(async () => {
    await close()
    await remove()
  })
  return { gateway, configuration, server, lines, close, port: addresses.public.port, ops: addresses.ops.port }
}

const only = async (configuration: Configuration) => {
  const [session] = await signIn(configuration, host)
  if (session === undefined) throw new Error('nobody signed in')
  return session
}

t.test('E7 C1 a sealed session reaches the app with its identity, on its own host only', async t => {
  const { port, configuration, lines } = await start(t)
  const { cookie } = await only(configuration)
  const headers = JSON.parse(bodyOf(await ask(port, 'GET /x?secret=1', [`Host: ${host}`, `Cookie: a=1; ${cookie}`, 'X-Auth-Email: evil@acme.com'])))
  t.match(headers, { 'x-auth-email': 'ada.lovelace.0@acme.com', 'x-auth-organization': 'acme', 'x-auth-assertion': /^eyJ/, 'x-forwarded-host': `${host}:8080`, cookie: 'a=1' })
  t.equal(statusOf(await ask(port, 'GET /x', ['Host: portal.localhost', `Cookie: ${cookie}`])), 401, 'E7')
  const line = lines.map(text => JSON.parse(text)).find(({ msg, path }) => msg === 'request' && path === '/x')
  t.match(line, { method: 'GET', host, path: '/x', status: 200, app: 'analytics', member: 'mem_00000000000000000000', request_id: String })
  t.notMatch(lines.join(''), /secret|__Host-portico/)
})

t.test('E13 J7 a session that ended elsewhere ends here, with its event streams', async t => {
  const { port, configuration } = await start(t)
  const { cookie, end } = await only(configuration)
  const socket = connect(port, '127.0.0.1', () => socket.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\n\r\n`))
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await end()
  await closed
  t.equal(statusOf(await ask(port, 'GET /x', [`Host: ${host}`, `Cookie: ${cookie}`])), 401)
})

t.test('E13 a session that ended elsewhere ends here, with its WebSockets', async t => {
  const { port, configuration, server } = await start(t)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => socket.on('error', () => {}))
  const { cookie, end } = await only(configuration)
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin: `http://${host}:8080`, headers: { Host: host, Cookie: cookie } })
  await once(socket, 'open')
  const closed = once(socket, 'close')
  await end()
  t.equal((await closed)[0], 1008)
  t.equal(statusOf(await ask(port, 'GET /x', [`Host: ${host}`, `Cookie: ${cookie}`])), 401)
})

t.test('M1 M2 M4 M6 reloads: refused, a removed app, rotated keys, a disabled connection', async t => {
  const { gateway, port, ops, configuration } = await start(t)
  const { cookie } = await only(configuration)
  const status = async () => statusOf(await ask(port, 'GET /x', [`Host: ${host}`, `Cookie: ${cookie}`]))
  t.equal(await status(), 200)

  gateway.reloadFailed([{ file: '/x/portico.yaml', line: 3, column: 5, path: 'apps', message: 'wrong', remedy: 'mend it', severity: 'problem' }])
  t.equal(await status(), 200, 'M1 the last good one stays')
  t.match(JSON.parse(bodyOf(await ask(ops, 'GET /status', ['Host: localhost']))), { last_reload: { result: 'failure', problems: [/portico\.yaml:3:5 apps: wrong .* mend it/] } })
  t.match(await ask(ops, 'GET /metrics', ['Host: localhost']), /portico_config_reloads_total\{result="failure"\} 1/)

  await gateway.reload({ ...configuration, keys: [Buffer.alloc(32, 1), ...configuration.keys] })
  t.equal(await status(), 200, 'M6 E5 the previous key still opens')
  await gateway.reload({ ...configuration, keys: [Buffer.alloc(32, 1)] })
  t.equal(await status(), 401, 'E5 a retired one does not')
  await gateway.reload(configuration)
  t.equal(await status(), 200)

  const others = [...configuration.places].filter(([name]) => name !== host)
  await gateway.reload({ ...configuration, places: new Map(others) })
  t.equal(await status(), 421, 'M4')
  await gateway.reload(configuration)
  t.equal(await status(), 200)

  const connections = new Map([...configuration.connections].map(([id, connection]) => [id, { ...connection, status: 'disabled' as const, fingerprint: 'disabled' }]))
  await gateway.reload({ ...configuration, connections })
  t.equal(await status(), 401, 'M2 whoever is no longer trusted is signed out')
  await gateway.reload(configuration)
  t.equal(await status(), 401, 'and enabling again revives nothing')
})

t.test('a store that cannot be written is counted, and signed-in requests do without it', async t => {
  const { port, ops, configuration } = await start(t)
  const { cookie } = await only(configuration)
  const other = new DatabaseSync(configuration.store.kind === 'sqlite' ? configuration.store.path : '')
  other.exec('BEGIN IMMEDIATE')
  t.match(JSON.parse(bodyOf(await ask(ops, 'GET /readyz', ['Host: localhost']))), { code: 'PORTICO_STORE_UNAVAILABLE' })
  t.equal(statusOf(await ask(port, 'GET /x', [`Host: ${host}`, `Cookie: ${cookie}`])), 200)
  t.match(await ask(ops, 'GET /metrics', ['Host: localhost']), /^portico_store_errors_total [1-9]/m)
  other.close()
  t.equal(statusOf(await ask(ops, 'GET /readyz', ['Host: localhost'])), 200)
})

t.test('K11 closing: not ready, what is under way ends well, what is new is refused', async t => {
  const { close, port, ops, configuration } = await start(t)
  const { cookie } = await only(configuration)
  const slow = exchangeRaw(port, `GET /slow HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\n\r\n`)
  await wait(100)
  const closed = close()
  const readiness = await ask(ops, 'GET /readyz', ['Host: localhost'])
  t.equal(statusOf(readiness), 503)
  t.match(await slow, /^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*done/i)
  await closed
  await t.rejects(ask(port, 'GET /', [`Host: ${host}`]), { code: 'ECONNREFUSED' })
})
