import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { Answer, Browser } from '../support/browser.ts'
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'
import { formOf, linksOf, origins, startGateway, submit, type World } from '../support/gateway.ts'
import { signOutThere } from '../support/provider.ts'
import { withoutStore } from '../support/store-outage.ts'
import { everywhere, liveOf } from '../support/traces.ts'
import { connectionFrom, createBench } from '../connections/setup.ts'

interface Person {
  readonly browser: Browser
  /** What the browser held, by origin, even if it has thrown it away since. */
  readonly cookies: Readonly<Record<string, string>>
}

const cookiesOf = (browser: Browser): Person['cookies'] =>
  Object.fromEntries([origins.auth, origins.portal, origins.analytics].map(origin => [origin, browser.jar.header(new URL(origin)) ?? '']))

const signedIn = async (world: World, login?: string): Promise<Person> => {
  const browser = world.browser()
  await world.signIn(browser, `${origins.portal}/x`, login)
  await browser.open(`${origins.analytics}/x`)
  return { browser, cookies: cookiesOf(browser) }
}

const claimsIn = (token: string | null): unknown => JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString())

const sealedTokens = (world: World): string[] => {
  const database = new DatabaseSync(world.configuration.store.path)
  const rows = database.prepare("SELECT value FROM item WHERE kind = 'tokens'").all()
  database.close()
  return rows.map(({ value }) => String(value))
}

const forgetDocuments = (world: World): void => {
  const database = new DatabaseSync(world.configuration.store.path)
  database.exec("DELETE FROM item WHERE kind = 'discovery'")
  database.close()
}

