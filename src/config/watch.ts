import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { lstat, readlink, stat } from 'node:fs/promises'
import { join, parse, resolve } from 'node:path'
import { mapBounded } from './files.ts'

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
const lanes = 16

/**
 * The entries on the way to a path: each folder with the names in it that matter. A file may change by
 * being written, replaced (editors), or by any link on its way being swapped (Kubernetes' `..data`); a
 * folder may go and come back. So every entry of every folder on the way counts, and so do those on
 * the way to each link's target.
 */
const entriesTo = async (path: string, into: Map<string, Set<string>>, links = 0): Promise<void> => {
  let at = parse(path).root
  for (const name of path.slice(at.length).split(/[\\/]/).filter(part => part !== '')) {
    const known = into.get(at)
    const here = join(at, name)
    if (known?.has(name) === true) {
      at = here
      continue
    }
    if (known === undefined) into.set(at, new Set([name]))
    else known.add(name)
    const found = await lstat(here).catch(() => undefined)
    if (found?.isSymbolicLink() === true && links < maxLinks) {
      await entriesTo(resolve(at, await readlink(here).catch(() => '.')), into, links + 1)
    }
    at = here
  }
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
      const entries = new Map<string, Set<string>>()
      const folders = new Set<string>()
      await mapBounded(files.map(file => resolve(file)), lanes, async path => {
        await entriesTo(path, entries)
        if ((await stat(path).catch(() => undefined))?.isDirectory() === true) folders.add(path)
      })
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
