import { mock } from 'node:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import type { Configuration, Connection } from '../../src/config/configuration.ts'
import { expiryNotice } from '../../src/config/checks/notice.ts'
import { createExpiries, daysLeft, stageOf, urgencyOf } from '../../src/connections/expiry.ts'
import { createExpiryWatch, type ExpiryWatch } from '../../src/connections/expiry-watch.ts'
import { createStatus } from '../../src/hosts/status.ts'
import { statusPage } from '../../src/pages/status-page.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'

const day = 86_400
const start = Math.floor(Date.now() / 1_000 / day) * day
const acme = organizationOf('acme')

const configurationWith = (...connections: Connection[]): Configuration => configurationOf({ connections: new Map(connections.map(each => [each.id, each])) })
const expiring = (id: string, clientSecretExpires: number | undefined, changed: Partial<Connection> = {}): Connection => connectionOf(id, acme, { clientSecretExpires, ...changed })

interface Bench {
  configuration: Configuration
  now: number
  readonly lines: Record<string, unknown>[]
  readonly watch: ExpiryWatch
}

const createBench = (store: Pick<Store, 'putIfAbsent'>, configuration: Configuration): Bench => {
  const lines: Record<string, unknown>[] = []
  const bench: Bench = {
    configuration,
    now: start,
    lines,
    watch: createExpiryWatch({
      configuration: () => bench.configuration,
      expiries: createExpiries(),
      store,
      log: pino({ level: 'info' }, { write: (line: string) => { lines.push(JSON.parse(line)) } }),
      now: () => bench.now
    })
  }
  return bench
}

const storeOf = (test: { testdir (): string, teardown (handler: () => unknown): void }): Store => {
  const store = createSqliteStore({ path: join(test.testdir(), 'portico.db') })
  test.teardown(() => store.close())
  return store
}

t.test('R11 told once at 60, 30, 7 and 1 days and when it has happened, however often it is looked', async t => {
  const bench = createBench(storeOf(t), configurationWith(expiring('soon', start + 61 * day), expiring('never', undefined)))
  t.teardown(bench.watch.stop)
  const told = async (at: number) => {
    bench.now = at
    bench.lines.length = 0
    for (let i = 0; i < 3; i++) await bench.watch.begin()
    return bench.lines.map(({ connection, what, level, days_left: left }) => ({ connection, what, level, left }))
  }
  const line = (left: number, level = 40) => [{ connection: 'soon', what: 'client_secret', level, left }]
  t.same(await told(start), [])
  t.same(await told(start + 1 * day), line(60))
  t.same(await told(start + 2 * day), [])
  t.same(await told(start + 31 * day), line(30))
  t.same(await told(start + 53 * day), [], 'eight days')
  t.same(await told(start + 54 * day), line(7))
  t.same(await told(start + 60 * day + 3_600), line(0), 'less than a day')
  t.same(await told(start + 61 * day), line(0, 50), 'it has happened')
  t.same(await told(start + 70 * day), [])
  bench.configuration = configurationWith(expiring('soon', start + 400 * day))
  t.same(await told(start + 71 * day), [])
  t.same(bench.watch.soon(), [], 'a new secret is quiet')
})

t.test('R11 a restart and a second instance tell nothing again, and a store that is down keeps nothing back', async t => {
  const store = storeOf(t)
  const configuration = configurationWith(expiring('one', start + 6 * day), expiring('two', start + 5 * day), expiring('off', start, { status: 'disabled' }))
  const first = createBench(store, configuration)
  const second = createBench(store, configuration)
  await Promise.all([first.watch.begin(), second.watch.begin()])
  t.same([...first.lines, ...second.lines].map(({ connection }) => connection).sort(), ['one', 'two'], 'a disabled one needs no secret')
  t.match(first.watch.soon(), [{ connection: 'two' }, { connection: 'one' }], 'the soonest first')
  const restarted = createBench(store, configuration)
  await restarted.watch.begin()
  t.same(restarted.lines, [])
  const alone = createBench({ putIfAbsent: () => Promise.reject(new Error('down')) }, configuration)
  await alone.watch.begin()
  await alone.watch.begin()
  t.equal(alone.lines.length, 2)
  for (const { watch } of [first, second, restarted, alone]) watch.stop()
})

t.test('R11 it looks every hour, by the clock', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const bench = createBench({ putIfAbsent: async () => true }, configurationWith(expiring('one', start + 61 * day)))
  await bench.watch.begin()
  bench.now += 40 * day
  mock.timers.tick(3_599_999)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(bench.lines.length, 0)
  mock.timers.tick(1)
  for (let i = 0; i < 20 && bench.lines.length === 0; i++) await new Promise(resolve => setImmediate(resolve))
  t.match(bench.lines, [{ connection: 'one', days_left: 21 }])
  bench.watch.stop()
  bench.now += 30 * day
  mock.timers.tick(7_200_000)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(bench.lines.length, 1, 'stopped is stopped')
})

