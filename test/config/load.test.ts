import { cp, mkdir, readFile, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createLoader, loadConfiguration } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'
import { trustOf } from '../../src/config/standing.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { comparable, key, writeFiles } from './support.ts'

const fixtures = fileURLToPath(new URL('../fixtures/config', import.meta.url))
const env = {
  PORTICO_KEY: key(1),
  PORTICO_KEY_2: key(2),
  PORTICO_KEY_3: key(3),
  ACME_SECRET: 'secret value',
  REDIS_URL: 'redis://portico:a%20password@127.0.0.1',
  SHORT_KEY: 'c2hvcnQ=',
  SHORT_TOKEN: 'short',
  ZERO_KEY: Buffer.alloc(32).toString('base64'),
  EMPTY: ''
}
const good = await readFile(join(fixtures, 'good.yaml'), 'utf8')
const goodOrganization = await readFile(join(fixtures, 'good-organization.yaml'), 'utf8')

/** `file:line path` of every `#!` mark: what must be reported there, and nothing else. */
const marks = (file: string, text: string): string[] => text.split('\n').flatMap((line, index) => {
  const mark = /#!(.*)$/.exec(line)
  return mark === null ? [] : (mark[1] ?? '').split(',').map(path => `${basename(file)}:${index + 1} ${path.trim()}`)
})

const places = ({ problems }: Loaded): string[] => problems.map(({ file, line, path }) => `${basename(file)}:${line} ${path}`)

const readable = ({ problems, warnings }: Loaded): boolean => [...problems, ...warnings].every(problem => {
  const line = formatProblem(problem, '/')
  return /^\S+:[1-9]\d*:[1-9]\d* .+ — .+$/.test(line) && !/secret value|undefined|\[object/.test(line)
})

const deeplyFrozen = (value: unknown, seen = new Set<unknown>()): boolean => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return true
  seen.add(value)
  const inside: unknown[] = value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value)
  return Object.isFrozen(value) && inside.every(child => deeplyFrozen(child, seen))
}

t.test('a good configuration comes out whole, with defaults, and frozen', async t => {
  const folder = t.testdir({ 'portico.yaml': good, organizations: { 'acme.yaml': goodOrganization, '.acme.yaml.swp': 'x', 'note.txt': 'x' } })
  const loaded = await loadConfiguration({ file: join(folder, 'portico.yaml'), env: { ...env, HTTPS_PROXY: 'http://proxy.internal:3128' } })
  t.same(loaded.problems, [])
  t.same(loaded.warnings, [])
  const { configuration } = loaded
  if (configuration === undefined) throw new Error('no configuration')
  t.ok(deeplyFrozen(configuration), 'frozen deep')
  t.match(configuration, {
    authOrigin: 'https://auth.example.com',
    authHost: 'auth.example.com',
    listen: { host: '127.0.0.1', port: 8080, tls: undefined },
    session: { idle: 28_800, absolute: 86_400 },
    store: { kind: 'sqlite', path: join(folder, '../data/portico.db') },
    outbound: { httpsProxy: 'http://proxy.internal:3128', httpProxy: undefined }
  })
  t.same(configuration.keys, [Buffer.from(key(1), 'base64')])
  const place = configuration.places.get('analytics.example.com')
  t.match(place, { origin: 'https://analytics.example.com', authority: 'analytics.example.com', region: undefined, upstream: { origin: 'http://127.0.0.1:9101', hostHeader: 'public', headersTimeout: 60_000 } })
  t.equal(place?.app, configuration.apps.get('analytics'), 'a place knows its app')
  t.same(place?.app.public[2], { methods: new Set(['GET', 'POST']), path: '/hooks/', prefix: true })
  const connection = configuration.connections.get('acme')
  t.match(connection, { status: 'active', clientSecret: 'secret value', connector: 'oidc', settings: { claims: { email: 'email' } } })
  t.same([...connection?.domains ?? []], ['acme.example', 'xn--bcher-kva.example'], 'domains are A-labels')
  t.equal(connection?.organization, configuration.organizations.get('acme'))
  t.equal(connection?.location.line, 3)
  t.same(configuration.domains.get('xn--bcher-kva.example'), [connection])
  t.same(loaded.files, [join(folder, 'organizations'), join(folder, 'organizations/acme.yaml'), join(folder, 'portico.yaml')])
})

