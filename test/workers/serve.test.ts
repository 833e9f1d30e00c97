import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { portOf, serve, type Line } from '../support/serving.ts'
import { signIn, writeConfiguration } from '../support/signed-in.ts'
import { ask, bodyOf, statusOf } from '../proxy/harness.ts'
import { local, present, until, workersOf } from './starting.ts'

const token = 'a-token-of-the-ops-listener-0123456789'

const analytics = 'Host: analytics.localhost:8080'

const metric = async (ops: number, name: string): Promise<number> => {
  const text = bodyOf(await ask(ops, 'GET /metrics', [local]))
  return Number(text.split('\n').find(line => line.startsWith(`${name} `))?.split(' ').at(-1))
}

const statusJson = async (ops: number) => JSON.parse(bodyOf(await ask(ops, 'GET /status', [local]))) as { ready: boolean, workers: { worker: number, configuration: string }[], configuration: { version: string } }

const is = (event: string) => (line: Line): boolean => line.event === event

t.test('serve --workers 3', async t => {
  const upstream = createServer((request, response) => {
    if (request.url === '/public/slow') setTimeout(() => response.end('slow'), 700)
    else response.end(String(request.headers['x-auth-email'] ?? 'nobody'))
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => { upstream.close() })
  const written = await writeConfiguration({ analytics: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` })
  t.teardown(written.remove)
  await writeFile(written.file, (await readFile(written.file, 'utf8')).replace('ops: { port: 0 }', `ops: { port: 0, token: ${token} }`))
  const folder = dirname(written.file)
  const gateway = serve(t, folder, { args: ['--workers', '3'] })
  const listening = await gateway.line(({ msg }) => msg === 'listening')
  const [port, ops] = [portOf(listening), portOf(listening, 'ops')]
  await present(ops, 3)

  /** A connection of its own each time, so that every worker has its turn. */
  const open = (path: string, cookie = '') => ask(port, `GET ${path}`, [analytics, ...cookie === '' ? [] : [`Cookie: ${cookie}`]])

  await t.test('R17 all serve the same sessions; what one is told to revoke is over in all', async t => {
    const [session, other] = await signIn(written.configuration, 'analytics.localhost', 2)
    if (session === undefined || other === undefined) throw new Error('no session')
    for (let i = 0; i < 9; i++) t.equal(bodyOf(await open('/x', session.cookie)), 'ada.lovelace.0@acme.com')
    const answer = await fetch(`http://127.0.0.1:${ops}/sessions/revoke`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: JSON.stringify({ member: 'mem_00000000000000000000' }) })
    t.equal(answer.status, 200)
    let refused = 0
    await until(async () => {
      refused = statusOf(await open('/x', session.cookie)) === 200 ? 0 : refused + 1
      return refused === 9
    })
    t.equal(bodyOf(await open('/x', other.cookie)), 'ada.lovelace.1@acme.com')
  })

  await t.test('metrics are added up, and what a worker has counted outlives it', async t => {
    const name = 'portico_request_duration_seconds_count{app="analytics"}'
    const before = await metric(ops, name)
    for (let i = 0; i < 12; i++) await open('/public/x')
    t.equal(await metric(ops, name), before + 12)
    t.equal(await metric(ops, 'portico_config_reloads_total{result="success"}'), 1, 'a reload of all is one')
    t.match(bodyOf(await ask(ops, 'GET /metrics', [local])), /^portico_request_duration_seconds_bucket\{le="0\.005",app="analytics"\} \d+$/m)

    const [victim] = await workersOf(gateway)
    if (victim === undefined) throw new Error('no workers')
    const from = gateway.lines.length
    process.kill(victim, 'SIGKILL')
    t.match(await gateway.line(({ msg }) => String(msg).startsWith('a worker has ended'), from), { level: 'error', pid: victim, signal: 'SIGKILL', worker: /[123]/ })
    for (let i = 0; i < 6; i++) t.equal(statusOf(await open('/public/x')), 200, 'the others go on')
    await present(ops, 3)
    t.equal((await workersOf(gateway)).includes(victim), false)
    t.equal(await metric(ops, name), before + 18, 'nothing falls, nothing is counted twice')
    t.equal(await metric(ops, 'portico_worker_restarts_total'), 1)
  })

  await t.test('M1 a reload is of all of them, and is told once', async t => {
    const organization = join(folder, 'organizations', 'acme.yaml')
    const good = await readFile(organization, 'utf8')
    const { configuration: { version: before } } = await statusJson(ops)
    // what is said of one thing may come later than an answer that knows of it
    const silence = async (): Promise<number> => {
      for (let heard = -1; heard !== gateway.lines.length; await wait(500)) heard = gateway.lines.length
      return gateway.lines.length
    }
    let from = await silence()
    await writeFile(organization, good.replace('Acme Corp', 'Acme'))
    await gateway.line(is('reload'), from)
    await until(async () => {
      const { workers } = await statusJson(ops)
      return workers.length === 3 && workers.every(({ configuration }) => configuration !== before)
    })
    await silence()
    t.equal(gateway.lines.slice(from).filter(is('reload')).length, 1)

    await writeFile(organization, `nme: x\n${good}`)
    await until(async () => await metric(ops, 'portico_config_reloads_total{result="failure"}') === 1)
    t.match(JSON.parse(bodyOf(await ask(ops, 'GET /status', [local]))), { last_reload: { result: 'failure' } })
    from = await silence()
    gateway.child.kill('SIGHUP')
    await gateway.line(is('reload_failed'), from)
    await until(async () => await metric(ops, 'portico_config_reloads_total{result="failure"}') === 2)
    await silence()
    t.equal(gateway.lines.slice(from).filter(({ path }) => path === 'nme').length, 1, 'SIGHUP reaches them, one tells')
    from = gateway.lines.length
    await writeFile(organization, good)
    await gateway.line(is('reload'), from)
  })

  await t.test('V5 status has all of them, readyz is that of whoever is asked', async t => {
    await until(async () => (await statusJson(ops)).ready)
    const status = await statusJson(ops)
    t.match(status, { ready: true, workers: [{ worker: 1, ready: true }, { worker: 2 }, { worker: 3 }] })
    const page = await ask(ops, 'GET /status', [local, 'Accept: text/html'])
    t.match(page, /Worker 3/)
    t.equal(statusOf(await ask(ops, 'GET /readyz', [local])), 200)
  })

  await t.test('a worker that is told to end by itself finishes what it has, and is replaced', async t => {
    const [worker] = await workersOf(gateway)
    const from = gateway.lines.length
    const answers = Promise.all([0, 1, 2, 3, 4, 5].map(() => open('/public/slow')))
    await wait(200)
    if (worker !== undefined) process.kill(worker, 'SIGTERM')
    t.match(await gateway.line(({ msg }) => String(msg).startsWith('a worker has ended'), from), { level: 'info', exit_status: 0 })
    for (const answer of await answers) t.equal(bodyOf(answer), 'slow')
    await present(ops, 3)
  })

  await t.test('K11 SIGTERM: what is under way is finished, then status 0', async t => {
    const slow = Promise.all([0, 1, 2, 3].map(() => open('/public/slow')))
    await wait(200)
    const from = gateway.lines.length
    gateway.child.kill('SIGTERM')
    for (const answer of await slow) t.equal(statusOf(answer), 200)
    const [status] = await gateway.ended
    t.equal(status, 0)
    t.equal(gateway.lines.slice(from).filter(({ msg }) => msg === 'closing').length, 1)
    t.equal(gateway.error(), '')
  })
})
