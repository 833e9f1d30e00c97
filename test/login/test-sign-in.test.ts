import t, { type Test } from 'tap'
import type { Connection } from '../../src/config/configuration.ts'
import { testLinkOf } from '../../src/config/links.ts'
import { sealTestToken } from '../../src/login/test-token.ts'
import type { TestStanding } from '../../src/login/sealed.ts'
import type { TestResult } from '../../src/pages/test-page.ts'
import { createSealer } from '../../src/sessions/seal.ts'
import { createJar, type Answer, type Browser } from '../support/browser.ts'
import { callbackOf, codeOf, origins, startGateway, type World } from '../support/gateway.ts'
import { createSigningKey, signJwt, startHostileProvider } from '../support/hostile-provider.ts'
import { leaksIn, secretsOf } from '../support/leaks.ts'
import { signIn } from '../support/provider.ts'
import { isInert, traces } from '../support/traces.ts'

const client = { redirect_uris: [callbackOf('acme_oidc'), callbackOf('globex_oidc'), callbackOf('trial_oidc'), `${origins.auth}/login/callback`] }

/** The trial's people are Acme's, who sign in through another connection so far. */
const start = (t: Test, lines: readonly string[] = []) => startGateway(t, {
  client,
  // the trial's own: a domain that is active in another organization is refused
  organizations: ({ acme, trial }) => ({ acme: acme?.replace('[acme.com, acme.co.uk]', '[acme.co.uk]'), trial: [...lines, trial?.replace('[trial.example]', '[acme.com]')].join('\n') })
})

/** Acme, once acme.com is its own again. */
const wholeAcme = (world: World): string | undefined => world.files.acme?.replace('[acme.co.uk]', '[acme.com, acme.co.uk]')

const now = (): number => Math.floor(Date.now() / 1_000)

const connectionOf = (world: World, id: string): Connection => {
  const connection = world.configuration.connections.get(id)
  if (connection === undefined) throw new Error(`no connection ${id}`)
  return connection
}

const linkTo = async (world: World, id: string, standing: TestStanding = 'testing', expires = now() + 600): Promise<string> =>
  testLinkOf(origins.auth, id, sealTestToken(await createSealer(world.configuration.keys), connectionOf(world, id), standing, expires))

/** From the test link to the provider, and back to where the return leads. */
const reach = async (browser: Browser, link: string, login = 'ada'): Promise<URL> => {
  const sent = await browser.send(link)
  if (sent.location === undefined) throw new Error(`not sent to the provider: HTTP ${sent.status} ${sent.text.slice(0, 300)}`)
  const { location } = await signIn(sent.location, browser, login)
  if (location === undefined) throw new Error('no return')
  return location
}

const asJson = { headers: { accept: 'application/json' } }

const resultOf = (answer: Answer): TestResult => JSON.parse(answer.text)

