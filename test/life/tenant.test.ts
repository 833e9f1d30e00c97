import t from 'tap'
import { createSealer } from '../../src/sessions/seal.ts'
import { send, type Answer, type Browser } from '../support/browser.ts'
import { codeOf, formOf, linksOf, origins, startGateway, submit } from '../support/gateway.ts'

const sso = 'http://sso-acme.localhost:8080'
const bye = 'http://www.acme.localhost:8080/bye?from=portico'
const ownLogin = 'https://old.example/sign-in?theme=dark'

/** Further connections of an organization, beside its first one. */
const more = (connections: Readonly<Record<string, string>>): string => Object.entries(connections).map(([id, settings]) =>
  `\n  ${id}: { connector: oidc, discovery_url: "http://127.0.0.1:1", client_id: c, client_secret: { file: ../secret }, ${settings} }`).join('')

const world = await startGateway(t, {
  analytics: `no_connection: { app_login: "${ownLogin}" }`,
  organizations: ({ acme = '', globex = '', trial = '', gone = '' }) => ({
    acme: `login_hosts: ["${sso}"]\nlogout_url: "${bye}"\n${acme}\n    name: Okta <&"'>${more({
      acme_google: 'name: Google, status: active, domains: [acme.org]',
      acme_trial: 'name: Trial, status: testing, domains: [acme.com]',
      acme_off: 'name: Off, status: disabled, domains: [acme.com]',
      acme_later: 'name: Later, activate_at: 2099-01-01, domains: [acme.net]',
      acme_old: 'name: Old, status: active, domains: [acme.info]',
      acme_new: 'name: New, status: active, replaces: acme_old, domains: [acme.info]'
    })}`,
    globex,
    trial: `login_hosts: ["http://sso-trial.localhost:8080"]\n${trial}`,
    gone: `login_hosts: ["http://sso-gone.localhost:8080"]\n${gone}`
  })
})
const { port } = world

t.test('R28 an organization\'s own sign-in page has a button for each connection that signs people in', async t => {
  const browser = world.browser()
  const page = await browser.send(`${sso}/?app=analytics&return_to=/deep%3Fq%3D1&evil=1&login_hint=ada@acme.com`)
  t.equal(page.status, 200)
  const links = linksOf(page)
  t.same(Object.keys(links), ['Okta <&"\'>', 'Google', 'New'], 'in the order of the file; not those that are tested, disabled, replaced, or begin later')
  t.equal(links.Google, `${origins.auth}/login/acme_google?app=analytics&return_to=%2Fdeep%3Fq%3D1&login_hint=ada%40acme.com`)
  t.match(page.text, /<h1>Acme Corp<\/h1>/)
  t.notMatch(page.text, /<script|acme_trial|acme_off|acme_later|acme_old/)
  t.same(page.setCookies, [])
  t.match(page.text, /password/, 'R18 who resets a forgotten password')
  t.match(page.headers.get('content-security-policy'), /default-src 'none'/)
  t.equal(page.headers.get('cache-control'), 'no-store')

  const signedIn = await world.signIn(browser, links['Okta <&"\'>'] ?? '')
  t.equal(signedIn.url.href, `${origins.analytics}/deep?q=1`)
  t.match(world.received.at(-1)?.headers, { 'x-auth-email': 'ada@acme.com', 'x-auth-organization': 'acme' })
  t.same(linksOf(await browser.send(`${sso}/login`)).Google, `${origins.auth}/login/acme_google`, 'both addresses, with nothing to pass on')
})

t.test('R28 flow 3: whoever begins there signs in at that organization, whoever is signed in already', async t => {
  const browser = world.browser()
  await world.signIn(browser, `${origins.portal}/x`, 'hari')
  const okta = linksOf(await browser.send(`${sso}/?app=portal`))['Okta <&"\'>'] ?? ''
  // hari's mailbox leads to globex; the button does not
  const asked = await world.signIn(browser, okta, 'ada')
  t.equal(formOf(asked).action.pathname, '/login/replace')
  await browser.follow(await submit(browser, asked))
  t.equal(world.received.at(-1)?.headers['x-auth-organization'], 'acme')
})

