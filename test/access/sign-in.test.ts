import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { main } from '../../src/main.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Answer, Browser } from '../support/browser.ts'
import { callbackOf, codeOf, formOf, linksOf, origins, startGateway, submit, type Echo, type World } from '../support/gateway.ts'

const echoOf = (answer: Answer): Echo => {
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status} ${answer.url.href} ${answer.text.slice(0, 300)}`)
  return JSON.parse(answer.text)
}

const claimsOf = (echo: Echo): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(echo.headers['x-auth-assertion']).split('.')[1] ?? '', 'base64url').toString())

/** By the link of a connection: nobody is asked for an e-mail. */
const enter = (world: World, login: string, { connection = 'acme_oidc', app = 'portal', browser = world.browser() } = {}): Promise<Answer> =>
  world.signIn(browser, `${origins.auth}/login/${connection}?app=${app}&return_to=/x`, login)

/** Refused with this code, on a page that says what there is to say. */
const refused = (t: Test, answer: Answer, code: string, email: string): void => {
  t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code }, code)
  t.match(answer.text, email, 'who one is')
  t.match(answer.text, /Tell them this code[\s\S]*request id/)
  const other = new URL(linksOf(answer)['Use another account'] ?? '')
  t.match({ path: other.pathname, prompt: other.searchParams.get('prompt'), page: other.searchParams.get('return_to') }, { path: '/login', prompt: 'select_account', page: `${origins.portal}/x` })
}

/** Runs a command as beside the running gateway; audit lines are what it writes to standard error. */
const portico = async (world: World, ...args: string[]) => {
  let out = ''
  let err = ''
  const config = join(dirname(world.configuration.store.path), 'portico.yaml')
  const status = await main([...args, '--config', config], { env: {}, cwd: '/', out: text => { out += text }, err: text => { err += text } })
  return { status, out, err }
}

const refusalOf = (world: World, code: string): Record<string, unknown> | undefined =>
  world.lines.findLast(line => line.event === 'sign_in_refused' && line.code === code)

/** A gateway learns within a second; this waits for as long as it takes. */
const untilEnded = async (browser: Browser, page: string): Promise<void> => {
  while ((await browser.send(page, { mode: 'cors' })).status === 200) await wait(20)
}

/** A revocation ends what began within its second, too. */
const nextSecond = (): Promise<void> => wait(1_000 - Date.now() % 1_000)

/** A WebSocket of this browser; resolves when it is open. `closed` resolves when it has been closed. */
const openSocket = async (world: World, browser: Browser): Promise<{ closed: Promise<unknown> }> => {
  const url = new URL(origins.portal)
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/live`, { headers: { host: url.host, cookie: browser.jar.header(url) ?? '', origin: origins.portal } })
  const closed = new Promise(resolve => { socket.once('close', resolve) })
  await new Promise((resolve, reject) => { socket.once('open', resolve).once('error', reject) })
  return { closed }
}

