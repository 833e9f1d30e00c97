import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml'
import type { Alias, Document, Node, Pair, YAMLError } from 'yaml'
import type { Location } from './configuration.ts'
import { readPlain } from './plain.ts'
import type { Problem } from './problem.ts'

/** One YAML file, parsed: its tree, where things stand, and what is wrong with it as YAML. */
export interface Source {
  readonly file: string
  readonly root: Node | null
  /** Where an offset of the text is. */
  at (offset: number): Location
  /** What an alias stands for; undefined where that is a problem already. */
  resolve (alias: Alias): Node | undefined
  readonly problems: readonly Problem[]
}

/** Where something is inside a file: keys and positions from the root. */
export type Path = readonly (string | number)[]

/** `apps.analytics.public[0]` */
export const pathText = (path: Path): string => path.reduce<string>((text, part) => {
  if (typeof part === 'number') return `${text}[${part}]`
  const plain = /^[A-Za-z0-9_<-]+$/.test(part) ? part : JSON.stringify(part.slice(0, 80))
  return text === '' ? plain : `${text}.${plain}`
}, '')

// Configuration repeats a block a few times; a file that repeats more is built to blow up.
const maxAliases = 100

/** The text of a key node; undefined for a key that is not a plain scalar. */
export const keyText = (key: unknown): string | undefined => {
  if (!isScalar(key)) return undefined
  return typeof key.value === 'string' ? key.value : key.source ?? String(key.value)
}

/** Where a node begins; undefined for what the parser made up. */
export const offsetOf = (node: unknown): number | undefined =>
  isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined

type Report = (offset: number, path: string, message: string, remedy: string) => void

/** What the parser leaves to whoever reads the tree: keys that are set twice, aliases of nothing. */
const inspect = (document: Document, at: (offset: number) => Location, report: Report): void => {
  const anchors = new Set<string>()
  let aliases = 0
  visit(document, {
    Node (_, node, ancestors) {
      if (isAlias(node) && ++aliases === maxAliases + 1) report(offsetOf(node) ?? 0, '', `is the file's alias number ${aliases}`, 'write the values out')
      if (isAlias(node) && !anchors.has(node.source)) {
        report(offsetOf(node) ?? 0, '', `*${node.source.slice(0, 80)} is the alias of nothing above it`, `write &${node.source.slice(0, 80)} before what it stands for, or put the text in quotes`)
      } else if (!isAlias(node) && node.anchor !== undefined) anchors.add(node.anchor)
      if (!isMap(node)) return
      const seen = new Map<string, number>()
      for (const { key } of node.items) {
        const text = keyText(key)
        const offset = offsetOf(key)
        if (text === undefined || offset === undefined) continue
        const first = seen.get(text)
        if (first === undefined) {
          seen.set(text, offset)
          continue
        }
        const keys = ancestors.flatMap(ancestor => 'key' in ancestor ? [keyText(ancestor.key) ?? '?'] : [])
        const { line, column } = at(first)
        report(offset, pathText([...keys, text]), `'${text}' is already set on line ${line}, column ${column}`, 'keep one of the two')
      }
    }
  })
}

/** A source that could not be had at all: nothing inside, one problem. */
export const missingSource = (file: string, message: string, remedy: string): Source => {
  const place = { file, line: 1, column: 1 }
  return { file, root: null, at: () => place, resolve: () => undefined, problems: [{ ...place, path: '', message, remedy, severity: 'problem' }] }
}

const syntaxMessage = ({ code, message }: YAMLError): string => code === 'MULTIPLE_DOCS'
  ? 'the file holds several documents'
  : (message.charAt(0).toLowerCase() + message.slice(1)).replaceAll(/\s+/g, ' ').replace(/[\s.:]+$/, '').slice(0, 200)

const syntaxRemedy = (code: string): string => {
  switch (code) {
    case 'TAB_AS_INDENT': return 'indent with spaces'
    case 'MULTIPLE_DOCS': return 'keep one document in a file: remove --- and what follows'
    case 'BAD_ALIAS': return 'define the anchor (&name) before its alias (*name)'
    case 'TAG_RESOLVE_FAILED': return 'remove the tag'
    default: return 'check indentation, quotes and brackets here and on the line above'
  }
}

/** Where an offset of a file is. */
export const placesIn = (file: string, lines: LineCounter) => (offset: number): Location => {
  const { line, col } = lines.linePos(offset)
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
}

/** Parses YAML 1.2. Never throws: whatever is wrong is in `problems`, one a line. */
export const parseSource = (file: string, text: string): Source => {
  const plain = readPlain(text)
  // Nothing is wrong in it: no key is set twice, and there are no aliases.
  if (plain !== undefined) return { file, root: plain.root, at: placesIn(file, plain.lines), resolve: () => undefined, problems: [] }
  const lines = new LineCounter()
  let document
  try {
    // Its own check for unique keys compares all with all and stops at one message; ours is below.
    document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, version: '1.2' })
  } catch {
    return missingSource(file, 'is nested too deeply to be read', 'write a configuration with fewer levels')
  }
  const at = placesIn(file, lines)
  const problems: Problem[] = []
  const reported = new Set<number>()
  const report = (offset: number, path: string, message: string, remedy: string): void => {
    problems.push({ ...at(offset), path, message, remedy, severity: 'problem' })
  }
  // One mistake makes several errors; the first on a line is the one that tells.
  for (const error of [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])) {
    const { line } = at(error.pos[0])
    if (reported.has(line)) continue
    reported.add(line)
    report(error.pos[0], '', `is not valid YAML: ${syntaxMessage(error)}`, syntaxRemedy(error.code))
  }
  if (problems.length > 0) return { file, root: null, at, resolve: () => undefined, problems }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return missingSource(file, 'is empty', 'write the settings, or remove the file')
  }
  inspect(document, at, report)
  return {
    file,
    root: document.contents,
    at,
    resolve: alias => alias.resolve(document),
    problems
  }
}

/** Where a path stands in a source: its `value`, or the `key` that it is under. The nearest that exists. */
export const locate = (source: Source, path: Path, which: 'key' | 'value'): Location => {
  let node: unknown = source.root
  let found = offsetOf(node) ?? 0
  for (const [index, part] of path.entries()) {
    const resolved: unknown = isAlias(node) ? source.resolve(node) : node
    let child: unknown
    if (typeof part === 'number') {
      child = isSeq(resolved) ? resolved.items[part] : undefined
      found = offsetOf(child) ?? found
    } else {
      const pair: Pair | undefined = isMap(resolved) ? resolved.items.find(item => keyText(item.key) === part) : undefined
      if (pair === undefined) break
      child = pair.value
      found = (which === 'key' && index === path.length - 1 ? offsetOf(pair.key) : offsetOf(child)) ?? offsetOf(pair.key) ?? found
    }
    if (child === undefined || child === null) break
    node = child
  }
  return source.at(found)
}
