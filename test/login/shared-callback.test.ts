import t, { type Test } from 'tap'
import { codeOf, callbackOf, origins, startGateway, type World } from '../support/gateway.ts'
import type { Answer } from '../support/browser.ts'
import { createSigningKey, startHostileProvider } from '../support/hostile-provider.ts'

const shared = `${origins.auth}/login/callback`

const client = { redirect_uris: [shared, callbackOf('acme_oidc'), callbackOf('globex_oidc')] }

const isShared = (yaml: string | undefined): string => `${yaml}\n    callback: shared`

const returnOf = (answer: Answer, at = shared): URL => {
  if (answer.location === undefined || answer.location.origin + answer.location.pathname !== at) {
    throw new Error(`not a return to ${at}: HTTP ${answer.status} ${answer.location?.href ?? answer.text.slice(0, 200)}`)
  }
  return answer.location
}

const changed = (url: URL, values: Readonly<Record<string, string | undefined>>, at = url.origin + url.pathname): URL => {
  const next = new URL(at)
  next.search = url.search
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) next.searchParams.delete(name)
    else next.searchParams.set(name, value)
  }
  return next
}

t.test('the shared callback', async t => {
  const world = await startGateway(t, { client, organizations: ({ acme, globex }) => ({ acme: isShared(acme), globex: isShared(globex) }) })
  const tokens = (): number => (world.acme.hits.get('/token') ?? 0) + (world.globex.hits.get('/token') ?? 0)

  const isRefused = (t: Test, answer: Answer, code: string): void => {
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code })
  }

  await t.test('R8 two companies return to one address, and each of their people is signed in', async t => {
    for (const [login, email, provider] of [['ada', 'ada@acme.com', world.acme], ['hari', 'hari@globex.com', world.globex]] as const) {
      const browser = world.browser()
      const sent = await browser.open(`${origins.auth}/login/${provider === world.acme ? 'acme_oidc' : 'globex_oidc'}?app=portal`, { until: url => url.origin === provider.issuer })
      t.equal(sent.location?.searchParams.get('redirect_uri'), shared)
      const back = await world.reachProvider(browser, `${origins.portal}/x`, login)
      t.equal(returnOf(back).searchParams.get('iss'), provider.issuer)
      const answer = await browser.follow(back)
      t.equal(JSON.parse(answer.text).headers['x-auth-email'], email)
    }
  })

  await t.test('O9 a shared attempt returns there only, wherever its connection is named', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
    const before = tokens()
    for (const id of ['acme_oidc', 'globex_oidc', 'trial_oidc', 'nowhere']) {
      isRefused(t, await browser.send(changed(back, {}, callbackOf(id))), 'PORTICO_RESPONSE_STATE')
    }
    t.equal(tokens(), before, 'F8')
    t.equal((await browser.open(back)).status, 200, 'and is not used up by it')
  })

  await t.test('O9 iss is required there, and is that of the connection', async t => {
    const before = tokens()
    for (const iss of [undefined, '', world.globex.issuer, `${world.acme.issuer}/`, 'null']) {
      const browser = world.browser()
      const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
      isRefused(t, await browser.send(changed(back, { iss })), 'PORTICO_RESPONSE_ISSUER')
      t.notOk(browser.jar.find('__Host-portico'))
    }
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
    isRefused(t, await browser.send(changed(back, { iss: undefined, code: undefined, error: 'access_denied' })), 'PORTICO_RESPONSE_ISSUER')
    t.equal(tokens(), before, 'F8 no code was sent anywhere')
  })

  await t.test('O9 F9 mix-up: what one provider answers is never taken for another’s', async t => {
    const browser = world.browser()
    const [acme, globex] = [
      returnOf(await world.reachProvider(world.browser(browser.jar), `${origins.portal}/a`, 'ada')),
      returnOf(await world.reachProvider(world.browser(browser.jar), `${origins.portal}/g`, 'hari'))
    ]
    const value = (url: URL, name: string): string => url.searchParams.get(name) ?? ''
    const before = tokens()
    // the whole answer of one, in the sign-in of the other
    isRefused(t, await browser.send(changed(globex, { state: value(acme, 'state') })), 'PORTICO_RESPONSE_ISSUER')
    t.equal(tokens(), before, 'F8')
    // and one that lies about where it comes from: the code is nobody's there
    isRefused(t, await browser.send(changed(acme, { state: value(globex, 'state'), iss: world.globex.issuer })), 'PORTICO_IDP_CODE_REFUSED')
    t.equal(world.acme.hits.get('/token') ?? 0, before - (world.globex.hits.get('/token') ?? 0) + 1, 'the code of one went to the other alone')
    t.notOk(browser.jar.find('__Host-portico'), 'nobody is signed in')
  })

  await t.test('F6 F5 another browser’s return, and none at all', async t => {
    const back = returnOf(await world.reachProvider(world.browser(), `${origins.portal}/x`))
    for (const url of [back, shared, `${shared}?code=x&state=y&iss=${world.acme.issuer}`]) isRefused(t, await world.browser().send(url), 'PORTICO_ATTEMPT_LOST')
    for (const id of ['callback', 'CALLBACK', 'callback/']) t.not((await world.browser().send(`${origins.auth}/login/${id}`)).status, 500, id)
  })

  await t.test('F12 a POST from another site goes on as a GET', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/posted`))
    const answer = await browser.send(shared, { body: back.searchParams, crossSitePost: true })
    t.match({ status: answer.status, path: answer.location?.pathname }, { status: 303, path: '/login/callback' })
    t.same(answer.setCookies, [])
    t.equal((await browser.follow(answer)).url.href, `${origins.portal}/posted`)
    isRefused(t, await world.browser().send(shared, { body: new URLSearchParams({ code: 'x'.repeat(7_000) }) }), 'PORTICO_RESPONSE_INVALID')
  })

  await t.test('F19 O10 anything twice', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`))
    back.searchParams.append('iss', world.acme.issuer)
    isRefused(t, await browser.send(back), 'PORTICO_RESPONSE_INVALID')
  })
})

