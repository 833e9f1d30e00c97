import type { Configuration } from '../config/configuration.ts'
import { createBreather } from '../config/breather.ts'
import { standingOf } from '../config/standing.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Expiring } from '../telemetry/metrics.ts'
import { daysLeft, stageOf, type Expiries, type Stage } from './expiry.ts'

/** Milliseconds between two looks: dates are compared at each, never slept on. */
const rhythm = 3_600_000
/** Seconds that it is remembered that something was told: an expiry that nobody cares for is told again after that. */
const memory = 90 * 86_400

/** Warns of what expires, ahead of time (product R11). */
export interface ExpiryWatch {
  /** Looks now and then every hour; called again, looks again, as after a reload. Never rejects. */
  begin (): Promise<void>
  stop (): void
  /** What expires within 60 days or already has, the soonest first, as of the latest look. */
  soon (): readonly Expiring[]
}

/**
 * Each expiry is told once at 60, 30, 7 and 1 days and when it has happened: once over restarts and
 * over all instances, which the store remembers. Looks at a few connections at a time, so that tens of
 * thousands hold up no request.
 */
export const createExpiryWatch = (deps: {
  configuration: () => Configuration
  expiries: Expiries
  store: Pick<Store, 'putIfAbsent'>
  log: Log
  /** Seconds since the epoch. */
  now?: () => number
}): ExpiryWatch => {
  const { configuration, expiries, store, log, now = () => Date.now() / 1_000 } = deps
  let near: readonly Expiring[] = []
  /** What this process knows to be told: the store is not asked twice. */
  let told: ReadonlySet<string> = new Set()
  let looking: Promise<void> | undefined
  let again = false
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const tell = ({ connection, what, at }: Expiring, stage: Stage, time: number): void => {
    const organization = configuration().connections.get(connection)?.organization.id
    const fields = { connection, organization, what, expires: new Date(at * 1_000).toISOString(), days_left: daysLeft(at, time) }
    const thing = `the ${what.replaceAll('_', ' ')} of ${connection}`.replace(' idp ', ' identity provider\'s ')
    // whether a provider's certificate has expired, nobody asks at a sign-in; but one day it will sign with another
    const consequence = what === 'idp_certificate' ? 'the provider will change it without further notice' : 'nobody can sign in by it'
    if (stage === 0) log.error(fields, `${thing} has expired: ${consequence}; ask the organization for a new one`)
    else log.warn(fields, `${thing} expires within ${stage} day${stage === 1 ? '' : 's'}: ask the organization for a new one`)
  }

  /** Whether nobody has told this yet; a store that cannot say leaves it to this process's own memory. */
  const isNews = async (key: string, at: number, time: number): Promise<boolean> =>
    await store.putIfAbsent('notice', key, '1', Math.max(at, time) + memory).catch(() => true)

  const look = async (): Promise<void> => {
    const time = now()
    const breathe = createBreather()
    const found: Expiring[] = []
    for (const connection of configuration().connections.values()) {
      const due = breathe()
      if (due !== undefined) await due
      const dates = expiries(connection).filter(({ at }) => stageOf(at, time) !== undefined)
      if (dates.length > 0 && standingOf(connection, time) !== 'disabled') found.push(...dates)
    }
    near = found.sort((one, other) => one.at - other.at)
    const before = told
    const known = new Set<string>()
    for (const expiring of near) {
      if (stopped) return
      await breathe()
      const stage = stageOf(expiring.at, time)
      if (stage === undefined) continue
      const key = `${expiring.connection} ${expiring.what} ${expiring.at} ${stage}`
      known.add(key)
      if (!before.has(key) && await isNews(key, expiring.at, time) && !stopped) tell(expiring, stage, time)
    }
    told = known
  }

  const run = async (): Promise<void> => {
    again = false
    await look().catch((error: unknown) => { log.error({ err: error }, 'what expires could not be looked through') })
    looking = undefined
    if (again && !stopped) await begin()
  }

  const begin = (): Promise<void> => {
    if (looking !== undefined) again = true
    else looking = run()
    return looking ?? Promise.resolve()
  }

  return {
    begin: () => {
      stopped = false
      timer ??= setInterval(() => { begin() }, rhythm).unref()
      return begin()
    },
    stop: () => {
      stopped = true
      clearInterval(timer)
      timer = undefined
    },
    soon: () => near
  }
}
