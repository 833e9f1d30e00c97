import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { z } from 'zod'
import { readOrganizationPart } from '../../src/config/part.ts'
import { readPlain, readPlainData } from '../../src/config/plain.ts'
import { laterKeys, shapeOf } from '../../src/config/schema/shape.ts'
import { later } from '../../src/config/schema/values.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** All of a tree that the configuration is read from. */
const seen = (node: unknown): unknown => {
  if (isScalar(node)) return { at: node.range?.[0], value: node.value, source: node.source, anchor: node.anchor, tag: node.tag }
  if (isSeq(node)) return { at: node.range?.[0], items: node.items.map(seen), anchor: node.anchor, tag: node.tag }
  if (isMap(node)) return { at: node.range?.[0], pairs: node.items.map(({ key, value }) => [seen(key), seen(value)]), anchor: node.anchor, tag: node.tag }
  return { other: node }
}

/** What the library makes of a text: undefined where it finds anything wrong. */
const readByLibrary = (text: string) => {
  const lines = new LineCounter()
  const { errors, warnings, contents } = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, version: '1.2' })
  return errors.length + warnings.length === 0 ? { root: contents, lines } : undefined
}

/** Whether a text is left to the library or read as the library reads it, each character in the same line and column. */
const isLeftOrTheSame = (text: string): boolean => {
  const plain = readPlain(text)
  if (plain === undefined) return true
  const library = readByLibrary(text)
  if (library === undefined || JSON.stringify(seen(plain.root)) !== JSON.stringify(seen(library.root))) return false
  return Array.from(text).every((_, offset) => {
    const [one, other] = [plain.lines.linePos(offset), library.lines.linePos(offset)]
    return one.line === other.line && one.col === other.col
  })
}

const files = async (...folder: string[]): Promise<string[]> =>
  (await readdir(join(root, ...folder), { recursive: true })).filter(name => name.endsWith('.yaml')).map(name => join(root, ...folder, name))
const seeds = await Promise.all([...await files('config'), ...await files('test', 'fixtures', 'config')].map(file => readFile(file, 'utf8')))

const everything = `# A customer
name: Müller & Söhne (GmbH), "the" firm   # as people read it
apps: [ analytics, dashboard ]
members:
  # a list
  invited_file: ./acme.txt
blocked: []
default_role: 'it is'

session: {idle: 1h, absolute: "8h"}
connections:

  acme:
      connector: oidc
      domains:
        - acme.com   # one
        - "acme.co.uk"
      accepts:
      - a.b
      discovery_url: https://idp.acme.com:8443/x?y=z
      client_secret_expires: 2040-05-01
      max_age: 0x1F
      groups: { filter: [a, -b-], rename: { x: y } }
      require_acr: [urn:x:y, 1.5, 12, true]
      dangerously_allow_http: true`

t.test('plain files are read without the library, as the library reads them', async t => {
  t.ok(readPlain(everything.replace('-b-', 'b')), 'everything that is plain at once')
  t.ok(isLeftOrTheSame(everything.replace('-b-', 'b')))
  for (const file of await files('config', 'organizations')) t.ok(readPlain(await readFile(file, 'utf8')), file)
  for (const seed of seeds) t.ok(isLeftOrTheSame(seed))
})

t.test('what is not plain is left to the library', async t => {
  const left = [
    '', '# x', 'a', '- a', '{ a: b }', ' a: b', 'a:', 'a:\nb: c', 'a: # c', 'a: &b c', 'a: *b', 'a: !!str b', 'a: |\n  b', 'a: >\n  b', '<<: a', '? a\n: b',
    '%YAML 1.2\n---\na: b', '---\na: b', 'a: b\n...\n', 'a: b\n---\nc: d', 'a: b\n  c', 'a:\n- b\n  c', 'a: [b,\n c]', 'a: "b\n  c"', 'a: "\\x41"', "a: 'b''c'", 'a: "b" c', 'a: "b"#c',
    'a: b: c', 'a: b:', 'a:b', 'a:\tb', 'a: b\r\n', '\ufeffa: b', 'a: b\u00a0', 'a: b\u2028c: d', 'a: b\u0007', 'a: b\na: c', 'a: { b: c, b: d }', 'true: a', '1: a', '"a": b', 'a b: c',
    'a: [b, ]', 'a: [b c]', 'a: [b', 'a: [b}', 'a: [b: c]', 'a: { b }', 'a:\n- b: c', 'a:\n- - b', 'a:\n-', 'a: - b', 'a:\n    b: c\n  d: e', 'a: b#c', `a: ${'['.repeat(5_000)}`,
    Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')
  ]
  t.same(left.filter(text => readPlain(text) !== undefined), [])
})

