import { EventEmitter, once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { PorticoError } from '../../src/errors.ts'
import { mergedStatus } from '../../src/hosts/merged-status.ts'
import type { Status } from '../../src/pages/status-page.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createColleagues } from '../../src/workers/colleagues.ts'
import { createCrew, type WorkerProcess } from '../../src/workers/crew.ts'
import { readUpwards, type Downwards, type Upwards } from '../../src/workers/messages.ts'
import { createRounds } from '../../src/workers/rounds.ts'
import { createTotals } from '../../src/workers/totals.ts'
import { createWholeLines } from '../../src/workers/whole-lines.ts'

t.test('lines of several writers are passed on whole', async t => {
  const written: string[] = []
  const [one, other] = [createWholeLines(lines => written.push(lines)), createWholeLines(lines => written.push(lines))]
  one('{"a":')
  other('{"b":1}\n{"c"')
  one('1}\n')
  other(':2}\n{"d":')
  one('{"e":3}\n{"f":4}\n')
  t.equal(written.join(''), '{"b":1}\n{"a":1}\n{"c":2}\n{"e":3}\n{"f":4}\n')
})

/** A worker that is none. */
const fakeWorker = () => {
  const events = new EventEmitter()
  const sent: Downwards[] = []
  const signals: string[] = []
  const worker: WorkerProcess = {
    process: { pid: 1, kill: signal => signals.push(signal) > 0 },
    on: (event, listener) => events.on(event, listener),
    once: (event, listener) => events.once(event, listener),
    send: message => { sent.push(message) },
    isConnected: () => true
  }
  return { worker, sent, signals, says: (message: unknown) => events.emit('message', message), ends: (code: number | null, signal: string | null = null) => events.emit('exit', code, signal) }
}

const crewOf = (size: number) => {
  const forks = new EventEmitter()
  const lines: Record<string, unknown>[] = []
  const forked: (ReturnType<typeof fakeWorker> & { place: number })[] = []
  const left: number[] = []
  const clock = { now: 0 }
  const heard: [Upwards, number][] = []
  const crew = createCrew({
    size,
    log: createLog({ level: 'info', destination: { write: line => { lines.push(JSON.parse(line)) } } }),
    fork: place => {
      const fake = { ...fakeWorker(), place }
      forked.push(fake)
      forks.emit('fork')
      return fake.worker
    },
    heard: (message, place) => { heard.push([message, place]) },
    left: place => { left.push(place) },
    now: () => clock.now
  })
  const last = () => {
    const fake = forked.at(-1)
    if (fake === undefined) throw new Error('none was started')
    return fake
  }
  return { crew, forks, forked, last, left, lines, clock, heard }
}

const up = { portico: 'up', level: 'info' }

t.test('the first worker starts alone, and when it cannot, nothing follows', async t => {
  const { crew, forked, last } = crewOf(3)
  t.equal(forked.length, 1)
  last().ends(1)
  t.equal(await crew.ended, 1)
  t.equal(forked.length, 1)

  const killed = crewOf(2)
  killed.last().ends(null, 'SIGKILL')
  t.equal(await killed.crew.ended, 1)
})

t.test('whoever ends is replaced, after a while that doubles as long as it ends soon', async t => {
  const { crew, forks, forked, last, left, lines, clock } = crewOf(2)
  forked[0]?.says(up)
  t.same(forked.map(({ place }) => place), [1, 2])
  forked[1]?.says(up)
  t.same([...crew.present().keys()], [1, 2])
  for (let i = 0; i < 3; i++) {
    const next = once(forks, 'fork')
    last().ends(1)
    t.same([...crew.present().keys()], [1])
    await next
    last().says(up)
    t.equal(last().place, 2)
  }
  t.same(lines.map(line => line.again_in_ms), [200, 400, 800])
  clock.now = 60_000
  let next = once(forks, 'fork')
  last().ends(null, 'SIGSEGV')
  t.match(lines.at(-1), { level: 'error', worker: 2, signal: 'SIGSEGV', again_in_ms: 100 }, 'it had been well for a minute')
  await next
  next = once(forks, 'fork')
  last().ends(0)
  t.match(lines.at(-1), { level: 'info', exit_status: 0, again_in_ms: 100 })
  t.same(left, [2, 2, 2, 2, 2])
  await next

  crew.close(60_000)
  t.match(forked[0]?.sent, [{ portico: 'close' }])
  t.match(last().sent, [{ portico: 'close' }])
  forked[0]?.ends(0)
  last().ends(0)
  t.equal(await crew.ended, 0)
})

t.test('who does not end is killed, and one that ended by an error while closing is told by the status', async t => {
  const { crew, forked } = crewOf(2)
  forked[0]?.says(up)
  crew.close(0)
  await new Promise(resolve => { setTimeout(resolve, 5) })
  t.same(forked.map(({ signals }) => signals), [['SIGKILL'], ['SIGKILL']])
  for (const fake of forked) fake.ends(null, 'SIGKILL')
  t.equal(await crew.ended, 1)
})

t.test('what comes over the channel and is no message of ours is passed over', async t => {
  for (const message of [undefined, null, 1, 'up', {}, { portico: 'down' }, { portico: 'ask', number: 'x', topic: 'metrics' }, { portico: 'ask', number: 1, topic: 'secrets' }, { cmd: 'NODE_CLUSTER' }]) {
    t.equal(readUpwards(message), undefined, JSON.stringify(message))
  }
  const { forked, heard, crew } = crewOf(1)
  forked[0]?.says({ portico: 'ask', number: 1, topic: 'metrics' })
  t.match(heard, [[{ portico: 'ask', number: 1, topic: 'metrics' }, 1]])
  forked[0]?.ends(0)
  forked[0]?.says({ portico: 'ask', number: 2, topic: 'metrics' })
  t.equal(heard.length, 1, 'nor what one says that has ended')
  t.equal(await crew.ended, 0)
})

t.test('a question to all is answered by those that are there', async t => {
  const [one, two] = [fakeWorker(), fakeWorker()]
  const rounds = createRounds(() => new Map([[1, one.worker], [2, two.worker]]))
  const arrived: [number, unknown][] = []
  const answers = rounds.ask('status', (place, answer) => arrived.push([place, answer]))
  t.match(one.sent, [{ portico: 'question', number: 1, topic: 'status' }])
  rounds.heard(2, 1, 'two')
  rounds.heard(3, 1, 'three')
  rounds.heard(1, 7, 'another')
  t.same(arrived, [[2, 'two']])
  rounds.heard(1, 1, 'one')
  t.same([...await answers], [[2, 'two'], [1, 'one']])
  t.equal((await createRounds(() => new Map()).ask('status')).size, 0)
})

t.test('metrics: sums, and nothing that was counted is lost or counted twice', async t => {
  const worker = () => {
    const registry = new Registry()
    const registers = [registry]
    return {
      registry,
      counter: new Counter({ name: 'c_total', help: 'c', labelNames: ['x'], registers }),
      gauge: new Gauge({ name: 'g', help: 'g', registers }),
      last: new Gauge({ name: 'l', help: 'l', aggregator: 'min', registers }),
      histogram: new Histogram({ name: 'h', help: 'h', buckets: [1], registers })
    }
  }
  const totals = createTotals()
  const [one, two] = [worker(), worker()]
  for (const [place, { registry, counter, gauge, last, histogram }] of [[1, one], [2, two]] as const) {
    counter.inc({ x: 'a' }, place)
    gauge.set(place)
    last.set(place * 10)
    histogram.observe(place / 2)
    totals.seen(place, JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())))
  }
  const has = async (...lines: string[]) => {
    const text = await totals.text()
    for (const line of lines) t.ok(text.split('\n').includes(line), line)
  }
  await has('c_total{x="a"} 3', 'g 3', 'l 10', 'h_bucket{le="1"} 2', 'h_sum 1.5', 'h_count 2', 'portico_workers 2', 'portico_worker_restarts_total 0')
  totals.gone(1)
  totals.gone(2)
  await has('c_total{x="a"} 3', 'h_bucket{le="1"} 2', 'h_count 2', 'portico_workers 0', 'portico_worker_restarts_total 2')
  t.notMatch(await totals.text(), /^g /m, 'a gauge ends with its process')
  const again = worker()
  again.counter.inc({ x: 'a' }, 4)
  totals.seen(1, JSON.parse(JSON.stringify(await again.registry.getMetricsAsJSON())))
  totals.seen(2, 'nonsense')
  await has('c_total{x="a"} 7', 'portico_workers 1')
})

