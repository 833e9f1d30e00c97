import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import type { Pair, YAMLMap } from 'yaml'
import type { z } from 'zod'
import type { Location } from './configuration.ts'
import type { Problem } from './problem.ts'
import { allowed } from './schema/shape.ts'
import type { Shape } from './schema/shape.ts'
import { keyText, offsetOf, pathText } from './source.ts'
import type { Path, Source } from './source.ts'
import { suggest } from './suggest.ts'

/** What is left of settings when everything that is wrong is taken out: any part may be missing. */
export type Draft<T> =
  T extends readonly (infer Item)[] ? readonly (Draft<Item> | undefined)[]
    : T extends object ? { readonly [Key in keyof T]?: Draft<T[Key]> | undefined }
      : T

/** A file as far as it makes sense. */
export interface Walked<T> {
  /** With defaults filled in; undefined where even the outermost is wrong. List positions are kept. */
  readonly draft: Draft<T> | undefined
  readonly problems: readonly Problem[]
  /** Where the entries of records stand: `apps.analytics`, `connections.acme`. */
  readonly entries: ReadonlyMap<string, Location>
}

type ObjectShape = Extract<Shape, { kind: 'object' }>
type ChoiceShape = Extract<Shape, { kind: 'choice' }>

const list = (items: Iterable<string>): string => [...items].join(', ')

const wantedBy = (shape: Shape): string => {
  if (shape.wanted !== undefined) return shape.wanted
  const values = allowed(shape)
  if (values.length > 0) return list(values)
  switch (shape.kind) {
    case 'object': case 'record': return 'a mapping (key: value)'
    case 'list': return 'a list'
    case 'choice': return [...new Set(shape.options.map(wantedBy))].join(' or ')
    case 'leaf': return shape.schema.safeParse(true).success ? 'true or false' : shape.schema.safeParse(1).success ? 'a whole number' : 'text'
  }
}

const whatIs = (node: unknown): string => {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  const value = isScalar(node) ? node.value : undefined
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number'
  return typeof value === 'boolean' ? 'true or false' : 'something else'
}

/**
 * Checks a parsed file against a shape and keeps what is right. Unlike zod alone it never stops: below
 * a bad key, beside a missing one and inside an unknown connector the rest is still looked at.
 */