t.test('anyone of the domains', async t => {
  const people = {
    acme: {
      ada2: { email: 'ada@acme.com', email_verified: true, name: 'Ada, made anew' },
      several: { email: 'several@acme.com', email_verified: true, groups: ['ops', 'staff'] },
      blank: { email: 'blank@acme.com', email_verified: true, groups: ['', 'staf'] },
      renamed: { email: 'before@acme.com', email_verified: true, name: 'Bea' }
    },
    globex: { ada: { email: 'ada@acme.com', email_verified: true }, hari2: { email: 'hari@globex.com', email_verified: true } }
  }
  const world = await startGateway(t, {
    people,
    analytics: 'groups: { acme: [staff, boss] }',
    client: { redirect_uris: ['acme_oidc', 'acme_new', 'acme_newer', 'globex_oidc'].map(callbackOf) },
    organizations: ({ acme = '' }) => ({ acme: acme.replace('connections:', 'default_role: viewer\nconnections:') })
  })
  const ada = world.browser()
  const idOf = (answer: Answer) => echoOf(answer).headers['x-auth-user']
  const id = idOf(await enter(world, 'ada', { browser: ada }))

  await t.test('R24 whoever signs in first is recorded, with the default role, and is new for the whole session', async t => {
    t.match(id, /^mbr_[\w-]{22}$/)
    for (const page of [`${origins.portal}/x`, `${origins.portal}/y`, `${origins.analytics}/z`, `${origins.dashboardEu}/z`]) {
      const echo = echoOf(await ada.open(page))
      t.match(echo.headers, { 'x-auth-user': id, 'x-auth-new-user': 'true', 'x-auth-role': 'viewer' }, page)
      t.notOk('x-auth-member' in echo.headers)
      t.match(claimsOf(echo), { sub: id, new_user: true, role: 'viewer', org: 'acme' })
    }
    const later = echoOf(await enter(world, 'ada'))
    t.match(later.headers, { 'x-auth-user': id, 'x-auth-role': 'viewer' })
    t.notOk('x-auth-new-user' in later.headers)
    t.equal(claimsOf(later).new_user, false)
    t.equal(echoOf(await ada.open(`${origins.portal}/x`)).headers['x-auth-new-user'], 'true', 'the first session still is')
    const store = createSqliteStore({ path: world.configuration.store.path })
    t.match(await store.membersByEmail('ada@acme.com'), [{ id, organization: 'acme', connection: 'acme_oidc', name: 'Ada Lovelace', groups: ['staff'] }])
    await store.close()
  })

  await t.test('I group rules: in, out, none, several, empty; nothing that a client sends counts', async t => {
    for (const [login, status] of [['ada', 200], ['several', 200], ['blank', 403], ['grace', 403]] as const) {
      t.equal((await enter(world, login, { app: 'analytics' })).status, status, login)
    }
    const grace = world.browser()
    await enter(world, 'grace', { browser: grace })
    const answer = await grace.open(`${origins.analytics}/report?allowed_groups=staff&groups=staff`, { headers: { 'x-auth-groups': 'staff', 'x-forwarded-groups': 'staff' } })
    t.match({ status: answer.status, code: codeOf(answer), text: answer.text }, { status: 403, code: 'PORTICO_GROUP_REQUIRED', text: /The app is <strong>Analytics<\/strong>[\s\S]*Use another account/ })
    t.notMatch(answer.text, /boss/, 'which groups is for the operator')
    t.match(refusalOf(world, 'PORTICO_GROUP_REQUIRED'), { app: 'analytics', organization: 'acme', email: 'grace@acme.co.uk', wanted: 'one of the groups staff, boss for analytics', got: 'no groups' })
    t.equal((await grace.open(`${origins.portal}/x`)).status, 200, 'and everything else goes on')
    const hari = world.browser()
    const none = await enter(world, 'hari', { connection: 'globex_oidc', app: 'analytics', browser: hari })
    t.equal(codeOf(none), 'PORTICO_APP_NOT_ALLOWED', 'an app that the organization does not have is another matter')
    t.match(none.text, /Analytics[\s\S]*Ask your administrator[\s\S]*Use another account/)
  })

  await t.test('I a group that is no longer enough ends the way in at once, for this app alone', async t => {
    const browser = world.browser()
    await enter(world, 'ada', { app: 'analytics', browser })
    await world.reload({ acme: world.files.acme?.replace('connections:', 'apps: [portal]\nconnections:') })
    t.equal((await browser.send(`${origins.analytics}/x`, { mode: 'cors' })).status, 401)
    t.equal(codeOf(await browser.open(`${origins.analytics}/x`)), 'PORTICO_APP_NOT_ALLOWED')
    t.equal((await browser.open(`${origins.portal}/x`)).status, 200)
    await world.reload({ acme: world.files.acme })
  })

  await t.test('V38 the same e-mail with another subject is nobody that is known; by command it can be', async t => {
    const answer = await enter(world, 'ada2')
    refused(t, answer, 'PORTICO_MEMBER_CONFLICT', 'ada@acme.com')
    t.notMatch(answer.text, new RegExp(id ?? ''))
    t.match(refusalOf(world, 'PORTICO_MEMBER_CONFLICT'), { email: 'ada@acme.com', remedy: new RegExp(`portico members move --id ${id}`) })
    t.equal(idOf(await ada.open(`${origins.portal}/x`)), id, 'and who was there stays')

    const moved = await portico(world, 'members', 'move', '--email', 'Ada@acme.com')
    t.match(moved, { status: 0, out: new RegExp(`^${id}, ada@acme\\.com of acme: the next sign-in`) })
    t.match(JSON.parse(moved.err), { audit: true, event: 'member_moved', by: 'operator', member: id, email: 'ada@acme.com' })
    await untilEnded(ada, `${origins.portal}/x`)
    await nextSecond()
    const anew = echoOf(await enter(world, 'ada2'))
    t.match(anew.headers, { 'x-auth-user': id, 'x-auth-name': 'Ada, made anew' })
    t.notOk('x-auth-new-user' in anew.headers)
    t.equal(codeOf(await enter(world, 'ada')), 'PORTICO_MEMBER_CONFLICT', 'once')
    await portico(world, 'members', 'move', '--email', 'ada@acme.com')
    await nextSecond()
    t.equal(idOf(await enter(world, 'ada')), id)
  })

  await t.test('V38 an e-mail that changes at the provider is brought up to date, unless it is another member’s', async t => {
    const before = idOf(await enter(world, 'renamed'))
    people.acme.renamed = { ...people.acme.renamed, email: 'after@acme.com' }
    const after = echoOf(await enter(world, 'renamed'))
    t.match(after.headers, { 'x-auth-user': before, 'x-auth-email': 'after@acme.com' })
    people.acme.renamed = { ...people.acme.renamed, email: 'ada@acme.com' }
    refused(t, await enter(world, 'renamed'), 'PORTICO_MEMBER_CONFLICT', 'ada@acme.com')
    const { remedy } = refusalOf(world, 'PORTICO_MEMBER_CONFLICT') ?? {}
    t.match(remedy, `To stay that: portico members erase --id ${id}. To become ${id}: portico members erase --id ${before}, then portico members move --id ${id}`, 'a freed member would not be taken by who is one already')
    people.acme.renamed = { ...people.acme.renamed, email: 'hari@globex.com' }
    t.equal(codeOf(await enter(world, 'renamed')), 'PORTICO_EMAIL_DOMAIN', 'N1')
  })

  await t.test('R10 who signs in through what replaces their connection is who they were', async t => {
    const added = (id: string, replaces: string) => (world.files.acme ?? '').slice((world.files.acme ?? '').indexOf('  acme_oidc:')).replace('acme_oidc:', `${id}:\n    replaces: ${replaces}`)
    await world.reload({ acme: `${world.files.acme?.replace('acme_oidc:', 'acme_new:')}` })
    t.equal(codeOf(await enter(world, 'ada', { connection: 'acme_new' })), 'PORTICO_MEMBER_CONFLICT', 'another id is another connection')
    t.match(refusalOf(world, 'PORTICO_MEMBER_CONFLICT')?.remedy, /say replaces: acme_oidc, and keep acme_oidc in the file, disabled;/)
    await world.reload({ acme: `${world.files.acme}\n${added('acme_new', 'acme_oidc')}` })
    const echo = echoOf(await enter(world, 'ada2', { connection: 'acme_new' }))
    t.match(echo.headers, { 'x-auth-user': id, 'x-auth-connection': 'acme_new' })
    t.notOk('x-auth-new-user' in echo.headers)
    await world.reload({ acme: `${world.files.acme}\n${added('acme_new', 'acme_oidc')}\n${added('acme_newer', 'acme_new')}` })
    t.equal(idOf(await enter(world, 'ada', { connection: 'acme_newer' })), id)
    t.match(echoOf(await enter(world, 'several', { connection: 'acme_newer' })).headers, { 'x-auth-new-user': undefined }, 'over two replacements')
  })

  await t.test('R14 R25 an e-mail that belongs to another organization is refused, and moves by command', async t => {
    await world.reload({ acme: world.files.acme?.replace('acme.com, ', ''), globex: world.files.globex?.replace('[globex.com]', '[globex.com, acme.com]') })
    const answer = await enter(world, 'ada', { connection: 'globex_oidc' })
    refused(t, answer, 'PORTICO_OTHER_ORGANIZATION', 'ada@acme.com')
    t.notMatch(answer.text, /Acme Corp|acme_oidc/, 'which one is for the operator')
    t.match(refusalOf(world, 'PORTICO_OTHER_ORGANIZATION'), { organization: 'globex', got: new RegExp(`${id} of acme`), remedy: /portico members move .*--to globex/ })
    t.match(await portico(world, 'members', 'move', '--email', 'ada@acme.com', '--to', 'globx'), { status: 1, err: /did you mean 'globex'/ })
    t.match(await portico(world, 'members', 'move', '--email', 'ada@acme.com', '--to', 'globex', '--json'), { status: 0, out: /"state":"moving".*"organization":"globex"/ })
    await nextSecond()
    t.match(echoOf(await enter(world, 'ada', { connection: 'globex_oidc' })).headers, { 'x-auth-user': id, 'x-auth-organization': 'globex' })
  })
})

