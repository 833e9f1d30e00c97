import type { IncomingMessage, ServerResponse } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import type { Configuration as ProviderConfiguration } from 'oidc-provider'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { createGateway } from '../../src/gateway.ts'
import { createKeptTokens } from '../../src/login/kept-tokens.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createBrowser, type Answer, type Browser } from '../support/browser.ts'
import { origins, startGateway, type World } from '../support/gateway.ts'
import { withoutStore } from '../support/store-outage.ts'

const page = `${origins.analytics}/reports`

/** When a token of 600 s is due. */
const due = 460

const providerSettings: ProviderConfiguration = {
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  // whoever shows a used one loses all of them
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 900_000, Session: 900_000, RefreshToken: 900_000 }
}

interface Refreshing extends World {
  /** Ada's claims at the provider; to be changed. */
  readonly ada: Record<string, unknown>
  /** What the token endpoint does in its own place, told with how often it was asked; undefined for as usual. */
  fault: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  tokenCalls (): number
  /** Ends all that the provider has given to whom. */
  revokeAll (): Promise<void>
}

const start = async (t: Test, options: { refresh?: string, lines?: readonly string[], analytics?: string, groups?: string } = {}): Promise<Refreshing> => {
  const ada: Record<string, unknown> = { email: 'ada@acme.com', email_verified: true, name: 'Ada Lovelace', groups: ['staff'] }
  const saved: { destroy (): Promise<void> }[] = []
  const own: Pick<Refreshing, 'fault'> = { fault: undefined }
  const world = await startGateway(t, {
    people: { acme: { ada } },
    organizations: ({ acme }) => ({ acme: `${acme}\n    refresh: ${options.refresh ?? 'true'}` }),
    client: { grant_types: ['authorization_code', 'refresh_token'] },
    provider: {
      configuration: providerSettings,
      intercept: (request, response) => request.url === '/token' && own.fault?.(request, response) === true
    },
    ...options.lines !== undefined && { lines: options.lines },
    ...options.analytics !== undefined && { analytics: options.analytics }
  })
  world.acme.provider.on('refresh_token.saved', token => saved.push(token))
  return Object.assign(own, {
    ...world,
    ada,
    tokenCalls: () => world.acme.hits.get('/token') ?? 0,
    revokeAll: async () => { for (const token of saved) await token.destroy() }
  })
}

const storePath = ({ configuration: { store } }: World): string => {
  if (store.kind !== 'sqlite') throw new Error('not over SQLite')
  return store.path
}

const until = async (holds: () => unknown): Promise<void> => {
  for (let tries = 0; await holds() !== true; tries++) {
    if (tries === 400) throw new Error(`never came: ${holds}`)
    await wait(50)
  }
}

const echoOf = (answer: Answer): { headers: Record<string, string> } => JSON.parse(answer.text)

const api = (browser: Browser): Promise<Answer> => browser.send(`${origins.analytics}/api`, { mode: 'cors' })

/** What the app is told of who is there; undefined for nobody. */
const told = async (browser: Browser, name: string): Promise<string | undefined> => {
  const answer = await api(browser)
  return answer.status === 200 ? echoOf(answer).headers[name] : undefined
}

const claimsOf = (answer: Answer): Record<string, unknown> =>
  JSON.parse(Buffer.from(echoOf(answer).headers['x-auth-assertion']?.split('.')[1] ?? '', 'base64url').toString())

const logged = (world: World, message: RegExp): Record<string, unknown>[] => world.lines.filter(({ msg }) => message.test(String(msg)))

const codeLogged = (line: Record<string, unknown> | undefined): unknown => (line?.err as { code?: unknown } | undefined)?.code