export const walk = <S extends z.ZodType>(source: Source, shape: Shape & { readonly schema: S }): Walked<z.output<S>> => {
  const problems: Problem[] = [...source.problems]
  const entries = new Map<string, Location>()

  const report = (offset: number, path: Path, message: string, remedy: string): undefined => {
    problems.push({ ...source.at(offset), path: pathText(path), message, remedy, severity: 'problem' })
  }

  const mistyped = (shape: Shape, node: unknown, path: Path, offset: number): undefined => {
    const wanted = wantedBy(shape)
    const written = isScalar(node) ? node.source ?? '' : undefined
    const remedy = written !== undefined && shape.kind === 'list'
      ? 'write it as a list: [ … ]'
      : written !== undefined && shape.schema.safeParse(written).success
        ? 'put it in quotes'
        : shape.example === undefined ? `write ${wanted}` : `write ${wanted}, such as ${shape.example}`
    report(offset, path, `is ${whatIs(node)}; wanted ${wanted}`, remedy)
  }

  const leaf = (shape: Shape, node: unknown, path: Path, offset: number): unknown => {
    if (!isScalar(node)) return mistyped(shape, node, path, offset)
    const parsed = shape.schema.safeParse(node.value)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    const values = allowed(shape)
    if (values.length > 0) {
      const written = String(node.value).slice(0, 80)
      const meant = suggest(written, values)
      const remedy = meant === undefined ? `write ${list(values)}` : `did you mean ${meant}?`
      return report(offset, path, values.length === 1 ? `'${written}' is unknown` : `'${written}' is not one of ${list(values)}`, values.length === 1 || meant !== undefined ? remedy : 'write one of them')
    }
    if (issue?.code === 'custom') {
      const remedy: unknown = issue.params?.remedy
      return report(offset, path, issue.message, typeof remedy === 'string' ? remedy : `write ${wantedBy(shape)}`)
    }
    if (issue?.code === 'invalid_type' && whatIs(node) !== 'a number') return mistyped(shape, node, path, offset)
    if (issue?.code === 'invalid_type' && issue.expected === 'string') return mistyped(shape, node, path, offset)
    return report(offset, path, `is out of range: wanted ${wantedBy(shape)}`, shape.example === undefined ? 'write another value' : `such as ${shape.example}`)
  }

  const pairsOf = (map: YAMLMap, path: Path): { key: string, offset: number, pair: Pair }[] => map.items.flatMap(pair => {
    const key = keyText(pair.key)
    const offset = offsetOf(pair.key) ?? 0
    if (key !== undefined) return [{ key, offset, pair }]
    report(offset, path, 'has a key that is not plain text', 'write keys as words')
    return []
  })

  const object = (shape: ObjectShape, map: YAMLMap, path: Path, offset: number, options: { skip?: string, ignored?: ReadonlySet<string>, others?: ReadonlySet<string> } = {}): Record<string, unknown> => {
    const value: Record<string, unknown> = {}
    const pairs = pairsOf(map, path)
    const present = new Set(pairs.map(pair => pair.key))
    const take = (key: string, child: Shape, pair: Pair, keyOffset: number, at: Path): void => {
      const parsed = any(child, pair.value, at, keyOffset)
      if (parsed !== undefined) value[key] = parsed
    }
    for (const { key, offset, pair } of pairs) {
      const known = shape.keys.get(key)
      if (known !== undefined) {
        if (options.ignored?.has(key) === true) continue
        if (key === options.skip) value[key] = isScalar(pair.value) ? pair.value.value : undefined
        else take(key, known, pair, offset, [...path, key])
        continue
      }
      if (options.others?.has(key) === true) {
        report(offset, [...path, key], `'${key}' does not go with ${list([...present].filter(name => shape.keys.has(name)))}`, 'keep one of the two')
        continue
      }
      if (key === '<<') {
        report(offset, [...path, key], 'merge keys are not part of YAML 1.2', 'write the keys out, or use an alias for a whole value')
        continue
      }
      const absent = [...shape.keys].filter(([name]) => !present.has(name))
      // What must be there is what was most likely meant.
      const meant = suggest(key, [...absent.filter(([, child]) => child.required), ...absent].map(([name]) => name))
      const remedy = meant === undefined ? `remove it; known here: ${list(shape.keys.keys())}` : `did you mean '${meant}'?`
      report(offset, [...path, key], 'unknown key', remedy)
      const child = meant === undefined ? undefined : shape.keys.get(meant)
      if (meant === undefined || child === undefined || child.notBuilt) continue
      // What was meant is still checked, and not also called missing.
      present.add(meant)
      take(meant, child, pair, offset, [...path, key])
    }
    for (const [key, child] of shape.keys) {
      if (present.has(key) || options.ignored?.has(key) === true) continue
      if (child.fallback !== undefined) value[key] = child.fallback
      if (child.required) {
        const example = child.example === undefined ? '' : `, such as ${child.example}`
        report(offset, [...path, key], 'is missing', `add '${key}': ${wantedBy(child)}${example}`)
      }
    }
    return value
  }

  const record = (shape: Extract<Shape, { kind: 'record' }>, map: YAMLMap, path: Path): Record<string, unknown> => {
    // Bad keys stay in the draft for the checks that follow, and one may be `__proto__`.
    const value: Record<string, unknown> = Object.create(null)
    for (const { key, offset, pair } of pairsOf(map, path)) {
      const at = [...path, key]
      const good = shape.key.safeParse(key)
      if (!good.success) {
        const [issue] = good.error.issues
        const remedy: unknown = issue?.code === 'custom' ? issue.params?.remedy : undefined
        report(offset, at, issue?.message ?? 'is not a key', typeof remedy === 'string' ? remedy : 'rename it')
      }
      entries.set(pathText(at), source.at(offset))
      const parsed = any(shape.value, pair.value, at, offset)
      if (parsed !== undefined) value[key] = parsed
    }
    return value
  }

  const discriminated = (shape: ChoiceShape, discriminator: string, map: YAMLMap, path: Path, offset: number): unknown => {
    const options = shape.options.filter(option => option.kind === 'object')
    const names = (built: boolean): string[] => options.flatMap(option => {
      const named = option.keys.get(discriminator)
      return named === undefined || (built && named.notBuilt) ? [] : allowed(named)
    })
    const pair = map.items.find(item => keyText(item.key) === discriminator)
    const written: unknown = isScalar(pair?.value) ? pair.value.value : undefined
    const chosen = options.find(option => allowed(option.keys.get(discriminator) ?? option).includes(String(written)))
    if (chosen !== undefined) {
      if (chosen.keys.get(discriminator)?.notBuilt !== true) return object(chosen, map, path, offset)
      report(offsetOf(pair?.key) ?? offset, [...path, discriminator], `'${String(written)}' is not built yet`, `this version has: ${list(names(true))}`)
      return object(chosen, map, path, offset, { skip: discriminator })
    }
    let meant: string | undefined
    if (pair === undefined) {
      report(offset, [...path, discriminator], 'is missing', `add '${discriminator}': one of ${list(names(false))}`)
    } else {
      const text = typeof written === 'string' ? written.slice(0, 80) : whatIs(pair.value)
      meant = suggest(text, names(false))
      report(offsetOf(pair.value) ?? offsetOf(pair.key) ?? offset, [...path, discriminator], `'${text}' is not one of ${list(names(false))}`, meant === undefined ? 'write one of them' : `did you mean ${meant}?`)
    }
    const close = options.find(option => meant !== undefined && allowed(option.keys.get(discriminator) ?? option).includes(meant))
    if (close !== undefined) return object(close, map, path, offset, { skip: discriminator })
    // Whatever it turns out to be, the keys that all of them have can be checked now.
    const keys = new Map(options.flatMap(option => [...option.keys]))
    const ignored = new Set([...keys.keys()].filter(key => key === discriminator || options.some(option => !option.keys.has(key))))
    return object({ ...shape, kind: 'object', keys }, map, path, offset, { ignored })
  }

  const choice = (shape: ChoiceShape, node: unknown, path: Path, offset: number, keyOffset: number): unknown => {
    if (isMap(node)) {
      if (shape.discriminator !== undefined) return discriminated(shape, shape.discriminator, node, path, keyOffset)
      const keys = node.items.flatMap(item => keyText(item.key) ?? [])
      const forms = shape.options.filter(option => option.kind === 'object')
      const whole = keys.length === 0 ? undefined : forms.find(form => keys.every(key => form.keys.has(key)))
      if (whole?.notBuilt === false) return object(whole, node, path, keyOffset)
      const ranked = forms
        .map(option => ({
          option,
          score: keys.reduce((sum, key) => sum + (option.keys.has(key) ? 2 : suggest(key, option.keys.keys()) === undefined ? 0 : 1), 0)
        }))
        .sort((a, b) => b.score - a.score)
      const best = ranked[0]
      if (best === undefined || (best.score === 0 && ranked.length > 1)) {
        const written = forms.map(form => `{ ${list(form.keys.keys())}: … }`).join(' or ')
        return written === '' ? mistyped(shape, node, path, offset) : report(offset, path, `is none of the forms it may take: ${written}`, 'write one of them')
      }
      if (best.option.notBuilt) return report(offset, path, `this form (${list(best.option.keys.keys())}) is not built yet`, 'remove it')
      return object(best.option, node, path, keyOffset, { others: new Set(ranked.flatMap(({ option }) => [...option.keys.keys()])) })
    }
    const several = isSeq(node) ? shape.options.find(option => option.kind === 'list') : undefined
    if (several !== undefined) return any(several, node, path, keyOffset)
    const leaves = shape.options.filter(option => option.kind === 'leaf')
    if (!isScalar(node) || leaves.length === 0) return mistyped(shape, node, path, offset)
    const fitting = leaves.find(option => option.schema.safeParse(node.value).success)
    if (fitting?.notBuilt === true) return report(offset, path, `'${String(node.value).slice(0, 80)}' is not built yet`, 'remove it')
    if (fitting !== undefined) return leaf(fitting, node, path, offset)
    const [only] = leaves
    if (leaves.length > 1 || only === undefined) return allowed(shape).length > 0 ? leaf(shape, node, path, offset) : mistyped(shape, node, path, offset)
    const [word] = allowed(only)
    const written = String(node.value).slice(0, 80)
    // the only word there is may be the opposite of what was meant
    if (word !== undefined && suggest(written, [word]) === undefined) {
      const forms = shape.options.flatMap(option => option.kind === 'object' ? `{ ${list(option.keys.keys())}: … }` : [])
      return report(offset, path, `'${written}' is unknown`, `write ${[word, ...forms].join(' or ')}`)
    }
    return leaf(only, node, path, offset)
  }

  const any = (shape: Shape, given: unknown, path: Path, keyOffset: number): unknown => {
    const offset = offsetOf(given) ?? keyOffset
    if (shape.notBuilt) {
      const description = shape.description === undefined ? '' : ` (${shape.description.replace(/\.$/, '')})`
      return report(keyOffset, path, `is not built yet${description}`, 'remove it')
    }
    const node: unknown = isAlias(given) ? source.resolve(given) : given
    if (isAlias(given) && node === undefined) return undefined
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) {
      return report(keyOffset, path, 'has no value', shape.required ? `give ${wantedBy(shape)}` : 'give one, or remove the key')
    }
    switch (shape.kind) {
      case 'leaf': return leaf(shape, node, path, offset)
      case 'choice': return choice(shape, node, path, offset, keyOffset)
      case 'object': return isMap(node) ? object(shape, node, path, keyOffset) : mistyped(shape, node, path, offset)
      case 'record': return isMap(node) ? record(shape, node, path) : mistyped(shape, node, path, offset)
      case 'list': {
        if (!isSeq(node)) return mistyped(shape, node, path, offset)
        if (node.items.length < shape.least) return report(offset, path, 'is an empty list', 'name at least one, or remove the key')
        return node.items.map((item, index) => any(shape.element, item, [...path, index], offsetOf(item) ?? offset))
      }
    }
  }

  const value = source.root === null ? undefined : any(shape, source.root, [], offsetOf(source.root) ?? 0)
  // The one cast of the configuration: the walk follows the schema, and load.ts parses the whole with it once nothing is wrong.
  return { draft: value as Draft<z.output<S>> | undefined, problems, entries }
}
