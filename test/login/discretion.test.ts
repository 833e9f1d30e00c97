import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { Answer, Browser } from '../support/browser.ts'
import { callbackOf, codeOf, linksOf, origins, startGateway, submit } from '../support/gateway.ts'
import { createSigningKey, startHostileProvider } from '../support/hostile-provider.ts'
import { leaksIn, secretsOf } from '../support/leaks.ts'
import { signIn } from '../support/provider.ts'

const key = await createSigningKey()

t.test('what is told to whom', async t => {
  const world = await startGateway(t)
  const leaving = (url: URL): boolean => [world.acme.port, world.globex.port].includes(Number(url.port))

  await t.test('a remembered e-mail is told to its own company’s provider alone', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`, 'hari')
    browser.jar.remove('__Host-portico')
    const foreign = await browser.open(`${origins.analytics}/x`, { until: leaving })
    t.equal(foreign.location?.origin, world.acme.issuer)
    t.equal(foreign.location?.searchParams.get('login_hint'), null, 'not to the only one that the app allows')
    const own = world.browser()
    await world.signIn(own, `${origins.portal}/x`)
    own.jar.remove('__Host-portico')
    const again = await own.open(`${origins.analytics}/x`, { until: leaving })
    t.equal(again.location?.searchParams.get('login_hint'), 'ada@acme.com')
  })

  await t.test('what is typed into the e-mail field and is no e-mail is in no log', async t => {
    for (const email of ['correct horse battery staple', 'pass@word@twice', 'hunter2hunter2']) {
      t.equal((await world.browser().send(`${origins.auth}/login?${new URLSearchParams({ email })}`)).status, 422)
    }
    t.notMatch(JSON.stringify(world.lines), /staple|word@twice|hunter2/)
    await world.browser().send(`${origins.auth}/login?email=who@unknown.example`)
    t.match(world.lines.findLast(({ event }) => event === 'sign_in_refused'), { got: 'who@unknown.example' }, 'an e-mail is, for whoever has to help')
  })

  await t.test('labels of metrics are connections of the configuration, whatever a path names', async t => {
    for (let i = 0; i < 5; i++) await world.browser().send(`${callbackOf(`junk_${i}`)}?code=x`)
    await world.browser().send(`${callbackOf('acme_oidc')}?code=x`)
    const metrics = await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text()
    t.notMatch(metrics, /junk_/)
    t.match(metrics, /portico_sign_ins_total\{connection="none",outcome="refused"\} /)
    t.match(metrics, /portico_sign_ins_total\{connection="acme_oidc",outcome="refused"\} 1/)
  })

  await t.test('A7 L4 what a page embeds begins no sign-in and ends no session', async t => {
    const embedded = { accept: 'text/html', 'sec-fetch-mode': undefined, 'sec-fetch-dest': 'image' }
    t.equal((await world.browser().send(`${origins.portal}/x`, { headers: embedded })).status, 401, 'by its destination alone')
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    for (const headers of [
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-site': 'none', 'sec-purpose': 'prefetch;prerender' }
    ]) {
      for (const start of [`${origins.portal}/.portico/logout`, `${origins.auth}/logout`]) {
        const first = await browser.send(start, { headers })
        if (first.location !== undefined) t.equal((await browser.send(first.location, { headers })).status, 200, 'asked')
        t.equal((await browser.send(`${origins.portal}/x`)).status, 200, `${start} ${JSON.stringify(headers)}`)
      }
    }
    const script = await browser.send(`${origins.portal}/.portico/logout`, { mode: 'cors' })
    t.equal(script.status, 303, 'a script of the app itself may')
    t.equal((await browser.send(`${origins.portal}/x`)).status, 302)
  })

  await t.test('H7 N1 who came with the wrong account can take another one, whatever the provider remembers', async t => {
    const browser = world.browser()
    const refused = await world.signIn(browser, `${origins.portal}/wanted`, 'intruder')
    t.equal(codeOf(refused), 'PORTICO_EMAIL_DOMAIN')
    const transparent = await browser.follow(await submit(browser, await browser.open(linksOf(refused)['Try again'] ?? ''), { email: 'ada@acme.com' }))
    t.equal(codeOf(transparent), 'PORTICO_EMAIL_DOMAIN', 'R12 the provider asks nothing')
    const asked = await browser.open(linksOf(transparent)['Use another account'] ?? '')
    const begun = await browser.follow(await submit(browser, asked, { email: 'ada@acme.com' }), leaving)
    t.equal(begun.location?.searchParams.get('prompt'), 'select_account')
    t.match((await browser.open(begun.location ?? '')).text, /name="login"/, 'the provider asks now')
    // this one lets nobody take another's place without a script
    for (const { name } of browser.jar.all().filter(({ domain }) => domain === '127.0.0.1')) browser.jar.remove(name, '127.0.0.1')
    const answer = await browser.follow(await signIn(begun.location ?? '', browser, 'ada'))
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.portal}/wanted` })
    for (const prompt of ['none', 'consent', 'select_account none', 'login none']) {
      const other = await world.browser().send(`${origins.auth}/login?${new URLSearchParams({ email: 'ada@acme.com', prompt })}`)
      t.equal(other.location?.searchParams.get('prompt'), null, `F17 ${prompt}`)
    }
  })

  await t.test('a link for somebody else is not opened as whoever is signed in', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    const to = async (link: string) => (await browser.open(origins.auth + link, { until: url => leaving(url) || url.origin === origins.portal })).location?.origin
    t.equal(await to('/login/acme_oidc?app=portal&login_hint=grace@acme.co.uk'), world.acme.issuer)
    t.equal(await to('/login?app=portal&login_hint=hari@globex.com'), world.globex.issuer)
    for (const hint of ['ada@acme.com', 'ADA@ACME.COM', 'who@unknown.example', 'somebody', '']) {
      t.equal(await to(`/login/acme_oidc?app=portal&login_hint=${hint}`), origins.portal, hint)
      t.equal(await to(`/login?app=portal&login_hint=${hint}`), origins.portal, hint)
    }
  })

  await t.test('F13 N11 every cookie of sign-in is one that browsers keep, whatever the address and the hint are made of', async t => {
    for (const filler of ['x', '"', '\\', 'é', '日', '%22', '\u{1f600}']) {
      for (const size of [600, 1_200, 1_900]) {
        const page = `/?${filler.repeat(size / filler.length)}`.slice(0, 1_950)
        const browser = world.browser()
        const raw = Buffer.from(page).toString('latin1').replaceAll(/[\u0080-\u009f]/g, '')
        const answers = [
          await browser.send(`${origins.auth}/login/acme_oidc?${new URLSearchParams({ app: 'portal', return_to: page, login_hint: (filler === 'x' ? '日' : filler).repeat(320).slice(0, 320) })}`),
          await browser.send(`${origins.portal}/.portico/begin?${new URLSearchParams({ return_to: page })}`),
          await browser.send(new URL(raw, origins.portal))
        ]
        for (const { setCookies, url, status } of answers) {
          t.ok(status === 302 && setCookies.some(line => !line.includes('Max-Age=0')), url.pathname)
          for (const line of setCookies) t.ok((line.split(';')[0] ?? '').length <= 4_096, `${url.pathname} ${filler} ${size}: ${line.split(';')[0]?.length}`)
        }
      }
    }
  })

  await t.test('V35 whatever a link says is text on the page, and pages run nothing', async t => {
    const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'`'
    const names = ['app', 'region', 'return_to', 'email', 'login_hint', 'request', 'round', 'target_link_uri', 'iss', 'state', 'code', 'error', 'error_description', 'response']
    for (const path of ['/login', '/login/acme_oidc', `/login/${encodeURIComponent(evil)}`, '/login/acme_oidc/callback', '/logout', '/logout/done', '/account', `/${encodeURIComponent(evil)}`]) {
      for (const parameters of [...names.map(name => ({ [name]: evil })), Object.fromEntries(names.map(name => [name, evil])), { app: 'portal', return_to: evil, email: evil }]) {
        const answer = await world.browser().send(`${origins.auth}${path}?${new URLSearchParams(parameters)}`)
        t.ok(answer.status < 500, `${path} ${JSON.stringify(Object.keys(parameters))} ${answer.status}`)
        t.notMatch(answer.text, /<script|<img|onerror=alert\(1\)>/, path)
        if (answer.text !== '') t.match(answer.headers.get('content-security-policy'), /^default-src 'none'; style-src 'sha256-[^']+';/)
      }
    }
  })

  await t.test('V31 D1 headers that nobody can read are no reason to let anybody in', async t => {
    for (const value of ['', '10000.10000.10000.10000', 'adsfljk29242as!!', ', , ,', '[::1', '%00', 'x'.repeat(8_000), '"']) {
      for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-uri', 'x-original-url', 'authorization', 'origin', 'referer', 'accept']) {
        const seen = world.received.length
        const answer = await world.browser().send(`${origins.portal}/x`, { headers: { [name]: value } })
        t.ok([302, 400, 401].includes(answer.status), `${name}: ${value.slice(0, 30)}: ${answer.status}`)
        t.equal(world.received.length, seen)
      }
    }
  })

  await t.test('V21 V33 what is remembered are facts: the rules are asked again each time', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`, 'hari')
    for (const change of [(yaml: string) => yaml.replace('apps: [portal]', 'apps: [analytics]'), (yaml: string) => yaml.replace('status: active', 'status: disabled')]) {
      t.equal((await world.signIn(browser, `${origins.portal}/x`, 'hari')).status, 200)
      await world.reload({ globex: change(world.files.globex ?? '') })
      const seen = world.received.length
      t.equal((await browser.send(`${origins.portal}/x`, { mode: 'cors' })).status, 401)
      t.equal(world.received.length, seen)
      await world.reload({ globex: world.files.globex })
    }
  })
})

t.test('V23 E2 E9 a session cookie that is not exactly one reaches the app as nobody’s, and the app only where that is public', async t => {
  const world = await startGateway(t)
  const ada = world.browser()
  await world.signIn(ada, `${origins.analytics}/x`)
  const whole = ada.jar.find('__Host-portico', 'analytics.localhost')?.value ?? ''
  t.ok(whole.length > 100)
  const elsewhere = ada.jar.find('__Host-portico', 'auth.localhost')?.value ?? ''
  const change = (at: number): string => whole.slice(0, at) + (whole[at] === 'A' ? 'B' : 'A') + whole.slice(at + 1)
  const values = [
    ...Array.from({ length: whole.length }, (_, at) => change(at)),
    ...Array.from({ length: 40 }, (_, i) => whole.slice(0, Math.floor(whole.length * i / 40))),
    ...Array.from({ length: 20 }, (_, i) => whole.slice(i + 1)),
    '', '.', '=', `${whole}A`, `${whole}=`, `A${whole}`, `${whole}.`, ` ${whole.slice(1)}`, `"${whole}"`, whole.toUpperCase(), whole.replaceAll('.', ';'), `${whole}${whole}`, encodeURIComponent(`${whole}%`),
    elsewhere, 'null', 'undefined', '{}', '%00', 'é', '\u00ff'.repeat(50), 'A'.repeat(8_000), `${'A'.repeat(200)}.${'B'.repeat(32)}`, `${whole.split('.')[0]}.${elsewhere.split('.')[1]}`
  ]
  const header = (value: string) => ({ cookie: `__Host-portico=${value}`, 'x-auth-email': 'root@acme.com', 'x-auth-user': 'root' })
  const wrong: string[] = []
  for (const [path, allowed] of [['/x', [302, 400]], ['/public/x', [200, 400]]] as const) {
    for (const value of values) {
      const seen = world.received.length
      const answer = await world.browser().send(`${origins.analytics}${path}`, { headers: header(value) })
      const reached = world.received.slice(seen)
      const who = reached.flatMap(({ headers }) => Object.keys(headers).filter(name => name.startsWith('x-auth-')))
      if (!allowed.some(status => status === answer.status) || (path === '/x' && reached.length > 0) || who.length > 0) wrong.push(`${path} ${value.slice(0, 60)}: HTTP ${answer.status} ${who.join()}`)
    }
  }
  t.same(wrong, [], `${values.length} values`)
  for (const cookie of [`__Host-portico=x; __Host-portico=${whole}`, `__Host-portico=${whole}; __Host-portico=x`, `a=1; __Host-portico=${change(5)}; __Host-portico=${whole}; b=2`]) {
    const answer = await world.browser().send(`${origins.analytics}/x`, { headers: { cookie } })
    t.equal(JSON.parse(answer.text).headers['x-auth-email'], 'ada@acme.com', 'E9 N10 a planted one hides nothing')
  }
})

t.test('V3 V36 nothing confidential in any log, page, or header to an app', async t => {
  const rogue = await startHostileProvider({ key, script: { profile: { email: 'eve@rogue.example', email_verified: true, name: 'Eve' } } })
  t.teardown(rogue.close)
  const world = await startGateway(t, {
    lines: ['logs: { level: debug, requests: true }'],
    organizations: () => ({
      rogue: `name: Rogue\nconnections:\n  rogue_oidc: { connector: oidc, status: active, domains: [rogue.example], discovery_url: "${rogue.issuer}", client_id: portico, client_secret: { file: ../secret } }`
    })
  })
  const browsers: Browser[] = []
  const browser = (): Browser => {
    const it = world.browser()
    browsers.push(it)
    return it
  }
  const leaving = (url: URL): boolean => url.origin === new URL(rogue.issuer).origin
  const begin = async (who: Browser): Promise<string> => {
    const begun = await who.open(`${origins.auth}/login/rogue_oidc?app=portal&return_to=/wanted`, { until: leaving })
    return `${callbackOf('rogue_oidc')}?${rogue.authorize(begun.location?.href ?? '')}`
  }

  // everything that happens to people, well and badly
  const eve = browser()
  const back = await begin(eve)
  t.equal((await eve.open(back)).status, 200)
  await eve.open(back)
  await eve.open(`${origins.dashboardEu}/x`)
  await browser().open(back)
  await eve.open(`${origins.auth}/account`)
  await eve.open(`${origins.auth}/account`, { headers: { accept: 'application/json' } })
  await eve.open(`${origins.auth}/logout`, { headers: { 'sec-fetch-site': 'cross-site' } })
  const posted = browser()
  await posted.follow(await posted.send(callbackOf('rogue_oidc'), { method: 'POST', body: new URL(await begin(posted)).searchParams, crossSitePost: true }))
  const twoFaced = browser()
  await world.signIn(twoFaced, `${origins.portal}/x`)
  const question = await twoFaced.open(await begin(twoFaced))
  t.match(question.text, /name="handle"/)
  await twoFaced.follow(await submit(twoFaced, question))
  const failing = async (script: typeof rogue.script): Promise<Answer> => {
    const usual = rogue.script
    rogue.script = { ...usual, ...script }
    const who = browser()
    const answer = await who.open(await begin(who))
    rogue.script = usual
    t.match(codeOf(answer), /^PORTICO_/)
    return answer
  }
  const echo = (status: number) => ({
    '/token': (_request: unknown, response: import('node:http').ServerResponse, body: string) => {
      const { code, code_verifier: verifier } = Object.fromEntries(new URLSearchParams(body))
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant', error_description: `the code ${code} with ${verifier} is over` }))
    }
  })
  await failing({ answers: echo(400) })
  await failing({ answers: echo(500) })
  await failing({ claims: claims => ({ ...claims, nonce: 'another' }) })
  await failing({ claims: claims => ({ ...claims, aud: 'another' }) })
  await failing({ idToken: () => 'eyJhbGciOiJub25lIn0.e30.' })
  await failing({ token: answer => ({ ...answer, id_token: undefined, refresh_token: 'refresh-1234567890' }) })
  await failing({ profile: { email: 'ada@acme.com', email_verified: true } })
  await browser().open(`${callbackOf('rogue_oidc')}?${new URL(back).searchParams}&code=again`)
  await browser().open(`${callbackOf('rogue_oidc')}?error=access_denied&error_description=${new URL(back).searchParams.get('code')}&state=${new URL(back).searchParams.get('state')}`)
  await eve.open(`${origins.portal}/.portico/ticket?ticket=made-up-ticket-of-some-length&begin=${'A'.repeat(16)}`)
  await eve.open(`${origins.auth}/login?request=made-up-request-of-some-length`)

  const secrets = secretsOf(browsers, rogue.seen)
  const configured = [readFileSync(join(dirname(world.configuration.store.path), 'secret'), 'utf8'), readFileSync(join(dirname(world.configuration.store.path), 'key'), 'utf8')]
  for (const value of configured) secrets.add(value.trim())
  t.ok(secrets.size > 60, `${secrets.size} secrets`)
  t.ok(world.lines.some(({ msg }) => msg === 'request'), 'requests are logged')
  t.same(leaksIn(world.lines.map(line => JSON.stringify(line)).join('\n'), secrets), [], 'log')
  t.notMatch(world.lines.map(line => JSON.stringify(line)).join('\n'), /eyJ[\w-]{10}|access-code-|\bcode-\d|refresh-1234/, 'tokens of any kind')

  // what a page's own form and address carry is for this browser: those are its secrets, not others'
  const tokens = [...configured, ...rogue.seen.flatMap(({ form }) => [form.get('code'), form.get('code_verifier')]).filter(value => value !== null), 'access-code-', 'eyJ']
  const shown = browsers.flatMap(({ history }) => history).filter(({ url }) => url.hostname === 'auth.localhost').map(({ text }) => text).join('\n')
  t.same(tokens.filter(token => shown.includes(token)), [], 'V3 pages and JSON of the auth host')
  const toApps = JSON.stringify(world.received.map(({ headers: { 'x-auth-assertion': assertion, ...headers } }) => headers))
  t.same(leaksIn(toApps, secrets), [], 'headers to apps')
  t.notMatch(toApps, /access-code-/)
  const ops = await Promise.all(['/status', '/metrics', '/livez', '/readyz'].map(async path => await (await fetch(`http://127.0.0.1:${world.opsPort}${path}`, { headers: { accept: 'application/json' } })).text()))
  t.same(leaksIn(ops.join('\n'), secrets), [], 'V36 ops')
  t.match(Object.keys(JSON.parse(browsers[0]?.history.findLast(({ url, headers }) => url.pathname === '/account' && headers.get('content-type')?.includes('json') === true)?.text ?? '{}')).sort(),
    ['api_keys', 'apps', 'connection', 'email', 'name', 'organization', 'sessions', 'signed_in_at', 'user'], 'V3 the fields of /account')
})

