import t from 'tap'
import type { Configuration } from '../../src/config/configuration.ts'
import { PorticoError } from '../../src/errors.ts'
import { createOpsHost } from '../../src/hosts/ops.ts'
import { createStatus, type Restoration } from '../../src/hosts/status.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { ask, bodyOf, configurationOf, statusOf } from './harness.ts'

const start = async (t: { teardown (handler: () => unknown): void }, ops: Partial<Configuration['ops']> = {}) => {
  const state = { ready: true, problems: [] as string[], restoration: undefined as Restoration | undefined }
  const configuration = configurationOf({}, { ops: { host: '127.0.0.1', port: 0, token: undefined, allowedHosts: new Set(['ops.internal']), ...ops } })
  const metrics = createMetrics()
  const ready = async () => { if (!state.ready) throw new PorticoError('PORTICO_STORE_UNAVAILABLE') }
  const status = createStatus({
    configuration: () => configuration,
    connectors: { health: () => ({ lastGood: undefined, lastError: undefined, lastErrorAt: undefined }) },
    reloads: () => ({ loadedAt: new Date(0), at: new Date(1_000), problems: state.problems }),
    ready,
    websockets: () => 3,
    restoration: () => state.restoration
  })
  const host = await createOpsHost({ configuration: () => configuration, metrics: () => metrics.registry.metrics(), ready, status, revoke: async () => {} })
  const { port } = await host.listen()
  t.teardown(() => host.close())
  return { port, state, metrics }
}

const local = 'Host: 127.0.0.1'

t.test('V5 health, metrics and status are on the ops listener', async t => {
  const { port, state, metrics } = await start(t)
  t.equal(statusOf(await ask(port, 'GET /livez', [local])), 200)
  t.equal(statusOf(await ask(port, 'HEAD /livez', [local])), 200)
  t.equal(statusOf(await ask(port, 'GET /readyz', [local])), 200)
  metrics.request('analytics', 0.01)
  t.match(await ask(port, 'GET /metrics', [local]), /portico_request_duration_seconds_count\{app="analytics"\} 1/)
  state.ready = false
  t.equal(statusOf(await ask(port, 'GET /livez', [local])), 200, 'alive all the same')
  const unready = await ask(port, 'GET /readyz', [local])
  t.equal(statusOf(unready), 503)
  t.match(JSON.parse(bodyOf(unready)), { code: 'PORTICO_STORE_UNAVAILABLE' })
})

t.test('V5 status says what a reload refused', async t => {
  const { port, state } = await start(t)
  t.match(JSON.parse(bodyOf(await ask(port, 'GET /status', [local]))), { ready: true, websockets: 3, last_reload: { result: 'success', problems: [] }, connections: [] })
  state.problems = ['portico.yaml:1:1 apps: <wrong>']
  t.match(JSON.parse(bodyOf(await ask(port, 'GET /status', [local]))), { last_reload: { result: 'failure', problems: state.problems } })
  const page = await ask(port, 'GET /status', [local, 'Accept: text/html'])
  t.match(page, /text\/html/)
  t.match(page, /apps: &lt;wrong&gt;/)
  t.match(page, /default-src 'none'/)
})

t.test('V5 status says when a store that had forgotten was brought back, and whether all of it was', async t => {
  const { port, state } = await start(t)
  t.equal(JSON.parse(bodyOf(await ask(port, 'GET /status', [local]))).store_restored, undefined)
  state.restoration = { at: new Date(0), result: 'partial' }
  t.match(JSON.parse(bodyOf(await ask(port, 'GET /status', [local]))), { store_restored: { at: '1970-01-01T00:00:00.000Z', result: 'partial' } })
  t.match(await ask(port, 'GET /status', [local, 'Accept: text/html']), /not everything could be brought back/)
})

t.test('V5 Host is checked, so that no web page can be pointed at it', async t => {
  const { port } = await start(t)
  for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST:9090', '[::1]:9090', 'ops.internal', 'x.localhost']) t.equal(statusOf(await ask(port, 'GET /livez', [`Host: ${name}`])), 200, name)
  for (const headers of [['Host: evil.example'], ['Host: 10.0.0.1'], ['Host: localhost.evil.example'], [local, local], ['Host: 127.0.0.1.evil.example']]) {
    const answer = await ask(port, 'GET /metrics', headers)
    t.equal(statusOf(answer), 421, headers.join())
    t.match(JSON.parse(bodyOf(answer)), { code: 'PORTICO_UNKNOWN_HOST' })
  }
})

t.test('V37 nothing but reading, and nothing but these paths', async t => {
  const { port } = await start(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) t.equal(statusOf(await ask(port, `${method} /status`, [local, 'Content-Length: 0'])), 405, method)
  for (const type of ['application/json', 'text/plain', ';;', 'x']) {
    for (const method of ['POST', 'PUT', 'OPTIONS', 'PROPFIND', 'QUERY']) {
      const answer = await ask(port, `${method} /livez`, [local, `Content-Type: ${type}`, 'Content-Length: 3'], '{"a')
      t.match(JSON.parse(bodyOf(answer)), { status: 405, code: 'PORTICO_METHOD_NOT_ALLOWED' }, `${method} ${type}`)
    }
  }
  for (const path of ['/', '/debug', '/login', '/.portico/begin', '/%zz', '/%E0%A4%A', `/${'x'.repeat(5_000)}`]) {
    const answer = await ask(port, `GET ${path}`, [local])
    t.match(JSON.parse(bodyOf(answer)), { status: 404, code: 'PORTICO_NOT_FOUND' }, path.slice(0, 40))
    t.notMatch(answer, /\n +at /)
  }
})

t.test('V5 beyond loopback /status needs the token', async t => {
  const secret = 's'.repeat(32)
  const { port } = await start(t, { host: '0.0.0.0', token: secret })
  const there = 'Host: ops.internal'
  for (const headers of [[], ['Authorization: Bearer wrong'], [`Authorization: Basic ${secret}`], ['Authorization: Bearer '], [`Authorization: Bearer ${secret}x`]]) {
    const answer = await ask(port, 'GET /status', [there, ...headers])
    t.equal(statusOf(answer), 401, headers.join())
    t.match(JSON.parse(bodyOf(answer)), { code: 'PORTICO_OPS_TOKEN' })
  }
  t.equal(statusOf(await ask(port, 'GET /status', [there, `Authorization: Bearer ${secret}`])), 200)
  t.equal(statusOf(await ask(port, 'GET /livez', [there])), 200, 'health needs none')
  const { port: closed } = await start(t, { host: '0.0.0.0' })
  t.equal(statusOf(await ask(closed, 'GET /status', [there, 'Authorization: Bearer '])), 401, 'without a token nobody')
})