const wordUnit = fc.constantFrom(...'abcxyzABCnNtTfF0123456789._/é')
const plainWord = fc.string({ unit: wordUnit, minLength: 1, maxLength: 8 })
const keyText = fc.string({ unit: fc.constantFrom(...'abcxyz_'), minLength: 1, maxLength: 4 })
const quotedText = fc.tuple(fc.constantFrom('"', "'"), fc.string({ unit: fc.constantFrom(...'abc :#,[]{}-&*!|>%@`12 é'), maxLength: 8 })).map(([mark, text]) => `${mark}${text}${mark}`)
const special = fc.constantFrom('true', 'False', 'TRUE', '12', '0x1F', '0o17', '1e3', '.5', '1.50', '.inf', '.NaN', '+', '0', '007', '2040-05-01', 'no', 'y', '1_000', '12:30:45', '0b11')
const flowScalar = fc.oneof(plainWord.map(text => text.replaceAll('é', 'e')), quotedText, special.filter(text => text !== '+'))
const flowValue = (depth: number): fc.Arbitrary<string> => depth === 0
  ? flowScalar
  : fc.oneof(
    flowScalar,
    fc.array(flowValue(depth - 1), { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
    fc.uniqueArray(keyText, { maxLength: 3 }).chain(keys => fc.tuple(...keys.map(key => flowValue(depth - 1).map(value => `${key}: ${value}`)))).map(pairs => `{ ${pairs.join(',')} }`))
const ending = fc.constantFrom('', '', '   ', ' # a comment: [x', '\n', '\n# x', '\n      # y\n')
const inLine = fc.tuple(fc.oneof(flowValue(2), fc.tuple(plainWord, quotedText).map(([first, rest]) => `${first} ${rest}`.replaceAll(/[:#]/g, '-').trimEnd())), ending).map(([value, rest]) => `${value}${rest}`)
const indented = (text: string, by: string): string => text.split('\n').map(line => line === '' ? '' : `${by}${line}`).join('\n')
/** Documents of the plain part. */
const document = (depth: number): fc.Arbitrary<string> => {
  const list = fc.tuple(fc.array(inLine, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '  ')).map(([items, by]) => `\n${items.map(item => indented(`-  ${item}`, by)).join('\n')}`)
  const value = fc.oneof(inLine.map(value => ` ${value}`), list, ...depth === 0
    ? []
    : [fc.tuple(document(depth - 1), fc.constantFrom(' ', '  ', '    '), ending).map(([mapping, by, end]) => `${end}\n${indented(mapping, by)}`)])
  return fc.uniqueArray(keyText, { minLength: 1, maxLength: 4 }).chain(keys => fc.tuple(...keys.map(key => value.map(value => `${key}:${value}`)))).map(entries => entries.join('\n'))
}
const plainDocument = document(3)

t.test('whatever is plain is read, as the library reads it', async t => {
  fc.assert(fc.property(plainDocument, text => readPlain(text) !== undefined && isLeftOrTheSame(text)), { numRuns: 2_000 })
  t.pass()
})

t.test('whatever somebody makes of a plain file is left to the library or read as the library reads it', async t => {
  const bit = fc.oneof(
    fc.constantFrom(' ', '  ', '\n', '\n  ', ':', ': ', ' #', '#', '-', '- ', '[', ']', '{', '}', ',', '"', "'", '\\', '&', '*', '!', '|', '>', '?', '%', '@', '`', '~', '\t', '\r\n', '---\n', '...\n', '<<', '=', '\u2028', '\ufeff', '\u00a0', '\u0085', '\u3000'),
    fc.constantFrom('null', 'true', '1', '0x1F', '1e3', '.5', '-1', '1_0', '.inf', 'a', 'key: value', '\nkey: value', '- item\n', 'x: [a, b]', '{ a: b }', '[]', '# comment\n'),
    fc.string({ unit: 'binary', maxLength: 2 }))
  const edit = fc.record({ at: fc.nat(), gone: fc.constantFrom(0, 0, 0, 1, 2, 5), bit })
  const start = fc.oneof(fc.constantFrom(everything, ...seeds), plainDocument)
  const edited = fc.tuple(start, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([text, edits]) =>
    edits.reduce((text, { at, gone, bit }) => `${text.slice(0, at % (text.length + 1))}${bit}${text.slice(at % (text.length + 1) + gone)}`, text))
  fc.assert(fc.property(edited, isLeftOrTheSame), { numRuns: 5_000 })
  t.pass()
})

const customer = `name: Acme
apps: [analytics]
members: { invited: [ada@acme.com] }
blocked: []
login_hosts: ["https://sign-in.acme.com"]
session: { idle: 1h }
connections:
  acme_oidc:
    connector: oidc
    status: active
    domains: [acme.com, acme.co.uk]
    discovery_url: https://idp.acme.com
    client_id: portico
    client_secret: { file: ../acme }
    client_secret_expires: 2040-05-01
    groups: { filter: [staff], rename: { staff-a: a } }
    scopes: [openid, email]
  acme_google: { connector: google, domains: [acme.org], workspace_domain: acme.org, client_id: "1", client_secret: { env: ACME } }
  acme_entra:
    connector: entra
    tenancy: multiple
    tenants: { 72f988bf-86f1-41af-91ab-2d7cd011db47: [acme.net] }
    domains:
    - acme.net
    client_id: portico
    client_secret: literal`

/** What is made of an organization's file, and what the walk alone makes of it, which a strange character asks for. */
const bothWays = (text: string) => [text, `${text}\n# \u00a0`].map(text => {
  const { settings, draft, problems, entries } = readOrganizationPart('acme.yaml', { text, digest: '' })
  return { settings, draft, problems, entries: [...entries].filter(([path]) => /^connections\.[a-z_]+$/.test(path)) }
})

t.test('an organization is read as the walk reads it, and what is wrong is left to the walk', async t => {
  const [quick, walked] = bothWays(customer)
  t.ok(readPlainData(customer), 'it is plain')
  t.same(quick?.problems, [])
  t.same(quick, walked)
  t.same(quick?.entries.map(([path, { line, column }]) => [path, line, column]), [['connections.acme_oidc', 8, 3], ['connections.acme_google', 18, 3], ['connections.acme_entra', 19, 3]])
  const lines = [
    'refresh: true', '__proto__: x', 'constructor: { x: y }', 'groups: { rename: { __proto__: x } }', 'name:', 'name: ~', 'name: 1', 'name: true', 'domains: []', 'accepts: []', 'scopes: []', 'status: activ', 'conector: oidc',
    'client_secret: { file: a, env: B }', 'client_secret: {}', 'client_secret: 5', 'client_certificate: { certificate: a, key: b }', 'groups: {}', 'max_age: 1.5', 'max_age: 0x10', 'dangerously_allow_http: true', 'members: anyone',
    'bearer: { audience: x }', 'claims: { email: upn }', 'tenants: {}', 'session: { idle: 9 }', 'activate_at: 2040-05-01', 'replaces: acme_google', 'domains: acme.com', 'login_hosts: ["https://a/b"]'
  ]
  const all = customer.split('\n')
  const edited = fc.array(fc.record({ at: fc.nat(all.length), gone: fc.nat(2), line: fc.constantFrom('', ...lines), by: fc.constantFrom('', '    ', '    ') }), { minLength: 1, maxLength: 2 })
    .map(edits => edits.reduce((text, { at, gone, line, by }) => text.toSpliced(at, gone, ...line === '' ? [] : [`${by}${line}`]), all).join('\n'))
  let right = 0
  let wrong = 0
  fc.assert(fc.property(edited, text => {
    if (readPlainData(text) === undefined) return
    const [quick, walked] = bothWays(text)
    if (quick?.settings === undefined) wrong++
    else right++
    return JSON.stringify(quick) === JSON.stringify(walked)
  }), { numRuns: 2_000 })
  t.ok(right > 50 && wrong > 50, 'both kinds were among them')
  for (const seed of seeds) {
    const [quick, walked] = bothWays(seed)
    if (readPlainData(seed) !== undefined) t.same(quick, walked)
  }
})

t.test('what is not built yet is found wherever a schema has it', async t => {
  const schema = z.strictObject({
    built: z.string(),
    key: later(z.string(), 'x').optional(),
    list: z.array(z.strictObject({ inList: later(z.string(), 'x') })),
    record: z.record(z.string(), z.strictObject({ inRecord: later(z.string(), 'x') })),
    word: z.union([z.literal('a'), later(z.literal('b'), 'x')]),
    words: z.array(z.union([z.literal('a'), later(z.literal('b'), 'x')])),
    form: z.union([z.literal('a'), z.strictObject({ inForm: later(z.string(), 'x') })])
  })
  t.same([...laterKeys(shapeOf(schema))].sort(), ['inForm', 'inList', 'inRecord', 'key', 'word', 'words'])
})