t.test('R28 N5 what is passed on leads nowhere else', async t => {
  for (const target of ['https://evil.example/', '//evil.example', 'javascript:alert(1)', '"><script>alert(1)</script>']) {
    const page = await world.browser().send(`${sso}/?${new URLSearchParams({ app: 'analytics', return_to: target })}`)
    t.notMatch(page.text, /<script|href="(?!http:\/\/auth\.localhost:8080\/)/)
    const end = await world.signIn(world.browser(), linksOf(page)['Okta <&"\'>'] ?? '')
    t.equal(end.url.href, `${origins.analytics}/`)
  }
  t.equal((await world.browser().send(`${sso}/?app=nosuch&app=analytics`)).status, 200)
})

t.test('R28 nothing else is served there', async t => {
  const at = async (path: string, options: Parameters<typeof send>[1] = {}) => await send(`${sso}${path}`, { connect: { port }, ...options })
  for (const path of ['/login/acme_oidc', '/login/acme_oidc/callback?code=x&state=y', '/account', '/logout', '/.portico/begin', '/.portico/ticket', '/favicon.ico', '/.well-known/jwks.json', '//', '/login/', '/%6cogin']) {
    const answer = await at(path)
    t.match({ status: answer.status, code: codeOf(answer), cookies: answer.setCookies }, { status: 404, code: 'PORTICO_NOT_FOUND', cookies: [] }, path)
  }
  for (const method of ['POST', 'PUT', 'OPTIONS', 'DELETE']) {
    const answer = await at('/', { method })
    t.match({ status: answer.status, code: codeOf(answer), allow: answer.headers.get('allow') }, { status: 405, code: 'PORTICO_METHOD_NOT_ALLOWED', allow: 'GET, HEAD' }, method)
  }
  const head = await at('/', { method: 'HEAD' })
  t.match({ status: head.status, text: head.text }, { status: 200, text: '' })
  const upgrade = await at('/ws', { headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' } })
  t.equal(upgrade.status, 404)
  t.equal((await at('/', { headers: { host: 'SSO-Acme.localhost.:9999' } })).status, 200, 'one host in every spelling')
  t.equal((await at('/', { headers: { host: 'x.sso-acme.localhost:8080' } })).status, 421)
  t.ok(world.lines.some(line => JSON.stringify(line).includes('sso-acme.localhost')), 'requests are logged')
})

t.test('R28 R9 R33 an organization whose connections are all testing or disabled says so with a code', async t => {
  for (const host of ['http://sso-trial.localhost:8080', 'http://sso-gone.localhost:8080']) {
    const page = await world.browser().send(`${host}/login?app=portal`)
    t.match({ status: page.status, code: codeOf(page), links: linksOf(page) }, { status: 503, code: 'PORTICO_NO_ACTIVE_CONNECTION', links: {} })
    t.match(page.text, String(page.headers.get('x-request-id')), 'and a request id')
  }
})

const signOut = async (browser: Browser, link: string): Promise<Answer> =>
  await browser.open(link, { until: url => !url.hostname.endsWith('.localhost') || url.hostname === 'www.acme.localhost' || url.pathname.startsWith('/bye') })

t.test('R28 logout_url: where members go who have signed out and did not say where', async t => {
  const signedIn = async (login: string) => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`, login)
    return browser
  }
  for (const link of [`${origins.auth}/logout`, `${origins.portal}/.portico/logout`]) {
    t.equal((await signOut(await signedIn('ada'), link)).location?.href, bye, link)
    t.equal((await signOut(await signedIn('hari'), link)).url.pathname, '/logout/done', 'an organization without one')
    t.equal((await signOut(world.browser(), link)).url.pathname, '/logout/done', 'nobody')
    t.equal((await signOut(await signedIn('ada'), `${link}?return_to=${origins.portal}/bye`)).location?.href, `${origins.portal}/bye`, 'a place that was said')
  }
  const browser = await signedIn('ada')
  const done = await browser.send(`${origins.portal}/.portico/logout`)
  t.ok(done.location?.searchParams.has('farewell'))
  const location = new URL(done.location ?? '')
  const left = await browser.send(location)
  t.equal(left.location?.href, bye)
  t.ok(left.setCookies.some(line => line.startsWith('__Host-portico=;')), 'the auth host\'s cookies are gone too')
  world.setClock(120)
  t.equal((await world.browser().send(location)).status, 200, 'an old link leads nowhere')
  world.setClock(0)
  const forged = (await createSealer([Buffer.alloc(32, 1)])).seal('farewell', { organization: 'acme', iat: Date.now() / 1000 })
  for (const farewell of ['acme', forged, `${location.searchParams.get('farewell')}x`]) {
    t.equal((await world.browser().send(`${origins.auth}/logout/done?farewell=${farewell}`)).status, 200, 'nor one that is not ours')
  }
})

t.test('R18 H8 an app with a login of its own gets everybody who has no connection, and nobody who has one', async t => {
  const deep = `${origins.analytics}/reports/7?a=b&c=d`
  const emailPage = await world.browser().open(deep)
  t.match(emailPage.text, /password/, 'the page says who resets a forgotten password')
  const outcome = async (email: string) => {
    const browser = world.browser()
    const { status, location, setCookies } = await submit(browser, await browser.open(deep), { email })
    return { status, location: location?.href, setCookies }
  }
  const wanted = { status: 303, location: `${ownLogin}&return_to=${encodeURIComponent(deep)}`, setCookies: [] }
  for (const email of ['x@nobody.example', 'x@trial.example', 'x@gone.example', 'x@acme.net', 'x@sub.acme.com', 'no e-mail']) {
    t.strictSame(await outcome(email), wanted, `${email}: unknown, testing, disabled, later: all alike`)
  }
  for (const [email, company] of [['ada@acme.com', world.acme], ['hari@globex.com', world.globex]] as const) {
    t.ok((await outcome(email)).location?.startsWith(company.issuer), `${email} has a connection`)
  }
  for (const id of ['trial_oidc', 'gone_oidc', 'no_such', 'acme_later']) {
    t.equal((await world.browser().send(`${origins.auth}/login/${id}?app=analytics&return_to=/reports/7`)).location?.href, `${ownLogin}&return_to=${encodeURIComponent(`${origins.analytics}/reports/7`)}`, `a link that names ${id}`)
  }
  const evil = await world.browser().send(`${origins.auth}/login?app=analytics&return_to=https://evil.example/&email=x@nobody.example`)
  t.equal(evil.location?.searchParams.get('return_to'), `${origins.analytics}/`)
  for (const url of [`${origins.auth}/login?app=portal&email=x@nobody.example`, `${origins.auth}/login?email=x@nobody.example`]) {
    const answer = await world.browser().send(url)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 422, code: 'PORTICO_NO_CONNECTION' }, 'an app without one, and no app')
  }
  const json = await world.browser().send(`${origins.auth}/login?app=analytics&email=x@nobody.example`, { headers: { accept: 'application/json' } })
  t.match(json.json(), { code: 'PORTICO_NO_CONNECTION' })

  const cancelled = world.browser()
  const atProvider = await cancelled.open((await submit(cancelled, await cancelled.open(deep), { email: 'ada@acme.com' })).location ?? '')
  const refused = await cancelled.follow(await submit(cancelled, atProvider, { cancel: '1' }))
  t.notMatch(refused.text, /old\.example/, 'nor is it a way round the identity provider')
})