t.test('every fault in the main file is reported in its place, and nothing else (ten-different-mistakes among them)', async t => {
  for (const name of (await readdir(join(fixtures, 'main'))).filter(name => name.endsWith('.yaml'))) {
    const folder = t.testdir()
    await cp(join(fixtures, 'main'), folder, { recursive: true })
    const text = await readFile(join(folder, name), 'utf8')
    await mkdir(join(folder, 'folder'))
    await writeFiles(folder, { 'organizations/acme.yaml': goodOrganization })
    const loaded = await loadConfiguration({ file: join(folder, name), env })
    t.same(places(loaded).sort(), marks(name, text).sort(), name)
    t.ok(readable(loaded), `${name}: every line says place, problem and remedy`)
    t.equal(loaded.configuration, undefined, `${name}: refused`)
    if (name === 'ten-different-mistakes.yaml') t.equal(loaded.problems.length, 10, 'ten of ten')
  }
})

t.test('every fault in an organization is reported in its place, and nothing else (N3)', async t => {
  for (const name of await readdir(join(fixtures, 'organization'))) {
    const text = await readFile(join(fixtures, 'organization', name), 'utf8')
    const folder = t.testdir({ 'portico.yaml': good, organizations: { 'acme.yaml': text } })
    const loaded = await loadConfiguration({ file: join(folder, 'portico.yaml'), env })
    t.same(places(loaded).sort(), marks('acme.yaml', text).sort(), name)
    t.ok(readable(loaded), `${name}: every line says place, problem and remedy`)
    t.equal(loaded.configuration, undefined, `${name}: refused`)
  }
})

t.test('N4 M5 what only shows over organizations together, and a bad file hides nothing in the others', async t => {
  for (const name of await readdir(join(fixtures, 'together'))) {
    const folder = join(fixtures, 'together', name)
    const files = ['portico.yaml', ...(await readdir(join(folder, 'organizations'))).map(file => `organizations/${file}`)]
    const expected = await Promise.all(files.map(async file => marks(file, await readFile(join(folder, file), 'utf8'))))
    const loaded = await loadConfiguration({ file: join(folder, 'portico.yaml'), env })
    t.same(places(loaded).sort(), expected.flat().sort(), name)
    t.equal(loaded.configuration, undefined, `${name}: one bad organization refuses the whole`)
    const sorted = loaded.problems.map(({ file, line }) => `${file}:${String(line).padStart(4)}`)
    t.same(sorted, sorted.toSorted(), `${name}: sorted by place`)
  }
})

t.test('an organization may only lower how many sessions one person has at once', async t => {
  const load = (gateway: string, own: string) => loadConfiguration({
    file: join(t.testdir({ 'portico.yaml': `${good}${gateway}\n`, organizations: { 'acme.yaml': `session: { ${own} }\n${goodOrganization}` } }), 'portico.yaml'), env
  })
  const most = async (gateway: string, own: string) => (await load(gateway, own)).configuration?.organizations.get('acme')?.session.concurrent
  t.equal(await most('', 'idle: 1h'), undefined)
  t.equal(await most('', 'concurrent: 2'), 2)
  t.equal(await most('session: { concurrent: 3 }', 'idle: 1h'), 3)
  t.equal(await most('session: { concurrent: 3 }', 'concurrent: 3'), 3)
  t.same(places(await load('session: { concurrent: 3 }', 'concurrent: 4')), ['acme.yaml:1 session.concurrent'])
})

t.test('misspelt words are recognised', async t => {
  const folder = t.testdir({
    'portico.yaml': good.replace('keys:', 'kyes:').replace('public:', 'publik:'),
    organizations: { 'acme.yaml': goodOrganization.replace('oidc', 'odic').replace('status: active', 'status: activ').replace('client_id', 'clientId') }
  })
  const { problems } = await loadConfiguration({ file: join(folder, 'portico.yaml'), env })
  t.same(problems.map(({ remedy }) => /did you mean '?(\w+)'?\?/.exec(remedy)?.[1]), ['oidc', 'active', 'client_id', 'keys', 'public'])
})

t.test('both places of a duplicate key are named', async t => {
  const folder = t.testdir({ 'portico.yaml': `${good}auth_url: https://other.example.com\n`, organizations: { 'acme.yaml': goodOrganization } })
  const { problems } = await loadConfiguration({ file: join(folder, 'portico.yaml'), env })
  t.equal(problems.length, 1)
  t.match(problems[0], { line: 10, column: 1, path: 'auth_url', message: /line 1, column 1/ })
})