t.test('R9 a test sign-in', async t => {
  const world = await start(t)

  await t.test('R9 a testing connection: a real sign-in that changes nothing, and shows everything', async t => {
    const before = await traces(world)
    const browser = world.browser()
    const back = await reach(browser, await linkTo(world, 'trial_oidc'))
    t.equal(back.origin + back.pathname, callbackOf('trial_oidc'), 'by the redirect URI that sign-ins have')
    const answer = await browser.send(back)
    t.equal(answer.status, 200)
    isInert(t, answer)
    t.same(browser.jar.all().filter(({ domain }) => domain.endsWith('.localhost')), [], 'the browser keeps nothing')
    t.match(answer.text, /It works: test sign-in of trial_oidc/)
    t.match(answer.text, /<strong>ada@acme\.com<\/strong> would be let in/)
    t.match(answer.text, /Ada Lovelace/)
    t.match(answer.text, /makes a new member/)
    for (const [name, value] of [['X-Auth-Email', 'ada@acme.com'], ['X-Auth-Name', 'Ada Lovelace'], ['X-Auth-Groups', 'staff'], ['X-Auth-Organization', 'trial'], ['X-Auth-Connection', 'trial_oidc'], ['X-Auth-New-User', 'true']]) {
      t.match(answer.text, `<td><code>${name}</code></td><td>${value}</td>`)
    }
    t.same(await traces(world), before, 'no member, no revocation, no request to an app, no sign-in in the log')
    t.match(world.lines.filter(({ event }) => event === 'test_sign_in'), [{ audit: true, verdict: 'accepted', connection: 'trial_oidc', organization: 'trial', email: 'ada@acme.com', request_id: answer.headers.get('x-request-id') }])
    const metrics = await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text()
    t.match(metrics, /portico_sign_ins_total\{connection="trial_oidc",outcome="test"\} 1\n/)
    t.notMatch(metrics, /trial_oidc",outcome="(?:success|refused|failed)"/)
    t.same(leaksIn(answer.text + JSON.stringify(world.lines), secretsOf([browser])), [], 'V36 no code, state or token on the page or in the log')
  })

  await t.test('R9 the same as JSON', async t => {
    const browser = world.browser()
    const answer = await browser.send(await reach(browser, await linkTo(world, 'trial_oidc')), asJson)
    t.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
    isInert(t, answer)
    const result = resultOf(answer)
    t.match(result, { verdict: 'accepted', refusal: null, standing: 'testing', connector: 'oidc', identity: { email: 'ada@acme.com', name: 'Ada Lovelace', groups: ['staff'] } })
    t.same(result.apps.map(({ app, allowed }) => [app, allowed]), [['Analytics', true], ['Dashboard', true], ['Portal', true]])
    const portal = result.apps.find(({ app }) => app === 'Portal')
    t.match(portal?.assertion, { iss: origins.auth, aud: origins.portal, email: 'ada@acme.com', org: 'trial', connection: 'trial_oidc', new_user: true })
    t.match(portal?.headers.find(({ name }) => name === 'X-Auth-Assertion'), { value: '(these claims, signed)' })
    t.ok(result.checks.length > 0 && result.checks.every(({ passed }) => passed), 'every check, with wanted and got')
    t.match(result.claims, { userinfo: { email: 'ada@acme.com', email_verified: true } })
    t.match(result.fields.find(({ field }) => field === 'email'), { value: 'ada@acme.com', from: String })
    t.equal(result.claims['ID token']?.nonce, '[redacted]')
  })

  await t.test('R9 whoever is signed in here stays so, and goes nowhere, on any path of a test', async t => {
    const hari = world.browser()
    await world.signIn(hari, `${origins.portal}/x`, 'hari')
    const session = hari.jar.find('__Host-portico', 'auth.localhost')?.value
    const before = await traces(world)
    const back = await reach(hari, await linkTo(world, 'trial_oidc'))
    const held = hari.jar.all()
    const isOver = (answer: Answer) => {
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
      isInert(t, answer)
    }
    const failed = new URL(back)
    failed.searchParams.delete('code')
    failed.searchParams.set('error', 'access_denied')
    const answers = [await hari.send(back)]
    isOver(await hari.send(back))
    for (const { name, value } of held) if (name.startsWith('__Host-portico-attempt-')) hari.jar.set('auth.localhost', name, value)
    isOver(await hari.send(back))
    isOver(await hari.send(failed))
    const twice = new URL(back)
    twice.searchParams.append('code', 'x')
    t.equal(codeOf(await hari.send(twice)), 'PORTICO_RESPONSE_INVALID')
    const elsewhere = new URL(callbackOf('globex_oidc'))
    elsewhere.search = back.search
    t.equal(codeOf(await hari.send(elsewhere)), 'PORTICO_RESPONSE_STATE')
    const second = await reach(hari, await linkTo(world, 'trial_oidc'))
    second.searchParams.set('code', 'spent')
    answers.push(await hari.send(second))
    for (const answer of answers) {
      t.equal(answer.status, 200)
      isInert(t, answer)
      t.notMatch(answer.text, /Switch account|hari@globex/, 'nobody is asked to be replaced')
    }
    t.match(codeOf(answers[1] ?? await hari.send(second)), /PORTICO_IDP_CODE_REFUSED/)
    t.equal(hari.jar.find('__Host-portico', 'auth.localhost')?.value, session)
    t.same(await traces(world), before)
    t.equal(JSON.parse((await hari.open(`${origins.portal}/y`)).text).headers['x-auth-email'], 'hari@globex.com')
  })

  await t.test('R9 F6 the return of a test in another browser, also in one that is signed in', async t => {
    const back = await reach(world.browser(), await linkTo(world, 'trial_oidc'))
    const signedIn = world.browser()
    await world.signIn(signedIn, `${origins.portal}/x`, 'hari')
    for (const browser of [world.browser(), signedIn]) {
      const answer = await browser.send(back)
      t.match({ status: answer.status, code: codeOf(answer), location: answer.location }, { status: 400, code: 'PORTICO_ATTEMPT_LOST', location: undefined })
    }
  })

  await t.test('R9 F12 a return by POST is a test as well', async t => {
    const browser = world.browser()
    const back = await reach(browser, await linkTo(world, 'trial_oidc'))
    const posted = await browser.send(callbackOf('trial_oidc'), { body: back.searchParams, crossSitePost: true })
    t.equal(posted.status, 303)
    const answer = await browser.follow(posted)
    t.match(answer.text, /It works/)
    isInert(t, answer)
  })

  await t.test('R9 V27 a test never becomes a sign-in, nor a sign-in a test', async t => {
    await world.reload({ acme: wholeAcme(world) })
    const sealer = await createSealer(world.configuration.keys)
    const browser = world.browser()
    const confused = async (back: URL, change: (state: Record<string, unknown>) => void): Promise<Answer> => {
      const state = sealer.open('state', back.searchParams.get('state') ?? '')
      if (state === undefined) throw new Error('no state')
      change(state)
      const url = new URL(back)
      url.searchParams.set('state', sealer.seal('state', state))
      return await browser.send(url)
    }
    const test = await reach(browser, await linkTo(world, 'acme_oidc', 'active'))
    const real = (await world.reachProvider(browser, `${origins.portal}/x`)).location ?? test
    for (const answer of [await confused(test, state => { delete state.test }), await confused(real, state => { state.test = true })]) {
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
      t.notOk(browser.jar.find('__Host-portico'))
    }
    t.equal((await browser.open(real)).url.href, `${origins.portal}/x`, 'each is what it was')
  })

  await t.test('R9 the operator’s test of an active connection', async t => {
    const before = await traces(world)
    const browser = world.browser()
    const result = resultOf(await browser.send(await reach(browser, await linkTo(world, 'acme_oidc', 'active')), asJson))
    t.match(result, { verdict: 'accepted', standing: 'active', membership: /Known as mbr_[\w-]+ since \d{4}-/ })
    t.match(result.apps[0]?.headers[0], { name: 'X-Auth-User', value: /^mbr_/ })
    t.notOk(result.apps[0]?.headers.some(({ name }) => name === 'X-Auth-New-User'))
    t.same(await traces(world), before)
    await world.reload({ acme: world.files.acme })
  })

  await t.test('R9 N9 only the organization’s own apps are named', async t => {
    const browser = world.browser()
    const result = resultOf(await browser.send(await reach(browser, await linkTo(world, 'globex_oidc', 'active'), 'hari'), asJson))
    t.same(result.apps.map(({ app, allowed, headers }) => [app, allowed, headers.length > 0]), [['Portal', true, true]])
  })

  await t.test('F7 O19 V35 an error of the provider, with what to do', async t => {
    const browser = world.browser()
    const back = await reach(browser, await linkTo(world, 'trial_oidc'))
    back.searchParams.delete('code')
    back.searchParams.set('error', 'access_denied')
    back.searchParams.set('error_description', '<script>alert(1)</script>AADSTS50105: not assigned')
    const answer = await browser.send(back)
    t.equal(answer.status, 200)
    isInert(t, answer)
    t.equal(codeOf(answer), 'PORTICO_IDP_REFUSED')
    t.match(answer.text, /It does not work yet/)
    t.match(answer.text, /&lt;script&gt;alert\(1\)&lt;\/script&gt;AADSTS50105: not assigned/)
    t.match(answer.text, /not assigned to this application there/, 'the remedy')
    t.match(world.lines.findLast(({ event }) => event === 'test_sign_in'), { verdict: 'refused', code: 'PORTICO_IDP_REFUSED', connection: 'trial_oidc' })
  })

  await t.test('N1 somebody of another company is refused, by name of the rule', async t => {
    const browser = world.browser()
    const result = resultOf(await browser.send(await reach(browser, await linkTo(world, 'trial_oidc'), 'intruder'), asJson))
    t.match(result, { verdict: 'refused', refusal: { code: 'PORTICO_EMAIL_DOMAIN', wanted: /acme\.com/, got: /hari@globex\.com/, remedy: String }, identity: null, membership: null, apps: [] })
    t.match(result.checks.at(-1), { passed: false })
    t.match(result.claims, { userinfo: { email: 'hari@globex.com' } }, 'and what it said is shown all the same')
  })
})

t.test('R9 the token of a test link', async t => {
  const world = await start(t)
  const sealer = await createSealer(world.configuration.keys)
  const trial = connectionOf(world, 'trial_oidc')
  const plain = (answer: Answer) => ({
    status: answer.status,
    text: answer.text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'request-id'),
    cookies: answer.setCookies,
    headers: { ...Object.fromEntries(answer.headers), date: '', 'x-request-id': '' }
  })
  const ask = async (id: string, query: string, accept = 'text/html') => plain(await world.browser().send(`${origins.auth}/test/${id}${query}`, { headers: { accept } }))
  const tokenOf = (standing: TestStanding, expires = now() + 600, connection: Connection = trial) => `?${new URLSearchParams({ token: sealTestToken(sealer, connection, standing, expires) })}`

  await t.test('N9 H8 none, a wrong one, an expired one, or another’s: the page is that of a connection that does not exist', async t => {
    const others = await createSealer([Buffer.alloc(32, 7)])
    const good = tokenOf('testing')
    const wrong: Record<string, string> = {
      none: '',
      empty: '?token=',
      garbage: '?token=x',
      long: `?token=${'x'.repeat(20_000)}`,
      cut: good.slice(0, -1),
      twice: `${good}&token=x`,
      expired: tokenOf('testing', now()),
      'of another connection': tokenOf('testing', now() + 600, connectionOf(world, 'acme_oidc')),
      'of a connection that was another organization’s': tokenOf('testing', now() + 600, { ...trial, organization: connectionOf(world, 'acme_oidc').organization }),
      'for the time when it is active': tokenOf('active'),
      'sealed with other keys': `?token=${sealTestToken(others, trial, 'testing', now() + 600)}`,
      'sealed for another purpose': `?token=${sealer.seal('state', { connection: 'trial_oidc', organization: 'trial', standing: 'testing', expires: now() + 600 })}`
    }
    for (const accept of ['text/html', 'application/json']) {
      const unknown = await ask('nowhere_oidc', good, accept)
      t.match(unknown, { status: 404, text: /PORTICO_NOT_FOUND/, cookies: [] })
      for (const [name, query] of Object.entries(wrong)) t.same(await ask('trial_oidc', query, accept), unknown, name)
      t.same(await ask('gone_oidc', tokenOf('testing', now() + 600, connectionOf(world, 'gone_oidc')), accept), unknown, 'a disabled connection is not tested')
      for (const id of ['acme_oidc', 'callback', '__proto__', 'trial_oidc%20']) t.same(await ask(id, good, accept), unknown, id)
    }
    t.equal((await ask('trial_oidc', good)).status, 302, 'the right one goes on')
    t.notMatch(JSON.stringify(world.lines), new RegExp(good.slice(7, 60)), 'V36 and is in no line of the log')
  })

  await t.test('R9 time passes', async t => {
    const link = await linkTo(world, 'trial_oidc')
    t.equal((await world.browser().send(link)).status, 302)
    world.setClock(601)
    t.equal((await world.browser().send(link)).status, 404)
    world.setClock(0)
  })

  await t.test('R9 one that was printed while testing ends when the connection is active; so does what began with it', async t => {
    const browser = world.browser()
    const link = await linkTo(world, 'trial_oidc')
    const back = await reach(browser, link)
    const tokens = world.acme.hits.get('/token') ?? 0
    await world.reload({ acme: undefined, trial: world.files.trial?.replace('status: testing', 'status: active') })
    t.equal((await world.browser().send(link)).status, 404)
    const answer = await browser.send(back)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    isInert(t, answer)
    t.equal(world.acme.hits.get('/token') ?? 0, tokens, 'F8 and no code was spent')
    t.equal((await world.browser().send(await linkTo(world, 'trial_oidc', 'active'))).status, 302, 'the operator’s works')
    await world.reload({ acme: world.files.acme, trial: world.files.trial })
  })

  await t.test('N13 the connection is changed while its provider is asked', async t => {
    const browser = world.browser()
    const back = await reach(browser, await linkTo(world, 'trial_oidc'))
    await world.reload({ trial: world.files.trial?.replace('[acme.com]', '[acme.com, trial.example]') })
    t.equal(codeOf(await browser.send(back)), 'PORTICO_ATTEMPT_LOST')
    await world.reload({ trial: world.files.trial })
  })

  await t.test('other methods', async t => {
    const link = await linkTo(world, 'trial_oidc')
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await world.browser().send(link, { method, body: new URLSearchParams() })
      t.match({ status: answer.status, allow: answer.headers.get('allow') }, { status: 405, allow: 'GET, HEAD' }, method)
    }
  })

  await t.test('R9 who is to be tried, and another account', async t => {
    const link = await linkTo(world, 'trial_oidc')
    const sent = await world.browser().send(`${link}&login_hint=grace@acme.com&prompt=login`)
    t.match(Object.fromEntries(sent.location?.searchParams ?? []), { login_hint: 'grace@acme.com', prompt: 'login' })
    t.notOk((await world.browser().send(`${link}&prompt=none&app=portal&return_to=/x`)).location?.searchParams.has('prompt'))
  })
})

