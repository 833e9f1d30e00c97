import type { Log } from '../telemetry/log.ts'

/** Work that is done again and again until it is stopped. */
export interface Upkeep {
  start (): void
  /** Resolves when what was under way is done; nothing starts after. */
  stop (): Promise<void>
}

/**
 * Runs `work` every `interval` milliseconds, never twice at once. A failure is logged when it begins
 * and when it is over, not each time.
 */
export const createUpkeep = (deps: {
  readonly work: () => Promise<void>
  readonly interval: number
  readonly log: Log
  /** For the log: what fails while it fails. */
  readonly what: string
}): Upkeep => {
  const { work, interval, log, what } = deps
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false
  let failing = false

  const run = async (): Promise<void> => {
    try {
      await work()
      if (failing) log.info({}, `${what}: works again`)
      failing = false
    } catch (error) {
      if (!failing) log.error({ err: error }, `${what}: fails, and is tried again until it works`)
      failing = true
    }
  }

  const schedule = (): void => {
    if (stopped) return
    timer = setTimeout(() => { running = run().then(schedule) }, interval)
    timer.unref()
  }

  return {
    start: schedule,
    async stop () {
      stopped = true
      clearTimeout(timer)
      await running
    }
  }
}
