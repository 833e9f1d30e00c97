import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import type { Configuration } from '../../src/config/configuration.ts'
import { createGateway } from '../../src/gateway.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createBrowser, type Answer, type Browser } from '../support/browser.ts'
import { callbackOf, codeOf, origins, startGateway, submit, type World } from '../support/gateway.ts'

const page = `${origins.analytics}/reports`
const client = { redirect_uris: ['acme_oidc', 'acme_new', 'globex_oidc', 'trial_oidc'].map(callbackOf) }
const hour = 3_600
const at = Math.floor(Date.now() / 1_000) + hour

/** Acme's file, with a connection that takes over from the first one at `date`. */
const planned = (acme: string, date = at): string => `${acme}\n  acme_new: { connector: oidc, discovery_url: "${/discovery_url: (\S+)/.exec(acme)?.[1] ?? ''}", client_id: portico, client_secret: { file: ../secret }, ` +
  `domains: [acme.com, acme.co.uk], activate_at: "${new Date(date * 1_000).toISOString()}", replaces: acme_oidc }`

/** Whether the next request of this browser reaches the app, and as whom. */
const isIn = async (world: World, browser: Browser, url = page): Promise<Readonly<Record<string, string>> | undefined> =>
  (await browser.send(url)).status === 200 ? world.received.at(-1)?.headers : undefined