t.test('files that are no configuration have a known outcome', async t => {
  const organizations = { 'acme.yaml': goodOrganization }
  const bomb = `a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [${Array(10).fill(`*a${index}`).join(',')}]`).join('\n')}\n`
  const files: Record<string, string | Buffer> = {
    'empty.yaml': '',
    'comments.yaml': '# nothing\n',
    'scalar.yaml': 'hello',
    'binary.yaml': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3]),
    'utf16.yaml': Buffer.from('auth_url: https://auth.example.com\n', 'utf16le'),
    'latin1.yaml': Buffer.from('auth_url: "\xe4"\n', 'latin1'),
    'huge.yaml': `# ${'x'.repeat(1024 * 1024)}\n${good}`,
    'deep.yaml': '['.repeat(100_000),
    'deep-block.yaml': Array.from({ length: 5_000 }, (_, index) => `${' '.repeat(index)}a:`).join('\n'),
    'bomb.yaml': bomb,
    'self.yaml': 'apps: &a\n  x: *a\n',
    'aliases.yaml': `${good.replace('/favicon.ico', '&a /favicon.ico').replace('/assets/*', Array(200).fill('*a').join(', '))}`,
    'tags.yaml': '!!js/function "x"\n'
  }
  const folder = t.testdir({ organizations, directory: {} })
  await writeFiles(folder, files)
  for (const name of [...Object.keys(files), 'missing.yaml', 'directory', 'organizations/acme.yaml/x']) {
    const loaded = await loadConfiguration({ file: join(folder, name), env })
    t.equal(loaded.configuration, undefined, `${name} is refused`)
    t.ok(loaded.problems.length > 0 && loaded.problems.length < 200 && readable(loaded), `${name}: readable problems`)
  }
  const withMark = await loadConfiguration({ file: join(t.testdir({ 'portico.yaml': `\ufeff${good}`, organizations }), 'portico.yaml'), env })
  t.same(withMark.problems, [], 'a byte order mark is no problem')
})

t.test('M1 a file torn at any byte is refused or means what it says, and never throws', async t => {
  const folder = t.testdir({ 'portico.yaml': good, organizations: {} })
  const load = createLoader({ file: join(folder, 'portico.yaml'), env })
  const bytes = Buffer.from(goodOrganization)
  for (let length = 0; length < bytes.length - 1; length++) {
    await writeFiles(folder, { 'organizations/acme.yaml': bytes.subarray(0, length) })
    const loaded = await load()
    if (loaded.configuration !== undefined) t.fail(`taken at ${length} bytes`)
    if (!readable(loaded)) t.fail(`unreadable at ${length} bytes`)
  }
  t.pass('all refused')
})

t.test('a loader that goes on from what it knows says what a new one says', async t => {
  const folder = t.testdir({ 'portico.yaml': good, secrets: { acme: 'one', other: 'one' } })
  const options = { file: join(folder, 'portico.yaml'), env, now: () => 1_800_000_000 }
  const customer = (connection: string, secret: string, ...lines: string[]): string => [
    'name: Acme', `login_hosts: ["https://${connection.replaceAll('_', '-')}.example.com"]`, 'connections:', `  ${connection}:`, '    connector: oidc',
    '    discovery_url: https://idp.example/', '    client_id: x', `    client_secret: { file: ../secrets/${secret} }`, ...lines.map(line => `    ${line}`)
  ].join('\n')
  const path = (name: string): string => `organizations/${name}.yaml`
  const active = ['status: active', 'domains: [acme.example]']
  // each after the one before: what is written, and what is removed
  const steps: readonly (readonly [string, Readonly<Record<string, string>>, ...string[]])[] = [
    ['the first', { [path('acme')]: customer('acme', 'acme', ...active), [path('beta')]: customer('beta', 'other', 'domains: [acme.example, beta.example]'), [path('gamma')]: customer('gamma', 'other', 'domains: [gamma.example]') }],
    ['nothing', {}],
    ['a name', { [path('acme')]: customer('acme', 'acme', ...active).replace('name: Acme', 'name: Other') }],
    ['another secret', { 'secrets/acme': 'two' }],
    ['no file of that name', { [path('acme')]: customer('acme', 'gone', ...active) }],
    ['still none', { [path('gamma')]: customer('gamma', 'other', 'domains: [gamma.example]', 'status: active') }],
    ['there it is', { 'secrets/gone': 'three' }],
    ['who shares a domain', { [path('beta')]: customer('beta', 'other', 'domains: [acme.example, beta.example]', 'client_secret_expires: 2027-02-01') }],
    ['another domain', { [path('beta')]: customer('beta', 'other', 'domains: [beta.example, beta2.example]') }],
    ['a date', { [path('beta')]: customer('beta', 'other', 'domains: [beta.example]', 'activate_at: 2027-05-01') }],
    ['another connection', { [path('beta')]: customer('beta_two', 'other', 'domains: [beta.example]') }],
    ['two claim one domain', { [path('gamma')]: customer('gamma', 'other', 'domains: [acme.example]', 'status: active') }],
    ['they no longer do', { [path('gamma')]: customer('gamma', 'other', 'domains: [gamma.example]', 'dangerously_allow_http: true') }],
    ['one is gone, one has come', { [path('zeta')]: customer('zeta', 'acme', 'domains: [zeta.example]') }, path('beta')],
    ['shorter sessions for all', { 'portico.yaml': `${good}session: { idle: 1h, absolute: 2h }\n` }],
    ['a name that is no id', { [path('Delta')]: customer('delta', 'acme', 'domains: [delta.example]') }],
    ['another name again', {}, path('Delta')]
  ]
  const goOn = createLoader(options)
  const outcomes = new Set<string>()
  for (const [name, written, ...removed] of steps) {
    await writeFiles(folder, written)
    for (const file of removed) await rm(join(folder, file))
    const stirred = [...Object.keys(written), ...removed].map(file => join(folder, file))
    const [going, fresh] = [await goOn(new Set(stirred)), await loadConfiguration(options)]
    t.same(comparable(going), comparable(fresh), name)
    if (going.configuration !== undefined) t.ok(deeplyFrozen(going.configuration), `${name}: frozen`)
    t.equal((await goOn(new Set())).version, fresh.version, `${name}: and again`)
    outcomes.add(fresh.configuration === undefined ? 'refused' : fresh.warnings.length > 0 ? 'warned' : 'taken')
  }
  t.same([...outcomes].sort(), ['refused', 'taken', 'warned'], 'all that there is was tried')
})

