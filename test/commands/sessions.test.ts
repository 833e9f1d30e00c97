import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { createGateway } from '../../src/gateway.ts'
import { main } from '../../src/main.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createBrowser, type Answer, type Browser } from '../support/browser.ts'
import { codeOf, origins, startGateway, type World } from '../support/gateway.ts'
import { withoutStore } from '../support/store-outage.ts'

const token = 'a-token-of-the-ops-listener-0123456789'

/** What a revocation ends began in its second or before: the next one is another. */
const createClock = (world: World): () => void => {
  let ahead = 0
  return () => {
    ahead += 2
    world.setClock(ahead)
  }
}

interface Listed { sid: string, email: string, member: string, organization: string, connection: string, started_at: string, expires_at: string, last_seen_at: string }

/** Runs a command as beside the running gateway. */
const portico = async (world: World, ...args: string[]): Promise<{ status: number, out: string, err: string }> => {
  let out = ''
  let err = ''
  const config = join(dirname(world.configuration.store.path), 'portico.yaml')
  const status = await main([...args, '--config', config], { env: {}, cwd: '/', out: text => { out += text }, err: text => { err += text } })
  return { status, out, err }
}

const listed = async (world: World, ...args: string[]): Promise<Listed[]> => {
  const { status, out, err } = await portico(world, 'sessions', 'list', '--json', ...args)
  if (status !== 0) throw new Error(err)
  return JSON.parse(out) as Listed[]
}

/** Signs somebody in. */
const signedIn = async (world: World, login: string, page: string = `${origins.portal}/x`): Promise<{ browser: Browser, sid: string, member: string }> => {
  const from = world.lines.length
  const browser = world.browser()
  const answer = await world.signIn(browser, page, login)
  if (codeOf(answer) === 'PORTICO_OVERLOADED') {
    // the machine has more to do than this test
    await wait(200)
    return await signedIn(world, login, page)
  }
  const line = world.lines.slice(from).find(({ event }) => event === 'sign_in')
  if (answer.status !== 200 || line === undefined) throw new Error(`not signed in: ${answer.status} ${answer.text.slice(0, 2_000)}`)
  return { browser, sid: String(line.sid), member: String(line.member) }
}

const isIn = async (browser: Browser, page = `${origins.portal}/x`): Promise<boolean> => (await browser.send(page)).status === 200

/** Waits for as long as it takes: a gateway learns within a second. */
const untilOut = async (browser: Browser, page?: string): Promise<void> => {
  while (await isIn(browser, page)) await wait(20)
}

const post = async (world: World, body: unknown, headers: Readonly<Record<string, string>> = { authorization: `Bearer ${token}` }): Promise<{ status: number, answer: Record<string, unknown> }> => {
  const answer = await fetch(`http://127.0.0.1:${world.opsPort}/sessions/revoke`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers })
  return { status: answer.status, answer: await answer.json() as Record<string, unknown> }
}