t.test('J1 J5 V2 however many ask on however many instances, the token is used once, and what came of it is kept', async t => {
  const world = await start(t)
  const browser = world.browser()
  // before there is a second one in this thread: a gateway that is late takes no new sign-ins
  t.equal((await world.signIn(browser, page)).status, 200)
  const lines: string[] = []
  const other = await createGateway({ configuration: world.configuration, log: createLog({ level: 'debug', destination: { write: line => { lines.push(line) } } }) })
  const { public: { port }, ops: { port: opsPort } } = await other.listen()
  try {
    const elsewhere = createBrowser({ jar: browser.jar, connect: () => ({ port }) })
    t.equal(await told(elsewhere, 'x-auth-name'), 'Ada Lovelace')
    const authTime = claimsOf(await api(browser)).auth_time
    let moment = 0
    for (const many of [1, 2, 5, 50]) {
      const before = world.tokenCalls()
      world.ada.name = `Ada the ${many}`
      moment += due
      world.setClock(moment)
      const answers = await Promise.all(Array.from({ length: many }, (_, i) => api(i % 2 === 0 ? browser : elsewhere)))
      t.same(new Set(answers.map(({ status }) => status)), new Set([200]), `${many}: no request waits for it`)
      // rotated each time: whoever used an old one would lose all
      for (const one of [browser, elsewhere]) await until(async () => await told(one, 'x-auth-name') === `Ada the ${many}`)
      t.equal(world.tokenCalls() - before, 1, `${many}: one call`)
    }
    t.equal(claimsOf(await api(browser)).auth_time, authTime, 'nobody authenticated anew')
    const counted = [await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text(), await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()].join('\n')
    const successes = [...counted.matchAll(/portico_refreshes_total\{connection="acme_oidc",outcome="success"\} (\d+)/g)].map(([, count]) => Number(count))
    t.equal(successes.reduce((sum, count) => sum + count, 0), 4)
    t.notMatch(lines.join('\n'), /refresh (?:was refused|failed)/)
    t.same(logged(world, /refresh (?:was refused|failed)/), [])
  } finally {
    await other.close()
  }
})

t.test('V2 whom a refresh names is judged like whom a sign-in names', async t => {
  await t.test('groups decide anew which apps are open', async t => {
    const world = await start(t, { analytics: 'groups: { acme: [staff] }' })
    const browser = world.browser()
    await world.signIn(browser, page)
    world.ada.groups = ['alumni']
    world.setClock(due)
    await until(async () => await told(browser, 'x-auth-email') === undefined)
    const portal = await browser.send(`${origins.portal}/x`)
    t.equal((await browser.follow(portal)).status, 200, 'still signed in')
    t.match((await browser.open(page)).text, /PORTICO_GROUP_REQUIRED/)
  })

  const changes: Readonly<Record<string, [Record<string, unknown>, string]>> = {
    'an e-mail of another company': [{ email: 'ada@globex.com' }, 'PORTICO_EMAIL_DOMAIN'],
    'an e-mail that is no longer verified': [{ email_verified: false }, 'PORTICO_EMAIL_UNVERIFIED'],
    'no e-mail at all': [{ email: undefined }, 'PORTICO_EMAIL_MISSING'],
    'the e-mail of another member': [{ email: 'grace@acme.co.uk' }, 'PORTICO_MEMBER_CONFLICT']
  }
  for (const [name, [change, code]] of Object.entries(changes)) {
    await t.test(`${name} ends the session`, async t => {
      const world = await start(t)
      await world.signIn(world.browser(), page, 'grace')
      const browser = world.browser()
      await world.signIn(browser, page)
      Object.assign(world.ada, change)
      world.setClock(due)
      await until(async () => (await api(browser)).status === 401)
      t.equal(codeLogged(logged(world, /its session ends/)[0]), code)
      t.match(world.lines.filter(({ event }) => event === 'session_ended'), [{ reason: code }])
    })
  }
})

t.test('J2 a process that dies while it refreshes holds nobody up for longer than its lease', async t => {
  const world = await start(t)
  const browser = world.browser()
  await world.signIn(browser, page)
  const { sid } = claimsOf(await api(browser))
  const store = createSqliteStore({ path: storePath(world) })
  t.teardown(() => store.close())
  world.setClock(due)
  await store.putIfAbsent('lease', `refresh|${sid}`, '', Math.floor(Date.now() / 1_000) + 30)
  const before = world.tokenCalls()
  world.ada.name = 'Ada the Second'
  for (let i = 0; i < 30; i++) {
    t.equal((await api(browser)).status, 200)
    await wait(100)
  }
  t.equal(world.tokenCalls(), before, 'somebody else is at it')
  world.setClock(due + 31)
  await until(async () => await told(browser, 'x-auth-name') === 'Ada the Second')
  t.equal(world.tokenCalls(), before + 1)
})

