import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { key, writeFiles } from '../config/support.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const portico = join(root, 'bin/portico.js')
const env = { PATH: process.env.PATH ?? '', PORTICO_KEY: key(1), DEMO_ACME_SECRET: 'a secret', DEMO_GLOBEX_SECRET: 'another', DEMO_INITECH_SECRET: 'a third' }

interface Result { status: number | null, out: string, err: string }

const run = (args: readonly string[], options: { cwd?: string, env?: Record<string, string>, node?: readonly string[] } = {}): Promise<Result> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...options.node ?? [], portico, ...args], { cwd: options.cwd ?? root, env: options.env ?? env })
    const result: Result = { status: null, out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => { result.out += text })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { result.err += text })
    child.on('error', reject).on('close', status => { resolve({ ...result, status }) })
  })

const lines = (text: string): string[] => text.split('\n').slice(0, -1)

const organization = `name: Acme
connections:
  acme:
    connector: odic
    domains: [gmail.com]
    discovery_url: https://idp.example
    client_id: x
    client_secret: literal secret
`
const main = `auth_url: https://auth.example.com
keys: [{ env: PORTICO_KEY }]
apps: {}
`

t.test('check: the shipped example is fine', async t => {
  const { status, out, err } = await run(['check'])
  t.equal(err, '')
  t.equal(out, 'fine: 4 organizations, 4 connections, 3 apps\n')
  t.equal(status, 0)
})

t.test('check: every problem and warning in a line of its own, status 1', async t => {
  const folder = t.testdir({ config: { 'portico.yaml': main, organizations: { 'acme.yaml': organization } } })
  const { status, out, err } = await run(['check'], { cwd: folder })
  t.equal(status, 1)
  t.equal(err, '')
  const [first, second, warning, summary] = lines(out)
  t.match(first, /^config\/organizations\/acme\.yaml:4:16 connections\.acme\.connector: .+ — did you mean oidc\?$/)
  t.match(second, /^config\/organizations\/acme\.yaml:5:15 connections\.acme\.domains\[0\]: .+ — .+$/)
  t.match(warning, /^warning: config\/organizations\/acme\.yaml:8:20 connections\.acme\.client_secret: .+ — .+$/)
  t.equal(summary, '2 problems, 1 warning')
  t.notMatch(out, 'literal secret')
})

t.test('check --json: an array that a program can read', async t => {
  const folder = t.testdir({ 'portico.yaml': main, organizations: { 'acme.yaml': organization } })
  const { status, out } = await run(['check', '--json', '--config', 'portico.yaml'], { cwd: folder })
  t.equal(status, 1)
  t.match(JSON.parse(out), [
    { file: 'organizations/acme.yaml', line: 4, column: 16, path: 'connections.acme.connector', severity: 'problem', message: String, remedy: String },
    { line: 5, severity: 'problem' },
    { line: 8, severity: 'warning' }
  ])
  const fine = await run(['check', '--json'])
  t.same([fine.status, JSON.parse(fine.out)], [0, []])
})

t.test('check: a file that is not there', async t => {
  const { status, out, err } = await run(['check', '--config', 'nowhere/portico.yaml'], { cwd: t.testdir() })
  t.equal(status, 1)
  t.match(out, /nowhere\/portico\.yaml:1:1 is not there — /)
  t.notMatch(out + err, /at .*\.ts/)
})

t.test('keys new: base64 of 32 random bytes', async t => {
  const [first, second] = await Promise.all([run(['keys', 'new']), run(['keys', 'new', '--json'])])
  t.equal(first.status, 0)
  t.equal(Buffer.from(first.out.trim(), 'base64').length, 32)
  t.match(first.out, /^[A-Za-z0-9+/]{43}=\n$/)
  const parsed: unknown = JSON.parse(second.out)
  t.match(parsed, { key: /^[A-Za-z0-9+/]{43}=$/ })
  t.not(first.out, second.out)
  t.equal((await run(['keys', 'new', '--config', 'nowhere/portico.yaml'])).status, 0, 'every command takes --config')
})

t.test('wrong usage is one line and status 2', async t => {
  for (const [args, pattern] of [
    [['chekc'], /did you mean 'check'\?/],
    [['keys'], /did you mean 'keys new'\?/],
    [['check', '--jsn'], /--jsn/],
    [['check', '--config'], /--config/],
    [['check', '--config='], /--config/],
    [['check', 'more'], /check/],
    [['serve', '--json'], /--json/],
    [['links', '--test', '--json'], /--test/],
    [['x'.repeat(10_000)], /there is no command/]
  ] as const) {
    const { status, out, err } = await run(args)
    t.equal(status, 2, args.join(' ').slice(0, 80))
    t.equal(out, '')
    t.equal(lines(err).length, 1)
    t.match(err, pattern)
  }
  const nothing = await run([])
  t.equal(nothing.status, 2)
  t.match(nothing.err, /portico <command>/)
})

t.test('--help says what there is', async t => {
  const { status, out } = await run(['--help'])
  t.equal(status, 0)
  for (const word of ['serve', 'check', 'keys new', '--config', '--json']) t.match(out, word)
})

t.test('too old a Node: one line that says what to do, status 2', async t => {
  const folder = t.testdir()
  for (const version of ['12.22.12', '20.19.5', '22.17.1', '23.5.0']) {
    await writeFiles(folder, { 'older.cjs': `Object.defineProperty(process.versions, 'node', { value: '${version}' }); Object.defineProperty(process, 'version', { value: 'v${version}' })` })
    const { status, out, err } = await run(['check', '--json'], { node: ['--require', join(folder, 'older.cjs')] })
    t.equal(status, 2, version)
    t.equal(out, '')
    t.equal(lines(err).length, 1)
    t.match(err, `v${version}`)
    t.match(err, 'npm')
  }
  // Parsed before anything runs, so nothing newer than Node 12 may stand in them.
  for (const name of ['portico.js', 'node-version.js']) {
    t.notMatch(await readFile(join(root, 'bin', name), 'utf8'), /\?\.[a-z[(]|\?\?|^\s*await|'node:|import\.meta\.main/m, name)
  }
})

t.test('serve: a bad configuration is refused before anything listens', async t => {
  const folder = t.testdir({ 'portico.yaml': main, organizations: { 'acme.yaml': organization } })
  const { status, out, err } = await run(['serve', '--config', join(folder, 'portico.yaml')])
  t.equal(status, 1)
  t.equal(out, '')
  t.match(lines(err)[0], /acme\.yaml:4:16 connections\.acme\.connector: /)
  t.match(lines(err).at(-1), /not started: 2 problems/)
})