t.test('signing out here, then at an OpenID provider', async t => {
  const world = await startGateway(t, {
    logout: true,
    organizations: usual => ({ ...usual, globex: `logout_url: ${origins.portal}/bye-globex\n${usual.globex}` })
  })
  const leaves = (url: URL): boolean => url.origin === new URL(world.acme.issuer).origin

  for (const [name, act] of [
    ['GET /logout', (browser: Browser) => browser.open(`${origins.auth}/logout`, { until: leaves })],
    ['POST /logout', (browser: Browser) => browser.open(`${origins.auth}/logout`, { method: 'POST', body: '', until: leaves })],
    ['GET /.portico/logout', (browser: Browser) => browser.open(`${origins.portal}/.portico/logout`, { until: leaves })]
  ] as const) {
    await t.test(`L1 L2 L6 V3 V36 ${name}: ends everything here, then asks the provider`, async t => {
      const { browser, cookies } = await signedIn(world)
      const other = await signedIn(world)
      t.same(await liveOf(world, cookies), everywhere)
      const leaving = await act(browser)
      t.equal(leaving.status, 303)
      t.same(await liveOf(world, cookies), [], 'over here before anybody else is asked')
      t.notOk(browser.jar.all().some(({ name, domain }) => domain === 'auth.localhost' && name.startsWith('__Host-portico')))
      t.match(leaving.headers.get('referrer-policy'), 'no-referrer')

      const { origin, pathname, searchParams: sent } = leaving.location ?? new URL('none:')
      t.equal(`${origin}${pathname}`, `${world.acme.issuer}/session/end`)
      t.same([...sent.keys()].sort(), ['client_id', 'id_token_hint', 'logout_hint', 'post_logout_redirect_uri', 'state'])
      t.match(claimsIn(sent.get('id_token_hint')), { iss: world.acme.issuer, sub: 'ada', aud: 'portico' })
      t.match(Object.fromEntries(sent), { client_id: 'portico', logout_hint: 'ada@acme.com', post_logout_redirect_uri: `${origins.auth}/logout/done` })

      const asked = await browser.open(leaving.location ?? '')
      t.equal(asked.status, 200, 'the provider asks its person')
      const back = await signOutThere(asked, browser)
      t.match({ to: back.location?.href }, { to: `${origins.auth}/logout/done?state=` })
      const done = await browser.follow(back)
      t.match({ status: done.status, path: done.url.pathname, text: done.text }, { status: 200, path: '/logout/done', text: /was asked to sign you out too/ })
      t.notMatch(done.text, /class="problem"/)
      t.match((await browser.open(`${origins.auth}/login/acme_oidc?app=portal`)).text, /name="login"/, 'asked anew at the provider')
      t.same(await liveOf(world, other.cookies), everywhere, 'another browser is another session, there as here')

      const token = sent.get('id_token_hint') ?? ''
      const signature = token.split('.')[2] ?? ''
      t.ok(signature.length > 40)
      for (const { setCookies, text, location } of browser.history) {
        t.notOk(setCookies.some(line => line.includes(signature)), 'in no cookie')
        if (location === undefined || !leaves(location)) t.notOk(text.includes(signature) || location?.href.includes(signature) === true, 'on no page')
      }
      t.notOk(JSON.stringify(world.lines).includes(signature), 'in no log line')
    })
  }

  await t.test('V3 V36 the token is sealed in the store, and is not there any longer afterwards', async t => {
    const before = new Set(sealedTokens(world))
    const { browser } = await signedIn(world)
    const [mine = '', ...more] = sealedTokens(world).filter(value => !before.has(value))
    t.ok(mine.length > 100)
    t.same(more, [])
    t.notMatch(mine, /eyJ|idToken/)
    await browser.open(`${origins.auth}/logout`, { until: leaves })
    t.notOk(sealedTokens(world).includes(mine))
  })

  await t.test('who would rather stay signed in there comes back as well', async t => {
    const { browser, cookies } = await signedIn(world)
    const asked = await browser.open(`${origins.auth}/logout`)
    const done = await browser.follow(await signOutThere(asked, browser, 'no'))
    t.match({ status: done.status, path: done.url.pathname }, { status: 200, path: '/logout/done' })
    t.same(await liveOf(world, cookies), [])
  })

  await t.test('L3 V8 V11 V29 from there to where the person asked to go, and nowhere else', async t => {
    const end = async (link: string) => {
      const { browser } = await signedIn(world)
      const asked = await browser.open(link, { until: url => url.pathname.startsWith('/bye') })
      const answer = await browser.follow(await signOutThere(asked, browser), url => url.origin !== origins.auth)
      return answer.location?.href ?? answer.url.pathname
    }
    t.equal(await end(`${origins.auth}/logout?return_to=${origins.dashboardEu}/bye`), `${origins.dashboardEu}/bye`)
    t.equal(await end(`${origins.portal}/.portico/logout?return_to=/bye`), `${origins.portal}/bye`)
    t.equal(await end(`${origins.auth}/logout?return_to=${origins.portal}/bye?${'x'.repeat(1_500)}`), `${origins.portal}/start`, 'a long one becomes the home of its app')
    for (const evil of ['https://evil.example/bye', `${origins.portal}.evil.example/bye`, '//evil.example/bye', 'http://evil.example@portal.localhost:8080/bye']) {
      t.equal(await end(`${origins.auth}/logout?return_to=${encodeURIComponent(evil)}`), '/logout/done', evil)
    }
  })

  await t.test('L3 V8 V11 only what was sealed here leads on, and not for ever', async t => {
    const { browser } = await signedIn(world)
    const leaving = await browser.open(`${origins.auth}/logout?return_to=${origins.portal}/bye`, { until: leaves })
    const state = leaving.location?.searchParams.get('state') ?? ''
    const done = (query: string) => world.browser().send(`${origins.auth}/logout/done?${query}`)
    t.equal((await done(new URLSearchParams({ state }).toString())).location?.href, `${origins.portal}/bye`)
    for (const query of [`state=${state.slice(0, -1)}`, `state=A${state}`, `state=${state}&state=${state}`, `state=${encodeURIComponent('{"returnTo":"https://evil.example/"}')}`, 'state=', 'state=https://evil.example/', `state=${'x'.repeat(20_000)}`]) {
      const answer = await done(query)
      t.match({ status: answer.status, location: answer.location }, { status: 200, location: undefined }, query.slice(0, 40))
    }
    world.setClock(16 * 60)
    t.equal((await done(new URLSearchParams({ state }).toString())).location, undefined)
    world.setClock(0)
  })

  await t.test('R28 an organization’s own logout_url comes last', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`, 'hari')
    for (const link of [`${origins.auth}/logout`, `${origins.portal}/.portico/logout`]) {
      await world.signIn(browser, `${origins.portal}/x`, 'hari')
      const asked = await browser.open(link)
      t.equal(asked.url.origin, new URL(world.globex.issuer).origin)
      const answer = await browser.follow(await signOutThere(asked, browser), url => url.pathname === '/bye-globex')
      t.equal(answer.location?.href, `${origins.portal}/bye-globex`, link)
    }
  })

  await t.test('L4 nothing of it happens when another site asks', async t => {
    const { browser, cookies } = await signedIn(world)
    const seen = world.acme.hits.get('/session/end')
    const question = await browser.open(`${origins.auth}/logout`, { headers: { 'sec-fetch-site': 'cross-site', referer: 'https://evil.example/' } })
    t.match(question.text, /ada@acme\.com/)
    t.same(await liveOf(world, cookies), everywhere)
    t.equal(world.acme.hits.get('/session/end'), seen)
    t.equal(leaves((await submit(browser, question)).location ?? new URL('none:')), true)
    for (const link of [`${origins.auth}/logout`, `${origins.portal}/.portico/logout`, `${origins.auth}/logout/done?farewell=made-up`]) {
      t.equal((await world.browser().open(link)).url.origin, origins.auth, 'nobody is signed in: nobody is told')
    }
  })

  await t.test('V34 L7 the store does not answer: signed out, and the provider is asked without the token', async t => {
    const { browser, cookies } = await signedIn(world)
    const leaving = await withoutStore(world, async () => await browser.open(`${origins.auth}/logout`, { until: leaves }))
    t.same([...leaving.location?.searchParams.keys() ?? []].sort(), ['client_id', 'logout_hint', 'post_logout_redirect_uri', 'state'])
    t.same(await liveOf(world, cookies), [])
  })

  await t.test('a connection that keeps its people’s sign-outs to itself', async t => {
    await world.reload({ acme: `${world.files.acme}\n    provider_sign_out: false` })
    const before = sealedTokens(world).length
    const { browser, cookies } = await signedIn(world)
    t.equal(sealedTokens(world).length, before, 'nothing is kept for nothing')
    const done = await browser.open(`${origins.auth}/logout`)
    t.match({ url: done.url.href, text: done.text }, { url: `${origins.auth}/logout/done`, text: /You may still be signed in/ })
    t.same(await liveOf(world, cookies), [])
    await world.reload({ acme: world.files.acme })
  })

  await t.test('L7 a provider that does not answer: signed out here all the same', async t => {
    const known = await signedIn(world)
    const unknown = await signedIn(world)
    await world.acme.close()
    const leaving = await known.browser.open(`${origins.auth}/logout`, { until: leaves })
    t.equal(leaving.location?.pathname, '/session/end', 'its address is known: the browser finds out')
    t.same(await liveOf(world, known.cookies), [])

    // another secret is another client, of whose provider nothing is known yet
    forgetDocuments(world)
    await world.reload({ acme: world.files.acme?.replace('{ file: ../secret }', 'another secret') })
    t.same(await liveOf(world, unknown.cookies), everywhere)
    const said = await unknown.browser.open(`${origins.portal}/.portico/logout?return_to=/bye`)
    t.match({ status: said.status, path: said.url.pathname, text: said.text }, { status: 200, path: '/logout/done', text: /class="problem"/ })
    t.equal(linksOf(said).Continue, `${origins.portal}/bye`, 'said first, then on')
    t.same(await liveOf(world, unknown.cookies), [])
  })
})

/** Signs in at a provider that has no pages: what a browser would do there is done for it. */
const signInAt = async (world: World, provider: HostileProvider, connection: string): Promise<Browser> => {
  const browser = world.browser()
  const asked = await browser.open(`${origins.auth}/login/${connection}?app=portal`, { until: url => url.port === String(provider.port) })
  await browser.open(`${origins.auth}/login/${connection}/callback?${provider.authorize(asked.location?.href ?? '')}`)
  return browser
}

t.test('providers of other kinds', async t => {
  const provider = await startHostileProvider({ script: { profile: { email: 'ada@hooli.com', email_verified: true } } })
  t.teardown(provider.close)
  const yaml = (...lines: string[]): string => ['name: Hooli', 'connections:', '  hooli:', ...['status: active', 'domains: [hooli.com]', 'client_id: portico', 'client_secret: a secret of hooli', ...lines].map(line => `    ${line}`)].join('\n')
  const discovered = yaml('connector: oidc', `discovery_url: ${provider.issuer}`)
  const world = await startGateway(t, { organizations: usual => ({ ...usual, hooli: discovered }) })
  const leaves = (url: URL): boolean => url.port === String(provider.port)
  const leave = async (): Promise<Answer> => {
    const browser = await signInAt(world, provider, 'hooli')
    t.equal((await browser.send(`${origins.portal}/x`, { mode: 'cors' })).status, 200)
    const answer = await browser.open(`${origins.auth}/logout`, { until: leaves })
    t.equal((await browser.send(`${origins.portal}/x`, { mode: 'cors' })).status, 401)
    return answer
  }

  await t.test('one that has no address for it is left alone, and the page says so', async t => {
    t.match(await leave(), { status: 200, text: /You may still be signed in at your company/ })
    t.same(sealedTokens(world), [])
  })

  const address = `${provider.issuer}/logout?p=policy`
  const knowing = (document: Record<string, unknown>) => ({ ...document, end_session_endpoint: address })
  // a changed secret is a state of its own, which reads the document anew
  const renew = async (secret: string): Promise<void> => await world.reload({ hooli: discovered.replace('a secret of hooli', secret) })

  await t.test('L2 an address with a query of its own keeps it', async t => {
    provider.script.discovery = knowing
    forgetDocuments(world)
    await renew('the second one')
    const { location } = await leave()
    t.match({ path: location?.pathname, p: location?.searchParams.get('p'), hint: location?.searchParams.get('logout_hint') }, { path: '/logout', p: 'policy', hint: 'ada@hooli.com' })
    t.match(claimsIn(location?.searchParams.get('id_token_hint') ?? null), { sub: 'subject-1' })
  })

  await t.test('L2 a token that no address has room for goes by a form', async t => {
    const entitlements = Array.from({ length: 200 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`)
    provider.script.claims = claims => ({ ...claims, entitlements })
    const answer = await leave()
    provider.script.claims = claims => claims
    t.equal(answer.status, 200)
    const { method, action, fields } = formOf(answer)
    t.match({ method, action: action.href }, { method: 'post', action: address })
    t.same(Object.keys(fields).sort(), ['client_id', 'id_token_hint', 'logout_hint', 'post_logout_redirect_uri', 'state'])
    t.match(claimsIn(fields.id_token_hint ?? null), { entitlements })
    t.match(answer.headers.get('content-security-policy'), /default-src 'none';.*script-src 'sha256-[^']+'$/)
    t.match(answer.headers.get('cache-control'), 'no-store')
  })

  await t.test('R30 one without discovery, by end_session_url', async t => {
    const manual = yaml('connector: manual', `authorization_url: ${provider.issuer}/authorize`, `token_url: ${provider.issuer}/token`, `jwks_url: ${provider.issuer}/jwks`, `issuer: ${provider.issuer}`, 'claims: { subject: sub }')
    await world.reload({ hooli: manual })
    t.equal((await leave()).url.pathname, '/logout/done')
    await world.reload({ hooli: `${manual}\n    end_session_url: ${provider.issuer}/bye` })
    const { location } = await leave()
    t.match({ path: location?.pathname, keys: [...location?.searchParams.keys() ?? []].length }, { path: '/bye', keys: 5 })
  })
})

