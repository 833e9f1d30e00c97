import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { send, type Answer, type Browser } from '../browser.ts'
import { codeOf, linksOf, origins, refreshOf, submit } from '../gateway.ts'
import { signIn } from '../provider.ts'

/** How a person's sign-in went. */
export interface Outcome {
  readonly last: Answer
  /** Codes of the pages that they met on their way. */
  readonly met: readonly string[]
  /** How often they pressed "Try again", and how often a page did so by itself. */
  readonly pressed: number
  readonly waited: number
}

/** The longest that anybody waits for a page that tries again by itself: pages, of five seconds each. */
const patience = 20

/**
 * Signs in as a person does: types the e-mail, signs in at the provider (a host of 127.0.0.1), waits where a page
 * says that it tries again, presses "Try again" where one offers it, three times at most. `hurry` shortens waits;
 * `meet` is told the code of each page that stops them.
 */
export const enter = async (browser: Browser, page: string, login: string, { hurry = 1, meet = () => {} }: { readonly hurry?: number, readonly meet?: (code: string) => void } = {}): Promise<Outcome> => {
  const met: string[] = []
  let pressed = 0
  let waited = 0
  const isProvider = (url: URL): boolean => url.hostname === '127.0.0.1'
  let answer = await browser.open(page, { until: isProvider })
  while (true) {
    if (answer.location !== undefined && isProvider(answer.location)) {
      answer = await browser.follow(await signIn(answer.location, browser, login), isProvider)
      continue
    }
    if (answer.status === 200 && answer.text.includes('name="email"')) {
      answer = await browser.follow(await submit(browser, answer, { email: `${login}@acme.com` }), isProvider)
      continue
    }
    const code = codeOf(answer)
    if (answer.status === 200 || code === undefined) return { last: answer, met, pressed, waited }
    met.push(code)
    meet(code)
    const refresh = refreshOf(answer)
    const again = linksOf(answer)['Try again']
    if (refresh !== undefined && waited < patience) {
      waited++
      await wait(Number(answer.headers.get('retry-after')) * 1_000 / hurry)
      answer = await browser.open(refresh, { until: isProvider })
    } else if (again !== undefined && pressed < 3) {
      pressed++
      answer = await browser.open(again, { until: isProvider })
    } else {
      return { last: answer, met, pressed, waited }
    }
  }
}

/** Whether somebody's sign-in ended on the page that they wanted, as themselves. */
export const isThere = ({ last }: Outcome, page: string, login: string): boolean =>
  last.status === 200 && last.url.href === page && last.text.includes(`"email":"${login}@acme.com"`)

/** Somebody who is signed in, or a program with an API key. */
export interface Caller {
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
  /** What the app must be told of them. */
  readonly expected: string
}

/** The session of a browser at an app as a caller. */
export const callerOf = (browser: Browser, login: string, origin: string = origins.analytics): Caller =>
  ({ name: login, headers: { cookie: browser.jar.header(new URL(origin)) ?? '' }, expected: `"email":"${login}@acme.com"` })

/** One request to the app, at a port: undefined when it went through as whom it was from, else what came instead. */
export const call = async (caller: Caller, port: number, agent?: Agent): Promise<string | undefined> => {
  try {
    const answer = await send(`${origins.analytics}/api/reports`, { mode: 'cors', headers: caller.headers, connect: { port }, agent })
    if (answer.status === 200 && answer.text.includes(caller.expected)) return undefined
    return `${caller.name} at ${port}: HTTP ${answer.status} ${codeOf(answer) ?? answer.text.slice(0, 100)}`
  } catch (error) {
    return `${caller.name} at ${port}: ${String(error)}`
  }
}

export interface Traffic {
  /** Ends it; how many requests there were, and what went wrong. */
  stop (): Promise<{ readonly requests: number, readonly failures: readonly string[] }>
}

/** Every caller calls at every port, again and again, with a pause of so many milliseconds. */
export const startTraffic = (callers: readonly Caller[], ports: readonly number[], pause: number): Traffic => {
  const agent = new Agent({ keepAlive: true })
  const failures: string[] = []
  let requests = 0
  const over = new AbortController()
  const loops = callers.flatMap(caller => ports.map(async port => {
    while (!over.signal.aborted) {
      const failure = await call(caller, port, agent)
      requests++
      if (failure !== undefined) failures.push(`${new Date().toISOString()} ${failure}`)
      await wait(pause)
    }
  }))
  return {
    stop: async () => {
      over.abort()
      await Promise.all(loops)
      agent.destroy()
      return { requests, failures }
    }
  }
}

/** Does `work` for each of these, so many at a time. */
export const together = async <T, R>(values: readonly T[], width: number, work: (value: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = []
  const queue = values.map((value, index) => ({ value, index }))
  await Promise.all(Array.from({ length: width }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next.index] = await work(next.value)
  }))
  return results
}
