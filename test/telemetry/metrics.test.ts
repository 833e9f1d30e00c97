import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import t from 'tap'
import type { Configuration, Connection } from '../../src/config/configuration.ts'
import { PorticoError } from '../../src/errors.ts'
import { createDurationHistogram } from '../../src/telemetry/duration-histogram.ts'
import { createMetrics, outcomeOf } from '../../src/telemetry/metrics.ts'
import { configuration } from '../identity/configuration.ts'
import { connectionOf } from '../support/configuration.ts'

const day = 86_400

/** Connections with the given expiries of their client secrets. */
const expiring = (secrets: Readonly<Record<string, number | undefined>>): Configuration => {
  const base = configuration()
  const [organization] = base.organizations.values()
  if (organization === undefined) throw new TypeError('no organization')
  const connections = Object.entries(secrets).map(([id, clientSecretExpires]): [string, Connection] => [id, connectionOf(id, organization, { clientSecretExpires })])
  return { ...base, connections: new Map(connections) }
}

const samples = async (registry: Registry, name: string): Promise<string[]> =>
  (await registry.getSingleMetricAsString(name)).split('\n').filter(line => !line.startsWith('#'))

t.test('sign-ins are counted by connection and outcome, and 1,001 connections make no more series', async t => {
  const metrics = createMetrics()
  metrics.signIn('okta_acme', 'success')
  metrics.signIn('okta_acme', 'success')
  metrics.signIn('okta_acme', 'refused')
  metrics.signIn(undefined, 'refused')
  t.strictSame(await samples(metrics.registry, 'portico_sign_ins_total'), [
    'portico_sign_ins_total{connection="okta_acme",outcome="success"} 2',
    'portico_sign_ins_total{connection="okta_acme",outcome="refused"} 1',
    'portico_sign_ins_total{connection="none",outcome="refused"} 1'
  ])
  for (let i = 0; i < 1_500; i++) metrics.signIn(`c${i}`, 'success')
  metrics.signIn('okta_acme', 'success')
  const series = await samples(metrics.registry, 'portico_sign_ins_total')
  t.equal(series.length, 1_002)
  t.ok(series.includes('portico_sign_ins_total{connection="other",outcome="success"} 502'), 'beside okta_acme and none, c0 to c997 are known')
  t.ok(series.includes('portico_sign_ins_total{connection="okta_acme",outcome="success"} 3'))
})

t.test('an error is refused where Portico judged and failed where a part did not work', async t => {
  t.equal(outcomeOf(new PorticoError('PORTICO_BAD_REQUEST')), 'refused')
  t.equal(outcomeOf(new PorticoError('PORTICO_INTERNAL')), 'failed')
  t.equal(outcomeOf(new TypeError('x')), 'failed')
})

t.test('reloads are counted, and the last good one has its time', async t => {
  let now = 1_000
  const { registry, reload } = createMetrics({ now: () => now })
  t.strictSame(await samples(registry, 'portico_config_reloads_total'), [
    'portico_config_reloads_total{result="success"} 0', 'portico_config_reloads_total{result="failure"} 0'
  ])
  reload(true)
  now = 2_000
  reload(false)
  t.strictSame(await samples(registry, 'portico_config_reloads_total'), [
    'portico_config_reloads_total{result="success"} 1', 'portico_config_reloads_total{result="failure"} 1'
  ])
  t.strictSame(await samples(registry, 'portico_config_last_reload_success_timestamp_seconds'), [
    'portico_config_last_reload_success_timestamp_seconds 1000'
  ])
})

t.test('client secrets that expire within 60 days have a series, until the configuration changes', async t => {
  const name = 'portico_client_secret_expires_timestamp_seconds'
  const now = 1_000 * day
  let inForce: Configuration | undefined
  const { registry } = createMetrics({ configuration: () => inForce, now: () => now })
  t.strictSame(await samples(registry, name), [], 'nothing before the first load')
  inForce = expiring({ later: now + 61 * day, soon: now + 59 * day, over: now - day, never: undefined })
  t.strictSame(await samples(registry, name), [`${name}{connection="over"} ${now - day}`, `${name}{connection="soon"} ${now + 59 * day}`])
  inForce = expiring({ soon: now + 400 * day })
  t.strictSame(await samples(registry, name), [], 'a renewed secret is quiet again')
  inForce = expiring(Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [`c${i}`, now + i])))
  const series = await samples(registry, name)
  t.equal(series.length, 1_001)
  t.equal(series.at(-1), `${name}{connection="other"} ${now + 1_000}`, 'the earliest of the others')
})

t.test('durations come out exactly as prom-client would have counted them', async () => {
  const options = { name: 'd_seconds', help: 'Durations.' }
  const seconds = fc.oneof(fc.constantFrom(0, 0.005, 0.01, 10, 10.1, 1_000), fc.double({ min: 0, max: 20, noNaN: true }))
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('a', 'b'), seconds), { maxLength: 50 }), async observations => {
    const [ours, theirs] = [new Registry(), new Registry()]
    const observe = createDurationHistogram(ours, { ...options, label: 'app' })
    const reference = new Histogram({ ...options, labelNames: ['app'], registers: [theirs] })
    for (const [app, value] of observations) {
      observe(app, value)
      reference.observe({ app }, value)
    }
    const [text, json] = [await ours.metrics(), await ours.getMetricsAsJSON()]
    return text === await theirs.metrics() && JSON.stringify(json.map(metric => metric.name)) === '["d_seconds"]'
  }))
})

t.test('the registry holds everything that is promised, and two of them stand side by side', async t => {
  createMetrics()
  const metrics = createMetrics()
  metrics.request('analytics', 0.02)
  metrics.storeError()
  metrics.storeRestored('partial')
  const text = await metrics.registry.metrics()
  for (const line of [
    'portico_request_duration_seconds_bucket{le="0.025",app="analytics"} 1',
    'portico_request_duration_seconds_bucket{le="0.01",app="analytics"} 0',
    'portico_request_duration_seconds_count{app="analytics"} 1',
    'portico_store_errors_total 1',
    'portico_store_restores_total{result="complete"} 0',
    'portico_store_restores_total{result="partial"} 1'
  ]) t.ok(text.split('\n').includes(line), line)
  t.match(text, /^process_cpu_seconds_total /m)
  t.match(text, /^nodejs_eventloop_lag_p99_seconds /m)
})