t.test('a worker asks the others by way of whoever started it', async t => {
  const events = new EventEmitter()
  const sent: Upwards[] = []
  const colleagues = createColleagues(2, { send: message => { sent.push(message) }, on: (event, listener) => events.on(event, listener) })
  const told = (message: unknown) => events.emit('message', message)
  t.equal(colleagues.speaks, false)

  const metrics = colleagues.metrics()
  t.same(sent.shift(), { portico: 'ask', number: 1, topic: 'metrics' })
  told({ portico: 'told', number: 1, answer: 'text' })
  t.equal(await metrics, 'text')
  const none = colleagues.metrics()
  told({ portico: 'told', number: 2, answer: undefined })
  t.match(await none.catch((error: unknown) => error), { constructor: PorticoError, code: 'PORTICO_OVERLOADED' })
  const statuses = colleagues.statuses()
  told({ portico: 'told', number: 3, answer: [{ worker: 1, status: 'nonsense' }] })
  t.same(await statuses, [])

  colleagues.answer({ metrics: async () => 'mine', status: async () => { throw new Error('not now') } })
  sent.length = 0
  told({ portico: 'question', number: 9, topic: 'metrics' })
  told({ portico: 'question', number: 10, topic: 'status' })
  await setImmediate()
  t.same(sent, [{ portico: 'answer', number: 9, answer: 'mine' }])

  let closed = 0
  colleagues.onClose(() => { closed++ })
  told({ portico: 'close' })
  t.equal(closed, 1)
})

