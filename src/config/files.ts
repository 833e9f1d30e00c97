import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'

/** A file as far as it could be read. */
export type FileContent =
  | { readonly text: string, readonly digest: string }
  | { readonly text: undefined, readonly digest: string, readonly message: string, readonly remedy: string }

/** What was read before, by path, with the stamp of the file it was read from. */
export type Remembered = Map<string, { readonly stamp: Stamp, readonly limit: number, readonly content: FileContent }>

/** What changes with a file: device, inode, size, and its two times. A list of numbers is the least that can be kept of them. */
type Stamp = readonly number[]

/**
 * Reads for one load, and remembers for the next. It blocks, at a tenth of the price of waiting for each of ten thousand files: `serve` reads in a
 * thread of its own, commands have nothing else to do.
 */
export interface Files {
  /** Never throws. `limit` in bytes. The same file is read once a load. */
  read (path: string, limit: number): FileContent
  /** Names in a folder, sorted; undefined when it is not there or not a folder. */
  list (path: string): readonly string[] | undefined
  /** Those that were asked for and are too new to be sure of: the next load has to look at them again, whatever is told of them. */
  unsure (): Iterable<string>
  /** To be asked later whether all of that is as it was, where nothing but `stirred`, and what was too new to be sure of, may have changed. */
  still (): (stirred: ReadonlySet<string>) => boolean
}

const faults: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['is not there', 'create it, or correct the path'],
  ENOTDIR: ['is not there: part of its path is a file', 'correct the path'],
  EACCES: ['may not be read', 'give the user that Portico runs as the right to read it'],
  EPERM: ['may not be read', 'give the user that Portico runs as the right to read it'],
  ELOOP: ['is a symbolic link that leads to itself', 'correct the link']
}

/** Most files come in one piece, with U+FFFD wherever bytes are no UTF-8; undefined for those. */
const textOf = (path: string): string | undefined => {
  const text = readFileSync(path, 'utf8')
  return text.includes('\ufffd') && !isUtf8(readFileSync(path)) ? undefined : text
}

const fault = (message: string, remedy: string): FileContent => ({ text: undefined, digest: `fault: ${message}`, message, remedy })

// A file that was changed this recently may be changed again within the same tick of its file system's clock.
const fresh = 2_000

const readOne = (path: string, limit: number, remembered: Remembered): FileContent => {
  const before = remembered.get(path)
  // What can no longer be read must not be remembered as it was.
  remembered.delete(path)
  const tooLarge = fault(`is larger than ${limit / 1024} KiB`, 'it is not what belongs here: correct the path, or split it')
  try {
    const found = statSync(path)
    // Times as numbers are exact to a quarter of a microsecond.
    const stamp = [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs]
    if (before?.stamp.every((value, index) => value === stamp[index]) === true) {
      remembered.set(path, before)
      return before.content
    }
    // Before opening: a pipe or a device would never answer.
    if (!found.isFile()) return fault('is not a file', 'correct the path')
    if (found.size > limit) return tooLarge
    const text = textOf(path)
    if (text === undefined || text.includes('\0')) return fault('is not UTF-8 text', 'save it as UTF-8')
    if (Buffer.byteLength(text) > limit) return tooLarge
    const content = { text: text.startsWith('\ufeff') ? text.slice(1) : text, digest: hash('sha256', text, 'base64') }
    if (Date.now() - found.ctimeMs > fresh) remembered.set(path, { stamp, limit, content })
    return content
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const [message, remedy] = faults[code] ?? [`cannot be read (${code})`, 'look at the file and its disk']
    return fault(message, remedy)
  }
}

const listOne = (path: string): readonly string[] | undefined => {
  try {
    return readdirSync(path).sort()
  } catch {
    return undefined
  }
}

type Unsure = ReadonlyMap<string, { readonly limit: number, readonly digest: string }>

/** Apart from the load, of which it keeps next to nothing. */
const createStill = (remembered: Remembered, unsure: Unsure, lists: ReadonlyMap<string, readonly string[] | undefined>) => {
  const isSame = (path: string): boolean => {
    const before = remembered.get(path)
    // Too new to be remembered afterwards, it has changed, be it to the same bytes.
    return before !== undefined && readOne(path, before.limit, remembered) === before.content && remembered.has(path)
  }
  return (stirred: ReadonlySet<string>): boolean =>
    [...stirred].every(path => unsure.has(path) || isSame(path)) &&
    [...unsure].every(([path, { limit, digest }]) => readOne(path, limit, remembered).digest === digest) &&
    [...lists].every(([path, list]) => listOne(path)?.join('/') === list?.join('/'))
}

/**
 * `remembered` is carried from load to load: a file whose stamp is old and the same is not read again, and
 * with `stirred` (a watcher's) the stamps of its files alone are looked at.
 */
export const createFiles = (remembered: Remembered = new Map(), stirred?: ReadonlySet<string>): Files => {
  const contents = new Map<string, FileContent>()
  /** Of those that are not remembered. */
  const limits = new Map<string, number>()
  const lists = new Map<string, readonly string[] | undefined>()
  return {
    read (path, limit) {
      const known = contents.get(path)
      if (known !== undefined) return known
      const content = (stirred?.has(path) === false ? remembered.get(path)?.content : undefined) ?? readOne(path, limit, remembered)
      contents.set(path, content)
      if (!remembered.has(path)) limits.set(path, limit)
      return content
    },
    list (path) {
      const list = listOne(path)
      lists.set(path, list)
      return list
    },
    unsure: () => limits.keys(),
    still () {
      const unsure = [...limits].map(([path, limit]) => [path, { limit, digest: contents.get(path)?.digest ?? '' }] as const)
      return createStill(remembered, new Map(unsure), lists)
    }
  }
}
