import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { Configuration } from '../../src/config/configuration.ts'
import { createLoader } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'
import type { Problem } from '../../src/config/problem.ts'
import { createReloader } from '../../src/config/reload.ts'
import { createWatcher } from '../../src/config/watch.ts'
import { key, writeFiles } from './support.ts'

const main = (more = ''): string => `auth_url: https://auth.example.com
keys: [{ file: ./secrets/key }]
organizations: ./organizations
apps:
  analytics: { url: https://analytics.example.com, upstream: http://127.0.0.1:9101 }
${more}`

const organization = (name: string, more = ''): string => `name: ${name}
connections:
  acme:
    connector: oidc
    domains: [acme.example]
    discovery_url: https://idp.example
    client_id: x
    client_secret: { env: SECRET }
${more}`

const tree = () => ({
  'portico.yaml': main(),
  secrets: { key: key(1) },
  organizations: { 'acme.yaml': organization('Acme') }
})

/** Watcher, loader and reloader together, as `serve` puts them together. */
const run = async (t: { teardown: (end: () => void) => unknown }, file: string, options: { apply?: (configuration: Configuration) => Promise<void> } = {}) => {
  const load = createLoader({ file, env: { SECRET: 'x' } })
  const started = await load()
  const { configuration } = started
  if (configuration === undefined) throw new Error(started.problems.map(problem => problem.message).join())
  let current = configuration
  const failures: (readonly Problem[])[] = []
  const restarts: string[] = []
  let reloads = 0
  const watcher = createWatcher({ onChange: () => { reloader.request() } })
  const reloader = createReloader({
    started: { ...started, configuration },
    load: () => load(watcher.stirred()),
    rearm: files => watcher.watch(files),
    apply: async next => {
      await options.apply?.(next)
      current = next
    },
    onReloaded: (_, restartNeededFor) => {
      reloads++
      restarts.push(...restartNeededFor)
    },
    onFailed: problems => { failures.push(problems) }
  })
  t.teardown(() => {
    reloader.close()
    watcher.close()
  })
  await watcher.watch(started.files)
  const name = () => current.organizations.get('acme')?.name
  /** Waits until something holds; far longer than the second that is promised, so that a busy machine is no failure. */
  const until = async (condition: () => boolean): Promise<void> => {
    const end = performance.now() + 10_000
    while (!condition()) {
      if (performance.now() > end) throw new Error(`never happened; now: ${name()}, failures: ${JSON.stringify(failures)}`)
      await setTimeout(10)
    }
  }
  return { configuration: () => current, name, failures, restarts, reloads: () => reloads, reloader, until }
}

t.test('M3 an editor renames a new file into place', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'))
  for (const name of ['Second', 'Third', 'Fourth']) {
    await writeFiles(folder, { 'organizations/.acme.yaml.tmp': organization(name) })
    await rename(join(folder, 'organizations/.acme.yaml.tmp'), join(folder, 'organizations/acme.yaml'))
    await gateway.until(() => gateway.name() === name)
  }
  t.same(gateway.failures, [])
  t.ok(Object.isFrozen(gateway.configuration()))
})

t.test('M3 Kubernetes swaps the ..data link', async t => {
  const folder = t.testdir({ config: { organizations: {} } })
  const config = join(folder, 'config')
  const mount = async (version: string, name: string): Promise<void> => {
    for (const [at, files] of [[config, { 'portico.yaml': main(), key: key(1) }], [join(config, 'organizations'), { 'acme.yaml': organization(name) }]] as const) {
      await writeFiles(join(at, `..${version}`), files)
      await symlink(`..${version}`, join(at, '..data_tmp'))
      await rename(join(at, '..data_tmp'), join(at, '..data'))
    }
  }
  await mount('2026_1', 'First')
  await symlink('..data/portico.yaml', join(config, 'portico.yaml'))
  await mkdir(join(config, 'secrets'))
  await symlink('../..data/key', join(config, 'secrets/key'))
  await symlink('..data/acme.yaml', join(config, 'organizations/acme.yaml'))
  const gateway = await run(t, join(config, 'portico.yaml'))
  t.equal(gateway.name(), 'First')
  for (const [version, name] of [['2026_2', 'Second'], ['2026_3', 'Third']] as const) {
    await mount(version, name)
    await gateway.until(() => gateway.name() === name)
    await rm(join(config, 'organizations', `..2026_${Number(version.slice(-1)) - 1}`), { recursive: true })
  }
  t.same(gateway.failures, [])
})

t.test('M3 the whole folder is a link that is turned to another release', async t => {
  const folder = t.testdir({ one: tree(), two: { ...tree(), organizations: { 'acme.yaml': organization('Two') } } })
  await symlink('one', join(folder, 'current'))
  const gateway = await run(t, join(folder, 'current/portico.yaml'))
  await symlink('two', join(folder, 'next'))
  await rename(join(folder, 'next'), join(folder, 'current'))
  await gateway.until(() => gateway.name() === 'Two')
  await writeFiles(folder, { 'two/organizations/acme.yaml': organization('Two again') })
  await gateway.until(() => gateway.name() === 'Two again')
  t.same(gateway.failures, [])
})

