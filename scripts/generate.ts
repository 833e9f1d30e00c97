import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configurationReference } from './generate/configuration-reference.ts'
import { errorReference } from './generate/error-reference.ts'
import { jsonSchemas } from './generate/json-schemas.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Every generated file: path from the root to its content. */
export const generated = async (): Promise<ReadonlyMap<string, string>> => new Map([
  ...jsonSchemas(),
  ['docs/configuration.md', configurationReference({
    main: await readFile(`${root}/config/portico.yaml`, 'utf8'),
    organization: await readFile(`${root}/config/organizations/acme.yaml`, 'utf8')
  })],
  ['docs/errors.md', errorReference()]
])

if (import.meta.main) {
  const check = process.argv.includes('--check')
  for (const [name, content] of await generated()) {
    const path = `${root}${name}`
    if (await readFile(path, 'utf8').catch(() => undefined) === content) continue
    if (check) {
      console.error(`${relative(root, path)} is not what would be generated: run npm run generate`)
      process.exitCode = 1
    } else {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
      console.log(`wrote ${relative(root, path)}`)
    }
  }
}
