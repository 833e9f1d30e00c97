import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { main } from '../../src/main.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import { key } from '../config/support.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Result { status: number | null, out: string, err: string }

const environment = { PATH: process.env['PATH'] ?? '', PORTICO_KEY: key(1), SECRET: 'the client secret' }

const argsOf = (args: readonly string[]): string[] => ['explain', '--config', 'portico.yaml', ...args]

/** Runs the program in `folder`, as an operator does. */
const runProgram = (folder: string, ...args: readonly string[]): Promise<Result> => new Promise((resolve, reject) => {
  const child = spawn(process.execPath, [join(root, 'bin/portico.js'), ...argsOf(args)], { cwd: folder, env: environment })
  const result: Result = { status: null, out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { result.out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { result.err += text })
  child.on('error', reject).on('close', status => { resolve({ ...result, status }) })
})

/** The same command line without a process of its own, which costs more than all the rest. */
const run = async (folder: string, ...args: readonly string[]): Promise<Result> => {
  const result: Result = { status: null, out: '', err: '' }
  const status = await main(argsOf(args), { env: environment, cwd: folder, out: text => { result.out += text }, err: text => { result.err += text } })
  return { ...result, status }
}

const mainFile = `auth_url: https://auth.example.com
keys: [{ env: PORTICO_KEY }]
store: { kind: sqlite, path: ./portico.db }
apps:
  analytics:
    url: https://analytics.example.com
    upstream: http://127.0.0.1:9101
    public: [/favicon.ico, /assets/*]
  reports:
    regions:
      us: { url: https://reports.example.com, upstream: http://127.0.0.1:9102 }
      eu: { url: https://reports-eu.example.com, upstream: http://127.0.0.1:9102 }
    groups: { acme: [staff] }
  portal:
    url: https://portal.example.com
    upstream: http://127.0.0.1:9103
    no_connection: { app_login: https://portal-login.example.com/ }
  wiki:
    url: https://wiki.example.com
    upstream: http://127.0.0.1:9104
    headers: oauth2-proxy
`

const oidc = (id: string, domains: string, more = '') => `  ${id}:
    connector: oidc
    domains: [${domains}]
    discovery_url: https://idp.${id.replaceAll('_', '-')}.example
    client_id: x
    client_secret: { env: SECRET }
${more}`

const files = {
  'portico.yaml': mainFile,
  organizations: {
    'acme.yaml': `name: Acme
apps: [analytics, reports, wiki]
default_role: viewer
login_hosts: [https://acme.example.com]
blocked: [mallory@acme.com]
connections:
${oidc('acme', 'acme.com, acme.co.uk', '    status: active\n    accepts: [acme.net]\n    groups: { rename: { g-17: staff } }\n')}`,
    'best.yaml': `name: Best
members: { invited_file: best.txt, blocked: [blocked@best.example] }
connections:
${oidc('best', 'best.example', '    status: active\n    matching: plus_alias\n')}`,
    'best.txt': '# our people\n\nami@best.example\nbob+cio@best.example\nBlocked@best.example\ncas+a@best.example\ncas+b@best.example\n',
    'later.yaml': `name: Later
connections:
${oidc('later_old', 'later.example', '    status: active\n')}${oidc('later_new', 'later.example', '    activate_at: 2098-12-01T08:00:00Z\n    replaces: later_old\n')}${oidc('later_soon', 'soon.example', '    activate_at: 2099-01-01T00:00:00Z\n')}`,
    'off.yaml': `name: Off
connections:
${oidc('off_testing', 'testing.example')}${oidc('off_disabled', 'disabled.example', '    status: disabled\n')}${oidc('off_old', 'replaced.example', '    status: active\n')}${oidc('off_new', 'other.example', '    status: active\n    replaces: off_old\n')}`
  }
}

/** A company whose provider speaks SAML: known beforehand is what will be read, and never what it sends. */
const samlFile = `name: Saml
apps: [analytics]
connections:
  saml_plain:
    connector: saml
    status: active
    domains: [plain.example]
    metadata_url: https://idp.plain.example/metadata
  saml_named:
    connector: saml
    activate_at: 2099-01-01T00:00:00Z
    domains: [named.example]
    metadata_url: https://idp.named.example/metadata
    attributes: { subject: employeeNumber, email: [workMail, mail], groups: teams }
`

/** What a step said and where, as `--json` has it. */
interface Told { readonly step: string, readonly file?: string, readonly line?: number, readonly path?: string }

const ask = async (folder: string, email: string, url: string): Promise<{ status: number | null, told: { steps: Told[], verdict: { outcome: string, code?: string }, later: unknown[], headers: { name: string, value: string, from: string }[] } }> => {
  const { status, out, err } = await run(folder, '--email', email, '--url', url, '--json')
  if (err !== '') throw new Error(err)
  return { status, told: JSON.parse(out) }
}

/** The text that a place points at: from its column to the end of the line. */
const pointedAt = async (folder: string, told: Told | undefined): Promise<string> => {
  const text = await readFile(join(folder, told?.file ?? ''), 'utf8')
  return text.split('\n')[(told?.line ?? 0) - 1] ?? ''
}

const stepOf = (steps: readonly Told[], name: string): Told | undefined => steps.find(({ step }) => step === name)

t.test('R14 every step of a sign-in that works, each with the line that decided, and the headers', async t => {
  const folder = t.testdir(files)
  const { status, told: { steps, verdict, headers, later } } = await ask(folder, 'Ada@ACME.com', 'https://analytics.example.com/reports?x=1')
  t.equal(status, 0)
  t.match(verdict, { outcome: 'sign_in', connection: 'acme' })
  t.same(later, [])
  t.same(steps.map(({ step }) => step), ['host', 'path', 'organization', 'connection', 'members', 'record', 'app'])
  for (const [name, file, path, line] of [
    ['host', 'portico.yaml', 'apps.analytics.url', 'url: https://analytics.example.com'],
    ['path', 'portico.yaml', 'apps.analytics.public', 'public: [/favicon.ico'],
    ['organization', 'organizations/acme.yaml', 'connections.acme.domains[0]', 'domains: [acme.com'],
    ['connection', 'organizations/acme.yaml', 'connections.acme.status', 'status: active'],
    ['app', 'organizations/acme.yaml', 'apps[0]', 'apps: [analytics']
  ] as const) {
    const step = stepOf(steps, name)
    t.match(step, { file, path }, name)
    t.match(await pointedAt(folder, step), line, name)
  }
  t.match(stepOf(steps, 'members'), { path: 'members', written: false }, 'a default is told from what is written')
  t.same(headers.map(({ name, value, from }) => [name, value, from]), [
    ['X-Auth-User', '{member id}', 'sign-in'],
    ['X-Auth-Email', 'ada@acme.com', 'question'],
    ['X-Auth-Name', '{name}', 'provider'],
    ['X-Auth-Groups', '{groups}', 'provider'],
    ['X-Auth-Organization', 'acme', 'configuration'],
    ['X-Auth-Connection', 'acme', 'configuration'],
    ['X-Auth-Role', 'viewer', 'configuration'],
    ['X-Auth-New-User', 'true', 'store'],
    ['X-Auth-Assertion', '{assertion}', 'sign-in']
  ])
  t.notOk(existsSync(join(folder, 'portico.db')), 'no database is made')
  t.match((await ask(folder, 'ada@acme.com', 'https://wiki.example.com/')).told.headers.map(({ name }) => name), ['X-Forwarded-User', 'X-Forwarded-Email'], 'in the app’s own dialect')
  const text = await runProgram(folder, '--email', 'ada@acme.com', '--url', 'https://analytics.example.com/')
  t.match(text, { status: 0, out: /^connection +acme \(oidc\) is active\n +organizations\/acme\.yaml:\d+:\d+ connections\.acme\.status$/m })
  t.match(text.out, /^verdict +yes: /m)
  t.notMatch(text.out, 'the client secret')
})

t.test('R2 R14 R18 R19 R20 R25 whoever would not get in: the code they would see, and the line that says so', async t => {
  const folder = t.testdir(files)
  for (const [email, url, code, step, path, line] of [
    ['ada@acme.com', 'https://nowhere.example.com/', 'PORTICO_UNKNOWN_HOST', 'host', 'apps', 'apps:'],
    ['ada@acme.com', 'https://analytics.example.com/.portico/x', 'PORTICO_NOT_FOUND', 'path', undefined, undefined],
    ['ada@unknown.example', 'https://analytics.example.com/', 'PORTICO_NO_CONNECTION', 'organization', undefined, undefined],
    ['ada@sub.acme.com', 'https://analytics.example.com/', 'PORTICO_NO_CONNECTION', 'organization', undefined, undefined],
    ['ada@acme.net', 'https://analytics.example.com/', 'PORTICO_NO_CONNECTION', 'organization', 'connections.acme.accepts[0]', 'accepts: [acme.net]'],
    ['ada@testing.example', 'https://analytics.example.com/', 'PORTICO_NO_CONNECTION', 'connection', 'connections.off_testing.status', undefined],
    ['ada@disabled.example', 'https://analytics.example.com/', 'PORTICO_NO_CONNECTION', 'connection', 'connections.off_disabled.status', 'status: disabled'],
    ['ada@replaced.example', 'https://analytics.example.com/', 'PORTICO_NO_CONNECTION', 'connection', 'connections.off_new.replaces', 'replaces: off_old'],
    ['ada@soon.example', 'https://analytics.example.com/', 'PORTICO_NO_CONNECTION', 'connection', 'connections.later_soon.activate_at', 'activate_at: 2099-01-01'],
    ['mallory@acme.com', 'https://analytics.example.com/', 'PORTICO_MEMBER_BLOCKED', 'members', 'blocked[0]', 'blocked: [mallory'],
    ['blocked@best.example', 'https://analytics.example.com/', 'PORTICO_MEMBER_BLOCKED', 'members', 'members.blocked[0]', 'members: { invited_file'],
    ['zoe@best.example', 'https://analytics.example.com/', 'PORTICO_NOT_INVITED', 'members', 'members.invited_file', 'members: { invited_file'],
    ['ami+x@best.example', 'https://analytics.example.com/', 'PORTICO_NOT_INVITED', 'members', 'members.invited_file', 'members: { invited_file'],
    ['ada@acme.com', 'https://portal.example.com/', 'PORTICO_APP_NOT_ALLOWED', 'app', 'apps', 'apps: [analytics'],
    ['ada@other.example', 'https://acme.example.com/', 'PORTICO_EMAIL_DOMAIN', 'address', 'connections.acme.domains', 'domains: [acme.com'],
    ['ada@testing.example', 'https://auth.example.com/login/off_testing', 'PORTICO_NO_CONNECTION', 'connection', 'connections.off_testing.status', undefined]
  ] as const) {
    const label = `${email} at ${url}`
    const { status, told: { steps, verdict, headers } } = await ask(folder, email, url)
    t.equal(status, 1, label)
    t.match(verdict, { outcome: 'refused', code }, label)
    t.same(headers, [], label)
    t.equal(stepOf(steps, step)?.path, path, label)
    if (line !== undefined) t.match(await pointedAt(folder, stepOf(steps, step)), line, label)
  }
  const text = await runProgram(folder, '--email', 'zoe@best.example', '--url', 'https://analytics.example.com/')
  t.match(text, { status: 1, out: /^verdict +no: PORTICO_NOT_INVITED/m, err: '' })
})

t.test('R20 which invited address somebody comes in as, and its line in the file', async t => {
  const folder = t.testdir(files)
  for (const [email, line, pattern] of [
    ['ami@best.example', 3, /ami@best\.example is invited/],
    ['bob@best.example', 4, /comes in as bob\+cio@best\.example/],
    ['cas@best.example', 6, /cas\+a@best\.example or cas\+b@best\.example: the person is asked/]
  ] as const) {
    const { status, told: { steps, verdict } } = await ask(folder, email, 'https://analytics.example.com/')
    t.equal(status, 0, email)
    t.match(verdict, { outcome: 'sign_in' })
    t.match(stepOf(steps, 'members'), { file: 'organizations/best.txt', line, says: pattern })
  }
  t.match((await ask(folder, 'bob@best.example', 'https://analytics.example.com/')).told.headers, [{}, { name: 'X-Auth-Email', value: 'bob@best.example' }, { name: 'X-Auth-Member', value: 'bob+cio@best.example' }])
})

t.test('R10 what later dates bring', async t => {
  const folder = t.testdir(files)
  const replaced = await ask(folder, 'ada@later.example', 'https://analytics.example.com/')
  t.match(replaced, { status: 0, told: { verdict: { connection: 'later_old' }, later: [{ at: '2098-12-01T08:00:00Z', verdict: { outcome: 'sign_in', connection: 'later_new' } }] } })
  const soon = await ask(folder, 'ada@soon.example', 'https://analytics.example.com/')
  t.match(soon, { status: 1, told: { later: [{ at: '2099-01-01T00:00:00Z', verdict: { outcome: 'sign_in', connection: 'later_soon' } }] } })
  const link = await ask(folder, 'ada@later.example', 'https://auth.example.com/login/later_old?app=wiki')
  t.match(link, { status: 0, told: { verdict: { connection: 'later_old' }, later: [{ verdict: { connection: 'later_new' } }] } })
})

t.test('R10 check says what each later date brings, for people; --json stays an array of problems', async t => {
  const check = async (folder: string, ...more: readonly string[]): Promise<{ status: number, out: string }> => {
    let out = ''
    const status = await main(['check', '--config', 'portico.yaml', ...more], { env: environment, cwd: folder, out: text => { out += text }, err: text => { out += text } })
    return { status, out }
  }
  const folder = t.testdir({ ...files, organizations: { ...files.organizations, 'off.yaml': 'name: Off\nconnections: {}\n' } })
  t.same(await check(folder), {
    status: 0,
    out: `2098-12-01T08:00:00Z: later_new becomes active, later_old is off; later.example moves to later_new
2099-01-01T00:00:00Z: later_soon becomes active; soon.example signs in at later_soon
fine: 4 organizations, 5 connections, 4 apps
`
  })
  t.same(await check(folder, '--json'), { status: 0, out: '[]\n' })
  const clash = t.testdir({
    ...files, organizations: { 'acme.yaml': `name: A\nconnections:\n${oidc('one', 'acme.com', '    status: active\n')}`, 'best.yaml': `name: B\nconnections:\n${oidc('two', 'acme.com', '    activate_at: 2099-01-01\n')}` }
  })
  const { status, out } = await check(clash)
  t.equal(status, 1)
  t.match(out, /2099-01-01/, 'a clash at a later date is a problem now')
  t.notMatch(out, 'becomes active', 'and of a file that is refused nothing is foretold')
})

t.test('R18 R31 public pages, an app’s own login, sign-in pages, links, regions, groups', async t => {
  const folder = t.testdir(files)
  t.match(await ask(folder, 'ada@unknown.example', 'https://analytics.example.com/assets/a.css'), { status: 0, told: { verdict: { outcome: 'public' }, steps: [{}, { path: 'apps.analytics.public[1]' }], headers: [] } })
  t.match(await ask(folder, 'ada@unknown.example', 'https://portal.example.com/'), { status: 0, told: { verdict: { outcome: 'app_login', says: /portal-login\.example\.com/ } } })
  t.match(await ask(folder, 'ada@acme.co.uk', 'https://acme.example.com/'), { status: 0, told: { verdict: { connection: 'acme' }, steps: [{ file: 'organizations/acme.yaml', path: 'login_hosts[0]' }] } })
  t.match(await ask(folder, 'ada@acme.net', 'https://auth.example.com/login/acme?app=analytics'), { status: 0, told: { verdict: { connection: 'acme' }, headers: [{ name: 'X-Auth-User' }] } })
  const grouped = await ask(folder, 'ada@acme.com', 'https://reports-eu.example.com/')
  t.match(grouped, { status: 0, told: { verdict: { says: /if one of their groups is staff/ } } })
  t.match(stepOf(grouped.told.steps, 'host'), { path: 'apps.reports.regions.eu.url' })
  t.match(stepOf(grouped.told.steps, 'groups'), { path: 'apps.reports.groups.acme', says: /at the provider: g-17, staff\)/ })
})

