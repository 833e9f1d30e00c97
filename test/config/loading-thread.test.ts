import { cp, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import type { Configuration } from '../../src/config/configuration.ts'
import { indexInvited, openInvited } from '../../src/config/invited.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'
import { createLoadingThread } from '../../src/config/loading-thread.ts'
import type { Tell } from '../../src/config/transfer.ts'
import { comparable, key, writeFiles } from './support.ts'

const fixtures = fileURLToPath(new URL('../fixtures/config', import.meta.url))
const env = { PORTICO_KEY: key(1), PORTICO_KEY_2: key(2), PORTICO_KEY_3: key(3), ACME_SECRET: 'secret value', SHORT_KEY: 'c2hvcnQ=', SHORT_TOKEN: 'short', EMPTY: '' }
const main = `auth_url: https://auth.example.com
keys: [{ env: PORTICO_KEY }]
organizations: ./organizations
apps:
  analytics: { url: https://analytics.example.com, upstream: http://127.0.0.1:9101 }
`
const organization = (id: string, more = ''): string => `name: ${id}
connections:
  ${id}_oidc: { connector: oidc, status: active, domains: [${id}.example], discovery_url: https://idp.example, client_id: x, client_secret: { file: ../secrets/${id} } }
${more}`

const tree = () => ({
  'portico.yaml': main,
  secrets: { acme: 'one', globex: 'two', initech: 'three' },
  organizations: { 'acme.yaml': organization('acme'), 'globex.yaml': organization('globex') }
})

/** A thread that ends with the test, what it said by itself, and the workers that it had. */
const run = (t: { teardown (end: () => Promise<void>): unknown }, file: string) => {
  const said: string[] = []
  const workers: Worker[] = []
  const thread = createLoadingThread({
    file,
    env,
    onChange: () => { said.push('changed') },
    onPolling: folder => { said.push(`polling ${folder}`) },
    onDied: () => { said.push('died') },
    createWorker: (script, options) => {
      const worker = new Worker(script, options)
      workers.push(worker)
      return worker
    }
  })
  t.teardown(() => thread.close())
  const until = async (word: string): Promise<void> => {
    while (!said.includes(word)) await setTimeout(10)
  }
  return { ...thread, said, workers, until }
}

/** Everything, maps and functions by name included, but for the files, which the thread keeps to itself. */
const whole = (loaded: Loaded): string => inspect(comparable({ ...loaded, files: [] }), { sorted: true, depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity })

const good = ({ configuration, problems }: Loaded): Configuration => {
  if (configuration === undefined) throw new Error(JSON.stringify(problems))
  return configuration
}

t.test('the thread comes to what loadConfiguration comes to, good or bad, one after the other', async t => {
  const folder = t.testdir({ organizations: {}, folder: {} })
  const file = join(folder, 'portico.yaml')
  const read = (name: string): Promise<string> => readFile(join(fixtures, name), 'utf8')
  await cp(join(fixtures, 'main'), folder, { recursive: true })
  const { load } = run(t, file)
  const compare = async (name: string, files: Readonly<Record<string, string>>): Promise<Loaded> => {
    await rm(join(folder, 'organizations'), { recursive: true })
    await writeFiles(folder, files)
    const loaded = await load()
    t.equal(whole(loaded), whole(await loadConfiguration({ file, env })), name)
    return loaded
  }
  const usual = { 'portico.yaml': await read('good.yaml'), 'organizations/acme.yaml': await read('good-organization.yaml') }
  good(await compare('good', usual))
  for (const name of (await readdir(join(fixtures, 'main'))).filter(name => name.endsWith('.yaml'))) {
    await compare(name, { ...usual, 'portico.yaml': await read(`main/${name}`) })
  }
  for (const name of await readdir(join(fixtures, 'organization'))) {
    await compare(name, { ...usual, 'organizations/acme.yaml': await read(`organization/${name}`) })
    good(await compare(`${name} repaired`, usual))
  }
  const warned = await compare('warnings', { ...usual, 'organizations/more.yaml': organization('more').replace('{ file: ../secrets/more }', 'literal').replace('status: active', 'status: active, dangerously_allow_http: true') })
  t.equal(warned.warnings.length, 2)
  t.same((await compare('without them', usual)).warnings, [])
})

t.test('of organizations that did not change the same objects stay, whatever happens beside them', async t => {
  const folder = t.testdir(tree())
  const { load } = run(t, join(folder, 'portico.yaml'))
  const at = (name: string): string => join(folder, 'organizations', name)
  const ids = (configuration: Configuration): string[] => [...configuration.organizations.keys()].sort()

  const first = good(await load())
  t.equal(good(await load()), first, 'nothing changed: the very same configuration')
  await writeFiles(folder, { 'organizations/beta.yaml': organization('initech').replaceAll('initech', 'beta').replace('secrets/beta', 'secrets/initech') })
  const added = good(await load())
  t.same(ids(added), ['acme', 'beta', 'globex'])
  for (const id of ['acme', 'globex']) t.equal(added.organizations.get(id), first.organizations.get(id), id)

  await writeFiles(folder, { 'organizations/beta.yaml': organization('beta', 'default_role: admin\n').replace('secrets/beta', 'secrets/initech') })
  const changed = good(await load())
  t.equal(changed.organizations.get('beta')?.defaultRole, 'admin')
  t.equal(changed.domains.get('beta.example')?.[0], changed.connections.get('beta_oidc'))
  t.equal(changed.connections.get('beta_oidc')?.organization, changed.organizations.get('beta'), 'tables are of one cast')
  t.equal(changed.organizations.get('acme'), first.organizations.get('acme'))

  await rename(at('beta.yaml'), at('zeta.yaml'))
  const renamed = good(await load())
  t.same(ids(renamed), ['acme', 'globex', 'zeta'])
  t.equal(renamed.connections.get('beta_oidc')?.organization.id, 'zeta')

  await writeFiles(folder, { 'organizations/acme.yaml': 'nme: x\n', 'organizations/globex.yaml': organization('globex', 'default_role: viewer\n') })
  t.equal((await load()).configuration, undefined, 'broken')
  await writeFiles(folder, { 'secrets/acme': 'rotated meanwhile' })
  t.equal((await load()).configuration, undefined, 'still broken')
  await writeFiles(folder, { 'organizations/acme.yaml': organization('acme') })
  const repaired = good(await load())
  t.equal(repaired.organizations.get('globex')?.defaultRole, 'viewer', 'what changed while another file was broken arrives with the repair')
  t.equal(repaired.connections.get('acme_oidc')?.clientSecret, 'rotated meanwhile', 'a secret too')
  t.equal(repaired.organizations.get('zeta'), renamed.organizations.get('zeta'))

  await writeFiles(folder, { 'secrets/globex': 'rotated' })
  const rotated = good(await load())
  t.equal(rotated.connections.get('globex_oidc')?.clientSecret, 'rotated', 'M6')
  t.equal(rotated.organizations.get('acme'), repaired.organizations.get('acme'), 'and nobody else is touched')
  t.equal(rotated.connections.get('globex_oidc')?.fingerprint, repaired.connections.get('globex_oidc')?.fingerprint)

  await rm(at('zeta.yaml'))
  const removed = good(await load())
  t.same([ids(removed), removed.connections.has('beta_oidc'), removed.domains.has('beta.example')], [['acme', 'globex'], false, false])

  await writeFiles(folder, { 'portico.yaml': `${main}session: { idle: 1h }\n` })
  const shorter = good(await load())
  t.same([...shorter.organizations.values()].map(({ session }) => session.idle), [3_600, 3_600], 'what all of them take from the main file changes all')
})

t.test('what comes ahead of a reading that is refused is in force with the repair, not before', async t => {
  const files = {
    'organizations/acme.yaml': organization('acme'),
    'organizations/globex.yaml': organization('globex', 'members: { invited: [ada@globex.example] }\n'),
    'organizations/initech.yaml': organization('initech'),
    'organizations/zeta.yaml': organization('zeta').replace('secrets/zeta', 'secrets/acme')
  }
  const rival = { 'organizations/zeta.yaml': files['organizations/zeta.yaml'].replace('zeta.example', 'acme.example').replace('zeta_oidc', 'acme_oidc') }
  const broken: Readonly<Record<string, readonly [Readonly<Record<string, string>>, readonly string[]]>> = {
    'none is': [{}, ['acme', 'initech', 'zeta']],
    'two of a name': [rival, ['acme', 'initech', 'zeta']],
    'one that makes no sense': [{ 'organizations/acme.yaml': 'nme: x\n' }, ['initech', 'zeta']],
    'one without its secret': [{ 'organizations/acme.yaml': organization('acme').replace('secrets/acme', 'secrets/none') }, ['initech', 'zeta']],
    'one for an app that is not there': [{ 'organizations/initech.yaml': organization('initech', 'apps: [none]\n') }, ['acme', 'zeta']],
    'the main file, beside them': [{ 'portico.yaml': main.replace('PORTICO_KEY', 'SHORT_KEY') }, ['acme', 'initech', 'zeta']],
    'the main file': [{ 'portico.yaml': main.replace('auth_url', 'auth_ulr') }, []]
  }
  for (const [name, [changed, expected]] of Object.entries(broken)) {
    const folder = t.testdir(tree())
    const file = join(folder, 'portico.yaml')
    await writeFiles(folder, { ...files, ...changed })
    const { load, workers } = run(t, file)
    const loading = load()
    const ahead: string[] = []
    workers[0]?.on('message', ({ kind, organizations }: Tell & { kind: 'ahead' }) => {
      if (kind === 'ahead') ahead.push(...organizations.map(({ id }) => id))
    })
    const refused = await loading
    t.same(ahead, expected, `${name}: who came ahead`)
    t.equal(refused.configuration === undefined, refused.problems.length > 0)
    t.equal(refused.problems.length > 0, name !== 'none is')
    t.equal(whole(refused), whole(await loadConfiguration({ file, env })), name)

    await writeFiles(folder, { ...files, 'portico.yaml': `${main}session: { idle: 1h }\n` })
    await rm(join(folder, 'organizations', 'initech.yaml'))
    const repaired = await load()
    t.same([...good(repaired).organizations.keys()].sort(), ['acme', 'globex', 'zeta'])
    t.equal(whole(repaired), whole(await loadConfiguration({ file, env })), `${name}: repaired`)
  }
})

t.test('a thread that is killed while it loads is an error, and the next load starts another', async t => {
  const folder = t.testdir(tree())
  const { load, watch, workers, said, until } = run(t, join(folder, 'portico.yaml'))
  const killed = t.rejects(load(), 'mid-load')
  await workers[0]?.terminate()
  await killed
  t.same(said, [], 'whoever waits is told, nobody else')
  const first = good(await load())
  t.equal(workers.length, 2)
  await watch()

  await workers[1]?.terminate()
  await until('died')
  t.same(said.filter(word => word === 'died'), ['died'], 'said once')
  await until('changed')
  await writeFiles(folder, { 'organizations/acme.yaml': organization('acme', 'default_role: admin\n') })
  const second = good(await load())
  t.equal(second.organizations.get('acme')?.defaultRole, 'admin', 'what changed while it was dead is there')
  t.equal(first.organizations.get('acme')?.defaultRole, undefined)
  t.equal(workers.length, 3)

  await watch()
  said.length = 0
  await writeFiles(folder, { 'secrets/acme': 'new' })
  await until('changed')
  t.pass('and it watches')
})

t.test('thousands of files are parsed by several threads, each problem in its place', async t => {
  const folder = t.testdir({ 'portico.yaml': main, secrets: { all: 'x' }, organizations: {} })
  const id = (index: number): string => `o${String(index).padStart(5, '0')}`
  await mkdir(join(folder, 'organizations'), { recursive: true })
  const text = (index: number): string => organization(id(index)).replace(`secrets/${id(index)}`, 'secrets/all')
  await writeFiles(folder, Object.fromEntries(Array.from({ length: 1_234 }, (_, index) => [`organizations/${id(index)}.yaml`, text(index)])))
  await writeFiles(folder, { [`organizations/${id(777)}.yaml`]: `${text(777)}nonsense: 1\n` })
  const { load } = run(t, join(folder, 'portico.yaml'))
  const refused = await load()
  t.match(refused.problems, [{ file: join(folder, `organizations/${id(777)}.yaml`), line: 4, path: 'nonsense' }])
  t.equal(refused.problems.length, 1)
  await writeFiles(folder, { [`organizations/${id(777)}.yaml`]: text(777) })
  const loaded = await load()
  t.equal(good(loaded).organizations.size, 1_234)
  t.equal(whole(loaded), whole(await loadConfiguration({ file: join(folder, 'portico.yaml'), env })))
})

t.test('R19 R20 the index of an invited list answers as a set and a map would', async t => {
  const letters = ['a', 'b', '+', '.', 'ab', '-', '_', '9']
  let seed = 1
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
  const address = (): string => `${Array.from({ length: 1 + random(4) }, () => letters[random(letters.length)]).join('')}@${['a.example', 'b.example', 'a-b.example'][random(3)]}`
  for (const size of [0, 1, 2, 3, 50, 2_000]) {
    const list = Array.from({ length: size }, address).filter(text => !/^\.|\.\.|\.@/.test(text))
    const { exact, tagged } = openInvited(indexInvited(list))
    const asked = [...list, ...Array.from({ length: 500 }, address), '', '\n', '~@z.example', '!@a.example']
    t.same(asked.filter(email => exact.has(email)), asked.filter(email => list.includes(email)), `${size} exact`)
    const withTag = (bare: string): string[] => [...new Set(list.filter(email => email.indexOf('+') > 0 && `${email.slice(0, email.indexOf('+'))}@${email.split('@')[1]}` === bare))].sort()
    t.same(asked.map(bare => tagged.get(bare) ?? []), asked.map(withTag), `${size} tagged`)
  }
})

t.test('a thread that is being ended keeps the process until it is, whatever it still says', async t => {
  const folder = t.testdir(tree())
  const thread = run(t, join(folder, 'portico.yaml'))
  await thread.load()
  const [worker] = thread.workers
  if (worker === undefined) throw new TypeError('no thread')
  let unrefs = 0
  worker.unref = () => { unrefs++ }
  const terminate = worker.terminate.bind(worker)
  worker.terminate = async () => {
    const ended = terminate()
    for (let number = 1; number < 20; number++) worker.emit('message', { kind: 'answer', number, answer: { kind: 'watching' } } satisfies Tell)
    return await ended
  }
  worker.postMessage = () => {}
  thread.watch().catch(() => {})
  await thread.close()
  t.equal(unrefs, 0)
})
