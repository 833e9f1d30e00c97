import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Answer, Browser } from '../support/browser.ts'
import { codeOf, origins, startGateway, type World } from '../support/gateway.ts'
import { startSamlGateway } from '../support/saml/gateway.ts'
import { signJwt, startHostileProvider, type HostileProvider, type Responder } from '../support/hostile-provider.ts'
import { traces } from '../support/traces.ts'

type Claims = Record<string, unknown>

interface Hostile extends World {
  readonly provider: HostileProvider
  /** How often this browser was sent to the provider. */
  asked (browser: Browser): number
  /** Opens a page in a browser whose provider asks nothing; `changed` is what its ID token says otherwise. */
  open (browser: Browser, page: string, changed?: Claims): Promise<Answer>
}

const seconds = (): number => Math.floor(Date.now() / 1_000)

/** What a provider grants for a refresh token: `claims` make an ID token. */
const refreshed = async (provider: HostileProvider, claims: Claims | undefined, answer: Claims = {}): Promise<Claims> => ({
  access_token: `access-${seconds()}`,
  token_type: 'Bearer',
  expires_in: 600,
  ...claims !== undefined && {
    id_token: await signJwt({ alg: provider.key.alg, kid: provider.key.kid }, {
      iss: provider.issuer, sub: 'subject-1', aud: 'portico', iat: seconds(), exp: seconds() + 300, email: 'ada@hooli.com', email_verified: true, ...claims
    }, provider.key.privateKey)
  },
  ...answer
})

/** Grants refresh tokens with sign-ins, and what `grant` says for them. */
const granting = (provider: HostileProvider, grant: () => Promise<Claims | number>): Responder => async (_request, response, body) => {
  const form = new URLSearchParams(body)
  if (form.get('grant_type') !== 'refresh_token') {
    delete provider.script.answers?.['/token']
    return
  }
  const answer = await grant()
  response.writeHead(typeof answer === 'number' ? answer : 200, { 'content-type': 'application/json' }).end(JSON.stringify(typeof answer === 'number' ? {} : answer))
}

const start = async (t: Test, { lines = [], analytics, gateway = [] }: { lines?: readonly string[], analytics?: string, gateway?: readonly string[] } = {}): Promise<Hostile> => {
  const provider = await startHostileProvider({ script: { profile: { email: 'ada@hooli.com', email_verified: true, name: 'Ada', groups: ['staff'] } } })
  t.teardown(provider.close)
  const settings = ['connector: oidc', 'status: active', 'domains: [hooli.com]', `discovery_url: ${provider.issuer}`, 'client_id: portico', 'client_secret: a secret of hooli', ...lines]
  const world = await startGateway(t, {
    organizations: usual => ({ ...usual, hooli: ['name: hooli', 'connections:', '  hooli_oidc:', ...settings.map(line => `    ${line}`)].join('\n') }),
    lines: gateway,
    ...analytics !== undefined && { analytics }
  })
  const isProvider = ({ port }: URL): boolean => port === String(provider.port)
  return {
    ...world,
    provider,
    asked: browser => browser.history.filter(({ location }) => location !== undefined && isProvider(location)).length,
    open: async (browser, page, changed = {}) => {
      let answer = await browser.open(page, { until: isProvider })
      for (let rounds = 0; answer.location !== undefined && isProvider(answer.location); rounds++) {
        if (rounds === 12) throw new Error('a circle by way of the provider')
        provider.script.claims = claims => ({ ...claims, ...changed })
        answer = await browser.open(`${origins.auth}/login/hooli_oidc/callback?${provider.authorize(answer.location.href)}`, { until: isProvider })
      }
      return answer
    }
  }
}

const link = `${origins.auth}/login/hooli_oidc?app=analytics`

const until = async (holds: () => unknown): Promise<void> => {
  for (let tries = 0; await holds() !== true; tries++) {
    if (tries === 200) throw new Error(`never came: ${holds}`)
    await wait(50)
  }
}

const api = async (browser: Browser): Promise<Answer> => await browser.send(`${origins.analytics}/api`, { mode: 'cors' })

const assertionOf = (answer: Answer): Claims => {
  const { headers } = JSON.parse(answer.text) as { headers: Record<string, string> }
  return JSON.parse(Buffer.from(headers['x-auth-assertion']?.split('.')[1] ?? '', 'base64url').toString())
}