t.test('R9 R14 R19 R20 membership is foretold and not decided', async t => {
  const members = 'members: { invited: [ada+one@acme.com, ada+two@acme.com] }'
  const world = await start(t, [members])
  const yaml = world.files.trial ?? ''
  const test = async (): Promise<TestResult> => {
    const browser = world.browser()
    return resultOf(await browser.send(await reach(browser, await linkTo(world, 'trial_oidc')), asJson))
  }

  await t.test('R19 not invited', async t => {
    t.match(await test(), { verdict: 'refused', refusal: { code: 'PORTICO_NOT_INVITED', remedy: String }, identity: { email: 'ada@acme.com' }, membership: null, apps: [] })
  })

  await t.test('R20 invited under several tags: the person would be asked', async t => {
    await world.reload({ trial: `${yaml}\n    matching: plus_alias` })
    const result = await test()
    t.match(result, { verdict: 'accepted', membership: /asked which of ada\+one@acme\.com, ada\+two@acme\.com/ })
    t.match(result.apps[0]?.headers.find(({ name }) => name === 'X-Auth-Member'), { value: 'ada+one@acme.com' })
  })

  await t.test('R14 R25 registered under another organization', async t => {
    await world.reload({ acme: wholeAcme(world), trial: yaml.replace(members, '') })
    const stranger = await test()
    await world.signIn(world.browser(), `${origins.portal}/x`)
    const before = await traces(world)
    const result = await test()
    t.same(stranger.refusal, result.refusal, 'N9 whether somebody is a member there cannot be asked by a test')
    t.match(result, { verdict: 'refused', refusal: { code: 'PORTICO_OTHER_ORGANIZATION', wanted: null, got: null } })
    t.notMatch(JSON.stringify(result.refusal), /acme_oidc|"acme"|mbr_/, 'N9 which one it is is told to operators only')
    t.match(world.lines.findLast(({ event }) => event === 'test_sign_in'), { code: 'PORTICO_OTHER_ORGANIZATION', got: /of acme/ })
    t.same(await traces(world), before)
  })
})

