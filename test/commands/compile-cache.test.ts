import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const run = promisify(execFile)

/** A program that keeps its code, and says where, in its first thread and in another one. */
const program = `
  import { getCompileCacheDir } from 'node:module'
  import { Worker, isMainThread } from 'node:worker_threads'
  import { keepCompiledCode } from './compile-cache.js'
  if (isMainThread) {
    keepCompiledCode()
    new Worker(new URL(import.meta.url))
  }
  console.log(getCompileCacheDir() ?? 'nowhere')
`

t.test('compiled code is kept in a folder that only this user may write to', async t => {
  const root = t.testdir({ bin: { 'program.js': program }, 'package.json': '{ "type": "module" }', node_modules: {} })
  await copyFile(fileURLToPath(new URL('../../bin/compile-cache.js', import.meta.url)), join(root, 'bin', 'compile-cache.js'))
  const cache = join(root, 'node_modules', '.cache')
  const folder = join(cache, 'portico')
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const places = async (more: NodeJS.ProcessEnv = {}): Promise<string[]> =>
    (await run(process.execPath, [join(root, 'bin', 'program.js')], { env: { ...env, ...more } })).stdout.trim().split('\n')

  const made = await places()
  t.equal(made.length, 2)
  for (const place of made) t.ok(place.startsWith(`${folder}/`), 'both threads')
  t.equal((await stat(folder)).mode & 0o777, 0o700)
  t.not((await readdir(made[0] ?? '')).length, 0, 'it is written at the end')

  const own = join(root, 'own')
  await mkdir(own)
  for (const place of await places({ NODE_COMPILE_CACHE: own })) t.ok(place.startsWith(`${own}/`), 'the operator has chosen another')

  await chmod(folder, 0o777)
  t.same(await places(), ['nowhere', 'nowhere'], 'others could write there')

  await rm(cache, { recursive: true })
  await writeFile(cache, 'in the way')
  t.same(await places(), ['nowhere', 'nowhere'], 'there can be none')
})