/** Hands the sign-in a refresh token; later grants are `grant`'s. */
const withRefresh = (provider: HostileProvider, grant: () => Promise<Claims | number>): { count: number } => {
  const told = { count: 0 }
  provider.script.token = answer => {
    provider.script.answers = {
      ...provider.script.answers,
      '/token': granting(provider, async () => {
        told.count++
        return await grant()
      })
    }
    return { ...answer, refresh_token: 'refresh-0', expires_in: 600 }
  }
  return told
}

t.test('J5 what a sign-in said of itself is true of it after any number of refreshes', async t => {
  const world = await start(t, { lines: ['refresh: true', 'require_amr: [pwd]'] })
  const told = withRefresh(world.provider, async () => await refreshed(world.provider, { name: `Ada the ${told.count}` }))
  const browser = world.browser()
  t.equal((await world.open(browser, link)).status, 200)
  const before = assertionOf(await api(browser))
  t.match(before, { amr: ['pwd'], acr: '1' })
  for (const round of [1, 2, 3]) {
    world.setClock(round * 460)
    await api(browser)
    await until(() => told.count >= round)
    await until(async () => {
      const answer = await api(browser)
      return answer.status !== 200 || assertionOf(answer).name === `Ada the ${round}`
    })
    const answer = await api(browser)
    t.equal(answer.status, 200, `${round}: signed in`)
    t.match(assertionOf(answer), { amr: ['pwd'], acr: '1', auth_time: before.auth_time }, `${round}`)
  }
})

t.test('J4 an outage of userinfo that outlasts the new tokens ends nobody, and is over when it is over', async t => {
  const world = await start(t, { lines: ['refresh: true'] })
  const { provider } = world
  const told = withRefresh(provider, async () => await refreshed(provider, { email: undefined, email_verified: undefined }, { access_token: `access-of-${told.count}` }))
  provider.script.profileInIdToken = false
  const browser = world.browser()
  t.equal((await world.open(browser, link)).status, 200)
  const usual = provider.script.answers
  let isDown = true
  const asked = { with: '' }
  provider.script.answers = {
    ...usual,
    '/userinfo': (request, response) => {
      asked.with = request.headers.authorization ?? ''
      if (isDown) response.writeHead(503).end()
      // the access token of the time before the outage is over as well
      else if (asked.with === 'Bearer access-of-1') response.writeHead(401).end()
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub: 'subject-1', email: 'ada@hooli.com', email_verified: true, name: 'Ada, again' }))
    }
  }
  const failures = (): number => world.lines.filter(({ msg }) => String(msg).startsWith('a refresh failed')).length
  /** Moves the clock, and waits until what it made due has come out: only then does it know when to try again. */
  const outcomeAt = async (moment: number): Promise<void> => {
    const before = failures()
    world.setClock(moment)
    t.equal((await api(browser)).status, 200, `${moment}`)
    await until(async () => {
      await api(browser)
      return failures() > before
    })
  }
  await outcomeAt(460)
  t.equal(asked.with, 'Bearer access-of-1')
  for (const moment of [500, 600, 700, 790, 870, 1_000]) {
    asked.with = ''
    await outcomeAt(moment)
    t.match(asked.with, /^Bearer access-of-/, 'userinfo was asked again')
  }
  t.equal((await api(browser)).status, 200, 'nobody is signed out')
  isDown = false
  world.setClock(1_500)
  await until(async () => assertionOf(await api(browser)).name === 'Ada, again')
})