t.test('whatever changes, and however the time goes, a loader that goes on says what a new one says', async t => {
  const seed = Number(process.env.PORTICO_TEST_SEED ?? Date.now() % 1_000_000)
  let state = seed
  /** A whole number below `limit`. */
  const below = (limit: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor(state / 65_536) % limit
  }
  const one = <T>(of: readonly [T, ...T[]]): T => of[below(of.length)] ?? of[0]
  const some = (of: readonly string[], most: number): string => Array.from({ length: below(most + 1) }, () => of[below(of.length)]).join(', ')
  const domains = ['a.example', 'b.example', 'B.example', 'c.example', 'd.example', 'e.example', 'f.example', 'g.example', 'h.example']
  const hosts = ['https://a.example', 'https://b.example', 'https://auth.example.com', 'https://d.example', 'http://e.example', 'https://f.example', 'https://g.example', 'https://h.example']
  const dates = ['2027-01-15T08:00:10Z', '2027-01-15T09:00:00Z', '2027-01-16T08:00:00Z', '2027-02-01', '2027-03-17T08:00:00Z', '2027-03-20', '2027-06-01'] as const
  const start = 1_800_000_000
  let moment = start

  const connection = (id: string, before: string | undefined): string => {
    const lines = [
      `    connector: ${below(12) === 0 ? 'goggle' : 'oidc'}`, '    discovery_url: https://idp.example/', '    client_id: x', `    client_secret: { file: ../secrets/${below(9) === 0 ? 'gone' : one(['one', 'two'])} }`,
      `    status: ${one(['active', 'active', 'testing', 'disabled'])}`, `    domains: [${some(domains, 3)}]`
    ]
    if (below(3) === 0) lines.push(`    accepts: [${some(domains, 2)}]`)
    if (below(3) === 0) lines.push(`    activate_at: ${one(dates)}`)
    if (below(3) === 0) lines.push(`    client_secret_expires: ${one(dates)}`)
    if (below(4) === 0) lines.push('    dangerously_allow_http: true')
    if (before !== undefined && below(2) === 0) lines.push(`    replaces: ${before}`)
    return [`  ${id}:`, ...lines].join('\n')
  }
  const customer = (name: string): string => {
    const ids = [...new Set([name, ...Array.from({ length: below(3) }, () => one(['north', 'south', 'east', 'west', `${name}_two`]))])]
    const members = one(['anyone', 'anyone', '{ invited: [ada@a.example, ada@a.example] }', '{ invited_file: ../list }'])
    return [`name: ${name} ${below(3)}`, `members: ${members}`, `login_hosts: [${some(hosts, 1)}]`, ...below(5) === 0 ? [`apps: [${one(['analytics', 'dashboard'])}]`] : [], 'connections:', ...ids.map((id, index) => connection(id, ids[index - 1]))].join('\n')
  }
  const quiet = (name: string): string => ['name: Quiet', 'connections:', connection(name, undefined).replace('goggle', 'oidc').replace(/domains:.*/, `domains: [${name}.example]`).replace('/gone', '/one').replace(/.*accepts.*\n/, '')].join('\n')

  const names = Array.from({ length: 8 }, (_, index) => `org${index}`)
  const folder = t.testdir({ 'portico.yaml': good, list: 'ada@a.example\n', secrets: { one: 'one', two: 'two' } })
  await writeFiles(folder, Object.fromEntries(names.map(name => [`organizations/${name}.yaml`, quiet(name)])))
  const options = { file: join(folder, 'portico.yaml'), env, now: () => moment }
  // what was written just now is read again whatever is told of it
  await setTimeout(2_500)
  const goOn = createLoader(options)
  await goOn()
  const outcomes = { refused: 0, taken: 0 }
  for (let step = 0; step < 120; step++) {
    const file = `organizations/${one(['org0', 'org1', 'org2', 'org3', 'org4', 'orgnew', 'Org'])}.yaml`
    const edits: readonly (() => Readonly<Record<string, string>> | undefined)[] = [
      () => ({ [file]: customer(basename(file, '.yaml').toLowerCase()) }),
      () => ({ [file]: customer(basename(file, '.yaml').toLowerCase()) }),
      () => ({ [file]: quiet(basename(file, '.yaml').toLowerCase()) }),
      () => undefined,
      () => undefined,
      () => ({ [`secrets/${one(['one', 'two', 'gone'])}`]: `${below(9)}` }),
      () => ({ list: one(['ada@a.example\n', 'no address\nada@b.example\n', '']) }),
      () => ({ 'portico.yaml': one([good, good, good.replace('http', 'ftp'), `${good}session: { idle: 1h, absolute: 2h }\n`, good.replace('auth.example.com', 'h.example')]) }),
      () => ({})
    ]
    const isMended = below(6) === 0
    const written = isMended ? { ...Object.fromEntries(names.map(name => [`organizations/${name}.yaml`, quiet(name)])), 'portico.yaml': good, list: 'ada@a.example\n' } : edits[below(edits.length)]?.()
    const removed = isMended ? ['organizations/orgnew.yaml', 'organizations/Org.yaml'] : written === undefined ? [file] : []
    for (const name of removed) await rm(join(folder, name), { force: true })
    await writeFiles(folder, written ?? {})
    if (below(2) === 0) moment += one([60, 3_600, 86_400, 86_400, -3_600])
    if (below(20) === 0) moment = start
    const stirred = new Set([...removed, ...Object.keys(written ?? {})].map(name => join(folder, name)))
    const [going, fresh] = [await goOn(below(9) === 0 ? undefined : stirred), await loadConfiguration(options)]
    outcomes[fresh.configuration === undefined ? 'refused' : 'taken']++
    // nothing more to be learned from what follows
    if (!t.same(comparable(going), comparable(fresh), `step ${step}, PORTICO_TEST_SEED=${seed}`)) break
  }
  t.ok(outcomes.refused > 10 && outcomes.taken > 10, `both were tried: ${JSON.stringify(outcomes)}`)
})

