import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Test } from 'tap'
import type { Answer, Browser } from '../support/browser.ts'
import { codeOf, linksOf, origins, startGateway, submit, type World } from '../support/gateway.ts'
import { createSigningKey, startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts'

const key = await createSigningKey()
const link = `${origins.auth}/login/rogue_oidc?app=portal&return_to=/wanted`

/** The usual world, and a company whose provider does what the test says. */
const startWorld = async (t: Test, isDown = false): Promise<{ world: World, rogue: HostileProvider }> => {
  const rogue = await startHostileProvider({ key, script: { profile: { email: 'eve@rogue.example', email_verified: true } } })
  t.teardown(rogue.close)
  const { issuer } = rogue
  if (isDown) await rogue.stop()
  const world = await startGateway(t, {
    organizations: () => ({
      rogue: [
        'name: Rogue', 'connections:',
        `  rogue_oidc: { connector: oidc, status: active, domains: [rogue.example], discovery_url: "${issuer}", client_id: portico, client_secret: { file: ../secret } }`
      ].join('\n')
    })
  })
  return { world, rogue }
}

/** Signs in there, and ends where the browser ends. */
const signIn = async (rogue: HostileProvider, browser: Browser, page = link): Promise<Answer> => {
  const begun = await browser.open(page, { until: url => url.origin === new URL(rogue.issuer).origin })
  if (begun.location?.origin !== new URL(rogue.issuer).origin) return begun
  const back = begun.location.searchParams.get('redirect_uri') ?? ''
  return await browser.open(`${back}?${rogue.authorize(begun.location.href)}`)
}

const minutes = 60

t.test('what a provider sends is judged before anybody is signed in', async t => {
  const { world, rogue } = await startWorld(t)
  t.beforeEach(() => { rogue.script = { profile: { email: 'eve@rogue.example', email_verified: true } } })

  const isRefused = async (t: Test, code: string, name: string): Promise<void> => {
    const browser = world.browser()
    const answer = await signIn(rogue, browser)
    t.match({ code: codeOf(answer), host: answer.url.hostname }, { code, host: 'auth.localhost' }, name)
    t.ok(answer.status >= 400 && answer.status < 500, `${name}: HTTP ${answer.status}`)
    t.notOk(browser.jar.find('__Host-portico'), `${name}: no session`)
    t.equal(new URL(linksOf(answer)['Try again'] ?? '').searchParams.get('return_to'), `${origins.portal}/wanted`, `${name}: a way on`)
  }

  await t.test('a sound answer signs in', async t => {
    const answer = await signIn(rogue, world.browser())
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.portal}/wanted` })
  })

  await t.test('F10 a nonce that is missing, another one, or that of another attempt', async t => {
    const earlier: unknown[] = []
    rogue.script.claims = claims => {
      earlier.push(claims.nonce)
      return claims
    }
    await signIn(rogue, world.browser())
    const [replayed] = earlier
    t.match(replayed, /^[\w-]{43}$/)
    for (const [name, nonce] of Object.entries({ missing: undefined, empty: '', another: 'x'.repeat(43), replayed, list: [replayed] })) {
      rogue.script.claims = claims => ({ ...claims, nonce })
      await isRefused(t, 'PORTICO_ID_TOKEN_NONCE', name)
    }
  })

  await t.test('F11 V9 the verifier is sent, belongs to the challenge, and is new each time', async t => {
    const used: string[] = []
    for (let i = 0; i < 2; i++) {
      const browser = world.browser()
      await signIn(rogue, browser)
      const asked = browser.history.find(({ location }) => location?.searchParams.has('code_challenge') === true)?.location?.searchParams
      const { form } = rogue.seen.findLast(({ path }) => path === '/token') ?? { form: new URLSearchParams() }
      const verifier = form.get('code_verifier') ?? ''
      t.equal(asked?.get('code_challenge_method'), 'S256')
      t.equal(asked?.get('code_challenge'), createHash('sha256').update(verifier).digest('base64url'))
      t.equal(form.get('redirect_uri'), asked?.get('redirect_uri'))
      used.push(verifier, asked?.get('nonce') ?? '', asked?.get('state') ?? '')
    }
    t.equal(new Set(used).size, 6)
    t.ok(used.every(value => value.length >= 43))
  })

  await t.test('F18 O11 a provider whose clock is five minutes off is believed, one that is six off is not', async t => {
    const shift = (seconds: number) => { rogue.script.claims = claims => ({ ...claims, iat: Number(claims.iat) + seconds, auth_time: Number(claims.iat) + seconds }) }
    for (const seconds of [-5 * minutes + 5, 5 * minutes - 5]) {
      shift(seconds)
      t.equal((await signIn(rogue, world.browser())).url.href, `${origins.portal}/wanted`, `${seconds} s`)
    }
    for (const seconds of [-6 * minutes, 6 * minutes, 7 * 24 * 60 * minutes]) {
      shift(seconds)
      await isRefused(t, 'PORTICO_ID_TOKEN_TIME', `${seconds} s`)
    }
  })

  await t.test('F8 N1 nobody gets in by any of these', async t => {
    const cases: Record<string, [HostileProvider['script'], string]> = {
      'N1 an e-mail of another company': [{ profile: { email: 'ada@acme.com', email_verified: true } }, 'PORTICO_EMAIL_DOMAIN'],
      'N1 an e-mail that only looks like its own': [{ profile: { email: 'eve@rogue.example@acme.com', email_verified: true } }, 'PORTICO_'],
      'N1 a subdomain': [{ profile: { email: 'eve@sub.rogue.example', email_verified: true } }, 'PORTICO_EMAIL_DOMAIN'],
      unverified: [{ profile: { email: 'eve@rogue.example', email_verified: false } }, 'PORTICO_EMAIL'],
      'two e-mails': [{ profile: { email: ['eve@rogue.example', 'ada@acme.com'], email_verified: true } }, 'PORTICO_'],
      'O3 another issuer': [{ claims: claims => ({ ...claims, iss: world.acme.issuer }) }, 'PORTICO_ID_TOKEN_ISSUER'],
      'O5 another audience': [{ claims: claims => ({ ...claims, aud: 'somebody' }) }, 'PORTICO_ID_TOKEN_AUDIENCE'],
      'O2 no signature': [{ idToken: (header, claims) => `${Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.` }, 'PORTICO_ID_TOKEN_ALGORITHM'],
      'O1 a foreign key': [{ keys: [{ ...key, privateKey: (await createSigningKey()).privateKey }] }, 'PORTICO_ID_TOKEN_SIGNATURE']
    }
    for (const [name, [script, code]] of Object.entries(cases)) {
      rogue.script = { profile: { email: 'eve@rogue.example', email_verified: true }, ...script }
      const browser = world.browser()
      const answer = await signIn(rogue, browser)
      t.match(codeOf(answer), new RegExp(`^${code}`), name)
      t.ok(answer.status >= 400 && answer.status < 500, `${name}: HTTP ${answer.status}`)
      t.notOk(browser.jar.find('__Host-portico'), `${name}: no session`)
    }
  })

  await t.test('V35 names and words of a provider are text, wherever they are shown', async t => {
    rogue.script.profile = { email: 'eve@rogue.example', email_verified: true, name: '<script>alert(1)</script><img src=x onerror=alert(2)>', groups: ['<b>'] }
    const browser = world.browser()
    const answer = await signIn(rogue, browser)
    t.equal(answer.status, 200)
    const { headers } = JSON.parse(answer.text)
    t.equal(headers['x-auth-name'], '<script>alert(1)</script><img src=x onerror=alert(2)>')
    const account = await browser.open(`${origins.auth}/account`)
    t.match(account.text, '&lt;script&gt;alert(1)&lt;/script&gt;')
    t.notMatch(account.text, /<script|<img|<b>/)
    for (const unsound of [{ name: 'Eve\r\nX-Evil: 1' }, { groups: ['a\r\nX-Evil: 1'] }]) {
      rogue.script.profile = { email: 'eve@rogue.example', email_verified: true, ...unsound }
      const seen = world.received.length
      await signIn(rogue, world.browser())
      t.notOk(world.received.slice(seen).some(({ headers }) => 'x-evil' in headers), 'C8 no line of its own')
    }
  })
})

t.test('N13 V27 V33 trust that ends while something is still open', async t => {
  const { world, rogue } = await startWorld(t)
  const yaml = world.files.rogue ?? ''
  const disable = async () => await world.reload({ rogue: yaml.replace('status: active', 'status: disabled') })
  const enable = async () => await world.reload({ rogue: yaml })

  await t.test('N13 while the provider is asked for tokens', async t => {
    const browser = world.browser()
    const begun = await browser.open(link, { until: url => url.origin === rogue.issuer })
    rogue.script.answers = {
      '/token': async (_request, response, body) => {
        await disable()
        delete rogue.script.answers
        const relayed = await fetch(`${rogue.issuer}/token`, { method: 'POST', body: new URLSearchParams(body) })
        response.writeHead(relayed.status, { 'content-type': 'application/json' }).end(await relayed.text())
      }
    }
    const answer = await browser.open(`${begun.location?.searchParams.get('redirect_uri')}?${rogue.authorize(begun.location?.href ?? '')}`)
    t.notOk(browser.jar.find('__Host-portico'), 'no session')
    t.match({ status: answer.status, path: answer.url.pathname }, { status: 200, path: '/login' }, 'asked for an e-mail')
    t.notOk(world.lines.some(({ event, email }) => event === 'sign_in' && email === 'eve@rogue.example'))
    await enable()
  })

  await t.test('V27 while the question who goes on is open', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    const question = await signIn(rogue, browser)
    t.match(question.text, /Switch account\?/)
    await disable()
    await enable()
    const answer = await submit(browser, question)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 400, code: 'PORTICO_ATTEMPT_LOST' }, 'enabling it again revives nothing')
    t.equal(JSON.parse((await browser.open(`${origins.portal}/y`)).text).headers['x-auth-email'], 'ada@acme.com', 'and who was there stays')
  })
})

t.test('N13 a provider that is down touches its own people alone', async t => {
  const { world, rogue } = await startWorld(t, true)

  await t.test('N13 at start', async t => {
    const answer = await world.browser().send(link)
    t.match({ status: answer.status, code: codeOf(answer) }, { status: 503, code: 'PORTICO_IDP_UNREACHABLE' })
    t.equal((await world.signIn(world.browser(), `${origins.portal}/x`)).status, 200, 'others sign in')
    t.equal((await fetch(`http://127.0.0.1:${world.opsPort}/readyz`)).status, 200, 'and the gateway is ready')
  })

  await t.test('N13 it is found again without a restart', async t => {
    await rogue.listen()
    world.setClock(60)
    const answer = await signIn(rogue, world.browser())
    t.match({ status: answer.status, url: answer.url.href }, { status: 200, url: `${origins.portal}/wanted` })
    world.setClock(0)
  })

  await t.test('N13 later, between the redirect and the return', async t => {
    const browser = world.browser()
    const begun = await browser.open(link, { until: url => url.origin === new URL(rogue.issuer).origin })
    const parameters = rogue.authorize(begun.location?.href ?? '')
    await rogue.stop()
    const answer = await browser.open(`${begun.location?.searchParams.get('redirect_uri')}?${parameters}`)
    t.match(codeOf(answer), /^PORTICO_IDP_/)
    t.ok([502, 503, 504].includes(answer.status), `HTTP ${answer.status}`)
    t.notOk(browser.jar.find('__Host-portico'))
    t.notMatch(answer.text, /ECONN|127\.0\.0\.1|socket/, 'and nothing internal')
    t.equal((await world.signIn(world.browser(), `${origins.portal}/x`)).status, 200, 'others sign in')
    await rogue.listen()
    t.equal((await signIn(rogue, browser, linksOf(answer)['Try again']?.replace('/login?', '/login/rogue_oidc?'))).url.href, `${origins.portal}/wanted`, 'and its people, when it is back')
  })

  await t.test('N13 who is signed in stays, while it is down', async t => {
    const browser = world.browser()
    await signIn(rogue, browser)
    await rogue.stop()
    t.equal((await browser.open(`${origins.portal}/y`)).status, 200)
    t.equal((await browser.open(`${origins.dashboardUs}/y`)).status, 200, 'and reaches further apps')
  })
})

t.test('N5 V7 V29 V30 section 1, by way of the provider', { timeout: 120_000 }, async t => {
  const { world, rogue } = await startWorld(t)
  const payloads = readFileSync(new URL('../fixtures/return-targets.txt', import.meta.url), 'utf8').split('\n')
    .filter((line, index) => line !== '' && !line.startsWith('# ') && line.length < 1_500 && index % 5 === 0)
  t.ok(payloads.length > 80, `${payloads.length} payloads`)
  const apps = new Set<string>([origins.analytics, origins.dashboardUs, origins.dashboardEu, origins.portal])

  /** What is wrong with the redirects that this browser was sent: the oracle of section 1. */
  const faultsOf = (browser: Browser): string[] => browser.history.flatMap(({ url, status, headers, location }) => {
    const raw = headers.get('location')
    if (url.origin === rogue.issuer || status < 300 || status >= 400) return status >= 500 ? [`HTTP ${status} of ${url.pathname}`] : []
    if (raw === null || location === undefined || /[\r\n\0]/.test(raw) || !/^https?:\/\//.test(raw)) return [`${url.pathname}: ${String(raw)}`]
    if (location.origin === rogue.issuer) return location.pathname === '/authorize' && url.pathname.startsWith('/login') ? [] : [`${url.pathname}: to the provider at ${location.pathname}`]
    return (apps.has(location.origin) || location.origin === origins.auth) && location.username === '' && location.password === '' ? [] : [`${url.pathname}: ${raw}`]
  })

  for (const [name, link] of [
    ['return_to', (payload: string) => ({ app: 'portal', return_to: payload })],
    ['target_link_uri', (payload: string) => ({ app: 'portal', target_link_uri: payload })],
    ['return_to alone', (payload: string) => ({ return_to: payload })]
  ] as const) {
    await t.test(name, async t => {
      const faults: string[] = []
      for (const payload of payloads) {
        const browser = world.browser()
        const end = await signIn(rogue, browser, `${origins.auth}/login/rogue_oidc?${new URLSearchParams(link(payload))}`)
        if (end.status !== 200) faults.push(`${payload}: HTTP ${end.status} at ${end.url.href}`)
        faults.push(...faultsOf(browser).map(fault => `${payload}: ${fault}`))
      }
      t.same(faults, [])
    })
  }

  await t.test('headers of the request, which say where nobody is', async t => {
    const faults: string[] = []
    for (const payload of payloads.filter(text => !/[^\u0020-\u007e]/.test(text)).filter((_, index) => index % 3 === 0)) {
      const browser = world.browser()
      const headers = Object.fromEntries(['x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-uri', 'x-original-url', 'x-rewrite-url', 'forwarded', 'referer', 'origin'].map(name => [name, payload]))
      for (const url of [`${origins.portal}/page`, `${origins.portal}/.portico/begin`, `${origins.portal}/.portico/ticket?ticket=x&begin=y`, `${origins.portal}/.portico/logout`, `${origins.auth}/login/rogue_oidc?app=portal`, `${origins.auth}/logout`, `${origins.auth}/`]) {
        const answer = await browser.send(url, { headers })
        if (answer.status < 300 || answer.status >= 400) faults.push(`${payload}: HTTP ${answer.status} of ${url}`)
      }
      faults.push(...faultsOf(browser).map(fault => `${payload}: ${fault}`))
    }
    t.same(faults, [])
  })
})