t.test('V2 F16 a provider that asks nothing never makes a circle of a step-up', async t => {
  const world = await start(t, { analytics: 'max_age: 300' })
  const { provider } = world
  t.afterEach(() => {
    world.setClock(0)
    delete provider.script.answers
  })
  const stale = async (): Promise<Browser> => {
    const browser = world.browser()
    await world.open(browser, `${origins.auth}/login/hooli_oidc?app=portal`)
    world.setClock(400)
    return browser
  }

  await t.test('its token endpoint refuses each code', async t => {
    const browser = await stale()
    provider.script.answers = { '/token': (_request, response) => { response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant' })) } }
    const answer = await world.open(browser, link)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_IDP_CODE_REFUSED' })
    t.equal(world.asked(browser), 2, 'once for each sign-in')
    t.equal((await browser.open(`${origins.portal}/x`)).status, 200, 'nobody is signed out by it')
  })

  await t.test('the browser does not keep the attempt', async t => {
    const browser = await stale()
    let answer = await browser.open(link, { until: ({ port }) => port === String(provider.port) })
    for (let rounds = 0; rounds < 3 && answer.location !== undefined; rounds++) {
      for (const { name } of browser.jar.all()) if (name.includes('attempt')) browser.jar.remove(name)
      answer = await browser.open(`${origins.auth}/login/hooli_oidc/callback?${provider.authorize(answer.location.href)}`, { until: ({ port }) => port === String(provider.port) })
    }
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' })
    t.equal(world.asked(browser), 2)
  })

  await t.test('another tab was quicker: the page opens', async t => {
    const browser = await stale()
    const isProvider = ({ port }: URL): boolean => port === String(provider.port)
    const [one, other] = [await browser.open(link, { until: isProvider }), await browser.open(link, { until: isProvider })]
    const back = `${origins.auth}/login/hooli_oidc/callback?${provider.authorize(one.location?.href ?? '')}`
    t.equal((await browser.open(back)).url.origin, origins.analytics)
    const later = `${origins.auth}/login/hooli_oidc/callback?${provider.authorize(other.location?.href ?? '')}`
    provider.script.answers = { '/token': (_request, response) => { response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant' })) } }
    t.match(await browser.open(later), { status: 200, url: { origin: origins.analytics } })
    t.match(await browser.open(back), { status: 200, url: { origin: origins.analytics } }, 'nor does the back button')
  })
})

t.test('V2 whoever takes longer at their provider than max_age allows is told so, and not sent there for ever', async t => {
  const world = await start(t, { analytics: 'max_age: 30' })
  const { provider } = world
  t.teardown(() => world.setClock(0))
  const browser = world.browser()
  await world.open(browser, `${origins.auth}/login/hooli_oidc?app=portal`)
  const isProvider = ({ port }: URL): boolean => port === String(provider.port)
  world.setClock(100)
  let answer = await browser.open(link, { until: isProvider })
  for (let rounds = 1; rounds < 4 && answer.location !== undefined; rounds++) {
    // a password at once, and a minute for the second factor
    const authTime = seconds()
    provider.script.claims = claims => ({ ...claims, auth_time: authTime })
    world.setClock(100 + rounds * 60)
    answer = await browser.open(`${origins.auth}/login/hooli_oidc/callback?${provider.authorize(answer.location.href)}`, { until: isProvider })
  }
  t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: 'PORTICO_STEP_UP_REFUSED' })
  t.equal(world.asked(browser), 2)
})

t.test('V2 F16 nor does a SAML provider whose sign-on address is that of a tile', async t => {
  for (const mode of ['accept', 'restart']) {
    await t.test(mode, async t => {
      const world = await startSamlGateway(t, { analytics: 'max_age: 300', saml: { idp_initiated: mode } })
      t.teardown(() => world.setClock(0))
      const browser = world.browser()
      await world.signInBySaml(browser, `${origins.portal}/x`)
      world.setClock(400)
      world.idp.respond = () => world.forge.sign(world.forge.response({ inResponseTo: undefined, authnInstant: -400 }))
      let answer = await browser.open(`${origins.analytics}/x`, { until: ({ origin }) => origin === world.idp.origin })
      let rounds = 0
      for (; answer.location?.origin === world.idp.origin && rounds < 12; rounds++) {
        const form = await browser.send(answer.location)
        answer = await browser.follow(await world.postBack(browser, form, { RelayState: `${origins.analytics}/x` }), ({ origin }) => origin === world.idp.origin)
      }
      t.match({ status: answer.status, code: codeOf(answer) }, { status: 403, code: /^PORTICO_(?:STEP_UP_REFUSED|SAML_IN_RESPONSE_TO)$/ })
      t.ok(rounds < 9, `after ${rounds}`)
    })
  }
})

t.test('L4 a browser that fetches ahead signs nobody out', async t => {
  const world = await start(t)
  const browser = world.browser()
  await world.open(browser, link)
  const ahead = { 'sec-purpose': 'prefetch;prerender', 'sec-fetch-site': 'same-site', referer: `${origins.analytics}/menu` }
  for (const page of [`${origins.auth}/logout`, `${origins.analytics}/.portico/logout`]) {
    for (const headers of [ahead, { ...ahead, 'sec-fetch-site': 'same-origin' }, { ...ahead, 'sec-purpose': undefined, purpose: 'prefetch' }]) {
      for (let next: URL | undefined = new URL(page), hops = 0; next !== undefined && hops < 4; hops++) next = (await browser.send(next, { headers })).location
      t.equal((await api(browser)).status, 200, `${page} ${JSON.stringify(headers)}`)
    }
  }
  t.equal((await browser.send(`${origins.auth}/logout`, { headers: { 'sec-fetch-site': 'same-site', referer: `${origins.analytics}/menu` } })).status, 303, 'a person that follows the link is signed out')
  t.equal((await api(browser)).status, 401)
})

t.test('product flow 6: each tab of a browser that was signed out from elsewhere is told so', async t => {
  const world = await start(t, { gateway: ['session: { concurrent: 1 }'] })
  const [here, there] = [world.browser(), world.browser()]
  const portal = `${origins.auth}/login/hooli_oidc?app=portal`
  await world.open(here, portal)
  await wait(1_100)
  await world.open(there, portal)
  const tabs = await Promise.all([1, 2, 3].map(async () => await here.send(`${origins.auth}/login?app=portal`)))
  for (const tab of tabs) t.match(tab, { status: 200, text: /places at once/ })
  t.equal((await there.send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })).status, 200, 'nobody is signed in again in silence')
})

