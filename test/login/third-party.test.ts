import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Revocation } from '../../src/store/store.ts'
import type { Answer, Browser } from '../support/browser.ts'
import { callbackOf, codeOf, origins, startGateway, submit, type World } from '../support/gateway.ts'
import { signIn } from '../support/provider.ts'

const initiate = (id: string): string => `${origins.auth}/login/${id}`

const fromElsewhere = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', origin: 'https://acme.okta.example' }

const echoOf = (answer: Answer): { url: string, headers: Record<string, string> } => JSON.parse(answer.text)

/** Okta's people, on the very provider, dressed as Okta. */
const okta = (issuer: string): string => [
  'name: Acme Corp',
  'connections:',
  `  acme_oidc: { connector: okta, status: active, domains: [acme.com, acme.co.uk], okta_domain: acme.okta.com, discovery_url: "${issuer}", client_id: portico, client_secret: { file: ../secret } }`
].join('\n')

/** Signed in at the provider, as everybody is who sees its tiles; here nobody knows them yet. */
const atTheProvider = async (world: World, browser = world.browser()): Promise<Browser> => {
  const sent = await browser.send(`${initiate('acme_oidc')}?app=portal`)
  await signIn(sent.location ?? '', browser, 'ada')
  for (const { name } of browser.jar.all()) if (name.startsWith('__Host-portico-attempt-')) browser.jar.remove(name)
  return browser
}

const wherever = async (browser: Browser, url: string, parameters: Record<string, string>, method: 'GET' | 'POST'): Promise<Answer> => method === 'GET'
  ? await browser.open(`${url}${url.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`, { headers: fromElsewhere })
  : await browser.follow(await browser.send(url, { body: new URLSearchParams(parameters), headers: fromElsewhere, crossSitePost: true }))