t.test('L2 who leaves, in the words of each vendor', async t => {
  const provider = await startHostileProvider({ script: { discovery: document => ({ ...document, end_session_endpoint: `${provider.issuer}/logout` }) } })
  t.teardown(provider.close)
  const idToken = (claims: Record<string, unknown>): string => ['{"alg":"RS256"}', JSON.stringify(claims), 'x'].map(part => Buffer.from(part).toString('base64url')).join('.')
  const tid = '00000000-0000-4000-8000-000000000001'
  const connections = {
    okta: connectionFrom({ connector: 'okta', okta_domain: 'acme.okta.com', discovery_url: provider.issuer }),
    entra: connectionFrom({ connector: 'entra', tenancy: 'single', tenant_id: tid, discovery_url: provider.issuer })
  }
  const bench = createBench(Object.values(connections))
  t.teardown(bench.close)
  const hint = async (connector: keyof typeof connections, token: string | undefined) =>
    new URL((await bench.connectors.oidcLogout.request(connections[connector], { idToken: token, email: 'ada@acme.com', state: 's' }))?.url ?? '').searchParams.get('logout_hint')
  t.equal(await hint('okta', undefined), 'ada@acme.com')
  t.equal(await hint('okta', idToken({ login_hint: 'O.abc' })), 'ada@acme.com')
  t.equal(await hint('entra', idToken({ login_hint: 'O.abc' })), 'O.abc', 'its optional claim')
  t.equal(await hint('entra', idToken({})), null, 'and no address')
  t.equal(await hint('entra', undefined), null)
})
