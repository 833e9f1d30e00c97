import t from 'tap'
import { ask, bodyOf, exchangeRaw, statusOf } from '../proxy/harness.ts'
import { send, type Answer } from '../support/browser.ts'
import { codeOf, origins, startGateway } from '../support/gateway.ts'

t.test('at the door, nobody signed in', async t => {
  const world = await startGateway(t)
  const connect = { port: world.port }
  const bare = { 'sec-fetch-mode': undefined, 'sec-fetch-dest': undefined, 'sec-fetch-site': undefined, 'upgrade-insecure-requests': undefined }
  const at = async (path: string, headers: Record<string, string | undefined> = {}, method = 'GET'): Promise<Answer> =>
    await send(origins.analytics + path, { connect, method, headers })

  const isTurnedAway = (t: import('tap').Test, answer: Answer, name: string): void => {
    t.match({
      status: answer.status,
      type: answer.headers.get('content-type'),
      cache: answer.headers.get('cache-control'),
      own: answer.headers.get('x-portico-intercepted'),
      cookies: answer.setCookies
    }, { status: 401, type: 'application/problem+json', cache: 'no-store', own: 'true', cookies: [] }, name)
    if (answer.method !== 'HEAD') {
      t.match(answer.json(), { type: String, title: String, status: 401, code: 'PORTICO_SIGN_IN_REQUIRED', login_url: `${origins.auth}/login?app=analytics`, request_id: answer.headers.get('x-request-id') }, name)
    }
  }

  const isChallenged = (t: import('tap').Test, answer: Answer, name: string): void => {
    t.equal(answer.status, 302, name)
    t.match(answer.location?.href, new RegExp(`^${origins.auth}/login\\?request=[\\w.-]+$`), name)
    t.match(answer.setCookies, [/^__Host-portico-begin-[\w-]{16}=[\w.-]+; Max-Age=1800; Path=\/; HttpOnly; Secure; SameSite=Lax$/], name)
    t.match(answer.headers.get('cache-control'), /no-store/, `A12 ${name}`)
    t.equal(answer.headers.get('referrer-policy'), 'no-referrer', name)
  }

  await t.test('A1 A9 a page, by GET and HEAD, with and without fetch metadata', async t => {
    isChallenged(t, await at('/x'), 'a browser')
    isChallenged(t, await at('/x', bare), 'an older browser')
    isChallenged(t, await at('/x', {}, 'HEAD'), 'A9')
    isChallenged(t, await at('/x', { ...bare, accept: 'TEXT/HTML;q=0.9' }), 'in any case')
    isChallenged(t, await at('/api/x.json', {}), 'whatever the path is called')
  })

  await t.test('A2 A3 A7 a script, an image, anything that is not a page in a tab', async t => {
    const cases: Record<string, Record<string, string | undefined>> = {
      'A2 JSON is asked for': { ...bare, accept: 'application/json' },
      'A3 axios': { ...bare, accept: 'application/json, text/plain, */*' },
      'A3 anything': { ...bare, accept: '*/*' },
      'no Accept': { ...bare, accept: undefined },
      'an HTML page that is refused': { ...bare, accept: 'text/html;q=0, application/json' },
      jQuery: { ...bare, 'x-requested-with': 'XMLHttpRequest' },
      htmx: { accept: 'text/html', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
      ...Object.fromEntries(['image', 'script', 'style', 'empty', 'font', 'manifest', 'serviceworker', 'sharedworker', 'worker', 'video', 'object', 'report', 'xslt'].map(dest =>
        [`A7 A8 ${dest}`, { 'sec-fetch-dest': dest, 'sec-fetch-mode': 'no-cors' }])),
      'a frame': { 'sec-fetch-dest': 'iframe' },
      'an embed': { 'sec-fetch-dest': 'embed' },
      'A8 a service worker': { ...bare, accept: 'text/html', 'service-worker': 'script' },
      'A8 prefetch': { 'sec-purpose': 'prefetch' },
      'A8 prerender': { 'sec-purpose': 'prefetch;prerender' },
      'A8 prefetch of old': { ...bare, purpose: 'prefetch' }
    }
    for (const [name, headers] of Object.entries(cases)) isTurnedAway(t, await at('/x', headers), name)
    isTurnedAway(t, await at('/favicon.ico', { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' }), 'A8 favicon')
    isTurnedAway(t, await at('/x', { ...bare, accept: 'application/json' }, 'HEAD'), 'A9 HEAD')
    const two = await ask(world.port, 'GET /x', ['Host: analytics.localhost', 'Accept: application/json', 'Accept: text/plain'])
    t.match(two, /^HTTP\/1\.1 401 /, 'A3 two Accept headers')
  })

  await t.test('the region is named in login_url', async t => {
    const answer = await send(`${origins.dashboardEu}/x`, { connect, mode: 'cors' })
    t.match(answer.json(), { login_url: `${origins.auth}/login?app=dashboard&region=eu` })
  })

  await t.test('A4 A5 other methods', async t => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY']) isTurnedAway(t, await at('/x', {}, method), `A4 ${method}`)
    isTurnedAway(t, await at('/x', { origin: 'https://other.example', 'access-control-request-method': 'POST' }, 'OPTIONS'), 'A5 preflight')
    const posted = await send(`${origins.analytics}/x`, { connect, body: 'a=1' })
    isTurnedAway(t, posted, 'A4 a form')
    t.equal(posted.location, undefined)
  })

  await t.test('A6 a WebSocket', async t => {
    const answer = await exchangeRaw(world.port, ['GET /ws HTTP/1.1', 'Host: analytics.localhost:8080', 'Origin: http://analytics.localhost:8080', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n'))
    t.equal(statusOf(answer), 401)
    t.match(bodyOf(answer), /PORTICO_SIGN_IN_REQUIRED/)
    t.notMatch(answer, /set-cookie/i)
  })

  await t.test('A10 A13 what belongs to the app, and what to nobody', async t => {
    for (const path of ['/robots.txt', '/ping', '/ready', '/metrics', '/login', '/logout', '/account', '/.well-known/jwks.json', '/livez']) {
      isTurnedAway(t, await at(path, { ...bare, accept: 'application/json' }), `A10 ${path}`)
    }
    const unknown = await send('http://unknown.localhost:8080/x', { connect })
    t.match({ status: unknown.status, code: codeOf(unknown), cookies: unknown.setCookies }, { status: 421, code: 'PORTICO_UNKNOWN_HOST', cookies: [] }, 'A13')
  })

  await t.test('A11 Portico’s own paths never reach the app, in any spelling', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.analytics}/x`)
    const cookie = browser.jar.header(new URL(origins.analytics))
    const before = world.received.length
    for (const path of ['/.portico/', '/.portico/x', '/.portico/ticket/', '/.portico/begin/x', '/%2eportico/begin', '/.%70ortico/ticket', '//.portico/begin', '/./.portico/logout', '/x/../.portico/begin', '/.PORTICO/begin', '/.portico%2fbegin', '/.portico\\begin', '/.portico;x/begin', '/%2e%70%6f%72%74%69%63%6f/logout', '/.portico/%2e%2e/.portico/ticket', '/.portico/../x', '/%252eportico/begin']) {
      const answer = await ask(world.port, `GET ${path}`, ['Host: analytics.localhost:8080', `Cookie: ${cookie}`, 'Accept: application/json'])
      t.match(answer, /^HTTP\/1\.1 404 [\s\S]*PORTICO_NOT_FOUND/, path)
    }
    t.equal(world.received.length, before)
  })

  await t.test('A12 every answer of sign-in and refusal is kept by nobody, and says so', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    await browser.open(`${origins.auth}/logout`)
    for (const link of ['/login?app=portal', '/login?email=a@unknown.example', '/login/nowhere', '/login/acme_oidc/callback', '/account', '/nothing', '/logout/done', '/favicon.ico']) await browser.send(origins.auth + link)
    await browser.send(`${origins.auth}/login`, { method: 'PUT' })
    for (const { url, headers, status } of browser.history.filter(({ url, headers }) => url.host === 'auth.localhost:8080' || headers.get('x-portico-intercepted') === 'true')) {
      t.match({
        cache: headers.get('cache-control'), referrer: headers.get('referrer-policy'), sniff: headers.get('x-content-type-options'), frame: headers.get('x-frame-options'), csp: headers.get('content-security-policy')
      }, { cache: 'no-store', referrer: /^(?:no-referrer|same-origin)$/, sniff: 'nosniff', frame: 'DENY', csp: /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; frame-ancestors 'none'$/ }, `${status} ${url.pathname}`)
    }
  })
})