t.test('V5 status of all: what failed anywhere is seen', async t => {
  const health = { last_good: null, last_error: null, last_error_at: null }
  const statusOf = (over: Partial<Status>, seen: Partial<Status['connections'][number]['health']> = {}): Status => ({
    version: '1',
    ready: true,
    configuration: { version: 'old', loaded_at: '2026-01-01T00:00:00.000Z' },
    last_reload: { at: '2026-01-01T00:00:00.000Z', result: 'success', problems: [] },
    websockets: 1,
    connections: [{ id: 'okta', organization: 'acme', connector: 'okta', status: 'active', client_secret_expires: null, expires: [], health: { ...health, ...seen } }],
    ...over
  })
  const one = statusOf({}, { last_good: '2026-01-02T00:00:00.000Z' })
  const two = statusOf({ ready: false, websockets: 4, last_reload: { at: '2025-12-31T00:00:00.000Z', result: 'failure', problems: ['p'] } }, { last_error: 'PORTICO_IDP_SECRET_EXPIRED', last_error_at: '2026-01-01T12:00:00.000Z' })
  const three = statusOf({ configuration: { version: 'new', loaded_at: '2026-01-03T00:00:00.000Z' }, last_reload: { at: '2026-01-03T00:00:00.000Z', result: 'success', problems: [] } }, { last_error: 'PORTICO_IDP_UNREACHABLE', last_error_at: '2026-01-01T11:00:00.000Z' })
  t.equal(mergedStatus(one, []), one)
  t.match(mergedStatus(one, [{ worker: 1, status: one }, { worker: 2, status: two }, { worker: 3, status: three }]), {
    ready: false,
    websockets: 6,
    last_reload: { result: 'failure', problems: ['p'] },
    workers: [{ worker: 1, ready: true, configuration: 'old' }, { worker: 2, ready: false }, { worker: 3, configuration: 'new', websockets: 1 }],
    connections: [{ id: 'okta', health: { last_good: '2026-01-02T00:00:00.000Z', last_error: 'PORTICO_IDP_SECRET_EXPIRED', last_error_at: '2026-01-01T12:00:00.000Z' } }]
  })
  t.match(mergedStatus(one, [{ worker: 1, status: one }, { worker: 3, status: three }]), { ready: true, configuration: { version: 'new' }, last_reload: { result: 'success' } })
})
