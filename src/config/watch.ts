import { lstatSync, readdirSync, readlinkSync, statSync, watch } from 'node:fs'
import type { Dirent, FSWatcher } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isSameList } from './same-list.ts'

/** Watches the files of a configuration, wherever their links lead. */
export interface Watcher {
  /** Watches these from now on, instead of what was watched before. */
  watch (files: readonly string[]): Promise<void>
  /**
   * Which of the files may have changed since this was asked last, as far as what the system tells of can be
   * believed: undefined for any, and wherever there is a link on the way, where a name tells nothing.
   */
  stirred (): ReadonlySet<string> | undefined
  close (): void
}

export interface WatchOptions {
  /** Something that was watched may have changed; called once a burst. */
  readonly onChange: () => void
  /** A folder cannot be watched (too many watches, an odd file system): it is polled instead. */
  readonly onPolling?: ((folder: string, error: unknown) => void) | undefined
  /** Milliseconds of silence that end a burst. */
  readonly quiet?: number | undefined
  /** Milliseconds after which a burst that does not end is told all the same. */
  readonly longest?: number | undefined
}

const maxLinks = 40
const pollInterval = 1_000

type Entries = Map<string, Set<string>>

/** How the files of a configuration are reached. */
interface Ways {
  readonly files: readonly string[]
  readonly entries: Entries
  /** Those of the files that are folders. */
  readonly folders: ReadonlySet<string>
  readonly hasLinks: boolean
}

const linkAt = (path: string): string | undefined => {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return undefined
  }
}

const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

const isLinkOrFolder = (path: string): boolean => {
  try {
    const found = lstatSync(path)
    return found.isSymbolicLink() || found.isDirectory()
  } catch {
    return false
  }
}

/** So many files of one folder are not looked at one by one; fewer that have come or gone are. */
const many = 100

const listed = (folder: string): readonly Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Those of the paths, where they are many of one folder, that are files, and neither links nor folders. */
const filesAmong = (paths: readonly string[]): ReadonlySet<string> => new Set([...Map.groupBy(paths, dirname)].flatMap(([folder, paths]) =>
  paths.length < many ? [] : listed(folder).flatMap(entry => entry.isFile() ? join(folder, entry.name) : [])))

/**
 * The entries on the way to a path: each folder with the names in it that matter. A file may change by
 * being written, replaced (editors), or by any link on its way being swapped (Kubernetes' `..data`); a
 * folder may go and come back. So every entry of every folder on the way counts, and so do those on
 * the way to each link's target. Answers whether there is a link that was not known. Those that are known to
 * be `files` are not looked at.
 */
const entriesTo = (path: string, into: Entries, files: ReadonlySet<string>, links = 0): boolean => {
  const folder = dirname(path)
  const name = basename(path)
  if (folder === path) return false
  const known = into.get(folder)
  if (known?.has(name) === true) return false
  if (known === undefined) into.set(folder, new Set([name]))
  else known.add(name)
  // The way to a folder is gone once, however many files it has.
  const isBelowLink = known === undefined && entriesTo(folder, into, files, links)
  const target = links < maxLinks && !files.has(path) ? linkAt(path) : undefined
  if (target !== undefined) entriesTo(resolve(folder, target), into, files, links + 1)
  return isBelowLink || target !== undefined
}

const waysTo = (files: readonly string[]): Ways => {
  const entries: Entries = new Map()
  const paths = files.map(file => resolve(file))
  const known = filesAmong(paths)
  const hasLinks = paths.map(path => entriesTo(path, entries, known)).includes(true)
  return { files, entries, folders: new Set(paths.filter(path => !known.has(path) && isFolder(path))), hasLinks }
}

/**
 * The ways as they are known, with a few files more or less, all of them plain ones among others of their folders;
 * undefined where it takes another look at all of them.
 */
const waysAfter = (ways: Ways, files: readonly string[]): Ways | undefined => {
  if (isSameList(files, ways.files)) return ways
  const [before, after] = [new Set(ways.files), new Set(files)]
  const come = files.filter(file => !before.has(file))
  const gone = ways.files.filter(file => !after.has(file))
  const isPlain = (path: string): boolean => path === resolve(path) && ways.entries.has(dirname(path)) && !ways.entries.has(path) && !ways.folders.has(path)
  if (ways.hasLinks || come.length + gone.length > many || ![...come, ...gone].every(isPlain) || come.some(isLinkOrFolder)) return undefined
  for (const path of come) ways.entries.get(dirname(path))?.add(basename(path))
  for (const path of gone) ways.entries.get(dirname(path))?.delete(basename(path))
  return [...ways.entries.values()].every(({ size }) => size > 0) ? { ...ways, files } : undefined
}

/** Creates a watcher; `watch` arms it. */
export const createWatcher = ({ onChange, onPolling = () => {}, quiet = 50, longest = 500 }: WatchOptions): Watcher => {
  let watchers = new Map<string, FSWatcher>()
  let polling: NodeJS.Timeout | undefined
  let silence: NodeJS.Timeout | undefined
  let since: number | undefined
  let closed = false
  let ways: Ways | undefined
  /** What has changed since it was asked for, and since the ways were looked at; undefined for anything. */
  let news: Set<string> | undefined
  let doubts: Set<string> | undefined

  const note = (path: string | undefined): void => {
    // A folder or a link is another way to everything below it.
    const isFile = path !== undefined && ways !== undefined && !ways.hasLinks && !ways.entries.has(path) && !ways.folders.has(path)
    if (isFile) {
      news?.add(path)
      doubts?.add(path)
    } else news = doubts = undefined
    stir()
  }

  const tell = (): void => {
    silence = undefined
    since = undefined
    if (!closed) onChange()
  }

  const stir = (): void => {
    if (closed) return
    since ??= performance.now()
    clearTimeout(silence)
    silence = setTimeout(tell, Math.max(0, Math.min(quiet, since + longest - performance.now())))
  }

  const arm = (folder: string, matters: (name: string) => boolean, next: Map<string, FSWatcher>): boolean => {
    try {
      // Always anew: a folder of the same name may be another one by now.
      const watcher = watch(folder, { persistent: false }, (_, name) => { if (name === null || matters(name)) note(name === null ? undefined : join(folder, name)) })
      watcher.on('error', () => { note(undefined) })
      next.set(folder, watcher)
      return true
    } catch (error) {
      const gone = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      if (!gone) onPolling(folder, error)
      return gone
    }
  }

  return {
    async watch (files) {
      if (closed) return
      const known = doubts === undefined || [...doubts].some(isLinkOrFolder) ? undefined : ways
      ways = (known === undefined ? undefined : waysAfter(known, files)) ?? waysTo(files)
      const { entries, folders } = ways
      doubts = new Set()
      const next = new Map<string, FSWatcher>()
      const armed = [...new Set([...entries.keys(), ...folders])].map(folder => {
        const names = entries.get(folder)
        // In a folder that was listed (organizations) new names matter too.
        const listed = folders.has(folder)
        return arm(folder, name => names?.has(name) === true || (listed && !name.startsWith('.')), next)
      })
      for (const old of watchers.values()) old.close()
      watchers = next
      clearInterval(polling)
      polling = armed.every(Boolean) ? undefined : setInterval(() => { note(undefined) }, pollInterval).unref()
    },
    stirred () {
      const told = news
      news = ways?.hasLinks === false && polling === undefined ? new Set() : undefined
      return told
    },
    close () {
      closed = true
      clearTimeout(silence)
      clearInterval(polling)
      for (const watcher of watchers.values()) watcher.close()
      watchers.clear()
    }
  }
}