t.test('what changed one by one takes its place in the tables, until they are made anew', async t => {
  const names = Array.from({ length: 130 }, (_, index) => `org${1_000 + index}`)
  const customer = (id: string, name: string): string =>
    [`name: ${name}`, `login_hosts: ["https://${id}.example"]`, 'connections:', `  ${id}: { connector: oidc, status: active, discovery_url: "https://idp.example/", client_id: x, client_secret: { file: ../secret }, domains: [${id}.example, ${id}.co.uk] }`].join('\n')
  const folder = t.testdir({ 'portico.yaml': good, secret: 'secret', organizations: Object.fromEntries(names.map(id => [`${id}.yaml`, customer(id, 'One')])) })
  const options = { file: join(folder, 'portico.yaml'), env }
  const load = createLoader(options)
  await load()
  const amended: number[] = []
  for (const id of names) {
    await writeFiles(folder, { [`organizations/${id}.yaml`]: customer(id, 'Two') })
    const { configuration } = await load()
    amended.push(configuration?.organizations.amended?.values.size ?? 0)
    const connection = configuration?.connections.get(id)
    if (connection?.organization.name !== 'Two' || configuration?.loginHosts.get(`${id}.example`) !== connection.organization || configuration.domains.get(`${id}.co.uk`)?.[0] !== connection) t.fail(`${id} is not in its places`)
  }
  t.same(amended, names.map((_, index) => (index + 1) % 101), 'two hundred names at most')
  t.same(comparable(await load()), comparable(await loadConfiguration(options)))
})

