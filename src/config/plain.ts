import { LineCounter, Pair, Scalar, Schema, YAMLMap, YAMLSeq, isScalar } from 'yaml'
import type { Node, ScalarTag } from 'yaml'

/** A file in the plain part of YAML, read. */
export interface Plain {
  /** The library's tree as far as anybody here looks: its nodes begin at the same offsets; where they end is not said. */
  readonly root: YAMLMap
  readonly lines: LineCounter
}

/** Tabs, carriage returns, control characters, and whatever some reader may take for a blank or a line break. */
const strange = /[^\n\x20-\x7e\u00c0-\u167f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u3040-\ud7ff]/
/** How a text without quotes begins: with none of the characters that mean something there. */
const beginning = /^[\w./\u00c0-\ud7ff]/
/** How those begin that may be more than text. */
const special = /^[-+.\d~nNtTfF]/
/** Characters of a line, and of its indentation: what is nested deeper than they allow is for the library. */
const longest = { line: 1_000, indent: 32 }

/** Which words are numbers, true, false or nothing is the library's own decision. */
const tags = new Schema({ schema: 'core' }).tags.filter((tag): tag is ScalarTag & { readonly test: RegExp } =>
  tag.collection === undefined && tag.default === true && tag.test !== undefined)

class Unclear extends Error {}

const unclear = (): never => { throw new Unclear() }

const placed = <T extends Node>(node: T, from: number): T => {
  node.range = [from, from, from]
  return node
}

const scalar = (value: unknown, source: string, from: number): Scalar => {
  const node = placed(isScalar(value) ? value : new Scalar(value), from)
  node.source = source
  return node
}

const word = (source: string, from: number): Scalar => {
  const tag = special.test(source) ? tags.find(({ test }) => test.test(source)) : undefined
  return scalar(tag === undefined ? source : tag.resolve(source, unclear, {}), source, from)
}

const read = (text: string): Plain => {
  const keyWord = /\w[\w-]{0,99}(?=:(?:[ \n]|$))/y
  const flowWord = /[\w./][\w./@+=-]*(?::[\w/][\w./@+=-]*)*/y
  const lines = new LineCounter()
  /** Where reading is, on a line with something on it; how far that is indented (-1 after the last); where it ends. */
  let at = 0
  let indent = 0
  let end = -1

  const skipBlanks = (): void => { while (text[at] === ' ') at++ }

  const nextLine = (): void => {
    do {
      const start = end + 1
      indent = -1
      if (start > text.length) return
      lines.addNewLine(start)
      end = text.indexOf('\n', start)
      if (end < 0) end = text.length
      at = start
      skipBlanks()
      indent = at - start
      if (indent > longest.indent || end - start > longest.line) unclear()
    } while (at === end || text[at] === '#')
  }

  /** Whether nothing but a comment follows on this line; then the next one is to be read. */
  const isOver = (): boolean => {
    const before = at
    skipBlanks()
    if (at < end && (text[at] !== '#' || at === before)) return false
    nextLine()
    return true
  }

  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? unclear()
    at += found.length
    return found
  }

  /** A key and its colon: a text, that no other key of its mapping is. */
  const key = ({ items }: YAMLMap<Scalar>): Scalar => {
    const from = at
    const node = word(match(keyWord), from)
    if (typeof node.value !== 'string' || items.some(({ key }) => key.value === node.value)) unclear()
    at++
    return node
  }

  const inQuotes = (mark: string): Scalar => {
    const from = at + 1
    const close = text.indexOf(mark, from)
    if (close < 0 || close > end || text[close + 1] === mark) unclear()
    const value = text.slice(from, close)
    at = close + 1
    return value.includes('\\') ? unclear() : scalar(value, value, from - 1)
  }

  const inBrackets = (close: string, item: () => void): void => {
    at++
    skipBlanks()
    for (let mark = text[at] === close ? text[at++] : ','; mark !== close; mark = text[at++]) {
      if (mark !== ',') unclear()
      skipBlanks()
      item()
      skipBlanks()
    }
  }

  const flow = (): Node => {
    const from = at
    const mark = text[at]
    if (mark === '"' || mark === "'") return inQuotes(mark)
    if (mark === '[') {
      const list = placed(new YAMLSeq<Node>(), from)
      inBrackets(']', () => { list.items.push(flow()) })
      return list
    }
    if (mark === '{') {
      const map = placed(new YAMLMap<Scalar, Node>(), from)
      inBrackets('}', () => {
        const name = key(map)
        skipBlanks()
        map.items.push(new Pair(name, flow()))
      })
      return map
    }
    return word(match(flowWord), from)
  }

  /** A value that ends with its line. */
  const inLine = (): Node => {
    const from = at
    if (/["'[{]/.test(text.charAt(at))) {
      const node = flow()
      return isOver() ? node : unclear()
    }
    const source = text.slice(at, end).replace(/ #.*/, '').trimEnd()
    if (!beginning.test(source) || /: |:$|#/.test(source)) unclear()
    nextLine()
    return word(source, from)
  }

  const isItem = (): boolean => text.startsWith('- ', at)

  const list = (): YAMLSeq => {
    const node = placed(new YAMLSeq<Node>(), at)
    const own = indent
    const isMore = (): boolean => indent === own && isItem()
    while (isMore()) {
      at += 2
      skipBlanks()
      node.items.push(inLine())
    }
    return node
  }

  const mapping = (): YAMLMap => {
    const node = placed(new YAMLMap<Scalar, Node>(), at)
    const own = indent
    const isMore = (): boolean => indent === own
    while (isMore()) {
      const name = key(node)
      node.items.push(new Pair(name, isOver() ? below(own) : inLine()))
    }
    // What is indented further goes on with the line before.
    return indent > own ? unclear() : node
  }

  const below = (own: number): Node => {
    if (indent >= own && isItem()) return list()
    return indent > own ? mapping() : unclear()
  }

  nextLine()
  return indent === 0 ? { root: mapping(), lines } : unclear()
}

/**
 * Reads what most files of customers are made of, in a tenth of the time that the library takes: mappings of
 * plain words, one a line, and lists of them; texts in quotes without escapes; lists and mappings in brackets on
 * one line; comments. Undefined for everything else, and for whatever is wrong or might mean something else: then
 * the library reads it. What is read here, the library reads in just the same way (test/config/plain.test.ts).
 */
export const readPlain = (text: string): Plain | undefined => {
  if (strange.test(text)) return undefined
  try {
    return read(text)
  } catch (error) {
    if (error instanceof Unclear) return undefined
    throw error
  }
}
