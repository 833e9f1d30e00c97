import t from 'tap'
import { parseEmail } from '../../src/config/schema/email.ts'
import type { Answer } from '../support/browser.ts'
import { callbackOf, codeOf, formOf, linksOf, origins, startGateway, submit, type Echo } from '../support/gateway.ts'

const echoOf = (answer: Answer): Echo => {
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status} ${answer.url.href} ${answer.text.slice(0, 300)}`)
  return JSON.parse(answer.text)
}

/** Cookies that are left in the browser, without their random parts. */
const namesOf = (cookies: readonly { name: string, domain: string }[]): string[] =>
  cookies.filter(({ name }) => name.startsWith('__Host-portico')).map(({ name, domain }) => `${domain} ${name}`).sort()

t.test('sign-in at the company’s own provider', async t => {
  const world = await startGateway(t)
  const ada = world.browser()

  await t.test('R8 R12 from the page asked for to the provider and back to it', async t => {
    const page = `${origins.portal}/reports/7?tab=a%20b&x=%2F&y`
    const answer = await world.signIn(ada, page)
    const echo = echoOf(answer)
    t.equal(answer.url.href, page)
    t.equal(echo.url, '/reports/7?tab=a%20b&x=%2F&y', 'byte for byte')
    t.match(echo.headers, { 'x-auth-email': 'ada@acme.com', 'x-auth-organization': 'acme', 'x-auth-new-user': 'true' })
    t.notOk(echo.headers.cookie, 'C10 the app sees none of our cookies')
    t.same(namesOf(ada.jar.all()), ['auth.localhost __Host-portico', 'auth.localhost __Host-portico-email', 'portal.localhost __Host-portico', 'portal.localhost __Host-portico-hand-offs'], 'F14 nothing of the attempt is left')
    for (const { name, hostOnly, secure, httpOnly, sameSite, path } of ada.jar.all().filter(({ domain }) => domain.endsWith('.localhost'))) {
      t.match({ hostOnly, secure, httpOnly, sameSite, path }, { hostOnly: true, secure: true, httpOnly: true, sameSite: 'lax', path: '/' }, `E1 ${name}`)
    }
    const authorization = ada.history.find(({ url }) => url.port === String(world.acme.port) && url.pathname === '/auth')?.url.searchParams
    t.match(Object.fromEntries(authorization ?? []), {
      code_challenge_method: 'S256', code_challenge: /^[\w-]{43}$/, nonce: /^[\w-]{43}$/, redirect_uri: callbackOf('acme_oidc'), login_hint: 'ada@acme.com'
    }, 'V9 F11')
  })

  await t.test('R8 R12 every other app and region opens without a question, and without its provider', async t => {
    const before = world.acme.hits.get('/auth')
    for (const origin of [origins.analytics, origins.dashboardUs, origins.dashboardEu]) {
      const answer = await ada.open(`${origin}/deep?x=1`)
      t.equal(answer.url.href, `${origin}/deep?x=1`)
      t.equal(echoOf(answer).headers['x-auth-email'], 'ada@acme.com')
    }
    t.equal(world.acme.hits.get('/auth'), before)
  })

  await t.test('R12 who is signed in at the provider is not asked there again', async t => {
    for (const { name, domain } of ada.jar.all()) if (domain.endsWith('.localhost')) ada.jar.remove(name, domain)
    const answer = await ada.follow(await submit(ada, await ada.open(`${origins.portal}/x`), { email: 'ada@acme.com' }))
    t.equal(echoOf(answer).headers['x-auth-email'], 'ada@acme.com')
    t.equal(echoOf(answer).headers['x-auth-new-user'], undefined, 'and is not new')
  })

  await t.test('R31 a link of a connection and an app signs in and opens it', async t => {
    const grace = world.browser()
    const answer = await world.signIn(grace, `${origins.auth}/login/acme_oidc?app=dashboard&region=eu&return_to=${encodeURIComponent('/boards/2?a=1#top')}`, 'grace')
    t.equal(answer.url.href, `${origins.dashboardEu}/boards/2?a=1#top`)
    t.equal(echoOf(answer).headers['x-auth-email'], 'grace@acme.co.uk')
    const bare = await world.signIn(world.browser(), `${origins.auth}/login/globex_oidc?app=portal`, 'hari')
    t.equal(bare.url.href, `${origins.portal}/start`, 'where nobody says where, home')
    t.match(echoOf(bare).headers, { 'x-auth-name': 'Hari %C4%8Capek', 'x-auth-organization': 'globex' })
    const first = await world.signIn(world.browser(), `${origins.auth}/login/acme_oidc?app=dashboard&region=nowhere`)
    t.equal(first.url.origin, origins.dashboardUs, 'an unknown region is the first one')
  })

  await t.test('O18 R23 a sign-in that the provider begins', async t => {
    const link = (parameters: Record<string, string>) => `${origins.auth}/login/acme_oidc?${new URLSearchParams(parameters)}`
    const start = { iss: world.acme.issuer, login_hint: 'ada@acme.com', target_link_uri: `${origins.analytics}/tile` }
    const answer = await world.signIn(world.browser(), link(start))
    t.equal(answer.url.href, `${origins.analytics}/tile`)
    const foreign = await world.browser().send(link({ ...start, iss: world.globex.issuer }))
    t.match({ status: foreign.status, code: codeOf(foreign) }, { status: 400, code: 'PORTICO_RESPONSE_ISSUER' })
    const outside = await world.browser().send(link({ ...start, target_link_uri: 'https://evil.example/' }))
    t.equal(outside.location?.origin, world.acme.issuer, 'an address elsewhere is passed over')
  })

  await t.test('F17 nothing of a link goes on to the provider but who it is for', async t => {
    const link = new URLSearchParams({
      app: 'portal', email: 'ada@acme.com', prompt: 'none', scope: 'openid admin', redirect_uri: 'https://evil.example/', client_id: 'other', response_mode: 'form_post', response_type: 'token', acr_values: 'x', nonce: 'mine', state: 'mine', code_challenge: 'mine', max_age: '0', display: 'touch', idp_hint: 'x'
    })
    for (const path of ['/login', '/login/acme_oidc']) {
      const sent = (await world.browser().send(`${origins.auth}${path}?${link}`)).location?.searchParams ?? new URLSearchParams()
      t.same([...sent.keys()].sort(), ['client_id', 'code_challenge', 'code_challenge_method', 'login_hint', 'nonce', 'redirect_uri', 'response_type', 'scope', 'state'], path)
      t.match(Object.fromEntries(sent), { client_id: 'portico', redirect_uri: callbackOf('acme_oidc'), response_type: 'code', scope: 'openid email profile groups', login_hint: 'ada@acme.com' })
      t.notMatch([...sent.values()].join(' '), /mine|evil|admin/)
    }
  })

  await t.test('E15 looking at sign-in pages ends no session', async t => {
    for (const path of ['/login?email=', '/login?email=x@unknown.example', '/login?email=hari@globex.com', '/login/globex_oidc', '/login/nowhere', '/login/acme_oidc/callback', '/logout/done']) {
      await ada.send(origins.auth + path)
    }
    t.equal((await ada.send(`${origins.portal}/x`)).status, 200)
    t.equal((await ada.send(`${origins.auth}/account`)).status, 200)
  })

  await t.test('sign-in is in the audit log and the metrics', async t => {
    const event = world.lines.find(({ event }) => event === 'sign_in')
    t.match(event, { audit: true, email: 'ada@acme.com', organization: 'acme', connection: 'acme_oidc', app: 'portal', member: /^mbr_/, request_id: String, new_user: true })
    const metrics = await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text()
    t.match(metrics, /portico_sign_ins_total\{connection="acme_oidc",outcome="success"\} [1-9]/)
    t.notMatch(JSON.stringify(world.lines), /code=|ticket=|eyJ|__Host-portico-?[a-z]*=/, 'and nothing secret is in any line')
  })
})

