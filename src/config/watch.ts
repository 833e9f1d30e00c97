import { lstatSync, readlinkSync, statSync, watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'

/** Watches the files of a configuration, wherever their links lead. */
export interface Watcher {
  /** Watches these from now on, instead of what was watched before. */
  watch (files: readonly string[]): Promise<void>
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

/**
 * The entries on the way to a path: each folder with the names in it that matter. A file may change by
 * being written, replaced (editors), or by any link on its way being swapped (Kubernetes' `..data`); a
 * folder may go and come back. So every entry of every folder on the way counts, and so do those on
 * the way to each link's target.
 */
const entriesTo = (path: string, into: Entries, links = 0): void => {
  const folder = dirname(path)
  const name = basename(path)
  if (folder === path) return
  const known = into.get(folder)
  if (known?.has(name) === true) return
  if (known === undefined) into.set(folder, new Set([name]))
  else known.add(name)
  // The way to a folder is gone once, however many files it has.
  if (known === undefined) entriesTo(folder, into, links)
  const target = links < maxLinks ? linkAt(path) : undefined
  if (target !== undefined) entriesTo(resolve(folder, target), into, links + 1)
}

/** Creates a watcher; `watch` arms it. */
export const createWatcher = ({ onChange, onPolling = () => {}, quiet = 50, longest = 500 }: WatchOptions): Watcher => {
  let watchers = new Map<string, FSWatcher>()
  let polling: NodeJS.Timeout | undefined
  let silence: NodeJS.Timeout | undefined
  let since: number | undefined
  let closed = false

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
      const watcher = watch(folder, { persistent: false }, (_, name) => { if (name === null || matters(name)) stir() })
      watcher.on('error', stir)
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
      const entries: Entries = new Map()
      const paths = files.map(file => resolve(file))
      for (const path of paths) entriesTo(path, entries)
      const folders = new Set(paths.filter(isFolder))
      if (closed) return
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
      polling = armed.every(Boolean) ? undefined : setInterval(stir, pollInterval).unref()
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
