import { Agent } from 'node:http'
import { cpus } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { send } from '../test/support/browser.ts'
import { origins } from '../test/support/gateway.ts'
import { call, callerOf, type Caller } from '../test/support/many/crowd.ts'
import { signedIn } from '../test/support/many/scenarios.ts'
import { startMany } from '../test/support/many/world.ts'
import { startRedis } from '../test/support/redis.ts'
import { startSubject, type Subject } from './subject.ts'

/**
 * `npm run bench:revocation-delay [sqlite|redis]`: four gateway processes under load share a store; somebody is
 * signed out at one of them, and each of the four is asked every few milliseconds until it turns them away. Told is
 * how long that took from when the sign-out was sent, and from when the person was told that they are signed out
 * (0 where it was before). Ends with status 1 where of the latter the median is 50 ms or more, or the longest a second.
 */
const instances = 4
const signOuts = 30
/** Requests that each instance is sent, one after the other, and milliseconds before the next lot. */
const lot = 30
const pause = 100

interface Test { teardown (handler: () => unknown): void }

/** What so great a share of the values does not exceed. */
const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(Math.floor(values.length * share), values.length - 1)] ?? Infinity

/** When this instance turned the caller away. */
const turnedAwayAt = async (caller: Caller, port: number, agent: Agent): Promise<number> => {
  while (await call(caller, port, agent) === undefined) await wait(3)
  return performance.now()
}

const measure = async (t: Test, name: string, store: string): Promise<readonly number[]> => {
  const many = await startMany(t, { instances, store })
  const ports = many.instances.map(({ port }) => port)
  const portOf = (number: number): number => ports[number % ports.length] ?? 0
  const busy = callerOf(await signedIn(many, () => portOf(0), 'p399'), 'p399').headers['cookie'] ?? ''

  const over = new AbortController()
  const bear = async (load: Subject, port: number): Promise<number> => {
    let sent = 0
    for (; !over.signal.aborted; sent += lot) {
      await load.ask({ port, host: 'analytics.localhost', cookies: [busy], requests: lot, connections: 1 })
      await wait(pause)
    }
    return sent
  }
  const people: { caller: Caller, cookie: string }[] = []
  for (let i = 0; i < signOuts; i++) {
    const browser = await signedIn(many, () => portOf(i), `p${i}`)
    people.push({ caller: callerOf(browser, `p${i}`), cookie: browser.jar.header(new URL(origins.auth)) ?? '' })
  }
  const loads = await Promise.all(ports.map(port => startSubject(`load of ${port}`, './subjects/load.ts')))
  const agent = new Agent({ keepAlive: true })
  const began = performance.now()
  const bearing = Promise.all(loads.map((load, i) => bear(load, portOf(i))))

  const [sinceSent, sinceTold]: [number[], number[]] = [[], []]
  for (const [i, { caller, cookie }] of people.entries()) {
    for (const port of ports) {
      const failure = await call(caller, port, agent)
      if (failure !== undefined) throw new Error(`not signed in: ${failure}`)
    }
    const sent = performance.now()
    const answered = send(`${origins.auth}/logout`, { method: 'POST', body: '', headers: { cookie }, connect: { port: portOf(i) } }).then(() => performance.now())
    const moments = await Promise.all(ports.map(port => turnedAwayAt(caller, port, agent)))
    const told = await answered
    sinceSent.push(...moments.map(moment => moment - sent))
    sinceTold.push(...moments.map(moment => Math.max(0, moment - told)))
    await wait(50)
  }
  over.abort()
  const requests = (await bearing).reduce((sum, sent) => sum + sent, 0)
  const perSecond = Math.round(requests / (performance.now() - began) * 1_000)
  agent.destroy()
  await Promise.all(loads.map(load => load.stop()))

  process.stdout.write(`${name}: ${signOuts} sign-outs at ${instances} instances, ${perSecond} requests a second meanwhile\n`)
  for (const [since, delays] of [['sent', sinceSent], ['told', sinceTold]] as const) {
    const [median, most, longest] = [0.5, 0.95, 1].map(share => quantile(delays, share).toFixed(0))
    process.stdout.write(`  since it was ${since}: median ${median} ms, 95 % ${most} ms, longest ${longest} ms\n`)
  }
  return sinceTold
}

/** Runs `work`, and ends afterwards what it started, the last first. */
const within = async (work: (t: Test) => Promise<readonly number[]>): Promise<void> => {
  const handlers: (() => unknown)[] = []
  try {
    const delays = await work({ teardown: handler => { handlers.unshift(handler) } })
    if (quantile(delays, 0.5) >= 50 || quantile(delays, 1) >= 1_000) process.exitCode = 1
  } finally {
    for (const handler of handlers) await handler()
  }
}

const [only] = process.argv.slice(2)
process.stdout.write(`Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}\n`)
if (only !== 'redis') await within(t => measure(t, 'SQLite', '{ kind: sqlite, path: ../portico.db }'))
if (only !== 'sqlite') await within(async t => await measure(t, 'Redis', `{ kind: redis, url: "${(await startRedis(t)).url}" }`))