t.test('J3 a provider that takes the token no more ends the session, and so does one that does not know us', async t => {
  await t.test('J3 invalid_grant', async t => {
    const world = await start(t)
    const browser = world.browser()
    await world.signIn(browser, page)
    await browser.open(`${origins.portal}/x`)
    await world.revokeAll()
    world.setClock(due)
    await until(async () => (await api(browser)).status === 401)
    t.equal(codeLogged(logged(world, /its session ends/)[0]), 'PORTICO_IDP_REFRESH_REFUSED')
    t.equal((await browser.send(`${origins.portal}/x`, { mode: 'cors' })).status, 401, 'on every host')
    t.ok((await browser.send(`${origins.auth}/account`)).location, 'and here')
    t.equal((await world.signIn(browser, page)).status, 200, 'and begins anew')
  })

  await t.test('J3 invalid_client', async t => {
    const world = await start(t)
    const browser = world.browser()
    await world.signIn(browser, page)
    world.fault = (_request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"invalid_client"}')
      return true
    }
    world.setClock(due)
    await until(async () => (await api(browser)).status === 401)
    t.equal(codeLogged(logged(world, /its session ends/)[0]), 'PORTICO_IDP_CLIENT_REFUSED')
  })

  await t.test('J3 a token that another process was quicker with is no reason', async t => {
    const world = await start(t)
    const browser = world.browser()
    await world.signIn(browser, page)
    const { sid } = claimsOf(await api(browser))
    const store = createSqliteStore({ path: storePath(world) })
    t.teardown(() => store.close())
    const sealer = await createSealer(world.configuration.keys)
    const keptTokens = createKeptTokens({ configuration: () => world.configuration, sealer: () => sealer, store })
    const before = world.tokenCalls()
    world.ada.name = 'Ada the Second'
    const overtake = async (response: ServerResponse): Promise<void> => {
      const kept = await keptTokens.read(String(sid))
      const answer = await fetch(`${world.acme.issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`portico:${new URLSearchParams({ v: world.configuration.connections.get('acme_oidc')?.clientSecret ?? '' }).toString().slice(2)}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: kept?.refreshToken ?? '' })
      })
      const { refresh_token: refreshToken } = await answer.json() as { refresh_token: string }
      await keptTokens.keep({ sid: String(sid), startedAt: Date.now() / 1_000 }, { ...kept, refreshToken })
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
    }
    world.fault = (_request, response) => {
      world.fault = undefined
      overtake(response).catch(error => { response.destroy(error) })
      return true
    }
    world.setClock(due)
    await until(async () => (await api(browser)).status === 200 && world.tokenCalls() > before)
    world.setClock(due + 40)
    await until(async () => await told(browser, 'x-auth-name') === 'Ada the Second')
    t.same(logged(world, /its session ends/), [])
  })
})

t.test('J4 a provider that does not answer leaves sessions as they are, until their limit', async t => {
  const faults: Readonly<Record<string, NonNullable<Refreshing['fault']>>> = {
    'a broken connection': request => {
      request.socket.destroy()
      return true
    },
    503: (_request, response) => {
      response.writeHead(503).end()
      return true
    },
    'a page in the place of tokens': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Maintenance</h1>')
      return true
    },
    'an error that is nobody’s fault': (_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"temporarily_unavailable"}')
      return true
    }
  }
  for (const [name, fault] of Object.entries(faults)) {
    await t.test(`J4 ${name}`, async t => {
      const world = await start(t)
      const browser = world.browser()
      await world.signIn(browser, page)
      world.fault = fault
      world.ada.name = 'Ada the Second'
      world.setClock(due)
      await until(async () => (await api(browser)).status === 200 && logged(world, /refresh failed/).length > 0)
      t.equal(await told(browser, 'x-auth-name'), 'Ada Lovelace')
      world.setClock(due + 3_600)
      t.equal((await api(browser)).status, 200, 'an hour later')
      world.fault = undefined
      world.setClock(due + 3_700)
      await until(async () => await told(browser, 'x-auth-name') === 'Ada the Second')
      world.fault = fault
      world.setClock(86_401)
      t.equal((await api(browser)).status, 401, 'its limit')
    })
  }
})

t.test('J6 tokens that the store does not take at once are not lost', async t => {
  const world = await start(t)
  const browser = world.browser()
  await world.signIn(browser, page)
  const before = world.tokenCalls()
  world.ada.name = 'Ada the Second'
  let asked: () => void
  const isAsked = new Promise<void>(resolve => { asked = resolve })
  let held: ServerResponse | undefined
  let pass = false
  world.fault = (_request, response) => {
    if (pass) return false
    held = response
    asked()
    return true
  }
  // the first answer never comes, so that the store can be stopped while the second is under way
  world.setClock(due)
  await api(browser)
  await isAsked
  held?.writeHead(503).end()
  await until(() => logged(world, /refresh failed/).length > 0)

  const database = new DatabaseSync(storePath(world))
  let isLocked = false
  world.fault = () => {
    // between the lease and what the provider answers
    if (!isLocked) database.exec('BEGIN EXCLUSIVE')
    isLocked = true
    pass = true
    return false
  }
  world.setClock(due + 60)
  await api(browser)
  await until(() => logged(world, /refresh failed/).some(line => codeLogged(line) === 'PORTICO_STORE_UNAVAILABLE'))
  database.exec('ROLLBACK')
  database.close()
  await withoutStore(world, async () => {})
  await until(async () => await told(browser, 'x-auth-name') === 'Ada the Second')
  t.equal(world.acme.hits.get('/token'), before + 1, 'and no token was asked for twice')

  world.ada.name = 'Ada the Third'
  world.setClock(due + 60 + due)
  await until(async () => await told(browser, 'x-auth-name') === 'Ada the Third')
})