t.test('M3 a file written in pieces is taken when it is whole', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'))
  const seen = new Set<string | undefined>()
  const text = `${organization('Pieces')}    status: active\n`
  const file = join(folder, 'organizations/acme.yaml')
  // Every prefix that ends a line up to `client_secret` is refused, and with it one that would be taken: without `status`.
  for (let length = 0; length <= text.length; length += 20) {
    await writeFile(file, text.slice(0, length))
    seen.add(gateway.configuration().connections.get('acme')?.status)
    await setTimeout(10)
  }
  await writeFile(file, text)
  await gateway.until(() => gateway.configuration().connections.get('acme')?.status === 'active')
  t.same([...seen], ['testing'])
  t.equal(gateway.reloads(), 1, 'one reload')
  t.same(gateway.failures, [], 'nothing torn was judged')
})

t.test('M3 rapid writes end in the last one', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'))
  for (let index = 0; index < 100; index++) await writeFiles(folder, { 'organizations/acme.yaml': organization(`Number ${index}`) })
  await gateway.until(() => gateway.name() === 'Number 99')
  await gateway.reloader.settled()
  t.equal(gateway.name(), 'Number 99')
  t.same(gateway.failures, [])
})

t.test('M3 deleted and recreated: the file, then the folder, then all of it', async t => {
  const folder = t.testdir({ config: tree() })
  const config = join(folder, 'config')
  const gateway = await run(t, join(config, 'portico.yaml'))
  await rm(join(config, 'organizations/acme.yaml'))
  await gateway.until(() => gateway.failures.length === 1)
  t.equal(gateway.failures[0]?.[0]?.path, 'organizations', 'a folder that is suddenly empty is a failed reload')
  t.equal(gateway.name(), 'Acme', 'the last good one stays')
  await writeFiles(config, { 'organizations/acme.yaml': organization('File') })
  await gateway.until(() => gateway.name() === 'File')

  await rm(join(config, 'organizations'), { recursive: true })
  await gateway.until(() => gateway.failures.length === 2)
  await writeFiles(config, { 'organizations/acme.yaml': organization('Folder') })
  await gateway.until(() => gateway.name() === 'Folder')

  await rm(config, { recursive: true })
  await gateway.until(() => gateway.failures.length === 3)
  t.equal(gateway.name(), 'Folder')
  await writeFiles(config, { 'portico.yaml': main(), 'secrets/key': key(1), 'organizations/acme.yaml': organization('All') })
  await gateway.until(() => gateway.name() === 'All')
  await writeFiles(config, { 'organizations/acme.yaml': organization('After all') })
  await gateway.until(() => gateway.name() === 'After all')
})

t.test('M1 a bad file keeps the last good one and is told once; the way back is a reload', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'))
  const before = gateway.configuration()
  await writeFiles(folder, { 'organizations/acme.yaml': `${organization('Bad')}    statos: active\n    callback: 5\n` })
  await gateway.until(() => gateway.failures.length === 1)
  t.equal(gateway.failures[0]?.length, 2, 'all problems at once')
  t.equal(gateway.configuration(), before, 'the very same configuration')
  await writeFiles(folder, { 'organizations/acme.yaml': `${organization('Bad')}    statos: active\n    callback: 5\n` })
  await setTimeout(50)
  gateway.reloader.request()
  await gateway.reloader.settled()
  t.equal(gateway.failures.length, 1, 'the same bytes are not told again')
  gateway.reloader.request({ force: true })
  await gateway.until(() => gateway.failures.length === 2)
  t.pass('SIGHUP tells again')
  await writeFiles(folder, { 'organizations/acme.yaml': organization('Acme') })
  await gateway.until(() => gateway.reloads() === 1)
  t.same(gateway.configuration(), before)
})

t.test('what did not change does nothing, forced it is applied', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'))
  await writeFiles(folder, { 'organizations/acme.yaml': organization('Acme') })
  gateway.reloader.request()
  await gateway.reloader.settled()
  t.equal(gateway.reloads(), 0)
  gateway.reloader.request({ force: true })
  await gateway.reloader.settled()
  t.equal(gateway.reloads(), 1)
})

t.test('a file that a change names for the first time is watched from then on', async t => {
  const folder = t.testdir({ ...tree(), elsewhere: {} })
  const gateway = await run(t, join(folder, 'portico.yaml'))
  const secret = organization('Elsewhere').replace('{ env: SECRET }', '{ file: ../elsewhere/acme }')
  await writeFiles(folder, { 'organizations/acme.yaml': secret })
  await gateway.until(() => gateway.failures.length === 1)
  await writeFiles(folder, { 'elsewhere/acme': 'first' })
  await gateway.until(() => gateway.configuration().connections.get('acme')?.clientSecret === 'first')
  await writeFiles(folder, { 'elsewhere/acme': 'second' })
  await gateway.until(() => gateway.configuration().connections.get('acme')?.clientSecret === 'second')
  await writeFiles(folder, { 'organizations/globex.yaml': organization('Globex').replace('acme:', 'globex:').replace('acme.example', 'globex.example') })
  await gateway.until(() => gateway.configuration().organizations.has('globex'))
  await rm(join(folder, 'organizations/globex.yaml'))
  await gateway.until(() => !gateway.configuration().organizations.has('globex'))
  t.equal(gateway.failures.length, 1)
})

