import { cpus } from 'node:os'
import { origins } from '../test/support/gateway.ts'
import { call, callerOf, enter, isThere, type Caller } from '../test/support/many/crowd.ts'
import { startNginx } from '../test/support/many/nginx.ts'
import { killing, outage, signedIn, untilTurnedAway } from '../test/support/many/scenarios.ts'
import { inTurn, startMany, type Many } from '../test/support/many/world.ts'
import { startRedis } from '../test/support/redis.ts'

/**
 * `npm run bench:many`: what `test/many` shows in small, as issue 5 asks for it: real gateway processes behind nginx
 * without sticky sessions, killed in the middle of 200 sign-ins and steady traffic; Redis away for 30 s, hung and
 * killed; Redis empty. Names of parts as arguments run those alone: `sqlite`, `killed`, `hung`, `outage`, `empty`.
 * Ends with status 1 when a promise is broken.
 */
const parts = process.argv.slice(2)
const isWanted = (part: string): boolean => parts.length === 0 || parts.includes(part)
/** Seconds. */
const away = 30
const signIns = 200

const broken: string[] = []
const demand = (what: string, isKept: boolean): void => { if (!isKept) broken.push(what) }
const tell = (line: string): void => { process.stdout.write(`${line}\n`) }
const show = (list: readonly string[]): void => {
  for (const line of list.slice(0, 10)) tell(`    ${line}`)
  if (list.length > 10) tell(`    … and ${list.length - 10} more`)
}

/** Runs `work`, and ends afterwards what it started, the last first. */
const within = async (work: (t: { teardown (handler: () => unknown): void }) => Promise<void>): Promise<void> => {
  const handlers: (() => unknown)[] = []
  try {
    await work({ teardown: handler => { handlers.unshift(handler) } })
  } finally {
    for (const handler of handlers) await handler()
  }
}

/** People of 300 groups and API keys; each signed in at one instance and never seen by the others. */
const callersOf = async (many: Many): Promise<Caller[]> => {
  const callers: Caller[] = []
  for (const [index, { port }] of many.instances.entries()) callers.push(callerOf(await signedIn(many, () => port, `big${index}`), `big${index}`))
  for (const login of ['big0', 'big1']) {
    const key = await many.command('api-keys', 'create', '--email', `${login}@acme.com`, '--app', 'analytics')
    callers.push({ name: `key of ${login}`, headers: { authorization: `Bearer ${/ptk_\S+/.exec(key)?.[0] ?? ''}` }, expected: `"email":"${login}@acme.com"` })
  }
  return callers
}

const kill = async (many: Many, name: string): Promise<void> => within(async t => {
  const { port } = await startNginx(t, many.instances.map(({ port }) => port))
  const callers = []
  for (const login of ['p0', 'big3', 'p1', 'big4']) callers.push(callerOf(await signedIn(many, () => port, login), login))
  const began = performance.now()
  const result = await killing(many, { port, callers, logins: Array.from({ length: signIns }, (_, i) => `p${100 + i}`), width: 20, victims: many.instances })
  tell(`${name}: each of ${many.instances.length} instances killed (SIGKILL) during ${signIns} sign-ins, 20 at a time, in ${((performance.now() - began) / 1e3).toFixed(1)} s`)
  tell(`  ${result.straight} went straight, ${result.pressed} pressed "Try again", ${result.waited} waited for a page, ${result.deadEnds.length} dead ends; ${result.failures.length} of ${result.requests} signed-in requests failed`)
  show([...result.deadEnds, ...result.failures])
  demand(`${name}: no dead end`, result.deadEnds.length === 0)
  demand(`${name}: nobody is signed out`, result.failures.length === 0)
})

tell(`Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}`)

if (isWanted('sqlite')) {
  await within(async t => {
    await kill(await startMany(t, { instances: 3, store: '{ kind: sqlite, path: ../portico.db }' }), 'SQLite')
  })
}

if (['killed', 'hung', 'outage', 'empty'].some(isWanted)) {
  await within(async t => {
    const redis = await startRedis(t, { isPersistent: true })
    const many = await startMany(t, { instances: 4, store: `{ kind: redis, url: "${redis.url}" }` })
    const ports = many.instances.map(({ port }) => port)
    if (isWanted('killed')) await kill(many, 'Redis')
    const callers = await callersOf(many)

    for (const [index, how] of (['hung', 'killed'] as const).entries()) {
      if (!isWanted('outage') && !isWanted(how === 'hung' ? 'hung' : '')) continue
      const login = `big${10 + index}`
      const leaver = { login, browser: await signedIn(many, inTurn(ports), login) }
      const result = await outage(many, { redis, how, seconds: away, callers, leaver, newcomers: Array.from({ length: 12 }, (_, i) => `p${20 + 20 * index + i}`) })
      tell(`Redis ${how} for ${away} s: ${result.failures.length} of ${result.requests} signed-in requests failed (300 groups and API keys, on ${ports.length} instances)`)
      tell(`  signed out meanwhile: here after ${result.signedOutHere.toFixed(0)} ms, everywhere ${result.signedOutEverywhere.toFixed(0)} ms after the end`)
      tell(`  of 12 sign-ins begun meanwhile ${result.newcomers.waited} waited, ${result.newcomers.pressed} pressed "Try again", ${result.newcomers.deadEnds.length} dead ends; they met ${result.metByNewcomers.join(', ')}`)
      show([...result.failures, ...result.newcomers.deadEnds])
      demand(`Redis ${how}: not one failure`, result.failures.length === 0)
      demand(`Redis ${how}: new sign-ins recover`, result.newcomers.deadEnds.length === 0)
    }

    if (isWanted('empty')) {
      const ended: Caller[] = []
      for (const login of ['p60', 'p61', 'p62']) {
        const browser = await signedIn(many, inTurn(ports), login)
        ended.push(callerOf(browser, login))
        await browser.open(`${origins.auth}/logout`, { method: 'POST', body: new URLSearchParams(), headers: { origin: origins.auth } })
      }
      for (const caller of ended) await untilTurnedAway(caller, ports, 1_000)
      await redis.kill()
      await redis.start({ isEmpty: true })
      const began = performance.now()
      const page = `${origins.analytics}/`
      const outcome = await enter(many.browser(inTurn(ports)), page, 'p63', { hurry: 10 })
      tell(`Redis restarted empty: a sign-in went through after ${((performance.now() - began) / 1e3).toFixed(1)} s; it met ${outcome.met.length === 0 ? 'nothing' : outcome.met.join(', ')}`)
      demand('Redis empty: sign-ins resume', isThere(outcome, page, 'p63'))
      const failures: string[] = []
      const revived: string[] = []
      for (const port of ports) {
        for (const caller of callers) failures.push(...[await call(caller, port)].filter(failure => failure !== undefined))
        for (const caller of ended) if (await call(caller, port) === undefined) revived.push(`${caller.name} at ${port}`)
      }
      tell(`  ${failures.length} of ${callers.length * ports.length} known callers failed, ${revived.length} of ${ended.length * ports.length} who were signed out were let in`)
      show([...failures, ...revived])
      demand('Redis empty: nothing is lost', failures.length === 0)
      demand('Redis empty: nobody is let in who was signed out', revived.length === 0)
    }
  })
}

for (const promise of broken) tell(`broken: ${promise}`)
if (broken.length > 0) process.exitCode = 1