t.test('invited people only', async t => {
  const world = await startGateway(t, {
    organizations: ({ acme = '' }) => ({ acme: acme.replace('connections:', 'members: { invited: [ada@acme.com, hari@globex.com] }\nconnections:') })
  })
  const withMembers = (members: string) => ({ acme: world.files.acme?.replace(/members: .*\n/, `members: ${members}\n`) })
  const ada = world.browser()
  const id = echoOf(await enter(world, 'ada', { browser: ada })).headers['x-auth-user']

  await t.test('R19 R14 who is not invited is told so, and is let in as soon as they are', async t => {
    const answer = await enter(world, 'grace')
    refused(t, answer, 'PORTICO_NOT_INVITED', 'grace@acme.co.uk')
    t.match(refusalOf(world, 'PORTICO_NOT_INVITED'), { organization: 'acme', connection: 'acme_oidc', email: 'grace@acme.co.uk', remedy: /members\.invited/ })
    const store = createSqliteStore({ path: world.configuration.store.path })
    t.same(await store.membersByEmail('grace@acme.co.uk'), [], 'nobody is recorded')
    await store.close()
    t.equal(codeOf(await enter(world, 'intruder')), 'PORTICO_EMAIL_DOMAIN', 'N1 an invitation is no reason to believe another company’s provider')
    await world.reload(withMembers('{ invited: [ada@acme.com, grace@acme.co.uk] }'))
    t.match(echoOf(await enter(world, 'grace')).headers, { 'x-auth-email': 'grace@acme.co.uk', 'x-auth-new-user': 'true' })
  })

  await t.test('V33 whoever is no longer invited, or blocked, is signed out at once, WebSockets included', async t => {
    for (const members of ['{ invited: [grace@acme.co.uk] }', '{ invited: [ada@acme.com], blocked: [ada@acme.com] }', '{ blocked: [ada@acme.com] }', 'anyone\nblocked: [ada@acme.com]']) {
      await world.reload(withMembers('{ invited: [ada@acme.com] }'))
      const browser = world.browser()
      t.equal(echoOf(await enter(world, 'ada', { browser })).headers['x-auth-user'], id)
      const { closed } = await openSocket(world, browser)
      await world.reload(withMembers(members))
      t.equal((await browser.send(`${origins.portal}/x`, { mode: 'cors' })).status, 401, members)
      await closed
      refused(t, await enter(world, 'ada', { browser }), members.includes('blocked') ? 'PORTICO_MEMBER_BLOCKED' : 'PORTICO_NOT_INVITED', 'ada@acme.com')
    }
    await world.reload(withMembers('anyone'))
  })

  await t.test('V33 members block takes effect in the running gateway, and unblock takes it back', async t => {
    const browser = world.browser()
    await enter(world, 'ada', { browser })
    const { closed } = await openSocket(world, browser)
    const blocked = await portico(world, 'members', 'block', '--email', 'ada@acme.com')
    t.match(blocked, { status: 0, out: `${id}, ada@acme.com of acme: blocked, and signed out everywhere\n` })
    t.match(JSON.parse(blocked.err), { audit: true, event: 'member_blocked', by: 'operator', member: id, organization: 'acme', connection: 'acme_oidc', email: 'ada@acme.com' })
    await untilEnded(browser, `${origins.portal}/x`)
    await closed
    refused(t, await enter(world, 'ada', { browser }), 'PORTICO_MEMBER_BLOCKED', 'ada@acme.com')
    t.match(refusalOf(world, 'PORTICO_MEMBER_BLOCKED'), { got: `${id}, blocked by command`, remedy: new RegExp(`portico members unblock --id ${id}`) })
    t.match((await portico(world, 'members', 'list', '--email', 'ada@acme.com')).out, new RegExp(`^${id}  blocked  ada@acme\\.com  Ada Lovelace  acme by acme_oidc  last signed in \\d{4}-`))
    t.match(await portico(world, 'members', 'unblock', '--id', id ?? ''), { status: 0, out: /may sign in again/, err: /"member_unblocked"/ })
    await nextSecond()
    t.equal(echoOf(await enter(world, 'ada')).headers['x-auth-user'], id, 'as the same member')
  })

  await t.test('members erase: forgotten, signed out, and new the next time', async t => {
    const browser = world.browser()
    await enter(world, 'ada', { browser })
    const erased = await portico(world, 'members', 'erase', '--email', 'ada@acme.com', '--organization', 'acme', '--json')
    t.match({ ...erased, out: JSON.parse(erased.out) }, { status: 0, out: { id, erased: true }, err: /"member_erased"/ })
    await untilEnded(browser, `${origins.portal}/x`)
    const store = createSqliteStore({ path: world.configuration.store.path })
    t.equal(await store.memberById(id ?? ''), undefined)
    await store.close()
    await nextSecond()
    const anew = echoOf(await enter(world, 'ada'))
    t.not(anew.headers['x-auth-user'], id)
    t.equal(anew.headers['x-auth-new-user'], 'true')
  })

  await t.test('V33 a file of another organization that is wrong keeps nobody from being blocked', async t => {
    const folder = dirname(world.configuration.store.path)
    await writeFile(join(folder, 'organizations/broken.yaml'), 'name: Broken\nconections: {}\n')
    const blocked = await portico(world, 'members', 'block', '--email', 'ada@acme.com')
    t.match(blocked, { status: 0, out: /blocked, and signed out everywhere/, err: /broken\.yaml:2:1 conections/ })
    t.match(await portico(world, 'members', 'unblock', '--email', 'ada@acme.com'), { status: 0 })
    await rm(join(folder, 'organizations/broken.yaml'))
    const main = await readFile(join(folder, 'portico.yaml'), 'utf8')
    await writeFile(join(folder, 'portico.yaml'), main.replace('portico.db', 'portico.db, kynd: sqlite'))
    t.match(await portico(world, 'members', 'block', '--email', 'ada@acme.com'), { status: 1, out: '' }, 'of which store is not guessed')
    await writeFile(join(folder, 'portico.yaml'), main)
  })

  await t.test('members list, and what is said of wrong words', async t => {
    const listed: Record<string, unknown>[] = JSON.parse((await portico(world, 'members', 'list', '--json')).out)
    t.same(listed.map(({ email, organization, state }) => ({ email, organization, state })), [
      { email: 'ada@acme.com', organization: 'acme', state: 'active' }, { email: 'grace@acme.co.uk', organization: 'acme', state: 'active' }
    ])
    t.match(listed[0], { connection: 'acme_oidc', name: 'Ada Lovelace', groups: ['staff'], created_at: /^\d{4}-.*Z$/ })
    t.same((await portico(world, 'members', 'list', '--organization', 'globex')).out, '')
    t.equal((await portico(world, 'members', 'list', '--organization', 'acme')).out.split('\n').length, 3)
    t.match(await portico(world, 'members', 'list', '--organization', 'acne'), { status: 1, err: /did you mean 'acme'/ })
    t.match(await portico(world, 'members', 'block'), { status: 2, err: /--email or by --id/ })
    t.match(await portico(world, 'members', 'block', '--email', 'ada@acme.com', '--id', 'x'), { status: 2 })
    t.match(await portico(world, 'members', 'block', '--email', 'nobody@acme.com'), { status: 1, err: /no member has the e-mail nobody@acme\.com — .*blocked:/ })
    t.match(await portico(world, 'members', 'erase', '--id', 'mbr_none'), { status: 1, err: /there is no member 'mbr_none'/ })
    t.match(await portico(world, 'members', 'erase', '--email', 'ada'), { status: 1, err: /is not an e-mail address/ })
    t.match(await portico(world, 'members', 'erase', '--email', 'ada@acme.com', '--organization', 'globex'), { status: 1, err: /no member of globex/ })
  })
})