t.test('R27 callback: own and shared, side by side and one after the other', async t => {
  const world = await startGateway(t, { client, organizations: ({ globex }) => ({ globex: isShared(globex) }) })

  await t.test('O9 an attempt of its own callback is refused at the shared one', async t => {
    const browser = world.browser()
    const back = returnOf(await world.reachProvider(browser, `${origins.portal}/x`), callbackOf('acme_oidc'))
    const tokens = world.acme.hits.get('/token') ?? 0
    t.equal(codeOf(await browser.send(changed(back, {}, shared))), 'PORTICO_RESPONSE_STATE')
    t.equal(world.acme.hits.get('/token') ?? 0, tokens)
    t.equal((await browser.open(back)).url.href, `${origins.portal}/x`)
  })

  const reachBefore = async (world: World, login: string, at: string) => {
    const browser = world.browser()
    return { browser, back: returnOf(await world.reachProvider(browser, `${origins.portal}/meanwhile`, login), at) }
  }

  await t.test('changing it ends no sign-in under way, and no session', async t => {
    const signedIn = world.browser()
    await world.signIn(signedIn, `${origins.portal}/x`)
    const own = await reachBefore(world, 'ada', callbackOf('acme_oidc'))
    const other = await reachBefore(world, 'hari', shared)
    await world.reload({ acme: isShared(world.files.acme), globex: world.files.globex?.replace('callback: shared', 'callback: own') })
    for (const { browser, back } of [own, other]) t.equal((await browser.open(back)).url.href, `${origins.portal}/meanwhile`)
    t.equal((await signedIn.send(`${origins.portal}/y`)).status, 200)
    returnOf(await world.reachProvider(world.browser(), `${origins.portal}/x`, 'ada'), shared)
    returnOf(await world.reachProvider(world.browser(), `${origins.portal}/x`, 'hari'), callbackOf('globex_oidc'))
  })
})

t.test('O9 a provider that does not name itself cannot share a callback', async t => {
  const start = async (advertised: boolean) => {
    const rogue = await startHostileProvider({ key: await createSigningKey() })
    t.teardown(() => rogue.close())
    rogue.script = {
      profile: { email: 'eve@rogue.example', email_verified: true },
      discovery: document => ({ ...document, authorization_response_iss_parameter_supported: advertised })
    }
    const world = await startGateway(t, {
      organizations: ({ acme }) => ({
        rogue: acme?.replace('Acme Corp', 'Rogue').replaceAll('acme_oidc', 'rogue_oidc').replace('[acme.com, acme.co.uk]', '[rogue.example]').replace(/discovery_url: \S+/, `discovery_url: ${rogue.issuer}\n    callback: shared`)
      })
    })
    return { rogue, world }
  }

  await t.test('O9 one that does not say that it would is not even asked', async t => {
    const { world } = await start(false)
    const answer = await world.browser().send(`${origins.auth}/login/rogue_oidc?app=portal`)
    t.match({ location: answer.location, code: codeOf(answer) }, { location: undefined, code: 'PORTICO_SHARED_CALLBACK' })
    t.match(world.lines.find(({ event }) => event === 'sign_in_refused'), { code: 'PORTICO_SHARED_CALLBACK', connection: 'rogue_oidc', remedy: /callback/ }, 'and the operator reads what to do')
  })

  await t.test('O9 one that says so, and does not: no code is spent', async t => {
    const { rogue, world } = await start(true)
    const browser = world.browser()
    const sent = await browser.open(`${origins.auth}/login/rogue_oidc?app=portal`, { until: url => url.origin === rogue.issuer })
    t.equal(sent.location?.searchParams.get('redirect_uri'), shared)
    const answer = await browser.open(`${shared}?${rogue.authorize(sent.location?.href ?? '')}`)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_RESPONSE_ISSUER' })
    t.equal(rogue.hits.get('/token') ?? 0, 0)
  })
})

t.test('R27 no connection can be called what the shared callback is called', async t => {
  await t.rejects(startGateway(t, { organizations: ({ acme }) => ({ acme: acme?.replaceAll('acme_oidc', 'callback') }) }), /\/login\/callback/)
})
