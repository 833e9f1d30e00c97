import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Configuration } from './configuration.ts'
import type { Loaded } from './load.ts'
import type { Problem } from './problem.ts'

export interface Reloader {
  /** Something may have changed. `force` reports and applies even what is byte for byte as before. */
  request (options?: { force?: boolean }): void
  /** Resolves when nothing is under way or asked for. */
  settled (): Promise<void>
  /** No reload begins after this. */
  close (): void
}

export interface ReloaderOptions {
  /** What the gateway was started with. */
  readonly started: Loaded & { readonly configuration: Configuration }
  readonly load: () => Promise<Loaded>
  /** Swaps the running configuration. When it throws, the old one is still the one that counts. */
  readonly apply: (configuration: Configuration) => Promise<void>
  /** Watches what this load read: the set of files changes with their contents. */
  readonly rearm: (files: readonly string[]) => Promise<void>
  readonly onReloaded: (loaded: Loaded & { readonly configuration: Configuration }, restartNeededFor: readonly string[]) => void
  /** The last good configuration stays. Told once for the same bytes. */
  readonly onFailed: (problems: readonly Problem[]) => void
  /** Milliseconds between two readings that must agree. */
  readonly settle?: number | undefined
}

/** Settings that only a start reads, as far as they differ: listeners and the store. */
const restartNeededFor = (started: Configuration, next: Configuration): string[] => {
  const same: readonly (readonly [string, boolean])[] = [
    ['listen.host', started.listen.host === next.listen.host],
    ['listen.port', started.listen.port === next.listen.port],
    ['listen.tls', (started.listen.tls === undefined) === (next.listen.tls === undefined)],
    ['ops.host', started.ops.host === next.ops.host],
    ['ops.port', started.ops.port === next.ops.port],
    ['store', isDeepStrictEqual(started.store, next.store)]
  ]
  return same.flatMap(([name, unchanged]) => unchanged ? [] : [name])
}

const reason = (error: unknown): string => error instanceof Error ? error.message : String(error)

/**
 * Reloads one at a time. A file may be caught in the middle of being written, so only what two
 * readings in a row agree on counts. A bad configuration keeps the last good one.
 */
export const createReloader = (options: ReloaderOptions): Reloader => {
  const { started, load, apply, rearm, onReloaded, onFailed, settle = 100 } = options
  let handled = started.version
  let asked = false
  let forced = false
  let closed = false
  let queue = Promise.resolve()

  const stable = async (): Promise<Loaded> => {
    let last = await load()
    for (;;) {
      // Between two readings: whatever changes from here on is an event, or a difference.
      await rearm(last.files)
      // What is wrong may be half written by somebody slow; to say so is not urgent.
      await setTimeout(last.configuration === undefined ? 4 * settle : settle)
      const next = await load()
      if (next.version === last.version) return next
      last = next
    }
  }

  const handle = async (loaded: Loaded, force: boolean): Promise<void> => {
    if (loaded.version === handled && !force) return
    handled = loaded.version
    const { configuration } = loaded
    if (configuration === undefined) return onFailed(loaded.problems)
    try {
      await apply(configuration)
    } catch (error) {
      return onFailed([{
        file: '', line: 1, column: 1, path: '', message: `could not be applied: ${reason(error)}`, remedy: 'the last good configuration stays; see the log', severity: 'problem'
      }])
    }
    onReloaded({ ...loaded, configuration }, restartNeededFor(started.configuration, configuration))
  }

  const run = async (): Promise<void> => {
    asked = false
    const force = forced
    forced = false
    if (closed) return
    try {
      const loaded = await stable()
      if (!closed) await handle(loaded, force)
    } catch (error) {
      onFailed([{ file: '', line: 1, column: 1, path: '', message: `could not be loaded: ${reason(error)}`, remedy: 'this is a defect of Portico: report it', severity: 'problem' }])
    }
  }

  return {
    request ({ force = false } = {}) {
      forced ||= force
      if (asked || closed) return
      asked = true
      queue = queue.then(run)
    },
    async settled () {
      let seen
      do {
        seen = queue
        await seen
      } while (seen !== queue)
    },
    close () { closed = true }
  }
}