t.test('M3 of what changed the names are told, and where a name tells nothing, that anything may have', async t => {
  const folder = t.testdir({ ...tree(), other: { 'acme.yaml': organization('Other') } })
  const at = (name: string): string => join(folder, name)
  const told: true[] = []
  const watcher = createWatcher({ onChange: () => { told.push(true) } })
  t.teardown(() => watcher.close())
  const load = createLoader({ file: at('portico.yaml'), env: { SECRET: 'x' } })
  const settle = async (change: () => Promise<void>): Promise<{ stirred: ReadonlySet<string> | undefined, name: string | undefined }> => {
    told.length = 0
    await change()
    while (told.length === 0) await setTimeout(10)
    const stirred = watcher.stirred()
    const loaded = await load(stirred)
    await watcher.watch(loaded.files)
    return { stirred, name: loaded.configuration?.organizations.get('acme')?.name }
  }
  await watcher.watch((await load()).files)
  t.equal(watcher.stirred(), undefined, 'at first anything may have changed before it was watched')
  const written = () => writeFiles(folder, { 'organizations/acme.yaml': organization('Written') })
  t.same(await settle(written), { stirred: new Set([at('organizations/acme.yaml')]), name: 'Written' })
  t.same(await settle(() => writeFiles(folder, { 'secrets/key': key(2) })), { stirred: new Set([at('secrets/key')]), name: 'Written' })
  const folderSwapped = await settle(async () => {
    await rename(at('organizations'), at('gone'))
    await rename(at('other'), at('organizations'))
  })
  t.same(folderSwapped, { stirred: undefined, name: 'Other' })
  await settle(async () => {
    await symlink('../gone/acme.yaml', at('organizations/.link'))
    await rename(at('organizations/.link'), at('organizations/acme.yaml'))
  })
  t.same(await settle(() => writeFiles(folder, { 'gone/acme.yaml': organization('Behind a link') })), { stirred: undefined, name: 'Behind a link' })
})

t.test('M6 a rotated key by file arrives', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'))
  await writeFiles(folder, { 'secrets/key': key(2) })
  await gateway.until(() => gateway.configuration().keys[0]?.toString('base64') === key(2))
})

t.test('an apply that throws keeps the old one, and says so', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'), {
    apply: async configuration => { if (configuration.organizations.get('acme')?.name === 'Cursed') throw new Error('no') }
  })
  await writeFiles(folder, { 'organizations/acme.yaml': organization('Cursed') })
  await gateway.until(() => gateway.failures.length === 1)
  t.equal(gateway.name(), 'Acme')
  await writeFiles(folder, { 'organizations/acme.yaml': organization('Blessed') })
  await gateway.until(() => gateway.name() === 'Blessed')
})

t.test('reloads are one at a time, and what is asked for meanwhile is done after', async t => {
  const configuration = (await createLoader({ file: join(t.testdir(tree()), 'portico.yaml'), env: { SECRET: 'x' } })()).configuration
  if (configuration === undefined) throw new Error('no configuration')
  const loaded = (version: string): Loaded & { configuration: Configuration } => ({ configuration, problems: [], warnings: [], files: [], version })
  let version = 0
  let busy = 0
  const applied: string[] = []
  const reloader = createReloader({
    started: loaded('0'),
    load: async () => {
      t.equal(++busy, 1, 'alone')
      await setTimeout(5)
      busy--
      return loaded(String(version))
    },
    apply: async () => {
      t.equal(++busy, 1, 'alone')
      await setTimeout(5)
      busy--
    },
    rearm: async () => {},
    onReloaded: ({ version }) => { applied.push(version) },
    onFailed: problems => t.fail(JSON.stringify(problems)),
    settle: 1
  })
  for (version = 1; version < 20; version++) {
    reloader.request()
    await setTimeout(3)
  }
  await reloader.settled()
  t.equal(applied.at(-1), '20', 'the last one counts')
  t.ok(applied.length < 20, 'what follows quickly is taken together')
  reloader.close()
  version = 21
  reloader.request()
  await reloader.settled()
  t.equal(applied.at(-1), '20', 'closed')
})

t.test('listeners and the store need a restart, and the rest is in force', async t => {
  const folder = t.testdir(tree())
  const gateway = await run(t, join(folder, 'portico.yaml'))
  await writeFiles(folder, {
    'portico.yaml': main('listen: { port: 8081 }\nops: { host: 127.0.0.2 }\nstore: { kind: sqlite, path: ./other.db }\nsession: { idle: 1h }\n')
  })
  await gateway.until(() => gateway.reloads() === 1)
  t.same(gateway.restarts, ['listen.port', 'ops.host', 'store'])
  t.equal(gateway.configuration().session.idle, 3_600)
})
