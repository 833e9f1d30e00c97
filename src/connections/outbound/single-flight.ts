import { PorticoError } from '../../errors.ts'

/** Seconds that a failure is given to everybody who asks, so that a dead provider is not hammered. */
const backOff = 3

/** Runs one piece of work for all who ask while it is under way. */
export interface SingleFlight<T> {
  /** Throws the PorticoError that the work threw, also to those who ask within three seconds of it. */
  run (): Promise<T>
}

/** Makes it of `work`, which may begin anew once the last run is over. */
export const createSingleFlight = <T> (work: () => Promise<T>, deps: {
  /** Seconds. */
  now: () => number
  failed: (error: PorticoError) => void
}): SingleFlight<T> => {
  let underWay: Promise<T> | undefined
  let failure: { error: PorticoError, until: number } | undefined
  const go = async (): Promise<T> => {
    try {
      const result = await work()
      failure = undefined
      return result
    } catch (reason) {
      const error = reason instanceof PorticoError ? reason : new PorticoError('PORTICO_INTERNAL', { cause: reason })
      failure = { error, until: deps.now() + backOff }
      deps.failed(error)
      throw error
    } finally {
      underWay = undefined
    }
  }
  return {
    run: async () => {
      if (failure !== undefined && deps.now() < failure.until) throw failure.error
      underWay ??= go()
      return underWay
    }
  }
}
