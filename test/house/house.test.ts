import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { mustBeFree, PortTaken } from '../../demo/listen.ts'
import { runFile } from '../../scripts/test/run-file.ts'
import { createLoader } from '../../src/config/load.ts'

const run = promisify(execFile)

/** Runs one of bin/ on a Node that claims another version. */
const onNode = async (version: string, script: string, ...args: string[]): Promise<{ code: number, stdout: string, stderr: string }> => {
  const claim = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`
  return await run(process.execPath, ['--import', claim, script, ...args])
    .then(out => ({ code: 0, ...out }), (error: { code: number, stdout: string, stderr: string }) => error)
}

t.test('a script that finds itself on too old a Node says so in one line, with status 2', async t => {
  for (const [script, version] of [['bin/portico.js', '20.19.0'], ['bin/demo.js', '18.0.0'], ['bin/test.js', '22.17.1'], ['bin/portico.js', '23.5.0']] as const) {
    const { code, stdout, stderr } = await onNode(version, script)
    t.equal(code, 2, `${script} on ${version}`)
    t.equal(stdout, '')
    t.match(stderr, /^portico: wants Node 24[^\n]*npm [^\n]*\n$/)
  }
  for (const version of ['22.18.0', '23.6.0', '24.0.0', '26.1.0']) {
    t.match(await onNode(version, 'bin/portico.js', '--help'), { code: 0, stdout: /portico <command>/, stderr: '' }, version)
  }
})

t.test('the test command counts assertions, and what breaks otherwise is a failure', async t => {
  const tap = JSON.stringify(import.meta.resolve('tap'))
  const folder = t.testdir({
    'good.mjs': `import t from ${tap}\nt.test('a', async t => { t.ok(1); t.test('b', async t => { t.ok(1); t.skip('not here') }) })\nt.ok(1)`,
    'bad.mjs': `import t from ${tap}\nt.test('a', async t => { t.ok(1); t.equal(1, 2, 'one is two') })`,
    'skipped.mjs': `import t from ${tap}\nt.test('a', { skip: 'no such thing here' }, async t => { t.ok(1) })`,
    'silent.mjs': '',
    'throws.mjs': `import t from ${tap}\nt.ok(1)\nawait Promise.reject(new Error('x'))`,
    'syntax.mjs': '(',
    'status.mjs': 'console.log("TAP version 14\\nok 1\\n1..1"); process.exitCode = 3',
    'cut.mjs': 'console.log("TAP version 14\\nok 1\\n1..2")',
    'endless.mjs': 'console.log("TAP version 14\\nok 1"); setInterval(() => {}, 1000)'
  })
  const outcome = async (name: string, timeout = 20_000) => await runFile(join(folder, name), timeout)

  t.match(await outcome('good.mjs'), { passed: 3, failures: [], skipped: [/not here/] })
  t.match(await outcome('bad.mjs'), { passed: 1, failures: [/one is two/], skipped: [] })
  t.match(await outcome('skipped.mjs'), { passed: 0, failures: [], skipped: [/no such thing here/] })
  for (const name of ['silent.mjs', 'throws.mjs', 'syntax.mjs', 'status.mjs', 'cut.mjs']) {
    t.ok((await outcome(name)).failures.length > 0, name)
  }
  t.match(await outcome('endless.mjs', 1_000), { failures: [/still running/] })
})

t.test('nothing chosen is a failure', async t => {
  const { code, stdout } = await run(process.execPath, ['bin/test.js', 'no-such-file-anywhere'])
    .then(out => ({ code: 0, ...out }), (error: { code: number, stdout: string }) => error)
  t.equal(code, 1)
  t.match(stdout, /\n0 passed, 0 failed\n$/)
})

t.test('the demo names the port that is taken', async t => {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  const { port } = server.address() as AddressInfo
  t.match(await mustBeFree(port, 'Portico').catch((error: unknown) => error), { constructor: PortTaken, port })
})

t.test('the configuration that the readme shows is one that Portico accepts', async t => {
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/^```yaml\n# config\/(\S+)\n([\s\S]*?)^```/gm)]
  const files = new Map(blocks.map(([, name = '', text = '']) => [name, text.replace('/run/secrets/acme', '../secret')]))
  t.same([...files.keys()], ['portico.yaml', 'organizations/acme.yaml'])
  const folder = t.testdir({ 'portico.yaml': files.get('portico.yaml') ?? '', secret: 'secret', organizations: { 'acme.yaml': files.get('organizations/acme.yaml') ?? '' } })
  const load = createLoader({ file: join(folder, 'portico.yaml'), env: { PORTICO_KEY: randomBytes(32).toString('base64') } })
  const { problems, warnings } = await load()
  t.same([...problems, ...warnings], [])
})
