import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import { parseDocument, stringify } from 'yaml'
import { documentedPaths } from '../../scripts/generate/configuration-reference.ts'
import { generated } from '../../scripts/generate.ts'
import { definitions } from '../../src/errors.ts'
import { organization } from '../../src/config/schema/organization.ts'
import { portico } from '../../src/config/schema/portico.ts'
import { shapeOf } from '../../src/config/schema/shape.ts'
import { parseSource } from '../../src/config/source.ts'
import { walk } from '../../src/config/walk.ts'

const read = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8')

t.test('what is generated is what is committed (else: npm run generate)', async t => {
  for (const [name, content] of await generated()) t.equal(await read(name), content, name)
})

/** The paths of a JSON Schema, written as the reference writes them. */
const schemaPaths = (schema: unknown, path = ''): string[] => {
  if (typeof schema !== 'object' || schema === null) return []
  const node: Readonly<Record<string, unknown>> = { ...schema }
  const below = (child: unknown, at: string): string[] => schemaPaths(child, at)
  const branches = [node.anyOf, node.oneOf].flatMap(list => Array.isArray(list) ? list : []).flatMap(branch => below(branch, path))
  const properties = typeof node.properties === 'object' && node.properties !== null ? Object.entries(node.properties) : []
  return [
    ...branches,
    ...properties.flatMap(([key, child]) => {
      const at = path === '' ? key : `${path}.${key}`
      return [at, ...below(child, at)]
    }),
    ...below(node.additionalProperties, `${path}.<id>`),
    ...below(node.items, `${path}[]`)
  ]
}

t.test('every option is documented, and every documented option exists', async t => {
  const reference = await read('docs/configuration.md')
  // A connection has a section of its own: its keys stand there without where they are.
  const connection = (path: string): string => path.replace(/^connections\.<id>\./, '')
  const files = await Promise.all(['config/schema/portico.json', 'config/schema/organization.json'].map(read))
  const existing = new Set(files.flatMap(text => schemaPaths(JSON.parse(text))).map(connection))
  const documented = new Set(documentedPaths())
  for (const path of documented) {
    t.ok(existing.has(path), `${path} exists`)
    // The two forms of a secret are explained once, above the tables.
    if (!/\.(?:env|file)$/.test(path)) t.ok(reference.includes(`| \`${path}\` |`), `${path} is in the reference`)
  }
  const inside = [...documented].filter(path => new RegExp(`^\\| \`${path.replaceAll(/[.[\]<>]/g, '\\$&')}\` .*Not built yet`, 'm').test(reference))
  for (const path of existing) {
    // What is not built yet is documented as one line.
    if (inside.some(outer => path.startsWith(`${outer}.`) || path.startsWith(`${outer}[`))) continue
    t.ok(documented.has(path), `${path} is documented`)
  }
  t.ok(existing.size > 100)
})

t.test('every code is documented, with a remedy', async t => {
  const reference = await read('docs/errors.md')
  for (const [code, { remedy, title, public: text }] of Object.entries(definitions)) {
    t.ok(reference.includes(`| \`${code}\` |`), code)
    t.ok([remedy, title, text].every(words => words.trim() !== ''), `${code} has words`)
  }
})

t.test('the example in the contract is checked against the schema', async t => {
  for (const [name, schema] of [['config/portico.yaml', portico], ['config/organizations/acme.yaml', organization], ['config/organizations/globex.yaml', organization], ['config/organizations/initech.yaml', organization], ['config/organizations/hooli.yaml', organization]] as const) {
    t.same(walk(parseSource(name, await read(name)), shapeOf(schema)).problems, [], name)
  }
})

t.test('walk and zod agree on what is right, for anything', async t => {
  const scalar = fc.oneof(
    fc.constantFrom('https://a.example.com', 'http://127.0.0.1:1', '8h', 'oidc', 'google', 'active', 'acme.example', 'sqlite', '/x', 'unix:/x', 'anyone', 'own', 'a', ''),
    fc.boolean(), fc.integer({ min: -1, max: 70_000 }), fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string({ maxLength: 5 })
  )
  const values = (file: unknown): fc.Arbitrary<unknown> => {
    if (typeof file !== 'object' || file === null) return fc.oneof({ weight: 6, arbitrary: fc.constant(file) }, { weight: 1, arbitrary: scalar })
    if (Array.isArray(file)) return fc.oneof({ weight: 12, arbitrary: fc.tuple(...file.map(values)).map(items => [...items]) }, { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) }, { weight: 1, arbitrary: scalar })
    const entries = Object.entries(file).map(([key, child]) => fc.tuple(
      fc.oneof({ weight: 30, arbitrary: fc.constant(key) }, { weight: 1, arbitrary: fc.constantFrom(`${key}s`, 'zebra', 'name', 'env', 'X', '__proto__') }),
      values(child),
      fc.boolean().map(drop => drop ? 1 : 0), fc.integer({ min: 0, max: 20 })
    ))
    const map = fc.tuple(...entries).map(found => Object.fromEntries(found.flatMap(([key, child, , drop]) => drop === 0 ? [] : [[key, child]])))
    return fc.oneof({ weight: 15, arbitrary: map }, { weight: 1, arbitrary: scalar })
  }
  const bases = [
    [portico, { auth_url: 'https://auth.example.com', listen: { host: '::', port: 1, tls: { certificate: 'a', key: { file: 'b' } } }, keys: [{ env: 'A' }, 'literal'], session: { idle: '1h' }, store: { kind: 'sqlite', path: 'x' }, logs: { level: 'info', requests: false }, apps: { a: { url: 'https://a.example.com', upstream: { url: 'http://127.0.0.1:1', timeout: '5s', tls: { key: { env: 'K' } } }, public: ['/a'], headers: 'portico' }, b: { regions: { eu: { url: 'https://b.example.com', upstream: 'http://127.0.0.1:2' } } } } }],
    [organization, { name: 'Acme', apps: ['a'], members: 'anyone', session: { idle: '1h' }, connections: { a: { connector: 'oidc', status: 'active', domains: ['a.example'], callback: 'own', discovery_url: 'https://idp.example', client_id: 'x', client_secret: { env: 'A' }, scopes: ['openid'], claims: { email: 'x' }, max_age: 5, client_secret_expires: '2027-05-01' } } }]
  ] as const
  let right = 0
  for (const [schema, base] of bases) {
    const shape = shapeOf(schema)
    fc.assert(fc.property(values(base), value => {
      const text = stringify(value)
      const { problems, draft } = walk(parseSource('x.yaml', text), shape)
      const plain: unknown = parseDocument(text).toJS()
      const parsed = schema.safeParse(plain)
      // What is not built yet zod takes, and `__proto__` it passes over.
      const own = problems.filter(({ path, message }) => !message.includes('not built yet') && !path.includes('__proto__'))
      if (parsed.success) right++
      if (own.length === 0 && problems.length === 0) {
        t.ok(parsed.success, 'taken by both')
        t.same(draft, parsed.data, 'and read alike')
      } else if (own.length > 0) t.notOk(parsed.success, `refused by both: ${JSON.stringify(own[0])} ${text}`)
    }), { numRuns: 1_500 })
  }
  t.ok(right > 50, 'enough of them are right')
})
