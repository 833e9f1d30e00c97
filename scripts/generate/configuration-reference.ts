import { organization } from '../../src/config/schema/organization.ts'
import { portico } from '../../src/config/schema/portico.ts'
import { allowed, shapeOf } from '../../src/config/schema/shape.ts'
import type { Shape } from '../../src/config/schema/shape.ts'

type ObjectShape = Extract<Shape, { kind: 'object' }>

const code = (text: string): string => `\`${text}\``
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const plain = (wanted: string): string => wanted.replace(/^an? /, '')

/** What may stand under a key, in words. */
const typeOf = (shape: Shape): string => {
  const values = allowed(shape)
  if (shape.kind === 'choice') {
    if (shape.discriminator !== undefined) return 'keys below'
    if (values.length > 0 && shape.options.every(option => option.kind === 'leaf')) return values.map(code).join(', ')
    return shape.wanted === undefined ? shape.options.map(typeOf).join(' or ') : plain(shape.wanted)
  }
  switch (shape.kind) {
    case 'object': return 'keys below'
    case 'record': return shape.value.kind === 'leaf' || shape.value.kind === 'list' ? `names to ${typeOf(shape.value)}` : 'names to the keys below'
    case 'list': return `list of ${typeOf(shape.element)}`
    case 'leaf': {
      if (values.length > 0) return values.map(code).join(', ')
      if (shape.wanted !== undefined) return plain(shape.wanted)
      if (shape.schema.safeParse(null).success) return 'settings'
      return shape.schema.safeParse(true).success ? '`true`, `false`' : shape.schema.safeParse(1).success ? 'whole number' : 'text'
    }
  }
}

const defaultOf = (shape: Shape): string => {
  if (shape.required) return '**required**'
  if (shape.fallback === undefined) return ''
  if (shape.kind === 'object') return ''
  return code(typeof shape.fallback === 'string' ? shape.fallback : JSON.stringify(shape.fallback))
}

interface Row { readonly path: string, readonly shape: Shape }

/** Every key below a shape, depth first; connectors have tables of their own. */
const rowsOf = (shape: Shape, path: string): Row[] => {
  switch (shape.kind) {
    case 'object': return [...shape.keys].flatMap(([key, child]) => {
      const at = path === '' ? key : `${path}.${key}`
      // What is not built yet is one line: its inside may still change.
      return [{ path: at, shape: child }, ...(child.notBuilt ? [] : rowsOf(child, at))]
    })
    case 'record': return rowsOf(shape.value, `${path}.<id>`)
    case 'list': return rowsOf(shape.element, `${path}[]`)
    case 'choice': {
      const { discriminator } = shape
      if (discriminator === 'connector') return []
      if (discriminator === undefined) return shape.options.flatMap(option => option.notBuilt ? [] : rowsOf(option, path))
      const kinds = shape.options.flatMap(option => option.kind === 'object' ? option.keys.get(discriminator) ?? [] : [])
      const [first] = kinds
      const own = first === undefined ? [] : [{ path: `${path}.${discriminator}`, shape: { ...first, kind: 'choice' as const, discriminator: undefined, options: kinds } }]
      return [...own, ...shape.options.flatMap(option => {
        const notBuilt = option.kind === 'object' && option.keys.get(discriminator)?.notBuilt === true
        return rowsOf(option, path).filter(row => row.path !== `${path}.${discriminator}`).map(row => notBuilt ? { ...row, shape: { ...row.shape, notBuilt } } : row)
      })]
    }
    case 'leaf': return []
  }
}

const isSecret = (shape: Shape): boolean => shape.wanted === 'a secret'

const table = (rows: readonly Row[]): string => {
  const seen = new Set<string>()
  // The two forms of a secret are explained once, above the tables.
  const secrets = rows.filter(row => isSecret(row.shape)).map(row => row.path)
  const listedSecrets = rows.filter(row => row.shape.kind === 'list' && isSecret(row.shape.element)).map(row => `${row.path}[]`)
  const lines = rows.flatMap(({ path, shape }) => {
    if (seen.has(path) || [...secrets, ...listedSecrets].some(secret => path.startsWith(`${secret}.`))) return []
    seen.add(path)
    const mark = shape.notBuilt ? '*Not built yet.* ' : ''
    const forms = shape.kind === 'choice' ? shape.options.filter(option => option.notBuilt) : []
    const missing = forms.length === 0 ? '' : ` *Not built yet: ${forms.map(form => form.kind === 'object' ? [...form.keys.keys()].map(code).join(', ') : allowed(form).map(code).join(', ')).join('; ')}.*`
    return [`| ${code(path)} | ${cell(typeOf(shape))} | ${cell(defaultOf(shape))} | ${mark}${cell(shape.description ?? '')}${missing} |`]
  })
  return ['| key | value | default | |', '|---|---|---|---|', ...lines].join('\n')
}