t.test('R7 R14 R16 a connection that speaks SAML: its standing, the attributes that will be read, and the headers', async t => {
  const folder = t.testdir({ ...files, organizations: { ...files.organizations, 'saml.yaml': samlFile } })
  const { status, told: { steps, verdict, headers } } = await ask(folder, 'ada@plain.example', 'https://analytics.example.com/')
  t.equal(status, 0)
  t.match(verdict, { outcome: 'sign_in', connection: 'saml_plain' })
  t.same(steps.map(({ step }) => step), ['host', 'path', 'organization', 'connection', 'attributes', 'members', 'record', 'app'])
  t.match(stepOf(steps, 'connection'), { says: 'saml_plain (saml) is active' })
  t.match(stepOf(steps, 'attributes'), { says: /by the NameID, .*subject-id.*emailaddress or email or mail \(or \d+ more\), else the NameID/, path: 'connections.saml_plain.attributes', written: false })
  t.match(headers, [{ name: 'X-Auth-User', value: '{member id}' }, { name: 'X-Auth-Email', value: 'ada@plain.example' }, { name: 'X-Auth-Name', value: '{name}' }, { name: 'X-Auth-Groups', value: '{groups}' }])

  const named = await ask(folder, 'ada@named.example', 'https://auth.example.com/login/saml_named?app=analytics')
  t.match(named, { status: 1, told: { verdict: { code: 'PORTICO_NO_CONNECTION' }, later: [{ at: '2099-01-01T00:00:00Z', verdict: { outcome: 'sign_in' } }] } })
  const active = t.testdir({ ...files, organizations: { ...files.organizations, 'saml.yaml': samlFile.replace('activate_at: 2099-01-01T00:00:00Z', 'status: active') } })
  const sign = stepOf((await ask(active, 'ada@named.example', 'https://analytics.example.com/')).told.steps, 'attributes')
  t.match(sign, { says: 'the account is recognised by employeeNumber; the e-mail is read from workMail or mail; groups from teams', path: 'connections.saml_named.attributes' })
  t.match(await pointedAt(active, sign), 'attributes: { subject')
})