t.test('R20 invited as one address, signed in as another', async t => {
  const person = (email: string) => ({ email, email_verified: true })
  const world = await startGateway(t, {
    people: { acme: { ami: person('ami@acme.com'), cleo: person('cleo@acme.com'), both: person('both@acme.com'), tagged: person('ami+cto@acme.com') } },
    organizations: ({ acme = '' }) => ({
      acme: acme.replace('domains:', 'matching: plus_alias\n    domains:')
        .replace('connections:', 'members: { invited: [ami+cio@acme.com, cleo+one@acme.com, cleo+two@acme.com, both@acme.com, both+x@acme.com] }\nconnections:')
    })
  })

  await t.test('R20 only the invited side’s tag is passed over; the header names the invited address', async t => {
    const echo = echoOf(await enter(world, 'ami'))
    t.match(echo.headers, { 'x-auth-email': 'ami@acme.com', 'x-auth-member': 'ami+cio@acme.com' })
    t.match(claimsOf(echo), { email: 'ami@acme.com', member: 'ami+cio@acme.com' })
    refused(t, await enter(world, 'tagged'), 'PORTICO_NOT_INVITED', 'ami+cto@acme.com')
    const exact = echoOf(await enter(world, 'both'))
    t.equal(exact.headers['x-auth-email'], 'both@acme.com')
    t.notOk('x-auth-member' in exact.headers, 'an exact match wins')
    const forged = await world.browser().send(`${origins.portal}/x`, { mode: 'cors', headers: { 'X-Auth-Member': 'cio', x_auth_member: 'cio' } })
    t.equal(forged.status, 401)
  })

  const question = async (browser = world.browser()): Promise<{ page: Answer, browser: Browser }> => ({ page: await enter(world, 'cleo', { browser }), browser })

  await t.test('R20 several matches ask; each invited address is a member of its own', async t => {
    const ids = new Map<string, string | undefined>()
    for (const address of ['cleo+one@acme.com', 'cleo+two@acme.com', 'cleo+one@acme.com']) {
      const { page, browser } = await question()
      t.equal(page.status, 200)
      t.match(page.text, /cleo@acme\.com[\s\S]*cleo\+one@acme\.com[\s\S]*cleo\+two@acme\.com/)
      t.notOk(browser.jar.find('__Host-portico', 'auth.localhost'), 'nobody is signed in before the answer')
      const echo = echoOf(await browser.follow(await submit(browser, page, { address })))
      t.match(echo, { url: '/x', headers: { 'x-auth-email': 'cleo@acme.com', 'x-auth-member': address } })
      t.equal(echo.headers['x-auth-new-user'], ids.has(address) ? undefined : 'true')
      if (ids.has(address)) t.equal(echo.headers['x-auth-user'], ids.get(address))
      ids.set(address, echo.headers['x-auth-user'])
      t.equal(browser.jar.all().filter(({ name }) => name.startsWith('__Host-portico-attempt')).length, 0)
    }
    t.equal(new Set(ids.values()).size, 2)
  })

  await t.test('R20 the answer counts once, from this page and browser, and only among the invited', async t => {
    const { page, browser } = await question()
    const { action, fields } = formOf(page)
    const body = new URLSearchParams({ ...fields, address: 'cleo+one@acme.com' })
    for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'null', 'sec-fetch-site': 'cross-site' }, { origin: undefined, 'sec-fetch-site': undefined }]) {
      t.equal(codeOf(await browser.send(action, { body, headers })), 'PORTICO_CROSS_SITE', JSON.stringify(headers))
    }
    t.equal((await browser.send(`${origins.portal}/x`, { mode: 'cors' })).status, 401, 'nobody is signed in')
    t.equal((await browser.follow(await browser.send(action, { body }))).status, 200)
    t.equal(codeOf(await browser.send(action, { body })), 'PORTICO_ATTEMPT_LOST', 'V27 once')

    const other = await question()
    const stolen = formOf(other.page)
    t.equal(codeOf(await world.browser().send(stolen.action, { body: new URLSearchParams({ ...stolen.fields, address: 'cleo+one@acme.com' }) })), 'PORTICO_ATTEMPT_LOST', 'another browser')
    for (const address of ['ami+cio@acme.com', 'both@acme.com', 'cleo@acme.com', 'CLEO+ONE@acme.com', '', undefined]) {
      const { page, browser } = await question()
      const { action, fields } = formOf(page)
      const answer = await browser.send(action, { body: new URLSearchParams({ ...fields, ...address !== undefined && { address } }) })
      refused(t, answer, 'PORTICO_NOT_INVITED', 'cleo@acme.com')
    }
    t.equal(codeOf(await world.browser().send(action, { body: new URLSearchParams() })), 'PORTICO_ATTEMPT_LOST')
    t.equal((await world.browser().send(action, { method: 'PUT' })).status, 405)
  })

  await t.test('R20 what has changed since the question was asked counts', async t => {
    const { page, browser } = await question()
    await world.reload({ acme: world.files.acme?.replace('cleo+one@acme.com, ', '') })
    refused(t, await submit(browser, page, { address: 'cleo+one@acme.com' }), 'PORTICO_NOT_INVITED', 'cleo@acme.com')
    t.equal(echoOf(await enter(world, 'cleo')).headers['x-auth-member'], 'cleo+two@acme.com', 'and with one left nobody is asked')
    await world.reload({ acme: world.files.acme })
    const second = await question()
    await world.reload({ acme: world.files.acme?.replace('acme.co.uk', 'acme.org') })
    t.equal(codeOf(await submit(second.browser, second.page, { address: 'cleo+one@acme.com' })), 'PORTICO_ATTEMPT_LOST', 'N13 so does the connection')
    const late = await question()
    world.setClock(601)
    t.equal(codeOf(await submit(late.browser, late.page, { address: 'cleo+one@acme.com' })), 'PORTICO_ATTEMPT_LOST', 'and time')
    world.setClock(0)
  })

  await t.test('one invited address is blocked without the others', async t => {
    const { page, browser } = await question()
    await browser.follow(await submit(browser, page, { address: 'cleo+two@acme.com' }))
    t.match(await portico(world, 'members', 'block', '--email', 'cleo@acme.com'), { status: 1, err: /is 2 members: .*name one by/ })
    t.match(await portico(world, 'members', 'block', '--email', 'cleo+two@acme.com'), { status: 0, out: /cleo\+two@acme\.com of acme: blocked/ })
    await untilEnded(browser, `${origins.portal}/x`)
    const again = await question()
    t.equal(codeOf(await submit(again.browser, again.page, { address: 'cleo+two@acme.com' })), 'PORTICO_MEMBER_BLOCKED')
    const other = await question()
    t.equal((await other.browser.follow(await submit(other.browser, other.page, { address: 'cleo+one@acme.com' }))).status, 200)
  })
})
