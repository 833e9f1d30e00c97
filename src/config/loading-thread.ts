import { Worker, type WorkerOptions } from 'node:worker_threads'
import { createBreather } from './breather.ts'
import type { OrganizationSource } from './build/checked.ts'
import type { Builder } from './build.ts'
import type { Loaded } from './load.ts'
import { compareProblems } from './problem.ts'
import type { Problem } from './problem.ts'
import { problemKey } from './transfer.ts'
import type { Answer, Ask, ReadAnswer, Tell } from './transfer.ts'

/** Loading in a thread of its own, so that no request waits for it (decision 0011). */
export interface LoadingThread {
  /**
   * As `createLoader`'s, one at a time; but `files` is empty, since they are watched there. Rejects when
   * the thread fails or dies.
   */
  load (): Promise<Loaded>
  /** Watches what was read last, from now on, instead of what was watched before. */
  watch (): Promise<void>
  /** Ends the thread. */
  close (): Promise<void>
}

export interface LoadingThreadOptions {
  /** The main file: `config/portico.yaml`. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  /** Something that was read may have changed. */
  readonly onChange: () => void
  /** A folder cannot be watched: it is polled instead. */
  readonly onPolling: (folder: string, reason: string) => void
  /** The thread died while nobody waited for it; it comes back with the next change or within a minute. */
  readonly onDied: (error: Error) => void
  readonly createWorker?: ((script: URL, options: WorkerOptions) => Worker) | undefined
}

/** Many times what 10,000 organizations take, in MiB: a thread that needs more dies alone. */
const resourceLimits = { maxOldGenerationSizeMb: 1_024, maxYoungGenerationSizeMb: 16 }
/** Milliseconds until a thread that died is started again: doubled each time, up to the longest. */
const pauses = { first: 1_000, longest: 60_000 }

interface Waiter {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** Starts the thread with the first `load`. */
export const createLoadingThread = (options: LoadingThreadOptions): LoadingThread => {
  const { file, env, onChange, onPolling, onDied, createWorker = (script, options) => new Worker(script, options) } = options
  let builder: Promise<Builder> | undefined
  /** Until what came ahead is built. */
  let prepared: Promise<void> | undefined
  const waiters = new Map<number, Waiter>()
  let worker: Worker | undefined
  /** What the worker has told so far: by file, and by key. */
  let sources = new Map<string, OrganizationSource>()
  let warnings = new Map<string, Problem>()
  let asked = 0
  let pause = pauses.first
  let again: NodeJS.Timeout | undefined
  let closed = false

  /** Builds what comes while the thread reads on; it is in force once all is known to be good, or never. */
  const prepare = ({ organizations, session }: Tell & { kind: 'ahead' }): void => {
    for (const source of organizations) sources.set(source.file, source)
    prepared = Promise.all([builder, prepared]).then(([builder]) => { builder?.prepare(organizations, session) })
    prepared.catch(() => { /* it is awaited once all is known to be good */ })
  }

  const hear = (message: Tell): void => {
    if (message.kind === 'changed') return onChange()
    if (message.kind === 'ahead') return prepare(message)
    if (message.kind === 'polling') return onPolling(message.folder, message.reason)
    const waiter = waiters.get(message.number)
    waiters.delete(message.number)
    // one that is being ended is waited for: what it said before must not let the process go
    if (waiters.size === 0 && !closed) worker?.unref()
    if (message.kind === 'answer') waiter?.resolve(message.answer)
    else waiter?.reject(new Error(message.reason))
  }

  const died = (error: Error): void => {
    worker = undefined
    const left = [...waiters.values()]
    waiters.clear()
    if (closed) return
    for (const { reject } of left) reject(error)
    if (left.length === 0) onDied(error)
    clearTimeout(again)
    again = setTimeout(onChange, pause).unref()
    pause = Math.min(2 * pause, pauses.longest)
  }

  const start = (): Worker => {
    let reason = new Error('the loading thread ended')
    const started = createWorker(new URL('./loading-worker.ts', import.meta.url), { workerData: { file, env: { ...env }, ahead: builder === undefined }, resourceLimits })
    started.on('message', hear)
    started.on('error', (error: Error) => { reason = error })
    started.on('exit', () => { died(reason) })
    sources = new Map()
    warnings = new Map()
    return started
  }

  const ask = (kind: Ask['kind']): Promise<Answer> => new Promise((resolve, reject) => {
    worker ??= start()
    const number = ++asked
    waiters.set(number, { resolve, reject })
    worker.ref()
    worker.postMessage({ number, kind } satisfies Ask)
  })

  const warningsAfter = ({ added, removed }: ReadAnswer['warnings']): Problem[] => {
    for (const key of removed) warnings.delete(key)
    for (const warning of added) warnings.set(problemKey(warning), warning)
    const all = [...warnings.values()]
    return added.length === 0 ? all : all.sort(compareProblems)
  }

  /** Fetches what changed, a few organizations at a time, and answers with all of them. */
  const fetch = async ({ removed, changed }: NonNullable<ReadAnswer['checked']>): Promise<OrganizationSource[]> => {
    const breathe = createBreather()
    for (const file of removed) sources.delete(file)
    let left = changed
    let coming = left > 0 ? ask('more') : undefined
    while (coming !== undefined) {
      const more = await coming
      if (more.kind !== 'organizations' || more.organizations.length === 0) throw new TypeError('the loading thread has lost count')
      left -= more.organizations.length
      // The next are packed there while these are unpacked here.
      coming = left > 0 ? ask('more') : undefined
      coming?.catch(() => { /* it is awaited, and thrown, the next time round */ })
      for (const source of more.organizations) sources.set(source.file, source)
      await breathe()
    }
    return [...sources.values()]
  }

  return {
    async load () {
      const reading = ask('load')
      // The builder's code comes while the thread reads; without a thread, there is nothing to build from.
      builder ??= import('./build.ts').then(({ createBuilder }) => createBuilder(env))
      const [read, { build }] = await Promise.all([reading, builder])
      if (read.kind !== 'read') throw new TypeError('the loading thread answers something else')
      const { checked, problems, version } = read
      const outcome = { problems, warnings: warningsAfter(read.warnings), version, files: [] }
      if (checked === undefined) return outcome
      await prepared
      const configuration = await build({ ...checked, organizations: await fetch(checked) })
      pause = pauses.first
      return { ...outcome, configuration }
    },
    async watch () {
      await ask('watch')
    },
    async close () {
      closed = true
      clearTimeout(again)
      await worker?.terminate()
    }
  }
}