t.test('R14 R25 what the store knows of them, read and never written', async t => {
  const folder = t.testdir(files)
  const path = join(folder, 'portico.db')
  const store = createSqliteStore({ path })
  const sign = async (organization: string, connection: string, email: string) => {
    const { member } = await store.claimMember({ organization, connection, subject: `s ${email}`, invited: undefined, email, name: undefined, groups: ['sales'] }, { takesOver: [], mint: () => `mbr_${email}`, now: 1_700_000_000 })
    return member.id
  }
  const id = await sign('acme', 'acme', 'known@acme.com')
  await store.blockMember(await sign('acme', 'acme', 'stopped@acme.com'), 1_700_000_001)
  await sign('off', 'off_testing', 'moved@acme.com')
  await sign('acme', 'acme_before', 'gone@acme.com')
  const taken = await sign('later', 'later_old', 'ada@later.example')
  const answers = async () => await Promise.all(['known', 'stopped', 'moved', 'gone'].map(async name => await ask(folder, `${name}@acme.com`, 'https://reports.example.com/')))
  // with the gateway running, and without
  for (const round of ['beside a running gateway', 'with nobody else']) {
    const [known, stopped, moved, gone] = await answers()
    t.equal(known?.status, 0, round)
    t.match(known?.told.headers, [{ name: 'X-Auth-User', value: id, from: 'store' }])
    t.notOk(known?.told.headers.some(({ name }) => name === 'X-Auth-New-User'))
    t.match(stepOf(known?.told.steps ?? [], 'groups'), { says: /the groups were sales, which would not do/ })
    t.match(stopped, { status: 1, told: { verdict: { code: 'PORTICO_MEMBER_BLOCKED' } } })
    t.match(moved, { status: 1, told: { verdict: { code: 'PORTICO_OTHER_ORGANIZATION' } } })
    t.match(gone, { status: 1, told: { verdict: { code: 'PORTICO_MEMBER_CONFLICT' } } })
    if (round === 'beside a running gateway') await store.close()
  }
  const later = await ask(folder, 'ada@later.example', 'https://analytics.example.com/')
  t.match(later, { told: { headers: [{ value: taken }], later: [{ verdict: { outcome: 'sign_in', connection: 'later_new' } }] } }, 'members go over with replaces')
  const again = createSqliteStore({ path })
  t.equal((await again.membersByEmail('known@acme.com'))[0]?.signedInAt, 1_700_000_000)
  await again.close()
  const broken = t.testdir({ ...files, 'portico.db': 'this is no database, and longer than the header of one would be: it is a text'.repeat(20) })
  const unreadable = await ask(broken, 'known@acme.com', 'https://analytics.example.com/')
  t.equal(unreadable.status, 0)
  t.match(stepOf(unreadable.told.steps, 'record'), { says: /^not known/ })
  t.match(unreadable.told.headers.find(({ name }) => name === 'X-Auth-New-User'), { from: 'sign-in' })
})

t.test('what is no question is wrong usage; what is wrong in the files is said', async t => {
  const folder = t.testdir(files)
  const url = 'https://analytics.example.com/'
  for (const args of [['--email', 'ada', '--url', url], ['--email', 'a@b@c.de', '--url', url], ['--email', 'ada@acme.com', '--url', 'analytics.example.com'], ['--email', 'ada@acme.com', '--url', 'https://'], ['--email', 'ada@acme.com'], ['--url', url]]) {
    const { status, out, err } = await run(folder, ...args)
    t.same([status, out], [2, ''], args.join(' '))
    t.match(err, /^portico: .+\n$/)
  }
  const broken = t.testdir({ ...files, 'portico.yaml': mainFile.replace('url: https://wiki', 'ulr: https://wiki') })
  const { status, out, err } = await run(broken, '--email', 'ada@acme.com', '--url', url)
  t.same([status, out], [1, ''])
  t.match(err, /^portico\.yaml:\d+:\d+ apps\.wiki/)
})
