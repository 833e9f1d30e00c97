import type { Log } from '../telemetry/log.ts'
import { readUpwards, type Downwards, type Upwards } from './messages.ts'

/** A worker, as far as this file knows it: Node's `cluster.Worker`. */
export interface WorkerProcess {
  readonly process: { readonly pid?: number | undefined, kill (signal: NodeJS.Signals): boolean }
  on (event: 'message', listener: (message: unknown) => void): unknown
  once (event: 'exit', listener: (status: number | null, signal: string | null) => void): unknown
  send (message: Downwards): unknown
  isConnected (): boolean
}

/** The workers of one `serve`. */
export interface Crew {
  /** Resolves with the exit status when the last one has ended and none follows. */
  readonly ended: Promise<number>
  /** Those that listen, by their place: 1 to `size`. */
  present (): ReadonlyMap<number, WorkerProcess>
  /** Tells all of them to finish what is under way and end; those that have not after `grace` milliseconds are killed. */
  close (grace: number): void
  /** Ends all of them at once. */
  kill (): void
}

/** Milliseconds until another takes the place of one that has ended: the first, and the longest. */
const shortest = 100
const longest = 10_000
/** Milliseconds after which one that ends is no longer taken for one that cannot start. */
const settled = 10_000

interface Place {
  readonly number: number
  worker: WorkerProcess | undefined
  /** When it began to listen, in milliseconds. */
  upAt: number | undefined
  failures: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Keeps `size` workers running. The first one starts alone: where it cannot, none can, and that is the end of it.
 * Later, whoever ends is replaced, after a while that doubles as long as it ends soon again.
 */
export const createCrew = ({ size, fork, heard, left, log, now = Date.now }: {
  readonly size: number
  /** Starts a worker in a place. */
  readonly fork: (place: number) => WorkerProcess
  /** What a worker says, other than that it is up. */
  readonly heard: (message: Exclude<Upwards, { portico: 'up' }>, place: number, worker: WorkerProcess) => void
  /** A worker has ended, and another takes its place. */
  readonly left: (place: number) => void
  readonly log: Log
  readonly now?: () => number
}): Crew => {
  const { promise: ended, resolve } = Promise.withResolvers<number>()
  const places: readonly Place[] = Array.from({ length: size }, (_, i) => ({ number: i + 1, worker: undefined, upAt: undefined, failures: 0, timer: undefined }))
  let isUp = false
  let isClosing = false
  let status = 0

  const endIfEmpty = (): void => {
    if (places.every(({ worker }) => worker === undefined)) resolve(status)
  }

  const up = (place: Place, level: string): void => {
    place.upAt = now()
    log.level = level
    if (isUp || isClosing) return
    isUp = true
    for (const other of places) if (other !== place) start(other)
  }

  const gone = (place: Place, pid: number | undefined, code: number | null, signal: string | null): void => {
    const wasUp = place.upAt !== undefined && now() - place.upAt >= settled
    place.worker = undefined
    place.upAt = undefined
    if (isClosing || !isUp) {
      if (code !== 0) status = code ?? 1
      isClosing = true
      endIfEmpty()
      return
    }
    left(place.number)
    // one that was told to end by its own signal has not failed
    place.failures = wasUp || code === 0 ? 0 : place.failures + 1
    const delay = Math.min(longest, shortest * 2 ** place.failures)
    log[code === 0 ? 'info' : 'error']({ worker: place.number, pid, exit_status: code ?? undefined, signal: signal ?? undefined, again_in_ms: delay }, 'a worker has ended: another takes its place')
    place.timer = setTimeout(() => { start(place) }, delay)
  }

  const start = (place: Place): void => {
    const worker = fork(place.number)
    place.worker = worker
    worker.on('message', message => {
      // what is read of one after it has ended is of nobody
      const read = place.worker === worker ? readUpwards(message) : undefined
      if (read?.portico === 'up') up(place, read.level)
      else if (read !== undefined) heard(read, place.number, worker)
    })
    worker.once('exit', (code, signal) => { gone(place, worker.process.pid, code, signal) })
  }

  const [first] = places
  if (first !== undefined) start(first)

  const running = (): readonly WorkerProcess[] => places.flatMap(({ worker }) => worker ?? [])

  const kill = (): void => {
    status = 1
    for (const worker of running()) worker.process.kill('SIGKILL')
  }

  return {
    ended,

    present: () => new Map(places.flatMap(({ number, worker, upAt }) => worker?.isConnected() === true && upAt !== undefined ? [[number, worker]] : [])),

    close (grace) {
      isClosing = true
      for (const { timer } of places) clearTimeout(timer)
      for (const worker of running()) {
        if (worker.isConnected()) worker.send({ portico: 'close' })
      }
      setTimeout(() => {
        if (running().length === 0) return
        log.error(`killed by timeout (${grace}ms)`)
        kill()
      }, grace).unref()
      endIfEmpty()
    },

    kill
  }
}
