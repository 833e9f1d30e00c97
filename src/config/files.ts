import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { readdir } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A file as far as it could be read. */
export type FileContent =
  | { readonly text: string, readonly digest: string }
  | { readonly text: undefined, readonly digest: string, readonly message: string, readonly remedy: string }

/** What was read before, by path, with the stamp of the file it was read from. */
export type Remembered = Map<string, { readonly stamp: string, readonly content: FileContent }>

/** Reads for one load and remembers what was read, so that the load has a version and the watcher its files. */
export interface Files {
  /** Never throws. `limit` in bytes. The same file is read once a load. */
  read (path: string, limit: number): Promise<FileContent>
  /** Names in a folder, sorted; undefined when it is not there or not a folder. */
  list (path: string): Promise<readonly string[] | undefined>
  /** Every file and folder that was asked for. */
  readonly names: ReadonlySet<string>
  /** SHA-256 over every name that was asked for and the bytes that came. */
  version (): string
}

const faults: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['is not there', 'create it, or correct the path'],
  ENOTDIR: ['is not there: part of its path is a file', 'correct the path'],
  EACCES: ['may not be read', 'give the user that Portico runs as the right to read it'],
  EPERM: ['may not be read', 'give the user that Portico runs as the right to read it'],
  ELOOP: ['is a symbolic link that leads to itself', 'correct the link']
}

const decoder = new TextDecoder()

const fault = (message: string, remedy: string): FileContent => ({ text: undefined, digest: `fault: ${message}`, message, remedy })

// A third of the work of their counterparts in fs/promises; ten thousand organizations are as many files.
const stat = (path: string): Promise<fs.BigIntStats> => new Promise((resolve, reject) => {
  fs.stat(path, { bigint: true }, (error, found) => { if (error === null) resolve(found); else reject(error) })
})
const readFile = promisify<string, Buffer>(fs.readFile)

// A file that was changed this recently may be changed again within the same tick of its file system's clock.
const fresh = 2_000

const readOne = async (path: string, limit: number, remembered: Remembered): Promise<FileContent> => {
  const tooLarge = fault(`is larger than ${limit / 1024} KiB`, 'it is not what belongs here: correct the path, or split it')
  try {
    const found = await stat(path)
    const stamp = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join()
    const before = remembered.get(path)
    if (before?.stamp === stamp) return before.content
    // Before opening: a pipe or a device would never answer.
    if (!found.isFile()) return fault('is not a file', 'correct the path')
    if (found.size > limit) return tooLarge
    const bytes = await readFile(path)
    if (bytes.length > limit) return tooLarge
    if (bytes.includes(0) || !isUtf8(bytes)) return fault('is not UTF-8 text', 'save it as UTF-8')
    const content = { text: decoder.decode(bytes), digest: createHash('sha256').update(bytes).digest('base64') }
    if (Date.now() - Number(found.ctimeMs) > fresh) remembered.set(path, { stamp, content })
    else remembered.delete(path)
    return content
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const [message, remedy] = faults[code] ?? [`cannot be read (${code})`, 'look at the file and its disk']
    return fault(message, remedy)
  }
}

/** `remembered` is carried from load to load: a file whose stamp is old and the same is not read again. */
export const createFiles = (remembered: Remembered = new Map()): Files => {
  const contents = new Map<string, Promise<FileContent>>()
  const folders = new Map<string, Promise<readonly string[] | undefined>>()
  const digests = new Map<string, string>()
  const names = new Set<string>()
  return {
    read (path, limit) {
      const known = contents.get(path)
      if (known !== undefined) return known
      const reading = readOne(path, limit, remembered).then(content => {
        digests.set(path, content.digest)
        return content
      })
      contents.set(path, reading)
      names.add(path)
      return reading
    },
    list (path) {
      const known = folders.get(path)
      if (known !== undefined) return known
      const listing = readdir(path).then(names => names.sort(), () => undefined)
      folders.set(path, listing)
      names.add(path)
      return listing
    },
    names,
    version () {
      const hash = createHash('sha256')
      for (const [path, digest] of [...digests].sort(([a], [b]) => a < b ? -1 : 1)) hash.update(`${path}\0${digest}\n`)
      return hash.digest('hex')
    }
  }
}

/** Runs `work` over all items, at most `lanes` at a time, and answers in order. */
export const mapBounded = async <Item, Result>(items: readonly Item[], lanes: number, work: (item: Item) => Promise<Result>): Promise<Result[]> => {
  const results: Result[] = []
  let next = 0
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, async () => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index]
      if (item !== undefined) results[index] = await work(item)
    }
  }))
  return results
}

// A reload works beside requests and lets go of the event loop this often, in milliseconds.
const breath = 4

/** Answers with a function to await inside long loops: it lets other work run once it is due. */
export const createBreather = (): () => Promise<void> | undefined => {
  let since = performance.now()
  return () => {
    if (performance.now() - since < breath) return undefined
    return setImmediate().then(() => { since = performance.now() })
  }
}