t.test('L5 O17 a provider cannot fill the memory of everybody with names that it makes up', async t => {
  const world = await start(t)
  const { provider } = world
  let made = 0
  const tell = async (changed: Claims): Promise<Answer> => await world.browser().send(`${origins.auth}/logout/hooli_oidc/backchannel`, {
    mode: 'cors',
    body: new URLSearchParams({
      logout_token: await signJwt({ alg: provider.key.alg, kid: provider.key.kid, typ: 'logout+jwt' }, {
        iss: provider.issuer, aud: 'portico', iat: seconds(), exp: seconds() + 120, jti: `made-up-${++made}`, events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, ...changed
      }, provider.key.privateKey)
    })
  })
  const ada = world.browser()
  await world.open(ada, link, { sid: 'session-of-ada' })
  const grace = world.browser()
  await world.open(grace, link, { sub: 'grace', sid: undefined, email: 'grace@hooli.com' })
  for (let from = 0; from < 1_200; from += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, i) => await tell(i % 3 === 0 ? { sub: `nobody-${from + i}` } : i % 3 === 1 ? { sid: `${'x'.repeat(900)}${from + i}` } : { sid: `none-${from + i}`, sub: `none-${from + i}` })))
    for (const { status } of answers) t.equal(status, 200)
  }
  t.equal((await traces(world)).revocations.length, 1_000)
  for (const [browser, changed] of [[ada, { sid: 'session-of-ada' }], [grace, { sub: 'grace' }]] as const) {
    t.equal((await api(browser)).status, 200)
    t.equal((await tell(changed)).status, 200)
    t.equal((await api(browser)).status, 401, 'whom it does know is signed out all the same')
  }
  const again = world.browser()
  await wait(1_100)
  await world.open(again, link, { sub: 'grace', sid: undefined, email: 'grace@hooli.com' })
  t.equal((await api(again)).status, 200)
  t.equal((await tell({ sid: 'made up as well', sub: 'grace' })).status, 200)
  t.equal((await api(again)).status, 401, 'rather more than less of somebody known')
  const later = world.browser()
  world.setClock(86_400)
  const { location } = await later.open(link, { until: ({ port }) => port === String(provider.port) })
  provider.script.claims = claims => ({ ...claims, sid: 'under-way' })
  t.equal((await tell({ sid: 'under-way' })).status, 200)
  t.equal(codeOf(await later.open(`${origins.auth}/login/hooli_oidc/callback?${provider.authorize(location?.href ?? '')}`)), 'PORTICO_ATTEMPT_REVOKED', 'the day after a sign-in under way ends again')
  world.setClock(0)
})