const eventually = async (holds: () => Promise<boolean> | boolean): Promise<boolean> => {
  for (let i = 0; i < 500; i++) {
    if (await holds()) return true
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return false
}

/** Another process on the same store: its browsers, and the way to reload it. */
const startBeside = async (t: Test, configuration: Configuration) => {
  const lines: string[] = []
  const gateway = await createGateway({ configuration, log: createLog({ level: 'debug', destination: { write: line => { lines.push(line) } } }) })
  let closing: Promise<void> | undefined
  const close = async () => {
    closing ??= gateway.close()
    await closing
  }
  t.teardown(close)
  const { public: { port } } = await gateway.listen()
  return {
    lines,
    close,
    reload: gateway.reload,
    browser: ({ jar }: Browser) => createBrowser({ jar, connect: ({ hostname }) => hostname.endsWith('.localhost') ? { port } : undefined })
  }
}

t.test('R10 a connection takes over from another one on its date', async t => {
  const world = await startGateway(t, { client, organizations: ({ acme = '', ...rest }) => ({ ...rest, acme: planned(acme) }) })
  const ada = world.browser()
  await world.signIn(ada, page)
  const before = await isIn(world, ada)
  t.match(before, { 'x-auth-connection': 'acme_oidc' })
  const hari = world.browser()
  await world.signIn(hari, `${origins.portal}/`, 'hari')
  const beside = await startBeside(t, world.configuration)
  const adaBeside = beside.browser(ada)
  t.ok(await isIn(world, adaBeside), 'one session, two processes')
  const early = world.browser()
  t.equal((await early.send(`${origins.auth}/login/acme_new?app=analytics`)).status, 422, 'it signs nobody in ahead of time')

  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/socket`, {
    headers: { host: 'analytics.localhost:8080', origin: origins.analytics, cookie: ada.jar.header(new URL(origins.analytics)) ?? '' }
  })
  t.teardown(() => socket.terminate())
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  const closed = new Promise<number>(resolve => socket.once('close', resolve))

  world.setClock(hour - 60)
  t.ok(await isIn(world, ada), 'a minute before')
  const underWay = world.browser()
  const returning = await world.reachProvider(underWay, `${origins.analytics}/half-way?x=1`)
  t.equal(returning.location?.pathname, '/login/acme_oidc/callback')
  world.setClock(hour + 1)
  t.equal(await isIn(world, ada), undefined, 'at that moment: here')
  t.equal(await isIn(world, adaBeside), undefined, 'on every instance')
  t.equal(await isIn(world, ada, `${origins.portal}/x`), undefined, 'and on every host')
  t.ok(await isIn(world, hari, `${origins.portal}/x`), 'nobody else\'s')

  const first = world.browser()
  await world.signIn(first, page)
  t.equal(first.history.some(({ status }) => status >= 500), false, 'the first one to sign in sees no error')
  const after = await isIn(world, first)
  t.match(after, { 'x-auth-connection': 'acme_new', 'x-auth-email': 'ada@acme.com' })
  t.equal(after?.['x-auth-user'], before?.['x-auth-user'], 'the same member')
  t.ok(await eventually(async () => await isIn(world, beside.browser(first)) !== undefined), 'on the other instance too')
  t.equal(await closed, 1008, 'open WebSockets are closed')

  const resumed = await underWay.follow(await underWay.send(returning.location ?? ''), url => url.port === String(world.acme.port))
  t.equal(resumed.location?.searchParams.get('redirect_uri'), callbackOf('acme_new'), 'a sign-in under way starts again at the new one')
  const linked = await world.browser().send(`${origins.auth}/login/acme_oidc?app=analytics`)
  t.equal(linked.location?.searchParams.get('redirect_uri'), callbackOf('acme_new'), 'R31 and so do links that name the old one')
  const late = await world.browser().send(`${origins.auth}/login/acme_oidc/callback?code=x&state=y`)
  t.match({ status: late.status, code: codeOf(late) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })

  world.setClock(0)
  t.equal(await isIn(world, ada), undefined, 'a clock that is set back revives nothing')
  t.equal(await isIn(world, first), undefined)
  world.setClock(hour + 1)
  t.ok(await eventually(async () => (await world.browser().send(`${origins.auth}/login/acme_new?app=analytics`)).status === 302))
  t.equal(await isIn(world, ada), undefined)
  t.equal(await isIn(world, first), undefined)

  const again = world.browser()
  await world.signIn(again, page)
  await world.reload({ acme: world.files.acme?.replace(/, replaces: acme_oidc/, '').replace('domains: [acme.com, acme.co.uk], activate_at', 'domains: [acme.net], activate_at') })
  t.equal(await isIn(world, ada), undefined, 'taken back after the date: the old one signs in again, its old sessions are over')
  t.equal(await isIn(world, again), undefined)
  t.ok(await isIn(world, hari, `${origins.portal}/x`))
})

t.test('R10 N13 a date that passes while Portico is stopped', async t => {
  const world = await startGateway(t, { client, organizations: ({ acme = '', ...rest }) => ({ ...rest, acme: planned(acme) }) })
  const configuration: Configuration = { ...world.configuration, store: { kind: 'sqlite', path: `${t.testdir()}/portico.db` } }
  const before = await startBeside(t, configuration)
  const ada = before.browser(world.browser())
  await world.signIn(ada, page)
  const hari = before.browser(world.browser())
  await world.signIn(hari, `${origins.portal}/`, 'hari')
  t.ok(await isIn(world, ada), 'the control')
  await before.close()
  world.setClock(hour + 1)
  const after = await startBeside(t, configuration)
  t.equal(await isIn(world, after.browser(ada)), undefined)
  t.ok(await isIn(world, after.browser(hari), `${origins.portal}/x`))
  const fresh = after.browser(world.browser())
  await world.signIn(fresh, page)
  t.match(await isIn(world, fresh), { 'x-auth-connection': 'acme_new' })
})

t.test('N13 one of two instances has an older file: it never decides for the newer one', async t => {
  const world = await startGateway(t, { client, organizations: ({ acme = '', ...rest }) => ({ ...rest, acme: planned(acme, at - hour / 2) }) })
  const older = await startBeside(t, world.configuration)
  await world.reload({ acme: planned(world.files.acme?.split('\n  acme_new')[0] ?? '', at) })
  const ada = world.browser()
  await world.signIn(ada, page)
  t.ok(await isIn(world, older.browser(ada)), 'what has not changed is the same in both')
  t.ok(await eventually(() => older.lines.some(line => line.includes('newer configuration'))), 'an alarm')
  // a change of something else; and the date that the newer file has put off
  await older.reload({ ...world.configuration, version: 'another' })
  world.setClock(hour / 2 + 60)
  t.equal(await isIn(world, older.browser(ada)), undefined, 'by the older file it has passed')
  const stranded = older.browser(world.browser())
  const refused = await world.signIn(stranded, page)
  t.match({ status: refused.status, code: codeOf(refused) }, { status: 503, code: 'PORTICO_STORE_UNAVAILABLE' }, 'and nobody signs in there')
  await older.reload({ ...world.configuration, version: 'a third' })
  t.ok(await isIn(world, ada), 'where the newer file is it has not')
  const fresh = world.browser()
  await world.signIn(fresh, page)
  t.match(await isIn(world, fresh), { 'x-auth-connection': 'acme_oidc' })
})

t.test('R17 M2 N13 what ends the sessions of a company, and what does not', async t => {
  const world = await startGateway(t, { client })
  const { acme = '', globex = '' } = world.files
  const hari = world.browser()
  await world.signIn(hari, `${origins.portal}/x`, 'hari')
  const beside = await startBeside(t, world.configuration)
  const ends: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
    'another domain': { acme: acme.replace('[acme.com, acme.co.uk]', '[acme.com, acme.co.uk, acme.net]') },
    'a domain fewer, of somebody else': { acme: acme.replace('[acme.com, acme.co.uk]', '[acme.com]') },
    accepts: { acme: `${acme}\n    accepts: [acme.net]` },
    'client id': { acme: acme.replace('client_id: portico', 'client_id: other') },
    'another provider': { acme: acme.replace(world.acme.issuer, world.globex.issuer) },
    testing: { acme: acme.replace('status: active', 'status: testing') },
    'R33 disabled': { acme: acme.replace('status: active', 'status: disabled') },
    'a date in the future': { acme: `${acme}\n    activate_at: 2099-01-01` },
    'another id': { acme: acme.replace('acme_oidc:', 'acme_new:') },
    'the organization removed': { acme: undefined },
    'the file renamed': { acme: undefined, renamed: acme }
  }
  const keeps: Readonly<Record<string, string>> = {
    'the company\'s name': acme.replace('Acme Corp', 'Acme & Co.'),
    'the button\'s name': `${acme}\n    name: Okta`,
    scopes: `${acme}\n    scopes: [openid, email]`,
    secret: acme.replace('{ file: ../secret }', 'rotated'),
    expiry: `${acme}\n    client_secret_expires: 2099-01-01`,
    'a date that has passed': `${acme}\n    activate_at: 2020-01-01`,
    'another connection beside': planned(acme, at + 24 * hour),
    'where to go after signing out': `logout_url: http://acme.localhost\n${acme}`
  }
  const signedIn = async (): Promise<Browser> => {
    const browser = world.browser()
    await world.signIn(browser, page)
    if (await isIn(world, browser) === undefined) throw new Error('not signed in')
    return browser
  }
  for (const [name, text] of Object.entries(keeps)) {
    const ada = await signedIn()
    await world.reload({ acme: text })
    t.ok(await isIn(world, ada), `${name}: goes on`)
    await world.reload({ acme })
    t.ok(await isIn(world, ada))
  }
  for (const [name, files] of Object.entries(ends)) {
    const ada = await signedIn()
    const adaBeside = beside.browser(ada)
    t.ok(await eventually(async () => await isIn(world, adaBeside) !== undefined), `${name}: the control`)
    await world.reload(files)
    t.equal(await isIn(world, ada), undefined, `${name}: over`)
    t.ok(await eventually(async () => await isIn(world, adaBeside) === undefined), `${name}: on the other instance too, whose file is older`)
    t.ok(await isIn(world, hari, `${origins.portal}/x`), 'nobody else\'s')
    await world.reload({ ...Object.fromEntries(Object.keys(files).map(id => [id, undefined])), acme })
    t.equal(await isIn(world, ada), undefined, `${name}: taking it back revives nothing`)
  }

  const ada = await signedIn()
  await world.reload({ acme: acme.replace('[acme.com, acme.co.uk]', '[acme.co.uk]'), globex: globex.replace('[globex.com]', '[globex.com, acme.com]') })
  t.equal(await isIn(world, ada), undefined, 'M2 a domain that moves to another company: both sign in anew')
  t.equal(await isIn(world, hari, `${origins.portal}/x`), undefined)
  const moved = world.browser()
  const left = await submit(moved, await moved.open(`${origins.portal}/`), { email: 'ada@acme.com' })
  t.equal(left.location?.port, String(world.globex.port), 'and the mailbox leads there from now on')
})

