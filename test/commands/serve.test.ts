import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { key, writeFiles } from '../config/support.ts'
import { portOf, serve as serving } from '../support/serving.ts'

const main = (port = 0, more = ''): string => `auth_url: http://auth.localhost
listen: { port: ${port} }
ops: { port: 0 }
keys: [{ env: PORTICO_KEY }]
store: { kind: sqlite, path: ./portico.db }
apps:
  analytics: { url: http://analytics.localhost, upstream: http://127.0.0.1:9 }
${more}`
const organization = (name: string): string => `name: ${name}\nconnections: {}\n`

const serve = (t: Parameters<typeof serving>[0], folder: string) => serving(t, folder, { env: { PORTICO_KEY: key(1) } })

t.test('serve: starts, reloads by itself and on SIGHUP, keeps the last good configuration, ends on SIGTERM', async t => {
  const folder = t.testdir({ 'portico.yaml': main(), organizations: { 'acme.yaml': organization('Acme') } })
  const gateway = serve(t, folder)
  const port = portOf(await gateway.line(line => line.msg === 'listening'))
  t.ok(port > 0)
  const answer = await fetch(`http://127.0.0.1:${port}/nothing-here`, { redirect: 'manual' })
  t.ok(answer.status >= 400 && answer.status < 500, 'answers')

  let from = gateway.lines.length
  await writeFiles(folder, { 'organizations/acme.yaml': 'nme: Acme\nconnections: {}\n' })
  const refused = await gateway.line(line => line.level === 'error' && line.path === 'nme', from)
  t.match(refused.msg, /acme\.yaml:1:1 nme: unknown key — did you mean 'name'\?/)
  t.equal((await fetch(`http://127.0.0.1:${port}/nothing-here`, { redirect: 'manual' })).status, answer.status, 'still answers')

  from = gateway.lines.length
  gateway.child.kill('SIGHUP')
  await gateway.line(line => line.level === 'error' && line.path === 'nme', from)
  t.pass('SIGHUP tells again')

  from = gateway.lines.length
  await writeFiles(folder, { 'organizations/acme.yaml': organization('Second'), 'portico.yaml': main(1, 'trusted_proxies: [0.0.0.0/0]\n') })
  const restart = await gateway.line(line => line.settings !== undefined, from)
  t.same(restart.settings, ['listen.port'], 'a setting that needs a restart says so')
  await gateway.line(line => line.level === 'warn' && line.path === 'trusted_proxies[0]', from)

  gateway.child.kill('SIGTERM')
  const [status] = await gateway.ended
  t.equal(status, 0)
  t.equal(gateway.error(), '')
})

t.test('serve: a port that is taken is one line and status 1', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const folder = t.testdir({ 'portico.yaml': main(typeof address === 'object' ? address?.port : 0), organizations: { 'acme.yaml': organization('Acme') } })
  const gateway = serve(t, folder)
  const [status] = await gateway.ended
  t.equal(status, 1)
  t.match(gateway.error(), /^portico: .*EADDRINUSE.*\n$/)
})