t.test('R17 sessions list and revoke, beside running gateways', async t => {
  const world = await startGateway(t)
  const other = await createGateway({ configuration: world.configuration, log: createLog({ level: 'silent' }) })
  const { public: { port } } = await other.listen()
  t.teardown(() => other.close())
  const tick = createClock(world)

  t.same(await listed(world), [], 'nobody yet')
  const ada = await signedIn(world, 'ada')
  const grace = await signedIn(world, 'grace')
  const hari = await signedIn(world, 'hari')
  const elsewhere = createBrowser({ jar: ada.browser.jar, connect: ({ hostname }) => hostname.endsWith('.localhost') ? { port } : undefined })

  await t.test('R17 who is signed in, by what is asked', async t => {
    const sidsOf = async (...args: string[]) => (await listed(world, ...args)).map(({ sid }) => sid).sort()
    t.same(await sidsOf(), [ada.sid, grace.sid, hari.sid].sort())
    t.same(await sidsOf('--organization', 'globex'), [hari.sid])
    t.same(await sidsOf('--connection', 'acme_oidc'), [ada.sid, grace.sid].sort())
    t.same(await sidsOf('--email', 'Ada@Acme.com'), [ada.sid])
    t.same(await sidsOf('--email', 'ada@acme.com', '--organization', 'globex'), [])
    t.same(await sidsOf('--member', grace.member), [grace.sid])
    t.same(await sidsOf('--member', grace.member, '--email', 'ada@acme.com'), [])
    t.match(await listed(world, '--email', 'ada@acme.com'), [{
      email: 'ada@acme.com', member: ada.member, organization: 'acme', connection: 'acme_oidc', client: '127.0.0.1', started_at: /^\d{4}-.*Z$/, expires_at: /Z$/, last_seen_at: /Z$/
    }])
    const { out } = await portico(world, 'sessions', 'list')
    t.equal(out.split('\n').length, 4)
    t.match(out, new RegExp(`^${ada.sid}  ada@acme\\.com of acme by acme_oidc  .* at 127\\.0\\.0\\.1  since .*Z, last seen .*Z$`, 'm'))
  })

  await t.test('R17 one session, and nobody else\'s; on every instance', async t => {
    const second = await signedIn(world, 'ada')
    t.not(second.sid, ada.sid)
    t.equal(await isIn(elsewhere), true)
    const { status, out, err } = await portico(world, 'sessions', 'revoke', ada.sid)
    t.equal(status, 0)
    t.match(out, new RegExp(`^signed out: session ${ada.sid}, 1 recorded session\\n$`))
    t.match(JSON.parse(err), { audit: true, event: 'sessions_revoked', by: 'operator', kind: 'session', value: ada.sid })
    await untilOut(ada.browser)
    await untilOut(elsewhere)
    t.equal(await isIn(second.browser), true)
    t.same((await listed(world, '--email', 'ada@acme.com')).map(({ sid }) => sid), [second.sid])
  })

  await t.test('R17 somebody, by e-mail or id: all their sessions, and they may sign in again', async t => {
    const sessions = [await signedIn(world, 'ada'), await signedIn(world, 'ada')]
    const { out } = await portico(world, 'sessions', 'revoke', '--email', 'ada@acme.com', '--json')
    t.match(JSON.parse(out), { revoked: [{ kind: 'member', value: ada.member, sessions: 3 }] })
    for (const { browser } of sessions) await untilOut(browser)
    t.same(await listed(world, '--member', ada.member), [])
    tick()
    const again = await signedIn(world, 'ada')
    t.equal(await isIn(again.browser), true)
    t.match((await portico(world, 'sessions', 'revoke', '--member', ada.member)).out, /^signed out: ada@acme\.com of acme \(mbr_.*\), 1 recorded session\n$/)
    await untilOut(again.browser)
    t.equal(await isIn(grace.browser), true)
  })

  await t.test('R17 an organization, a connection, a subject, everybody', async t => {
    const [member] = JSON.parse((await portico(world, 'members', 'list', '--json', '--email', 'hari@globex.com')).out) as { subject: string }[]
    for (const args of [['--organization', 'globex'], ['--connection', 'globex_oidc'], ['--connection', 'globex_oidc', '--subject', member?.subject ?? ''], ['--everybody']]) {
      tick()
      const one = await signedIn(world, 'hari')
      t.equal(await isIn(one.browser), true)
      t.equal((await portico(world, 'sessions', 'revoke', ...args)).status, 0, args.join(' '))
      await untilOut(one.browser)
      t.same(await listed(world, '--organization', 'globex'), [], 'nor is it listed')
      t.equal(await isIn(grace.browser), !args.includes('--everybody'), args.join(' '))
    }
  })

  await t.test('R17 what the configuration has ended, or idleness, is not listed', async t => {
    tick()
    await signedIn(world, 'hari')
    t.equal((await listed(world, '--organization', 'globex')).length, 1)
    const { globex = '' } = world.files
    const file = join(dirname(world.configuration.store.path), 'organizations', 'globex.yaml')
    for (const changed of [`blocked: [hari@globex.com]\n${globex}`, globex.replace('status: active', 'status: disabled')]) {
      await writeFile(file, changed)
      t.same(await listed(world, '--organization', 'globex'), [])
    }
    await writeFile(file, globex)
    t.equal((await listed(world, '--organization', 'globex')).length, 1, 'while no gateway has seen it')
    world.setClock(9 * 3_600)
    t.same(await listed(world), [], 'nobody was seen for the idle time')
    tick()
    await world.reload({ globex: globex.replace('status: active', 'status: disabled') })
    await world.reload({ globex })
    t.same(await listed(world, '--organization', 'globex'), [], 'off and on again revives nothing')
  })

  await t.test('what is not understood ends nothing', async t => {
    tick()
    const one = await signedIn(world, 'hari')
    for (const [status, ...args] of [
      [2], [2, '--subject', 'x'], [2, '--connection', 'globex_oidc', '--organization', 'globex'], [2, 'sid', '--everybody'], [2, '--idp-session', 'x'], [2, '--connection', 'globex_oidc', '--subject', 'x', '--idp-session', 'y'],
      [1, '--organization', 'globx'], [1, '--connection', 'globex'], [1, '--email', 'nobody@acme.com'], [1, '--email', 'x'], [1, '--member', 'mbr_x'], [1, '--email', 'hari@globex.com', '--organization', 'acme']
    ] as const) {
      const { status: found, out, err } = await portico(world, 'sessions', 'revoke', ...args)
      t.equal(found, status, args.join(' '))
      t.equal(out, '')
      t.notMatch(err, 'sessions_revoked')
    }
    t.equal(await isIn(one.browser), true)
  })
})