t.test('R9 O19 V3 V35 whatever a provider says', async t => {
  const key = await createSigningKey()
  const rogue = await startHostileProvider({ key })
  t.teardown(() => rogue.close())
  const world = await startGateway(t, {
    organizations: ({ trial }) => ({ trial: trial?.replace('[trial.example]', '[rogue.example]').replace(/discovery_url: \S+/, `discovery_url: ${rogue.issuer}`) })
  })
  const test = async (options: Parameters<Browser['send']>[1] = {}): Promise<Answer> => {
    const browser = world.browser(createJar())
    const sent = await browser.send(await linkTo(world, 'trial_oidc'))
    if (sent.location === undefined) throw new Error(`not sent to the provider: HTTP ${sent.status} ${sent.text.slice(0, 2000)}`)
    const answer = await browser.send(`${callbackOf('trial_oidc')}?${rogue.authorize(sent.location.href)}`, options)
    isInert(t, answer)
    return answer
  }
  const eve = { email: 'eve@rogue.example', email_verified: true }

  await t.test('V3 V36 tokens, secrets and codes in claims are not shown, wherever they are', async t => {
    const token = await signJwt({ alg: 'ES256' }, { sub: 'somebody' }, key.privateKey)
    const secret = 'a-value-that-nobody-may-read'
    rogue.script = {
      profileInIdToken: true,
      profile: {
        ...eve,
        name: 'Eve',
        access_token: secret,
        refreshToken: secret,
        client_secret: secret,
        password: secret,
        auth_code: secret,
        note: `see ${token} there`,
        nested: { deep: [{ id_token: secret, fine: 'shown' }, token, [[[[[[secret]]]]]]] },
        [`name ${token}`]: 'x'
      }
    }
    for (const accept of ['text/html', 'application/json']) {
      const { text } = await test({ headers: { accept } })
      t.match(text, 'shown')
      t.notMatch(text, new RegExp(secret))
      t.notMatch(text, new RegExp(token.slice(0, 30)))
      t.notMatch(text, new RegExp(token.split('.')[2] ?? 'x'))
    }
  })

  await t.test('V35 markup is text', async t => {
    const markup = '<script>alert(1)</script><img src=x onerror=alert(2)>"\'`'
    rogue.script = { profileInIdToken: true, profile: { ...eve, name: markup, groups: [markup, '<b>'], [markup]: markup, list: [markup] } }
    const { text, status } = await test()
    t.equal(status, 200)
    t.notMatch(text, /<script|<img|<b>/)
    t.match(text, '&lt;script&gt;alert(1)&lt;/script&gt;')
  })

  await t.test('G12 much is cut short', async t => {
    rogue.script = { profileInIdToken: true, profile: { ...eve, long: 'x'.repeat(50_000), many: Array.from({ length: 5_000 }, (_, i) => `g${i}`) } }
    const { text } = await test({ headers: { accept: 'application/json' } })
    t.ok(text.length < 30_000, `${text.length} characters`)
  })

  const cases: Record<string, [typeof rogue.script, string]> = {
    'O5 another audience': [{ claims: claims => ({ ...claims, aud: 'somebody' }) }, 'PORTICO_ID_TOKEN_AUDIENCE'],
    'O6 another nonce': [{ claims: claims => ({ ...claims, nonce: 'another' }) }, 'PORTICO_ID_TOKEN_NONCE'],
    'O3 another issuer': [{ claims: claims => ({ ...claims, iss: 'https://other.example' }) }, 'PORTICO_ID_TOKEN_ISSUER'],
    'O13 not verified': [{ profile: { ...eve, email_verified: false } }, 'PORTICO_EMAIL_UNVERIFIED'],
    'R11 a refused client': [{ answers: { '/token': (_request, response) => { response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"invalid_client"}') } } }, 'PORTICO_IDP_CLIENT_REFUSED']
  }
  for (const [name, [script, code]] of Object.entries(cases)) {
    await t.test(`${name}: the code, what was wanted, what came, what to do`, async t => {
      rogue.script = { profile: eve, ...script }
      const result = resultOf(await test({ headers: { accept: 'application/json' } }))
      t.match(result, { verdict: 'refused', refusal: { code, title: String, wanted: String, got: String, remedy: String }, membership: null, apps: [] })
      t.notMatch(JSON.stringify(world.lines), /"event":"sign_in/, 'and it counts as no sign-in, refused or not')
    })
  }

  await t.test('N13 a provider that is down is shown as well', async t => {
    rogue.script = {}
    const fresh = await startGateway(t, { organizations: ({ trial }) => ({ trial: trial?.replace(/discovery_url: \S+/, 'discovery_url: http://127.0.0.1:9') }) })
    const answer = await fresh.browser().send(await linkTo(fresh, 'trial_oidc'), asJson)
    t.match(resultOf(answer), { verdict: 'refused', refusal: { code: 'PORTICO_IDP_UNREACHABLE', wanted: /127\.0\.0\.1:9/ } })
    t.match(fresh.lines.findLast(({ event }) => event === 'test_sign_in'), { verdict: 'refused', code: 'PORTICO_IDP_UNREACHABLE' })
  })
})

t.test('R9 R8 a test through the shared callback', async t => {
  const world = await startGateway(t, { client, organizations: ({ acme, trial }) => ({ acme: acme?.replace('[acme.com, acme.co.uk]', '[acme.co.uk]'), trial: `${trial?.replace('[trial.example]', '[acme.com]')}\n    callback: shared` }) })
  const browser = world.browser()
  const back = await reach(browser, await linkTo(world, 'trial_oidc'))
  t.equal(back.pathname, '/login/callback')
  const unnamed = new URL(back)
  unnamed.searchParams.delete('iss')
  const refused = resultOf(await world.browser(browser.jar).send(unnamed, asJson))
  t.match(refused, { verdict: 'refused', refusal: { code: 'PORTICO_RESPONSE_ISSUER' } })
  const again = await reach(browser, await linkTo(world, 'trial_oidc'))
  t.match(resultOf(await browser.send(again, asJson)), { verdict: 'accepted' })
})
