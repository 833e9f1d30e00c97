import { LineCounter, Schema } from 'yaml'
import type { ScalarTag } from 'yaml'

/** A key of a mapping, and the offset at which it stands. */
export interface Entry<Value> {
  readonly key: string
  readonly from: number
  readonly value: Value
}

/** What is made of what is read; `from` is the offset at which it begins. */
export interface Maker<Value, Root extends Value> {
  scalar (value: unknown, source: string, from: number): Value
  list (items: Value[], from: number): Value
  mapping (entries: readonly Entry<Value>[], from: number): Root
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

/** To be called with whatever the library is to read. */
export const unclear = (): never => { throw new Unclear() }

/** What a word means: text, a number, true, false or nothing. */
const meaning = (source: string): unknown => {
  const tag = special.test(source) ? tags.find(({ test }) => test.test(source)) : undefined
  return tag === undefined ? source : tag.resolve(source, unclear, {})
}

const read = <Value, Root extends Value>(text: string, make: Maker<Value, Root>): { root: Root, lines: LineCounter } => {
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

  const word = (source: string, from: number): Value => make.scalar(meaning(source), source, from)

  /** A key and its colon: a text, that no other key of its mapping is. */
  const key = (others: readonly Entry<Value>[]): string => {
    const text = match(keyWord)
    if (meaning(text) !== text || others.some(({ key }) => key === text)) unclear()
    at++
    return text
  }

  const inQuotes = (mark: string): Value => {
    const from = at + 1
    const close = text.indexOf(mark, from)
    if (close < 0 || close > end || text[close + 1] === mark) unclear()
    const value = text.slice(from, close)
    at = close + 1
    return value.includes('\\') ? unclear() : make.scalar(value, value, from - 1)
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

  const flow = (): Value => {
    const from = at
    const mark = text[at]
    if (mark === '"' || mark === "'") return inQuotes(mark)
    if (mark === '[') {
      const items: Value[] = []
      inBrackets(']', () => { items.push(flow()) })
      return make.list(items, from)
    }
    if (mark === '{') {
      const entries: Entry<Value>[] = []
      inBrackets('}', () => {
        const from = at
        const name = key(entries)
        skipBlanks()
        entries.push({ key: name, from, value: flow() })
      })
      return make.mapping(entries, from)
    }
    return word(match(flowWord), from)
  }

  /** A value that ends with its line. */
  const inLine = (): Value => {
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

  const list = (): Value => {
    const from = at
    const items: Value[] = []
    const own = indent
    const isMore = (): boolean => indent === own && isItem()
    while (isMore()) {
      at += 2
      skipBlanks()
      items.push(inLine())
    }
    return make.list(items, from)
  }

  const mapping = (): Root => {
    const from = at
    const entries: Entry<Value>[] = []
    const own = indent
    const isMore = (): boolean => indent === own
    while (isMore()) {
      const from = at
      const name = key(entries)
      entries.push({ key: name, from, value: isOver() ? below(own) : inLine() })
    }
    // What is indented further goes on with the line before.
    return indent > own ? unclear() : make.mapping(entries, from)
  }

  const below = (own: number): Value => {
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
export const readPlainWith = <Value, Root extends Value>(text: string, make: Maker<Value, Root>): { root: Root, lines: LineCounter } | undefined => {
  if (strange.test(text)) return undefined
  try {
    return read(text, make)
  } catch (error) {
    if (error instanceof Unclear) return undefined
    throw error
  }
}
