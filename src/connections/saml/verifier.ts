import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { PorticoError } from '../../errors.ts'
import type { ErrorCode } from '../../errors.ts'
import type { NameId } from '../connector.ts'
import type { TracedCheck } from '../trace.ts'
import type { IdpDescription } from './description.ts'
import type { LogoutExpectations, ResponseExpectations } from './expectations.ts'
import type { Received } from './received.ts'

/** A LogoutRequest or LogoutResponse that was signed by the provider (SAML Core §3.7). */
export interface LogoutMessage {
  readonly kind: 'request' | 'response'
  readonly id: string
  readonly inResponseTo: string | undefined
  /** Of a request. */
  readonly nameId: NameId | undefined
  readonly sessionIndexes: readonly string[]
  /** Seconds since the epoch. */
  readonly notOnOrAfter: number | undefined
  /** Of a response: the last part of its top-level status code, `Success`. */
  readonly status: string | undefined
  /** Of a response: its second-level status code is `PartialLogout` (SAML Core §3.7.3.1), whatever the first is. */
  readonly isPartial: boolean
}

/** XML from outside, never judged on the thread that serves requests (behaviours S12). Plain data. */
export type Task =
  | { readonly kind: 'response', /** Base64, as it came. */ readonly message: string, readonly expectations: ResponseExpectations, readonly now: number }
  | { readonly kind: 'logout', /** Base64 of a POST; of a redirect the raw query, whose signature is over its octets. */ readonly message: string, readonly binding: 'post' | 'redirect', readonly expectations: LogoutExpectations, readonly now: number }
  | { readonly kind: 'metadata', readonly xml: string, readonly entityId: string | undefined, /** PEM: of which one must have signed it; empty where nobody asks. */ readonly certificates: readonly string[], readonly now: number }

/** What a refusal tells; becomes a PorticoError on the other side. */
export interface RefusalData {
  readonly code: ErrorCode
  readonly wanted: string | undefined
  readonly got: string | undefined
  readonly remedy: string | undefined
}

/** How a task came out, with every check that was made. */
export type Outcome =
  | { readonly kind: 'received', readonly received: Received, readonly checks: readonly TracedCheck[] }
  | { readonly kind: 'logout', readonly logout: LogoutMessage, readonly checks: readonly TracedCheck[] }
  | { readonly kind: 'metadata', readonly description: IdpDescription, readonly checks: readonly TracedCheck[] }
  | { readonly kind: 'refused', readonly refusal: RefusalData, readonly checks: readonly TracedCheck[] }

/** Judges XML in threads of their own, with a deadline. */
export interface Verifier {
  /**
   * Never rejects for what stands in the message: that is `refused`. Rejects with PORTICO_SAML_TIMEOUT when
   * it took too long or its thread died of it, and PORTICO_OVERLOADED when too many wait.
   */
  judge (task: Task): Promise<Outcome>
  close (): Promise<void>
}

export interface VerifierOptions {
  /** Milliseconds for one task, from when a thread takes it. */
  readonly deadline?: number
  /** Tasks that wait for a thread, at most. */
  readonly mostWaiting?: number
  /** Threads, at most: one, and a second where there is a processor for it. */
  readonly mostThreads?: number
  readonly createWorker?: (() => Worker) | undefined
}

interface Job {
  readonly task: Task
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: PorticoError) => void
}

interface Thread {
  readonly worker: Worker
  /** It has loaded its code. */
  isReady: boolean
  job: Job | undefined
  timer: NodeJS.Timeout | undefined
}

/** MiB: what a message of the largest size takes many times over, whatever is in it. */
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 }

const startWorker = (): Worker => new Worker(new URL('./verifying-worker.ts', import.meta.url), { resourceLimits })

/**
 * Starts its first thread with the first task, and another when that one is busy. A thread has one task at a
 * time, so that whatever kills it takes nothing else along; it is replaced when there is a next one. Idle
 * threads hold up no exit.
 */
export const createVerifier = (options: VerifierOptions = {}): Verifier => {
  const { deadline = 2_000, mostWaiting = 200, mostThreads = Math.min(2, availableParallelism()), createWorker = startWorker } = options
  const waiting: Job[] = []
  const threads = new Set<Thread>()
  let closed = false

  const timeout = (got: string): PorticoError => new PorticoError('PORTICO_SAML_TIMEOUT', { wanted: `a message that is judged in ${deadline} ms`, got })

  const settle = (thread: Thread): Job | undefined => {
    const { job } = thread
    clearTimeout(thread.timer)
    thread.job = undefined
    return job
  }

  const lose = (thread: Thread, got: string): void => {
    threads.delete(thread)
    settle(thread)?.reject(timeout(got))
    // Without this, one that cannot start would be started over and over.
    if (!thread.isReady) for (const job of waiting.splice(0)) job.reject(timeout(got))
    dispatch()
  }

  const start = (): void => {
    const worker = createWorker()
    const thread: Thread = { worker, isReady: false, job: undefined, timer: undefined }
    threads.add(thread)
    worker.on('message', (message: 'ready' | Outcome) => {
      if (message === 'ready') thread.isReady = true
      else settle(thread)?.resolve(message)
      dispatch()
    })
    // 'exit' follows
    worker.on('error', () => undefined)
    worker.on('exit', () => { if (threads.has(thread)) lose(thread, 'a thread that died') })
  }

  const give = (thread: Thread, job: Job): void => {
    thread.job = job
    thread.timer = setTimeout(() => {
      lose(thread, 'one that takes longer')
      thread.worker.terminate().catch(() => undefined)
    }, deadline)
    thread.worker.postMessage(job.task)
  }

  const dispatch = (): void => {
    // The end of every thread is waited for then, and must hold up the exit.
    if (closed) return
    for (const thread of threads) {
      const job = thread.isReady && thread.job === undefined ? waiting.shift() : undefined
      if (job !== undefined) give(thread, job)
    }
    const all = [...threads]
    if (waiting.length > 0 && all.every(({ isReady }) => isReady) && all.length < mostThreads) start()
    for (const { worker, isReady, job } of threads) {
      if (isReady ? job !== undefined : waiting.length > 0) worker.ref()
      else worker.unref()
    }
  }

  return {
    judge: task => new Promise((resolve, reject) => {
      if (closed || waiting.length >= mostWaiting) {
        reject(new PorticoError('PORTICO_OVERLOADED', { wanted: `at most ${mostWaiting} messages waiting to be judged`, got: closed ? 'the end' : 'more' }))
        return
      }
      waiting.push({ task, resolve, reject })
      dispatch()
    }),
    async close () {
      closed = true
      for (const job of waiting.splice(0)) job.reject(timeout('the end'))
      await Promise.all([...threads].map(async ({ worker }) => { await worker.terminate() }))
    }
  }
}