t.test('tables do not grow with what comes and goes again, nor hold up anything for somebody with many domains', async t => {
  const customer = (...domains: string[]): string =>
    `name: Acme\nconnections:\n  acme: { connector: oidc, discovery_url: "https://idp.example/", client_id: x, client_secret: { file: ../secret }, domains: [${domains.join(', ')}] }`
  const folder = t.testdir({ 'portico.yaml': good, secret: 'secret', organizations: { 'acme.yaml': customer('a.example') } })
  const options = { file: join(folder, 'portico.yaml'), env }
  const load = createLoader(options)
  await load()
  let loaded: Loaded | undefined
  for (let round = 0; round < 20; round++) {
    await writeFiles(folder, { 'organizations/acme.yaml': customer('a.example', `b${round}.example`) })
    loaded = await load()
  }
  t.same([...loaded?.configuration?.domains.keys() ?? []].sort(), ['a.example', 'b19.example'])
  t.equal(loaded?.configuration?.domains.amended?.values.size, 2)
  await writeFiles(folder, { 'organizations/acme.yaml': customer(...Array.from({ length: 300 }, (_, index) => `c${index}.example`)) })
  loaded = await load()
  t.same([loaded.configuration?.domains.size, loaded.configuration?.domains.amended], [300, undefined], 'made anew, in slices')
})

t.test('M6 a file that is gone is not remembered as it was', async t => {
  const folder = t.testdir({ 'portico.yaml': good, secrets: { one: 'one' } })
  const options = { file: join(folder, 'portico.yaml'), env }
  const organization = (name: string): string => `name: ${name}\nconnections:\n  beta: { connector: oidc, discovery_url: "https://idp.example/", client_id: x, client_secret: { file: ../secrets/one }, domains: [${name.toLowerCase()}.example] }\n`
  await writeFiles(folder, { 'organizations/beta.yaml': organization('Beta') })
  // so old that what was read counts as known
  await setTimeout(2_200)
  const load = createLoader(options)
  const look = async (what: string, ...stirred: string[]): Promise<void> => {
    const [going, fresh] = [await load(new Set(stirred.map(name => join(folder, name)))), await loadConfiguration(options)]
    t.equal(going.configuration, undefined, what)
    t.same([going.version, places(going)], [fresh.version, places(fresh)], what)
  }
  t.same(places(await load()), [])
  await rm(join(folder, 'secrets/one'))
  await look('gone', 'secrets/one')
  await look('the second reading')
  await writeFiles(folder, { 'organizations/beta.yaml': organization('Other') })
  await look('its organization is edited', 'organizations/beta.yaml')
  await writeFiles(folder, { 'organizations/more.yaml': organization('More').replace('beta:', 'more:') })
  await look('another one refers to it', 'organizations/more.yaml')
  await mkdir(join(folder, 'secrets/one'))
  await look('a folder', 'secrets/one')
  await look('still one', 'organizations/more.yaml')
})

t.test('what was written twice is read twice, however it looked before', async t => {
  const folder = t.testdir({ 'portico.yaml': good, organizations: { 'acme.yaml': goodOrganization } })
  const path = join(folder, 'organizations/acme.yaml')
  const load = createLoader({ file: join(folder, 'portico.yaml'), env })
  const nameAfter = async (text: string): Promise<string | undefined> => {
    await writeFiles(folder, { 'organizations/acme.yaml': text })
    return (await load(new Set([path]))).configuration?.organizations.get('acme')?.name
  }
  // so long that the clock of its file system tells the next change from this one: the file is read once, unless something is heard of it
  await setTimeout(2_500)
  await load()
  t.equal(await nameAfter(goodOrganization), 'Acme', 'the same once more')
  t.equal(await nameAfter(goodOrganization.replace('Acme', 'Other')), 'Other', 'then another')
  t.equal((await load(new Set())).configuration?.organizations.get('acme')?.name, 'Other', 'which stays')
  t.equal(await nameAfter(goodOrganization), 'Acme', 'and back')
})

t.test('an organizations folder that is gone, empty or without *.yaml is a problem; *.yml is warned about', async t => {
  const folder = t.testdir({ 'portico.yaml': good })
  const load = createLoader({ file: join(folder, 'portico.yaml'), env })
  t.same(places(await load()), ['portico.yaml:4 organizations'], 'gone')
  await mkdir(join(folder, 'organizations'))
  t.same(places(await load()), ['portico.yaml:4 organizations'], 'empty')
  await writeFiles(folder, { 'organizations/acme.yml': goodOrganization })
  const wrongName = await load()
  t.same(places(wrongName), ['portico.yaml:4 organizations'])
  t.equal(wrongName.warnings.length, 1)
  await writeFiles(folder, { 'organizations/acme.yaml': goodOrganization })
  t.ok((await load()).configuration)
})