const ticketOn = async (browser: Browser, page: string): Promise<URL> => {
  const answer = await browser.open(page, { until: url => url.pathname === '/.portico/ticket' })
  if (answer.location === undefined) throw new Error(`no ticket: HTTP ${answer.status}`)
  return answer.location
}

t.test('N6 E12 a ticket and the sessions that are there already', async t => {
  const world = await startGateway(t)
  /** Signs the same person in anew at the auth host: another sid. */
  const signInAnew = async (browser: Browser, before: 'kept' | 'lost'): Promise<void> => {
    const old = browser.jar.find('__Host-portico', 'auth.localhost')
    browser.jar.remove('__Host-portico', 'auth.localhost')
    const back = await world.reachProvider(browser, `${origins.auth}/login/acme_oidc?app=portal&return_to=/new`)
    if (before === 'kept') browser.jar.set('auth.localhost', '__Host-portico', old?.value ?? '')
    t.equal((await browser.follow(back)).url.href, `${origins.portal}/new`)
  }
  const sessionOn = (browser: Browser, host: string) => browser.jar.find('__Host-portico', `${host}.localhost`)?.value

  await t.test('a ticket of a sign-in that was replaced meanwhile takes nobody’s place', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.analytics}/x`)
    const stale = await ticketOn(browser, `${origins.portal}/stale`)
    await signInAnew(browser, 'kept')
    const live = sessionOn(browser, 'portal')
    const answer = await browser.send(stale)
    t.equal(answer.location?.href, `${origins.portal}/stale`, 'the page all the same')
    t.equal(sessionOn(browser, 'portal'), live)
    t.equal((await browser.send(`${origins.portal}/stale`)).status, 200)
  })

  await t.test('an app’s session of before is dead when the next one has come', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    const before = sessionOn(browser, 'portal')
    await signInAnew(browser, 'lost')
    t.not(sessionOn(browser, 'portal'), before)
    const replay = await world.browser().send(`${origins.portal}/x`, { mode: 'cors', headers: { cookie: `__Host-portico=${before}` } })
    t.equal(replay.status, 401)
    t.equal((await browser.send(`${origins.portal}/x`)).status, 200)
  })

  await t.test('who takes longer than a minute to answer is asked once more, not left as before', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    browser.jar.remove('__Host-portico', 'auth.localhost')
    browser.jar.remove('__Host-portico-email', 'auth.localhost')
    const page = await world.signIn(browser, `${origins.auth}/login/globex_oidc?app=portal&return_to=/y`, 'hari')
    t.match(page.text, /Switch account\?/)
    world.setClock(90)
    const again = await browser.follow(await submit(browser, page))
    t.match(again.text, /Switch account\?/)
    t.equal(linksOf(again)['Stay signed in as ada@acme.com'], `${origins.portal}/y`)
    const answer = await browser.follow(await submit(browser, again))
    t.equal(answer.url.href, `${origins.portal}/y`)
    t.equal(JSON.parse(answer.text).headers['x-auth-email'], 'hari@globex.com')
    world.setClock(0)
  })
})
