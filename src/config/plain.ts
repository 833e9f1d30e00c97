import { Pair, Scalar, YAMLMap, YAMLSeq, isScalar } from 'yaml'
import type { LineCounter, Node } from 'yaml'
import { readPlainWith, unclear } from './plain-reader.ts'
import type { Maker } from './plain-reader.ts'

/** A file in the plain part of YAML, read. */
export interface Plain {
  /** The library's tree as far as anybody here looks: its nodes begin at the same offsets; where they end is not said. */
  readonly root: YAMLMap
  readonly lines: LineCounter
}

/** The same as plain data. */
export interface PlainData {
  readonly root: Mapping
  /** Every key of every mapping, and at which offset it stands. */
  readonly keys: readonly Key[]
  readonly lines: LineCounter
}

export type Mapping = Readonly<Record<string, unknown>>

export interface Key {
  readonly mapping: Mapping
  readonly key: string
  readonly from: number
}

const placed = <T extends Node>(node: T, from: number): T => {
  node.range = [from, from, from]
  return node
}

const scalarNode = (value: unknown, source: string, from: number): Scalar => {
  const node = placed(isScalar(value) ? value : new Scalar(value), from)
  node.source = source
  return node
}

const nodes: Maker<Node, YAMLMap> = {
  scalar: scalarNode,
  list: (items, from) => Object.assign(placed(new YAMLSeq<Node>(), from), { items }),
  mapping: (entries, from) => Object.assign(placed(new YAMLMap<Scalar, Node>(), from), {
    items: entries.map(({ key, from, value }) => new Pair(scalarNode(key, key, from), value))
  })
}

const dataInto = (keys: Key[]): Maker<unknown, Mapping> => ({
  scalar: value => isScalar(value) ? value.value : value,
  list: items => items,
  mapping: entries => {
    const mapping: Record<string, unknown> = {}
    for (const { key, from, value } of entries) {
      // would not become a key of it
      if (key === '__proto__') unclear()
      mapping[key] = value
      keys.push({ mapping, key, from })
    }
    return mapping
  }
})

/** As the library's tree. Undefined for what it must read itself (see plain-reader.ts). */
export const readPlain = (text: string): Plain | undefined => readPlainWith(text, nodes)

/** As `readPlain`, without the nodes, which cost as much as the reading. */
export const readPlainData = (text: string): PlainData | undefined => {
  const keys: Key[] = []
  const plain = readPlainWith(text, dataInto(keys))
  return plain === undefined ? undefined : { ...plain, keys }
}