t.test('R2 accepts: its people are signed in, and not routed', async t => {
  const world = await startGateway(t, { organizations: ({ acme = '', ...rest }) => ({ ...rest, acme: acme.replace('[acme.com, acme.co.uk]', '[acme.com]\n    accepts: [acme.co.uk]') }) })
  const typed = world.browser()
  const asked = await submit(typed, await typed.open(`${origins.portal}/`), { email: 'grace@acme.co.uk' })
  t.match({ status: asked.status, code: codeOf(asked) }, { status: 422, code: 'PORTICO_NO_CONNECTION' })
  const grace = world.browser()
  await world.signIn(grace, `${origins.auth}/login/acme_oidc?app=analytics&return_to=/reports`, 'grace')
  t.match(await isIn(world, grace), { 'x-auth-email': 'grace@acme.co.uk' })
  const intruder = world.browser()
  const refused = await world.signIn(intruder, `${origins.auth}/login/acme_oidc?app=analytics`, 'intruder')
  t.match({ status: refused.status, code: codeOf(refused) }, { status: 403, code: 'PORTICO_EMAIL_DOMAIN' }, 'N1 no other domain')
})

t.test('R9 a connection that is tested, or off, signs nobody in, on any path', async t => {
  const world = await startGateway(t, { client })
  const { acme = '' } = world.files
  const nobody = (answer: Answer, browser: Browser, what: string): void => {
    t.equal(answer.url.pathname, '/login', `${what}: asked for an e-mail`)
    t.notOk(browser.jar.find('__Host-portico'), `${what}: no session`)
  }
  for (const id of ['trial_oidc', 'gone_oidc']) {
    const issuer = encodeURIComponent(world.acme.issuer)
    for (const link of [`/login/${id}`, `/login/${id}?app=analytics`, `/login/${id}?iss=${issuer}`, `/login/${id}?iss=${issuer}&login_hint=ada@trial.example&target_link_uri=${page}`, `/login?email=ada@${id.split('_')[0]}.example`, `/login?iss=${issuer}&login_hint=ada@trial.example`]) {
      const browser = world.browser()
      const answer = await browser.open(`${origins.auth}${link}`)
      t.not(answer.url.port, String(world.acme.port), link)
      t.notOk(browser.jar.find('__Host-portico'))
    }
  }
  for (const status of ['testing', 'disabled']) {
    const off = acme.replace('status: active', `status: ${status}`)

    const returning = world.browser()
    const { location } = await world.reachProvider(returning, page)
    await world.reload({ acme: off })
    nobody(await returning.follow(await returning.send(location ?? '')), returning, `${status}: a return of an attempt that began before`)
    await world.reload({ acme })
    const later = await returning.send(location ?? '')
    t.match({ status: later.status, code: codeOf(later) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' }, `${status}: nor later`)
    t.notOk(returning.jar.find('__Host-portico'))

    const holding = world.browser()
    const back = await world.reachProvider(holding, page)
    const ticket = await holding.follow(await holding.send(back.location ?? ''), url => url.pathname === '/.portico/ticket')
    t.equal(ticket.location?.pathname, '/.portico/ticket')
    await world.reload({ acme: off })
    await holding.send(ticket.location ?? '')
    t.equal(await isIn(world, holding), undefined, `${status}: a ticket from before`)
    await world.reload({ acme })
    t.equal(await isIn(world, holding), undefined, `${status}: nor later`)
  }
})