t.test('J3 J4 J5 answers to a refresh, as providers give them', async t => {
  const world = await start(t, { lines: ['refresh: true'], analytics: 'forward_access_token: true' })
  const { provider } = world
  t.teardown(() => world.setClock(0))
  let clock = 0
  let nonce: unknown
  const basic: Responder = (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="token"', 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_client' }))
  }
  const refused = (status: number, error: string): Responder => (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
  }
  const granted = (claims: () => Claims | undefined, answer: Claims = {}): Responder => async (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(await refreshed(provider, claims(), answer)))
  }
  const rows: readonly (readonly [name: string, respond: Responder, status: number, token?: string])[] = [
    ['no ID token', granted(() => undefined), 200],
    ['no ID token, said as null', granted(() => undefined, { id_token: null, access_token: 'access-new' }), 200, 'access-new'],
    ['no ID token, said as an empty text', granted(() => undefined, { id_token: '', access_token: 'access-newer' }), 200, 'access-newer'],
    ['the nonce of the sign-in once more', granted(() => ({ nonce })), 200],
    ['a new nonce', granted(() => ({ nonce: 'another' })), 401],
    ['another sub', granted(() => ({ sub: 'somebody-else' })), 401],
    ['another audience', granted(() => ({ aud: 'another' })), 401],
    ['an azp that is not ours', granted(() => ({ azp: 'another' })), 401],
    ['an ID token that is over', granted(() => ({ iat: seconds() - 9_000, exp: seconds() - 8_000 })), 401],
    ['expires_in as text', granted(() => ({}), { expires_in: '600' }), 200],
    ['expires_in 0', granted(() => ({}), { expires_in: 0 }), 200],
    ['expires_in that is nonsense', granted(() => ({}), { expires_in: -5 }), 200],
    ['a token type in capitals', granted(() => ({}), { token_type: 'BEARER' }), 200],
    ['a token type that is none of ours', granted(() => ({}), { token_type: 'DPoP' }), 200],
    ['an access token that is no header', granted(() => ({}), { access_token: 'a\r\nX-Auth-User: root' }), 200],
    ['a refresh token of another kind', granted(() => ({}), { refresh_token: { x: 1 } }), 200],
    ['401 Basic', basic, 401],
    ['invalid_grant', refused(400, 'invalid_grant'), 401],
    ['interaction_required', refused(400, 'interaction_required'), 401],
    ['temporarily_unavailable', refused(400, 'temporarily_unavailable'), 200],
    ['slow_down', refused(429, 'slow_down'), 200],
    ['500 with invalid_grant', refused(500, 'invalid_grant'), 200],
    ['a page', (_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in</h1>') }, 200],
    ['a redirect', (_request, response) => { response.writeHead(302, { location: '/elsewhere' }).end() }, 200],
    ['half an answer', (_request, response) => { response.writeHead(200, { 'content-length': '1000' }).write('{'); response.destroy() }, 200]
  ]
  for (const [name, respond, wanted, token] of rows) {
    await t.test(name, async t => {
      const told = { done: 0 }
      provider.script.answers = {}
      provider.script.token = answer => {
        provider.script.answers = {
          '/token': async (request, response, body) => {
            await respond(request, response, body)
            told.done++
          }
        }
        return { ...answer, refresh_token: `refresh of ${name}`, expires_in: 600 }
      }
      const browser = world.browser()
      const { location } = await browser.open(link, { until: ({ port }) => port === String(provider.port) })
      nonce = location?.searchParams.get('nonce')
      await browser.open(`${origins.auth}/login/hooli_oidc/callback?${provider.authorize(location?.href ?? '')}`)
      t.equal((await api(browser)).status, 200)
      clock += 500
      world.setClock(clock)
      await api(browser)
      await until(() => told.done > 0)
      // whatever comes of it has come: what is refused is asked about once more after two seconds
      await wait(wanted === 401 ? 0 : 300)
      if (wanted === 401) await until(async () => (await api(browser)).status === 401)
      if (token !== undefined) await until(async () => (await api(browser)).text.includes(token))
      const answer = await api(browser)
      t.equal(answer.status, wanted)
      if (wanted === 200) t.match((JSON.parse(answer.text) as { headers: unknown }).headers, { 'x-auth-email': 'ada@hooli.com' })
    })
  }
  t.notMatch(JSON.stringify(world.lines), /refresh of |access-\d{5}/, 'V36')
})
