import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import type { Location } from '../config/configuration.ts'
import { keyText, locate, parseSource, pathText, type Path, type Source } from '../config/source.ts'
import type { Decider } from './step.ts'

/** Where the setting stands that decided. */
export interface Position extends Location {
  /** `connections.okta_acme.domains[0]`; empty for a line of a list in a file of its own. */
  readonly path: string
  /** False where nothing is written and the default decided: the place is the nearest that is. */
  readonly written: boolean
}

const nodeAt = (source: Source, path: Path): unknown => {
  let node: unknown = source.root
  for (const part of path) {
    if (isAlias(node)) node = source.resolve(node)
    if (typeof part === 'number') node = isSeq(node) ? node.items[part] : undefined
    else node = isMap(node) ? node.items.find(({ key }) => keyText(key) === part)?.value : undefined
  }
  return isAlias(node) ? source.resolve(node) : node
}

/**
 * Finds positions in the one or two files that decided, parsing each once more: the configuration keeps
 * none of them. Never throws: a file that is gone meanwhile has its settings in its first line.
 */
export const createPositions = (): { of (decider: Decider): Promise<Position> } => {
  const texts = new Map<string, Promise<string>>()
  const textOf = (file: string): Promise<string> => {
    const known = texts.get(file) ?? readFile(file, 'utf8').catch(() => '')
    texts.set(file, known)
    return known
  }

  /** A line of a file with one item a line. */
  const lineOf = async (file: string, item: (text: string) => boolean): Promise<Position | undefined> => {
    const index = (await textOf(file)).split(/\r?\n/).findIndex(line => item(line.trim()))
    return index === -1 ? undefined : { file, line: index + 1, column: 1, path: '', written: true }
  }

  const find = async ({ file, path, key, item }: Decider): Promise<Position | undefined> => {
    const source = parseSource(file, await textOf(file))
    const node = nodeAt(source, path)
    if (node === undefined || node === null) return undefined
    if (item === undefined) return { ...locate(source, path, key === true ? 'key' : 'value'), path: pathText(path), written: true }
    if (isScalar(node)) return await lineOf(resolve(dirname(file), String(node.value)), item)
    const index = isSeq(node) ? node.items.findIndex(entry => isScalar(entry) && item(String(entry.value))) : -1
    if (index === -1) return undefined
    const at = [...path, index]
    return { ...locate(source, at, 'value'), path: pathText(at), written: true }
  }

  return {
    of: async decider => {
      for (let next: Decider | undefined = decider; next !== undefined; next = next.else) {
        const found = await find(next)
        if (found !== undefined) return found
      }
      const { file, path } = decider
      return { ...locate(parseSource(file, await textOf(file)), path, 'key'), path: pathText(path), written: false }
    }
  }
}
