import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import t from 'tap'
import { loadConfiguration } from '../../src/config/load.ts'
import { main } from '../../src/main.ts'
import { ask, statusOf } from '../proxy/harness.ts'
import { noRedis, startRedis } from '../support/redis.ts'
import { portOf, serve } from '../support/serving.ts'
import { signIn, writeConfiguration } from '../support/signed-in.ts'
import { present, until, workersOf } from './starting.ts'

const analytics = 'Host: analytics.localhost:8080'

/** A process that has ended and was not yet asked how is none that runs. */
const isRunning = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}

t.test('serve --workers over Redis: a command is honoured by all of them, and Redis that is killed by none noticed', { skip: noRedis }, async t => {
  const redis = await startRedis(t)
  const upstream = createServer((request, response) => { response.end(String(request.headers['x-auth-email'] ?? 'nobody')) }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => { upstream.close() })
  const { file, remove } = await writeConfiguration({ analytics: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` })
  t.teardown(remove)
  await writeFile(file, (await readFile(file, 'utf8')).replace('{ kind: sqlite, path: portico.db }', `{ kind: redis, url: "${redis.url}" }`))
  const { configuration } = await loadConfiguration({ file, env: {} })
  if (configuration === undefined) throw new Error('no configuration')

  const gateway = serve(t, dirname(file), { args: ['--workers', '2'] })
  const listening = await gateway.line(({ msg }) => msg === 'listening')
  const [port, ops] = [portOf(listening), portOf(listening, 'ops')]
  await present(ops, 2)
  const [one, other] = await signIn(configuration, 'analytics.localhost', 2)
  if (one === undefined || other === undefined) throw new Error('no session')
  const open = async (cookie: string) => statusOf(await ask(port, 'GET /x', [analytics, `Cookie: ${cookie}`]))
  for (let i = 0; i < 6; i++) t.same([await open(one.cookie), await open(other.cookie)], [200, 200])

  const quiet = { env: {}, cwd: '/', out: () => {}, err: () => {} }
  t.equal(await main(['sessions', 'revoke', '--connection', 'acme_oidc', '--subject', 'https://idp.acme.com 0', '--config', file], quiet), 0)
  let refused = 0
  await until(async () => {
    refused = await open(one.cookie) === 200 ? 0 : refused + 1
    return refused === 6
  })
  await redis.kill()
  for (let i = 0; i < 6; i++) t.equal(await open(other.cookie), 200)
  gateway.child.kill('SIGTERM')
  t.equal((await gateway.ended)[0], 0)
  t.equal(gateway.error(), '')
})

t.test('serve --workers: what stops one from starting is said once, with status 1', async t => {
  const written = await writeConfiguration({ analytics: 'http://127.0.0.1:9' })
  t.teardown(written.remove)
  const folder = dirname(written.file)
  const good = await readFile(written.file, 'utf8')

  await writeFile(written.file, `nonsense: 1\n${good}`)
  const wrong = serve(t, folder, { args: ['--workers', '2'] })
  t.equal((await wrong.ended)[0], 1)
  t.equal(wrong.error().match(/nonsense: unknown key/g)?.length, 1)
  t.match(wrong.error(), /not started: 1 problem\n$/)
  t.same(wrong.lines, [])

  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  await writeFile(written.file, good.replace('listen: { port: 0 }', `listen: { port: ${(taken.address() as AddressInfo).port} }`))
  const late = serve(t, folder, { args: ['--workers', '2'] })
  t.equal((await late.ended)[0], 1)
  t.match(late.error(), /^portico: .*EADDRINUSE.*\n$/)

  const quiet = { env: {}, cwd: '/', out: () => {}, err: () => {} }
  for (const workers of ['0', '-1', 'x', '1.5', '257', '']) t.equal(await main(['serve', `--workers=${workers}`, '--config', written.file], quiet), 2, workers)
})

t.test('serve --workers: nobody is left behind when the one that started them is killed', async t => {
  const written = await writeConfiguration({ analytics: 'http://127.0.0.1:9' })
  t.teardown(written.remove)
  const gateway = serve(t, dirname(written.file), { args: ['--workers', '2'] })
  const ops = portOf(await gateway.line(({ msg }) => msg === 'listening'), 'ops')
  await present(ops, 2)
  const workers = await workersOf(gateway)
  t.equal(workers.length, 2)
  gateway.child.kill('SIGKILL')
  await until(async () => (await Promise.all(workers.map(isRunning))).every(is => !is))
  t.pass('they are gone')
})