t.test('H8 N9 the e-mail page', async t => {
  const world = await startGateway(t)
  const plain = (answer: Answer): string => answer.text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'request-id')

  await t.test('H8 N9 unknown, testing and disabled domains are not told apart', async t => {
    const browser = world.browser()
    const form = await browser.open(`${origins.portal}/x`)
    t.equal(form.status, 200)
    const answers = await Promise.all(['unknown.example', 'trial.example', 'gone.example'].map(async domain => {
      const answer = await submit(browser, form, { email: `somebody@${domain}` })
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 422, code: 'PORTICO_NO_CONNECTION' }, domain)
      t.same(answer.setCookies, [])
      const headers = Object.fromEntries(answer.headers)
      t.equal(headers['content-length'], String(Buffer.byteLength(answer.text)))
      return { page: plain(answer).replaceAll(domain, 'DOMAIN'), headers: { ...headers, date: '', 'x-request-id': '', 'content-length': '' } }
    }))
    t.same(answers[1], answers[0])
    t.same(answers[2], answers[0])
    t.equal(world.acme.hits.size + world.globex.hits.size > 0, true, 'providers are asked ahead, for active connections')
  })

  await t.test('H8 N9 so are connections named in the path', async t => {
    const answers = await Promise.all(['unknown_oidc', 'trial_oidc', 'gone_oidc'].map(async id =>
      await world.browser().send(`${origins.auth}/login/${id}?app=portal&iss=https://idp.example&login_hint=a@b.example`)))
    t.match(answers.map(({ status }) => status), [422, 422, 422])
    t.equal(new Set(answers.map(plain)).size, 1)
  })

  await t.test('V33 a domain that is tested or disabled never reaches a provider', async t => {
    for (const link of ['/login?email=a@trial.example', '/login?login_hint=a@gone.example', '/login/gone_oidc', '/login/trial_oidc?app=portal', `/login/trial_oidc?iss=${encodeURIComponent(world.acme.issuer)}`]) {
      const answer = await world.browser().send(origins.auth + link)
      t.match({ status: answer.status, location: answer.location }, { status: 422, location: undefined }, link)
    }
    for (const id of ['trial_oidc', 'gone_oidc', 'unknown_oidc']) {
      const answer = await world.browser().send(`${callbackOf(id)}?code=x&state=y`)
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' }, id)
    }
  })

  await t.test('H1 H2 H3 H4 H5 what only looks like an address of a company is nobody’s', async t => {
    const near = [
      'ada@evilacme.com', 'ada@acme.com.evil.example', 'ada@sub.acme.com', 'ada@evil.example@acme.com', 'ada@acme.com@evil.example', '"ada@acme.com"@evil.example',
      'ada@acme.com.', '@acme.com', 'ada@', 'acme.com@example.com', 'ada@аcme.com', 'ada@acme.com\r\nx: y', 'ada(comment)@acme.com', `${'a'.repeat(300)}@acme.com`, 'ada@acme.com\0', '<script>alert(1)</script>@acme.com'
    ]
    for (const email of near) {
      const answer = await world.browser().send(`${origins.auth}/login?${new URLSearchParams({ email })}`)
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 422, code: 'PORTICO_NO_CONNECTION' }, JSON.stringify(email.slice(0, 40)))
      t.notMatch(answer.text, /<script/)
    }
    for (const email of ['ADA@Acme.COM', ' ada@acme.com ', 'ada+tag@acme.co.uk']) {
      const answer = await world.browser().send(`${origins.auth}/login?${new URLSearchParams({ email })}`)
      t.equal(answer.location?.origin, world.acme.issuer, email)
      t.equal(answer.location?.searchParams.get('login_hint'), parseEmail(email.trim())?.email)
    }
    t.equal((await world.browser().send(`${origins.auth}/login?email=a@acme.com&email=b@globex.com`)).status, 422, 'O10 two of them are none')
  })

  await t.test('a refused e-mail is in the audit log by the request id that the page shows', async t => {
    const answer = await world.browser().send(`${origins.auth}/login?email=who@nobody.example`)
    const id = answer.headers.get('x-request-id') ?? ''
    t.match(answer.text, id)
    t.match(world.lines.find(line => line.request_id === id && line.audit === true), { event: 'sign_in_refused', code: 'PORTICO_NO_CONNECTION' })
  })

  await t.test('R18 the page: one field, no script, and what it keeps survives a wrong address', async t => {
    const browser = world.browser()
    const first = await browser.open(`${origins.portal}/wanted?x=1`)
    t.match(first.text, /<input [^>]*name="email" type="email"[^>]*autocomplete="email"[^>]*autofocus/)
    t.match(first.text, /identity provider asks for it, and resets it/)
    t.notMatch(first.text, /<script|https?:\/\/(?!auth\.localhost)/, 'nothing from elsewhere')
    t.equal(formOf(first).action.href, `${origins.auth}/login`)
    const second = await submit(browser, first, { email: 'typo@nowhere.example' })
    t.equal(second.status, 422)
    t.match(second.text, /value="typo@nowhere.example"/)
    const third = await submit(browser, second, { email: 'hari@globex.com' })
    t.equal(third.location?.origin, world.globex.issuer)
    t.equal(third.status, 302)
  })

  await t.test('a remembered e-mail goes straight on; an empty one asks again', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`, 'hari')
    browser.jar.remove('__Host-portico')
    const again = await browser.open(`${origins.portal}/y`, { until: url => url.port === String(world.globex.port) })
    t.equal(again.location?.searchParams.get('login_hint'), 'hari@globex.com')
    const forced = await browser.open(`${origins.auth}/login?app=portal&email=`)
    t.match({ status: forced.status, form: formOf(forced).fields }, { status: 200, form: { app: 'portal' } })
  })

  await t.test('where one connection alone reaches the app, nobody is asked', async t => {
    const answer = await world.browser().open(`${origins.analytics}/x`, { until: url => url.port === String(world.acme.port) })
    t.equal(answer.location?.origin, world.acme.issuer)
  })
})

t.test('N1 N14 whose e-mail, whose app', async t => {
  const world = await startGateway(t)

  await t.test('N1 H7 a provider that names an e-mail of another company signs nobody in', async t => {
    const browser = world.browser()
    const answer = await world.signIn(browser, `${origins.portal}/x`, 'intruder')
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_EMAIL_DOMAIN' })
    t.notOk(browser.jar.find('__Host-portico'))
    const id = answer.headers.get('x-request-id') ?? ''
    t.match(world.lines.find(line => line.request_id === id && line.event === 'sign_in_refused'), { code: 'PORTICO_EMAIL_DOMAIN', connection: 'acme_oidc', wanted: String, got: String }, 'R33')
    t.equal(linksOf(answer)['Try again'], `${origins.auth}/login?app=portal&return_to=${encodeURIComponent(`${origins.portal}/x`)}`)
    const metrics = await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text()
    t.match(metrics, /portico_sign_ins_total\{connection="acme_oidc",outcome="refused"\} 1/)
  })

  await t.test('N14 an organization without the app is refused at every step', async t => {
    const hari = world.browser()
    await world.signIn(hari, `${origins.portal}/x`, 'hari')
    for (const link of [`${origins.analytics}/x`, `${origins.auth}/login?app=analytics`, `${origins.auth}/login/globex_oidc?app=analytics`]) {
      const answer = await hari.open(link)
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_APP_NOT_ALLOWED' }, link)
      t.match(answer.text, /hari@globex\.com/)
      t.match(linksOf(answer)['Use another account'], /\/login\?app=analytics&return_to=.*&email=$/)
    }
    const fresh = await world.signIn(world.browser(), `${origins.auth}/login/globex_oidc?app=analytics`, 'hari')
    t.equal(codeOf(fresh), 'PORTICO_APP_NOT_ALLOWED')
    // a session cookie of one host is nothing on another (E7)
    const session = hari.jar.find('__Host-portico', 'portal.localhost')
    hari.jar.set('analytics.localhost', '__Host-portico', session?.value ?? '')
    t.equal((await hari.send(`${origins.analytics}/x`, { mode: 'cors' })).status, 401)
  })

  await t.test('N14 the app is taken away between the provider and the return', async t => {
    const browser = world.browser()
    const back = await world.reachProvider(browser, `${origins.portal}/x`, 'hari')
    await world.reload({ globex: world.files.globex?.replace('apps: [portal]', 'apps: [analytics]') })
    const answer = await browser.follow(back)
    t.equal(codeOf(answer), 'PORTICO_APP_NOT_ALLOWED')
    await world.reload({ globex: world.files.globex })
  })
})

t.test('N13 trust that changes while somebody signs in', async t => {
  const world = await startGateway(t)

  await t.test('N13 a changed connection: the attempt starts again, and ends at the page', async t => {
    const browser = world.browser()
    const back = await world.reachProvider(browser, `${origins.portal}/deep`)
    await world.reload({ acme: world.files.acme?.replace('[acme.com, acme.co.uk]', '[acme.com]') })
    const tokens = world.acme.hits.get('/token') ?? 0
    const again = await browser.follow(back, url => url.port === String(world.acme.port))
    t.equal(again.location?.pathname, '/auth', 'the provider is asked anew')
    t.equal(world.acme.hits.get('/token') ?? 0, tokens, 'F8 the old code is not spent')
    t.match((await browser.follow(again)).url.href, `${origins.portal}/deep`)
  })

  await t.test('N13 M2 a domain that another connection owns meanwhile: the sign-in goes on there', async t => {
    const browser = world.browser()
    const back = await world.reachProvider(browser, `${origins.portal}/moved`)
    await world.reload({
      acme: world.files.acme?.replace('[acme.com, acme.co.uk]', '[acme.co.uk]'),
      globex: world.files.globex?.replace('[globex.com]', '[globex.com, acme.com]')
    })
    const again = await browser.follow(back, url => [world.acme.port, world.globex.port].includes(Number(url.port)))
    t.equal(again.location?.port, String(world.globex.port))
    await world.reload(world.files)
  })

  await t.test('N13 a disabled connection: no session, and a page that asks for the e-mail', async t => {
    const browser = world.browser()
    const back = await world.reachProvider(browser, `${origins.portal}/deep`)
    await world.reload({ acme: world.files.acme?.replace('status: active', 'status: disabled') })
    const answer = await browser.follow(back)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 422, code: 'PORTICO_NO_CONNECTION' })
    t.notOk(browser.jar.find('__Host-portico'))
    await world.reload({ acme: world.files.acme })
  })

  await t.test('N13 between ticket and its redemption', async t => {
    const browser = world.browser()
    const back = await world.reachProvider(browser, `${origins.portal}/deep`)
    const ticket = await browser.follow(back, url => url.pathname === '/.portico/ticket')
    await world.reload({ acme: world.files.acme?.replace('status: active', 'status: disabled') })
    const seen = world.received.length
    const answer = await browser.follow(ticket, url => url.port === String(world.globex.port))
    t.match({ status: answer.status, origin: answer.url.origin }, { status: 302, origin: origins.auth }, 'asked to sign in again')
    t.equal(world.received.length, seen, 'and nothing reached the app')
    await world.reload({ acme: world.files.acme })
  })
})