t.test('warnings: literal secrets, dangerous settings, secrets that expire, whole public apps', async t => {
  const now = Date.UTC(2027, 0, 1) / 1000
  const load = (expires: string) => loadConfiguration({
    file: join(t.testdir({
      'portico.yaml': `${good.replace('/assets/*', '/*').replace('{ env: PORTICO_KEY }', key(7))}dangerously_allow_http: true\ntrusted_proxies: [0.0.0.0/0]\n`,
      organizations: { 'acme.yaml': `${goodOrganization}    client_secret_expires: ${expires}\n    dangerously_trust_unverified_email: true\n` }
    }), 'portico.yaml'),
    env,
    now: () => now
  })
  const paths = ({ warnings }: Loaded): string[] => warnings.map(({ path }) => path).sort()
  const always = ['apps.analytics.public[1]', 'connections.acme.dangerously_trust_unverified_email', 'dangerously_allow_http', 'keys[0]', 'trusted_proxies[0]']
  const expiring = [...always, 'connections.acme.client_secret_expires'].sort()
  for (const [date, expected] of [['2027-05-01', always], ['2027-02-28', expiring], ['2026-12-31T23:59:59+02:00', expiring]] as const) {
    const loaded = await load(date)
    t.ok(loaded.configuration, 'warnings refuse nothing')
    t.same(paths(loaded), expected, date)
    t.notOk(loaded.warnings.some(warning => formatProblem(warning, '/').includes(key(7))), 'the secret is not repeated')
  }
})

t.test('Redis: one server, Sentinels, or a Cluster', async t => {
  const load = async (store: string) => {
    const folder = t.testdir({ 'portico.yaml': good.replace(/^store:.*\n/m, '').replace(/^keys:/m, `store: ${store}\nkeys:`), organizations: { 'acme.yaml': goodOrganization }, password: 'a password\n' })
    const { configuration, problems, warnings } = await loadConfiguration({ file: join(folder, 'portico.yaml'), env })
    t.same(problems, [], store)
    return { store: configuration?.store, warned: warnings.map(({ path }) => path) }
  }
  t.same(await load('{ kind: redis, url: { env: REDIS_URL } }'), {
    store: {
      kind: 'redis',
      through: 'server',
      addresses: [{ host: '127.0.0.1', port: 6379 }],
      master: undefined,
      database: 0,
      username: 'portico',
      password: 'a password',
      sentinelUsername: undefined,
      sentinelPassword: undefined,
      tls: undefined,
      prefix: 'portico'
    },
    warned: []
  })
  t.match(await load('{ kind: redis, url: "redis://redis.internal:6380/3" }'), { store: { addresses: [{ host: 'redis.internal', port: 6380 }], database: 3 }, warned: [] }, 'a literal is fine')
  t.match(await load('{ kind: redis, url: "rediss://:secret@redis.internal" }'), { store: { password: 'secret', tls: { ca: undefined } }, warned: ['store.url'] }, 'but for a password in it')
  t.match(await load('{ kind: redis, url: "redis://redis.internal", password: { file: password } }'), { store: { password: 'a password' }, warned: ['store.url'] }, 'a password in the clear')
  t.match(await load('{ kind: redis, sentinels: ["redis://10.0.0.7", "redis://[fd00::7]:26380"], master: mymaster, prefix: eu }'), {
    store: { through: 'sentinels', addresses: [{ host: '10.0.0.7', port: 26_379 }, { host: 'fd00::7', port: 26_380 }], master: 'mymaster', prefix: 'eu' }, warned: []
  })
  t.match(await load('{ kind: redis, cluster: ["rediss://10.0.0.7"], tls: { server_name: redis.internal } }'), {
    store: { through: 'cluster', addresses: [{ port: 6379 }], tls: { serverName: 'redis.internal' } }, warned: []
  })
})

t.test('M6 secrets by file: a rotated key ring is read anew, line breaks at the end are dropped', async t => {
  const folder = t.testdir({
    'portico.yaml': good.replace('- { env: PORTICO_KEY }', '- { file: ./secrets/new }\n  - { file: ./secrets/old }'),
    secrets: { new: `${key(1)}\n`, old: `${key(2)}\r\n` },
    organizations: { 'acme.yaml': goodOrganization.replace('{ env: ACME_SECRET }', '{ file: ../secrets/acme }') }
  })
  await writeFiles(folder, { 'secrets/acme': ' spaces stay \n' })
  const load = createLoader({ file: join(folder, 'portico.yaml'), env: {} })
  const first = await load()
  t.same(first.configuration?.keys, [key(1), key(2)].map(text => Buffer.from(text, 'base64')))
  t.equal(first.configuration?.connections.get('acme')?.clientSecret, ' spaces stay ')
  await writeFiles(folder, { 'secrets/new': key(3), 'secrets/old': key(1) })
  const second = await load()
  t.same(second.configuration?.keys, [key(3), key(1)].map(text => Buffer.from(text, 'base64')))
  t.not(second.version, first.version, 'the version covers secret files')
  t.ok(['acme', 'new', 'old'].every(name => second.files.includes(join(folder, 'secrets', name))), 'secret files are watched')
  await writeFiles(folder, { 'secrets/old': '\n' })
  t.same(places(await load()), ['portico.yaml:4 keys[1].file'], 'an emptied secret is a problem')
})

