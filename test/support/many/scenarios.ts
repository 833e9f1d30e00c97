import { setTimeout as wait } from 'node:timers/promises'
import type { Browser } from '../browser.ts'
import { origins } from '../gateway.ts'
import { call, callerOf, enter, isThere, startTraffic, together, type Caller, type Outcome } from './crowd.ts'
import type { RunningRedis } from '../redis.ts'
import { inTurn, type Instance, type Many } from './world.ts'

const page = (of: string): string => `${origins.analytics}/reports/${of}?view=weekly`

/** Signs somebody in who must arrive; throws what they met instead. `ports` says where each request goes. */
export const signedIn = async (many: Many, ports: () => number, login: string): Promise<Browser> => {
  const browser = many.browser(ports)
  const outcome = await enter(browser, page(login), login)
  if (!isThere(outcome, page(login), login)) throw new Error(`${login}: HTTP ${outcome.last.status} at ${outcome.last.url.href} after ${outcome.met.join(', ')}`)
  return browser
}

/** Sign-ins by what became of them. */
export interface Tally {
  readonly straight: number
  /** A page tried again by itself. */
  readonly waited: number
  /** They pressed "Try again". */
  readonly pressed: number
  /** What they met who never arrived. */
  readonly deadEnds: readonly string[]
}

/** Counts them, by who it was. */
export const tally = (outcomes: readonly (readonly [login: string, outcome: Outcome])[]): Tally => {
  const arrived = outcomes.filter(([login, outcome]) => isThere(outcome, page(login), login)).map(([, outcome]) => outcome)
  return {
    straight: arrived.filter(({ met }) => met.length === 0).length,
    waited: arrived.filter(({ waited }) => waited > 0).length,
    pressed: arrived.filter(({ pressed }) => pressed > 0).length,
    deadEnds: outcomes.filter(([login, outcome]) => !isThere(outcome, page(login), login))
      .map(([login, { last, met }]) => `${login}: HTTP ${last.status} at ${last.url.pathname} after ${met.join(', ')}`)
  }
}

/** Steady traffic, and sign-ins of `logins` with so many under way; each instance is killed in turn in the middle, and comes back. */
export const killing = async (many: Many, options: {
  readonly port: number
  readonly callers: readonly Caller[]
  readonly logins: readonly string[]
  readonly width: number
  readonly victims: readonly Instance[]
}): Promise<Tally & { readonly requests: number, readonly failures: readonly string[] }> => {
  const { port, callers, logins, width, victims } = options
  const traffic = startTraffic(callers, [port], 20)
  const alive = [...victims]
  let death = Promise.resolve()
  // one after the other: the next one only once the one before is back
  const die = async (before: Promise<void>, victim: Instance): Promise<void> => {
    await before
    await victim.kill()
    await wait(300)
    await victim.start()
  }
  let done = 0
  const outcomes = await together(logins, width, async login => {
    const outcome = await enter(many.browser(() => port), page(login), login, { hurry: 5 })
    done++
    if (done * (victims.length + 1) >= logins.length * (victims.length - alive.length + 1)) for (const victim of alive.splice(0, 1)) death = die(death, victim)
    return [login, outcome] as const
  })
  await death
  return { ...tally(outcomes), ...await traffic.stop() }
}

/** Milliseconds until a caller is turned away at each of these ports; throws when one has not done it within `limit`. */
export const untilTurnedAway = async (caller: Caller, ports: readonly number[], limit: number): Promise<readonly number[]> => {
  const began = performance.now()
  return await Promise.all(ports.map(async port => {
    while (true) {
      const answer = await call(caller, port)
      if (answer?.includes('HTTP 401') === true) return performance.now() - began
      if (performance.now() - began > limit) throw new Error(`after ${limit} ms: ${answer ?? 'still let in'}`)
      await wait(10)
    }
  }))
}

/** What is to be held while Redis is away. */
export interface Outage {
  readonly requests: number
  /** Of whoever was signed in before, and of API keys. */
  readonly failures: readonly string[]
  /** Milliseconds until the person who signed out meanwhile was turned away: where they did it, and after the end everywhere. */
  readonly signedOutHere: number
  readonly signedOutEverywhere: number
  /** New sign-ins that began meanwhile. */
  readonly newcomers: Tally
  readonly metByNewcomers: readonly string[]
}

/** Redis is away for so many seconds, while everybody who is signed in goes on everywhere, somebody signs out, and others want to sign in. */
export const outage = async (many: Many, options: {
  readonly redis: Pick<RunningRedis, 'hang' | 'resume' | 'kill' | 'start'>
  readonly how: 'hung' | 'killed'
  readonly seconds: number
  readonly callers: readonly Caller[]
  /** Signs out at the first instance. */
  readonly leaver: { readonly browser: Browser, readonly login: string }
  readonly newcomers: readonly string[]
}): Promise<Outage> => {
  const { redis, how, seconds, callers, leaver, newcomers } = options
  const ports = many.instances.map(({ port }) => port)
  const traffic = startTraffic(callers, ports, 50)
  await wait(500)
  if (how === 'hung') redis.hang()
  else await redis.kill()
  await wait(seconds * 250)
  const gone = callerOf(leaver.browser, leaver.login)
  await many.browser(() => ports[0] ?? 0, leaver.browser.jar).open(`${origins.auth}/logout`, { method: 'POST', body: new URLSearchParams(), headers: { origin: origins.auth } })
  const [signedOutHere = NaN] = await untilTurnedAway(gone, ports.slice(0, 1), 1_000)
  const nextPort = inTurn(ports)
  const stopped = newcomers.map(() => Promise.withResolvers<void>())
  const entering = Promise.all(newcomers.map(async (login, index) => {
    const port = nextPort()
    const meet = (): void => { stopped[index]?.resolve() }
    return [login, await enter(many.browser(() => port), page(login), login, { meet })] as const
  }))
  // it ends once every one of them has met it
  await Promise.all([wait(seconds * 750), Promise.race([Promise.all(stopped.map(({ promise }) => promise)), entering, wait(30_000)])])
  if (how === 'hung') redis.resume()
  else await redis.start()
  const everywhere = await untilTurnedAway(gone, ports, 10_000)
  const outcomes = await entering
  const { requests, failures } = await traffic.stop()
  return {
    requests,
    failures,
    signedOutHere,
    signedOutEverywhere: Math.max(...everywhere),
    newcomers: tally(outcomes),
    metByNewcomers: [...new Set(outcomes.flatMap(([, { met }]) => met))].sort()
  }
}