t.test('R17 revocation on the ops listener', async t => {
  const world = await startGateway(t, { ops: `token: ${token}` })
  const connection = 'acme_oidc'
  const tick = createClock(world)

  await t.test('V5 with the token, always', async t => {
    const ada = await signedIn(world, 'ada')
    for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: `Bearer ${token}x` }, { authorization: `Basic ${token}` }, { 'x-api-key': token }]) {
      const { status, answer } = await post(world, { everybody: true }, headers)
      t.match([status, answer.code], [401, 'PORTICO_OPS_TOKEN'], JSON.stringify(headers))
    }
    const other = await startGateway(t)
    t.equal((await post(other, { everybody: true }, {})).status, 401, 'where none is configured, nobody has it')
    t.equal((await post(other, { everybody: true }, { authorization: 'Bearer undefined' })).status, 401)
    t.equal(await isIn(ada.browser), true)
  })

  await t.test('V37 anything else than one selection is refused, and says why', async t => {
    const ada = await signedIn(world, 'ada')
    for (const body of [
      '', '{', '[]', 'null', '"everybody"', '{"everybody":false}', '{}', '{"__proto__":{"everybody":true}}', { everybody: 'true' }, { session: '' }, { session: ['x'] }, { member: 1 }, { session: 'x', member: 'y' },
      { organization: 'acme', everybody: true }, { subject: 'x' }, { idp_session: 'x' }, { connection, organization: 'acme' }, { connection, subject: 'x', idp_session: 'y' }, { sid: 'x' }, { session: 'x'.repeat(1_001) }, '{"member":"\\ud800"}',
      { connection: 'acme_odic' }, { connection: 'constructor' }, { organization: 'acmee' }, { connection: 'acme_odic', subject: 'x' }
    ]) {
      const { status, answer } = await post(world, body)
      t.match([status, answer.code, typeof answer.wanted], [400, 'PORTICO_BAD_REQUEST', 'string'], JSON.stringify(body).slice(0, 60))
    }
    t.match((await post(world, ' '.repeat(20_000))), { status: 413, answer: { code: 'PORTICO_BODY_TOO_LARGE' } })
    t.equal(await isIn(ada.browser), true)
    t.equal(world.lines.some(({ event }) => event === 'sessions_revoked'), false)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status } = await fetch(`http://127.0.0.1:${world.opsPort}/sessions/revoke`, { method, headers: { authorization: `Bearer ${token}` } })
      t.equal(status, method === 'GET' ? 404 : 405, method)
    }
  })

  await t.test('R17 each kind ends what it names, at once, and is audited', async t => {
    const [member] = JSON.parse((await portico(world, 'members', 'list', '--json', '--email', 'ada@acme.com')).out) as { id: string, subject: string }[]
    if (member === undefined) throw new Error('no member')
    const bystander = await signedIn(world, 'hari')
    const kinds: readonly (readonly [(sid: string) => Record<string, unknown>, (sid: string) => Record<string, unknown>])[] = [
      [session => ({ session }), value => ({ kind: 'session', value })],
      [() => ({ member: member.id }), () => ({ kind: 'member', value: member.id })],
      [() => ({ connection, subject: member.subject }), () => ({ kind: 'subject', value: `${connection}|${member.subject}` })],
      [() => ({ connection }), () => ({ kind: 'connection', value: connection })],
      [() => ({ organization: 'acme' }), () => ({ kind: 'organization', value: 'acme' })],
      [() => ({ everybody: true }), () => ({ kind: 'everybody', value: '' })]
    ]
    for (const [body, revoked] of kinds) {
      tick()
      const { browser, sid } = await signedIn(world, 'ada')
      t.equal(await isIn(browser), true)
      t.equal(await isIn(bystander.browser), true)
      const { status, answer } = await post(world, body(sid))
      t.match([status, answer.revoked], [200, revoked(sid)], JSON.stringify(body(sid)))
      t.equal(await isIn(browser), false, 'at once')
      const { kind, value } = revoked(sid)
      t.match(world.lines.findLast(({ event }) => event === 'sessions_revoked'), { audit: true, by: 'operator', kind, ...value !== '' && { value }, client: '127.0.0.1', request_id: answer.request_id })
    }
    t.equal(await isIn(bystander.browser), false, 'everybody')
    t.notMatch(JSON.stringify(world.lines), token)
  })

  await t.test('R17 an attempt under way ends with them', async t => {
    const browser = world.browser()
    const back: Answer = await world.reachProvider(browser, `${origins.portal}/x`, 'ada')
    t.equal((await post(world, { connection })).status, 200)
    const { status, location } = await browser.follow(back)
    t.notOk(status === 200 && location === undefined && await isIn(browser), 'nobody was let in by what began before')
  })

  await t.test('R17 while the store does not answer it holds here, and that is said', async t => {
    tick()
    const { browser, sid } = await signedIn(world, 'ada')
    t.equal(await isIn(browser), true)
    await withoutStore(world, async () => {
      t.match(await post(world, { session: sid }), { status: 503, answer: { code: 'PORTICO_STORE_UNAVAILABLE' } })
      t.equal(await isIn(browser), false)
    })
    for (;;) {
      const sids = (await listed(world)).map(each => each.sid)
      if (!sids.includes(sid)) break
      await wait(50)
    }
    t.pass('and the store has it later')
  })
})