const connectorsOf = (shape: Shape): ObjectShape[] => {
  const connections = shape.kind === 'object' ? shape.keys.get('connections') : undefined
  const choice = connections?.kind === 'record' ? connections.value : undefined
  return choice?.kind === 'choice' ? choice.options.filter(option => option.kind === 'object') : []
}

/** Every path that the reference names, for the test that compares it with the schema. */
export const documentedPaths = (): string[] => {
  const organizationShape = shapeOf(organization)
  return [
    ...rowsOf(shapeOf(portico), ''),
    ...rowsOf(organizationShape, ''),
    ...connectorsOf(organizationShape).flatMap(connector => rowsOf(connector, ''))
  ].map(row => row.path)
}

/** `docs/configuration.md`. */
export const configurationReference = (examples: { main: string, organization: string }): string => {
  const organizationShape = shapeOf(organization)
  const connectors = connectorsOf(organizationShape)
  const [first, ...rest] = connectors
  const shared = [...first?.keys ?? []].filter(([key]) => key !== 'connector' && rest.every(other => other.keys.has(key))).map(([key]) => key)
  const nameOf = (connector: ObjectShape): string => allowed(connector.keys.get('connector') ?? connector)[0] ?? '?'
  const common = first === undefined ? [] : rowsOf(first, '').filter(row => shared.includes(row.path.split(/[.[]/)[0] ?? ''))
  const sections = connectors.map(connector => {
    const own = rowsOf(connector, '').filter(row => row.path !== 'connector' && !shared.includes(row.path.split(/[.[]/)[0] ?? ''))
    const built = connector.keys.get('connector')?.notBuilt !== true
    return `### ${code(nameOf(connector))}\n\n${built ? '' : '*Not built yet: refused on its own line; its other keys are still checked.*\n\n'}${table(own)}`
  })
  return `# Configuration

<!-- Generated from src/config/schema/ by \`npm run generate\`: edit there. -->

The main file is \`config/portico.yaml\`, or what \`--config FILE\` names. Beside it stands a folder with one YAML file per
organization (\`*.yaml\`; the file's name is the organization's id). \`npm run --silent portico -- check\` reports **all**
problems at once, each as \`file:line:col path: what is wrong — what to do\`, and ends with status 1 if there is one.

- **Paths** are relative to the file they stand in.
- **Secrets** are \`{ env: NAME }\`, \`{ file: path }\` (a line break at the end is dropped), or the value itself, which is a
  warning. An unset variable, a missing file and an empty secret are problems.
- **Durations** are a number and \`s\`, \`m\`, \`h\` or \`d\`: \`30s\`, \`15m\`, \`8h\`, \`7d\`.
- **\`dangerously_…\`** switches a protection off, and is a warning for as long as it is on.
- **Plain http** is accepted on loopback (\`*.localhost\`, 127.0.0.0/8, ::1) and refused elsewhere.
- **Ids** (apps, regions, organizations, connections) are lower-case letters, digits and \`_\`, beginning with a letter.
- *Not built yet* marks what this version refuses, on its own line, instead of ignoring it.

**Reload.** Every file that was read is watched, secrets and certificates included; a change is in force within a second,
or at once on \`SIGHUP\`. A change that does not pass keeps the last good configuration, and says so in the log, in
\`portico_config_reloads_total{result="failure"}\` and on the status page. \`listen\`, \`ops\` and \`store\` are read at start
only: a warning in the log says when a restart is needed.

Editors complete and check both kinds of file by the first line of the examples (\`# yaml-language-server: $schema=…\`).

## The main file

${table(rowsOf(shapeOf(portico), ''))}

## An organization's file

${table(rowsOf(organizationShape, ''))}

## A connection

Under \`connections.<id>\`, whatever its connector:

| key | value | default | |
|---|---|---|---|
| \`connector\` | ${connectors.map(connector => code(nameOf(connector))).join(', ')} | **required** | The kind of connection; each has keys of its own, below. |
${table(common).split('\n').slice(2).join('\n')}

${sections.join('\n\n')}

## An example

\`config/portico.yaml\`:

\`\`\`yaml
${examples.main.trimEnd()}
\`\`\`

\`config/organizations/acme.yaml\`:

\`\`\`yaml
${examples.organization.trimEnd()}
\`\`\`
`
}