t.test('J7 what stays open is refreshed like what is asked for, and ends with its session', async t => {
  const world = await start(t)
  const browser = world.browser()
  await world.signIn(browser, page)
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/socket`, { headers: { host: new URL(page).host, origin: origins.analytics, cookie: browser.jar.header(new URL(page)) ?? '' } })
  await new Promise(resolve => socket.once('open', resolve))
  const closed = new Promise<number>(resolve => socket.once('close', resolve))
  const echo = async (text: string): Promise<string> => {
    const back = new Promise<string>(resolve => socket.once('message', message => resolve(String(message))))
    socket.send(text)
    return await back
  }

  const before = world.tokenCalls()
  world.setClock(due)
  await until(() => world.tokenCalls() === before + 1)
  t.equal(await echo('still here'), 'still here')
  world.setClock(2 * due)
  await until(() => world.tokenCalls() === before + 2)
  t.equal(await echo('and here'), 'and here', 'nobody has asked for anything meanwhile')

  await world.revokeAll()
  world.setClock(3 * due)
  t.equal(await closed, 1008)
})

t.test('the access token goes to apps that ask for it, and nowhere else', async t => {
  const userinfo = async (world: World, token: string | undefined): Promise<number> =>
    (await fetch(`${world.acme.issuer}/me`, { headers: { authorization: `Bearer ${token}` } })).status

  await t.test('X-Auth-Access-Token, as long as it is good, and the next one after', async t => {
    const world = await start(t, { analytics: 'forward_access_token: true' })
    const browser = world.browser()
    const answer = await world.signIn(browser, page)
    const first = echoOf(answer).headers['x-auth-access-token']
    t.equal(await userinfo(world, first), 200)
    t.equal(echoOf(answer).headers.authorization, undefined)
    t.equal(echoOf(await browser.open(`${origins.portal}/x`)).headers['x-auth-access-token'], undefined, 'an app that did not ask')
    const forged = await world.browser().send(`${origins.analytics}/public/x`, { headers: { 'X-Auth-Access-Token': 'mine' } })
    t.equal(echoOf(forged).headers['x-auth-access-token'], undefined)

    world.setClock(due)
    await until(async () => await told(browser, 'x-auth-access-token') !== first)
    const second = await told(browser, 'x-auth-access-token')
    t.equal(await userinfo(world, second), 200)

    // nobody was here, and the provider is away
    world.fault = (_request, response) => {
      response.writeHead(503).end()
      return true
    }
    world.setClock(due + 700)
    t.equal(await told(browser, 'x-auth-access-token'), undefined, 'one that has expired')
    t.equal(await told(browser, 'x-auth-email'), 'ada@acme.com')

    const everything = JSON.stringify([world.lines, browser.jar.all(), browser.history.map(({ setCookies }) => setCookies)])
    for (const token of [first, second]) t.notOk(everything.includes(token ?? '-'), 'never logged, never in a cookie')
  })

  await t.test('without refresh until it expires; as Authorization where that is asked for, and no client’s own', async t => {
    const world = await start(t, { refresh: 'false', analytics: 'forward_access_token: authorization' })
    const browser = world.browser()
    const { headers } = echoOf(await world.signIn(browser, page))
    t.equal(headers.authorization, `Bearer ${headers['x-auth-access-token']}`)
    t.equal(await userinfo(world, headers['x-auth-access-token']), 200)
    const basic = { headers: { authorization: 'Basic bWluZTptaW5l' } }
    t.equal(echoOf(await browser.send(page, basic)).headers.authorization, headers.authorization)
    t.equal(echoOf(await world.browser().send(`${origins.analytics}/public/x`, basic)).headers.authorization, undefined)
    world.setClock(601)
    t.match(echoOf(await browser.send(page, basic)).headers, { 'x-auth-email': 'ada@acme.com', authorization: undefined, 'x-auth-access-token': undefined })
  })

  await t.test('by the name that oauth2-proxy gave it', async t => {
    const world = await start(t, { refresh: '15m', analytics: 'headers: oauth2-proxy, forward_access_token: true' })
    const browser = world.browser()
    const { headers } = echoOf(await world.signIn(browser, page))
    t.equal(await userinfo(world, headers['x-forwarded-access-token']), 200)
  })
})