t.test('R23 the tile of an Okta', async t => {
  const world = await startGateway(t, { organizations: ({ acme }) => ({ acme: okta(/discovery_url: (\S+)/.exec(acme ?? '')?.[1] ?? '') }) })
  const iss = world.acme.issuer

  for (const method of ['GET', 'POST'] as const) {
    await t.test(`R23 ${method}: from the tile to the app page, and nothing is asked`, async t => {
      const browser = await atTheProvider(world)
      const seen = browser.history.length
      const answer = await wherever(browser, initiate('acme_oidc'), { iss, login_hint: 'ada@acme.com', target_link_uri: `${origins.analytics}/reports?x=1` }, method)
      t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.analytics}/reports?x=1` })
      t.match(echoOf(answer).headers, { 'x-auth-email': 'ada@acme.com', 'x-auth-connection': 'acme_oidc' })
      for (const { text } of browser.history.slice(seen)) t.notMatch(text, /<form/, 'no page on the way')
      t.ok(browser.history.some(({ location }) => location?.searchParams.get('login_hint') === 'ada@acme.com'), 'the hint went along')
    })

    await t.test(`R23 ${method}: who is signed in through this connection goes straight on`, async t => {
      const browser = world.browser()
      await world.signIn(browser, `${origins.portal}/x`)
      const seen = browser.history.length
      const answer = await wherever(browser, initiate('acme_oidc'), { iss, target_link_uri: `${origins.analytics}/tile` }, method)
      t.equal(answer.url.href, `${origins.analytics}/tile`)
      t.notOk(browser.history.slice(seen).some(({ url }) => url.origin === new URL(iss).origin), 'the provider is not asked again')
    })

    await t.test(`R23 ${method}: somebody else is asked about before they are replaced`, async t => {
      const browser = world.browser()
      await world.signIn(browser, `${origins.portal}/x`, 'hari')
      await atTheProvider(world, browser)
      const question = await wherever(browser, initiate('acme_oidc'), { iss, target_link_uri: `${origins.analytics}/tile` }, method)
      t.match(question.text, /Switch account\?/)
      t.equal(echoOf(await browser.open(`${origins.portal}/x`)).headers['x-auth-email'], 'hari@globex.com', 'until they answer, nothing has changed')
      const answer = await browser.follow(await submit(browser, question))
      t.equal(answer.url.href, `${origins.analytics}/tile`)
      t.equal(echoOf(answer).headers['x-auth-email'], 'ada@acme.com')
    })
  }

  await t.test('R23 the app may stand in the initiate-login URI, since not every tile names a page', async t => {
    for (const method of ['GET', 'POST'] as const) {
      const answer = await wherever(await atTheProvider(world), `${initiate('acme_oidc')}?app=portal`, { iss }, method)
      t.equal(answer.url.href, `${origins.portal}/start`)
    }
    const account = await wherever(await atTheProvider(world), initiate('acme_oidc'), { iss }, 'GET')
    t.match({ status: account.status, url: account.url.href }, { status: 200, url: `${origins.auth}/account` }, 'without any, to one’s apps')
  })

  const isRefused = (t: Test, answer: Answer, name: string): void => {
    t.match({ status: answer.status, code: codeOf(answer), location: answer.location }, { status: 400, code: 'PORTICO_RESPONSE_ISSUER', location: undefined }, name)
  }

  await t.test('O18 iss is that of the connection, once', async t => {
    for (const other of [world.globex.issuer, 'https://evil.example', '', `${iss}/x`, iss.replace('127.0.0.1', '127.0.0.2'), 'x'.repeat(10_000), 'é\u0000']) {
      isRefused(t, await world.browser().send(`${initiate('acme_oidc')}?${new URLSearchParams({ iss: other, app: 'portal' })}`), other.slice(0, 40))
      isRefused(t, await wherever(world.browser(), initiate('acme_oidc'), { iss: other }, 'POST'), other.slice(0, 40))
    }
    isRefused(t, await world.browser().send(`${initiate('acme_oidc')}?${new URLSearchParams([['iss', iss], ['iss', iss]])}`), 'twice')
    const posted = await world.browser().send(`${initiate('acme_oidc')}?iss=${encodeURIComponent(iss)}`, { body: new URLSearchParams({ iss: world.globex.issuer }) })
    isRefused(t, await world.browser().send(posted.location ?? ''), 'one in the address and another in the form')
  })

  await t.test('O18 N5 target_link_uri leads to apps only', async t => {
    const elsewhere = ['https://evil.example/', '//evil.example/', 'javascript:alert(1)', `${origins.auth}/logout`, `${origins.portal}@evil.example/`, `${origins.portal}/.portico/logout`, `${origins.portal}.evil.example/`, 'x', `${origins.portal}/${'x'.repeat(5_000)}`]
    for (const target of elsewhere) {
      for (const method of ['GET', 'POST'] as const) {
        const browser = await atTheProvider(world)
        const answer = await wherever(browser, initiate('acme_oidc'), { iss, target_link_uri: target }, method)
        t.equal(answer.url.href, `${origins.auth}/account`, `${method} ${target.slice(0, 60)}`)
      }
    }
  })

  await t.test('O18 F17 nothing else of it goes anywhere', async t => {
    const parameters = { iss, login_hint: 'ada@acme.com', scope: 'admin', redirect_uri: 'https://evil.example', prompt: 'none', state: 'mine', request: 'x', email: 'grace@acme.co.uk', acr_values: 'x', lti_message_hint: 'x' }
    const posted = await world.browser().send(initiate('acme_oidc'), { body: new URLSearchParams(parameters), crossSitePost: true })
    t.equal(posted.status, 303)
    t.same(Object.fromEntries(posted.location?.searchParams ?? []), { iss, login_hint: 'ada@acme.com' })
    t.same(posted.setCookies, [])
    const sent = (await world.browser().send(posted.location ?? '')).location?.searchParams
    t.match(Object.fromEntries(sent ?? []), { redirect_uri: callbackOf('acme_oidc'), login_hint: 'ada@acme.com' })
    t.notMatch([...sent ?? []].flat().join(' '), /mine|evil|admin|lti/)
    for (const hint of ['x'.repeat(400), 'é'.repeat(200)]) {
      const { location } = await world.browser().send(`${initiate('acme_oidc')}?${new URLSearchParams({ iss, login_hint: hint })}`)
      t.equal(location?.searchParams.has('login_hint'), false, 'a hint that is too long is none')
    }
    const odd = (await world.browser().send(`${initiate('acme_oidc')}?${new URLSearchParams({ iss, login_hint: '00u1abc|x' })}`)).location
    t.equal(odd?.searchParams.get('login_hint'), '00u1abc|x', 'one that is no e-mail goes on: the provider knows what it means')
  })

  await t.test('H8 N9 connections that are not active are not told apart by a form either', async t => {
    const plain = (answer: Answer) => answer.text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'request-id')
    const pages = await Promise.all(['trial_oidc', 'gone_oidc', 'nowhere_oidc'].map(async id => {
      const answer = await wherever(world.browser(), initiate(id), { iss }, 'POST')
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 422, code: 'PORTICO_NO_CONNECTION' })
      return plain(answer)
    }))
    t.equal(new Set(pages).size, 1)
    t.equal((await world.browser().send(initiate('..%2f..%2fx'), { body: new URLSearchParams({ iss }) })).location?.origin, origins.auth)
    t.equal((await world.browser().send(initiate('acme_oidc'), { body: '{}', headers: { 'content-type': 'application/json' } })).status, 415)
  })
})

t.test('R31 one link for each app', async t => {
  const world = await startGateway(t)
  const links: Record<string, string> = {
    [`${initiate('acme_oidc')}?app=analytics`]: `${origins.analytics}/`,
    [`${initiate('acme_oidc')}?app=portal`]: `${origins.portal}/start`,
    [`${initiate('acme_oidc')}?app=dashboard`]: `${origins.dashboardUs}/`,
    [`${initiate('acme_oidc')}?app=dashboard&region=eu`]: `${origins.dashboardEu}/`,
    [`${initiate('acme_oidc')}?app=dashboard&region=eu&return_to=/board/7`]: `${origins.dashboardEu}/board/7`
  }

  await t.test('R31 each signs in and opens its app', async t => {
    for (const [link, page] of Object.entries(links)) {
      const answer = await world.signIn(world.browser(), link)
      t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: page }, link)
      t.equal(echoOf(answer).headers['x-auth-email'], 'ada@acme.com')
    }
  })

  for (const order of ['in order', 'the other way round']) {
    await t.test(`R31 one after the other, ${order}: the first signs in, the others open`, async t => {
      const browser = world.browser()
      const entries = Object.entries(links)
      if (order !== 'in order') entries.reverse()
      for (const [i, [link, page]] of entries.entries()) {
        const seen = browser.history.length
        t.equal((await world.signIn(browser, link)).url.href, page, link)
        t.equal(browser.history.slice(seen).some(({ url }) => url.port === String(world.acme.port)), i === 0, 'the provider is asked once')
      }
    })
  }

  await t.test('R31 two tabs at once, finished in both orders', async t => {
    for (const order of [[0, 1], [1, 0]]) {
      const browser = world.browser()
      const [first, second] = Object.entries(links)
      const tabs = []
      for (const [link = '', page = ''] of [first ?? [], second ?? []]) {
        const tab = world.browser(browser.jar)
        tabs.push({ tab, page, back: await world.reachProvider(tab, link) })
      }
      for (const i of order) {
        const at = tabs[i]
        if (at !== undefined) t.equal((await at.tab.follow(at.back)).url.href, at.page)
      }
    }
  })

  await t.test('R31 N14 an app that the organization may not use', async t => {
    const hari = world.browser()
    const cold = await world.signIn(hari, `${initiate('globex_oidc')}?app=analytics`, 'hari')
    t.match({ status: cold.status, code: codeOf(cold) }, { status: 403, code: 'PORTICO_APP_NOT_ALLOWED' })
    const warm = await hari.open(`${initiate('globex_oidc')}?app=analytics`)
    t.equal(codeOf(warm), 'PORTICO_APP_NOT_ALLOWED')
    t.equal((await hari.open(`${initiate('globex_oidc')}?app=portal`)).status, 200, 'its own opens all the same')
  })
})

t.test('E11 N13 what is revoked in the middle of a sign-in: no session comes of it', async t => {
  const world = await startGateway(t)
  const store = createSqliteStore({ path: world.configuration.store.path })
  t.teardown(() => store.close())
  await world.signIn(world.browser(), `${origins.portal}/x`)
  const [member] = await store.membersByEmail('ada@acme.com')

  const revocations: Pick<Revocation, 'kind' | 'value'>[] = [
    { kind: 'member', value: member?.id ?? '' },
    { kind: 'subject', value: `acme_oidc|${member?.subject}` },
    { kind: 'organization', value: 'acme' },
    { kind: 'connection', value: 'acme_oidc' },
    { kind: 'everybody', value: '' }
  ]
  let clock = 0
  for (const revocation of revocations) {
    await t.test(revocation.kind, async t => {
      // whatever was revoked before is over by then
      world.setClock(clock += 10)
      const [witness, browser] = [world.browser(), world.browser()]
      await world.signIn(witness, `${origins.portal}/x`)
      const back = await world.reachProvider(browser, `${origins.portal}/hers`)
      await store.addRevocation({ ...revocation, issuedBefore: Math.floor(Date.now() / 1_000), expiresAt: Math.floor(Date.now() / 1_000) + 86_400 })
      while ((await witness.send(`${origins.portal}/x`)).status === 200) await setTimeout(20)
      const answer = await browser.follow(back)
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_ATTEMPT_REVOKED' })
      t.notOk(browser.jar.find('__Host-portico'))
      t.match(world.lines.findLast(({ event }) => event === 'sign_in_refused'), { code: 'PORTICO_ATTEMPT_REVOKED', connection: 'acme_oidc' })
      world.setClock(clock += 10)
      t.equal((await world.signIn(browser, `${origins.portal}/again`)).url.href, `${origins.portal}/again`, 'one that begins later goes on')
    })
  }

  await t.test('another’s is nobody’s', async t => {
    world.setClock(clock += 10)
    const [witness, browser] = [world.browser(), world.browser()]
    await world.signIn(witness, `${origins.portal}/x`, 'hari')
    const back = await world.reachProvider(browser, `${origins.portal}/hers`)
    await store.addRevocation({ kind: 'organization', value: 'globex', issuedBefore: Math.floor(Date.now() / 1_000), expiresAt: Math.floor(Date.now() / 1_000) + 86_400 })
    while ((await witness.send(`${origins.portal}/x`)).status === 200) await setTimeout(20)
    t.equal((await browser.follow(back)).url.href, `${origins.portal}/hers`)
  })
})