t.test('N13 the fingerprint changes with what trust rests on, and with nothing else', async t => {
  const of = async (organization: string): Promise<string | undefined> => {
    const folder = t.testdir({ 'portico.yaml': good, organizations: { 'acme.yaml': organization } })
    const connection = (await loadConfiguration({ file: join(folder, 'portico.yaml'), env: { ...env, OTHER: 'other' } })).configuration?.connections.get('acme')
    return connection === undefined ? undefined : trustOf(connection, 0)
  }
  const base = await of(goodOrganization)
  t.type(base, 'string')
  const same: Record<string, string> = {
    'rotated secret': goodOrganization.replace('ACME_SECRET', 'OTHER'),
    name: goodOrganization.replace('name: Acme', 'name: Other').replace('connector: oidc', 'connector: oidc\n    name: Sign in'),
    'issuer instead of its slash form': goodOrganization.replace('https://idp.example/', 'https://idp.example'),
    'well-known form': goodOrganization.replace('https://idp.example/', 'https://idp.example/.well-known/openid-configuration'),
    'domains in another order and spelling': goodOrganization.replace('[acme.example, Bücher.example]', '[xn--bcher-kva.example, ACME.example]'),
    scopes: `${goodOrganization}    scopes: [openid]\n`
  }
  for (const [name, text] of Object.entries(same)) t.equal(await of(text), base, `${name}: the same`)
  const different: Record<string, string> = {
    issuer: goodOrganization.replace('https://idp.example/', 'https://idp.example/tenant'),
    'client id': goodOrganization.replace('client_id: x', 'client_id: y'),
    domains: goodOrganization.replace('[acme.example, Bücher.example]', '[acme.example]'),
    status: goodOrganization.replace('status: active', 'status: disabled'),
    'e-mail claim': `${goodOrganization}    claims: { email: upn }\n`,
    'unverified e-mail': `${goodOrganization}    dangerously_trust_unverified_email: true\n`
  }
  const seen = new Set([base])
  for (const [name, text] of Object.entries(different)) {
    const fingerprint = await of(text)
    t.ok(fingerprint !== undefined && !seen.has(fingerprint), `${name}: another`)
    seen.add(fingerprint)
  }
})

t.test('an upstream has a pool of its own exactly where it needs one', async t => {
  const folder = t.testdir({
    'portico.yaml': `auth_url: https://auth.example.com
keys: [{ env: PORTICO_KEY }]
apps:
  a: { url: https://a.example.com, upstream: 'https://up.internal' }
  b: { url: https://b.example.com, upstream: { url: 'https://up.internal/', host_header: upstream } }
  c: { url: https://c.example.com, upstream: { url: 'https://up.internal', timeout: 5s } }
  d: { url: https://d.example.com, upstream: { url: 'https://up.internal', tls: { server_name: other.internal } } }
  e: { url: https://e.example.com, upstream: 'unix:./e.sock' }
  f: { url: https://f.example.com, upstream: { url: 'https://up.internal', tls: { ca: ca.pem } } }
`,
    organizations: { 'acme.yaml': goodOrganization }
  })
  await cp(join(fixtures, 'main/certificate.pem'), join(folder, 'ca.pem'))
  const { configuration, problems } = await loadConfiguration({ file: join(folder, 'portico.yaml'), env })
  t.same(problems, [])
  const [a, b, ...rest] = [...configuration?.places.values() ?? []].map(place => place.upstream)
  t.equal(a?.id, b?.id, 'another Host header shares the pool')
  t.equal(b?.hostHeader, 'up.internal')
  t.equal(new Set([a, ...rest].map(upstream => upstream?.id)).size, 5, 'timeout, server name, socket and authorities do not')
  t.match(a?.tls, { serverName: 'up.internal', ca: undefined })
  t.match(rest[2], { origin: 'http://localhost', socketPath: join(folder, 'e.sock') })
})