t.test('R11 ten thousand of them hold up nothing for long', async t => {
  const many = Array.from({ length: 10_000 }, (_, i) => expiring(`c${i}`, start + (i % 90) * day))
  const bench = createBench({ putIfAbsent: async () => false }, configurationWith(...many))
  let turns = 0
  let going = true
  const turn = () => {
    turns++
    if (going) setImmediate(turn)
  }
  setImmediate(turn)
  await bench.watch.begin()
  going = false
  t.ok(turns > 1, 'others had their turn')
  t.ok(bench.watch.soon().length > 6_000)
  bench.watch.stop()
})

t.test('R11 a client certificate expires too: log, metrics, status page and JSON', async t => {
  const pem = (name: string): string => readFileSync(new URL(`tls/${name}`, import.meta.url), 'utf8')
  const certified = expiring('certified', undefined, { clientSecret: undefined, clientCertificate: { certificate: pem('expired.pem'), key: pem('idp.key') } })
  const end = Date.UTC(2020, 0, 1) / 1_000
  const expiries = createExpiries()
  t.same(expiries(certified), [{ connection: 'certified', what: 'client_certificate', at: end }])
  t.equal(expiries(certified), expiries(certified), 'read once')

  const configuration = configurationWith(certified, expiring('secret', Date.now() / 1_000 + 5.5 * day))
  const bench = createBench({ putIfAbsent: async () => true }, configuration)
  bench.now = Date.now() / 1_000
  await bench.watch.begin()
  bench.watch.stop()
  t.match(bench.lines, [{ connection: 'certified', what: 'client_certificate', level: 50 }, { connection: 'secret', what: 'client_secret', level: 40, days_left: 5 }])

  const idp = { connection: 'saml', what: 'idp_certificate' as const, at: bench.now + day }
  const metrics = createMetrics({ configuration: () => configuration, expiring: () => [...bench.watch.soon(), idp, { ...idp, at: bench.now + 90 * day }] })
  const text = await metrics.registry.metrics()
  t.match(text, `portico_client_secret_expires_timestamp_seconds{connection="certified"} ${end}\n`)
  t.match(text, 'portico_client_secret_expires_timestamp_seconds{connection="secret"} ')
  t.match(text, `portico_idp_certificate_expires_timestamp_seconds{connection="saml"} ${idp.at}\n`)
  const many = createMetrics({ expiring: () => Array.from({ length: 1_200 }, (_, i) => ({ connection: `c${i}`, what: 'idp_certificate' as const, at: bench.now + i })) })
  t.equal([...(await many.registry.metrics()).matchAll(/^portico_idp_certificate_expires_timestamp_seconds\{/gm)].length, 1_001, 'bounded')

  const status = await createStatus({
    configuration: () => configuration,
    connectors: { health: () => ({ lastGood: undefined, lastError: undefined, lastErrorAt: undefined }) },
    reloads: () => ({ loadedAt: new Date(0), at: new Date(0), problems: [] }),
    ready: async () => undefined,
    websockets: () => 0
  })()
  t.match(status.connections, [
    { id: 'certified', expires: [{ what: 'client_certificate', level: 'expired', at: '2020-01-01T00:00:00.000Z' }] },
    { id: 'secret', expires: [{ what: 'client_secret', level: 'urgent', days_left: 5 }] }
  ])
  const page = statusPage(status)
  t.match(page, 'client certificate has expired (2020-01-01)')
  t.match(page, 'client secret expires in 5 days')
})

t.test('R11 stages are compared at their very moment', async t => {
  for (const [left, stage, urgency] of [
    [61 * day, undefined, 'fine'], [60 * day + 1, undefined, 'fine'], [60 * day, 60, 'soon'], [30 * day + 1, 60, 'soon'], [30 * day, 30, 'soon'],
    [7 * day, 7, 'urgent'], [day, 1, 'urgent'], [1, 1, 'urgent'], [0, 0, 'expired'], [-day, 0, 'expired']
  ] as const) {
    t.equal(stageOf(start + left, start), stage, String(left))
    t.equal(urgencyOf(start + left, start), urgency, String(left))
  }
  t.same([daysLeft(start + 1.5 * day, start), daysLeft(start - 1, start)], [1, -1])
})

t.test('R11 check warns of the same, 60 days ahead', async t => {
  const date = (left: number): string => new Date((start + left * day) * 1_000).toISOString().slice(0, 10)
  t.equal(expiryNotice(date(61), start), undefined)
  t.equal(expiryNotice(date(60), start), 'expires in 60 days')
  t.equal(expiryNotice(date(1), start), 'expires in 1 day')
  t.equal(expiryNotice(date(-1), start), `expired on ${date(-1)}`)
})
