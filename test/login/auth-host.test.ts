import { connect as openSocket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { exchangeRaw } from '../proxy/harness.ts'
import { send } from '../support/browser.ts'
import { callbackOf, codeOf, origins, startGateway } from '../support/gateway.ts'

t.test('the auth host', async t => {
  const world = await startGateway(t)
  const connect = { port: world.port }

  await t.test('A9 HEAD is GET without a body', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    for (const path of ['/login', '/login?email=a@unknown.example', '/login?app=portal', '/login/acme_oidc/callback?state=x', '/account', '/logout/done', '/.well-known/jwks.json', '/robots.txt', '/nothing']) {
      for (const jar of [undefined, browser.jar]) {
        const get = await send(origins.auth + path, { connect, jar })
        const head = await send(origins.auth + path, { connect, jar, method: 'HEAD' })
        t.match({ status: head.status, text: head.text, type: head.headers.get('content-type') }, { status: get.status, text: '', type: get.headers.get('content-type') }, path)
      }
    }
  })

  await t.test('forms: only forms, small ones, and whole ones', async t => {
    const post = async (body: string, headers: Record<string, string | undefined> = {}) => await send(callbackOf('acme_oidc'), { connect, body, headers })
    const json = await post('{}', { 'content-type': 'application/json' })
    t.match({ status: json.status, code: codeOf(json) }, { status: 415, code: 'PORTICO_MEDIA_TYPE' })
    const typeless = await post('a=b', { 'content-type': undefined })
    t.match({ status: typeless.status, code: codeOf(typeless) }, { status: 415, code: 'PORTICO_MEDIA_TYPE' })
    const large = await post(`state=${'x'.repeat(200_000)}`)
    t.match({ status: large.status, code: codeOf(large) }, { status: 413, code: 'PORTICO_BODY_TOO_LARGE' })
    const chunked = await exchangeRaw(world.port, ['POST /login/acme_oidc/callback HTTP/1.1', 'Host: auth.localhost', 'Content-Type: application/x-www-form-urlencoded', 'Transfer-Encoding: chunked', 'Accept: text/html', 'Connection: close', '', '7', 'state=x', '0', '', ''].join('\r\n'))
    t.match(chunked, /^HTTP\/1\.1 303 /)
    const garbage = await post('%zz=%&=&&&\u0000=\ufffd')
    t.equal(garbage.status, 303)
    t.equal(codeOf(await send(garbage.location ?? '', { connect })), 'PORTICO_ATTEMPT_LOST')
  })

  await t.test('K2 a form that waits to be invited', async t => {
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = openSocket(world.port, '127.0.0.1', () => socket.write('POST /login/acme_oidc/callback HTTP/1.1\r\nHost: auth.localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n'))
      socket.on('data', chunk => {
        text += String(chunk)
        if (text.endsWith('100 Continue\r\n\r\n')) socket.write('state=x')
      }).on('error', reject).on('close', () => resolve(text))
    })
    t.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 303 /)
  })

  await t.test('a sender that leaves in the middle of a form takes nothing along', async t => {
    const socket = openSocket(world.port, '127.0.0.1', () => socket.write('POST /login/acme_oidc/callback HTTP/1.1\r\nHost: auth.localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nsta'))
    await wait(50)
    socket.destroy()
    await wait(50)
    t.equal((await send(`${origins.auth}/login`, { connect })).status, 200)
    t.notOk(world.lines.some(({ level }) => level === 'error'), 'and is no failure of ours')
  })

  await t.test('V3 V36 the account page and its JSON: who, and nothing else', async t => {
    const browser = world.browser()
    await world.signIn(browser, `${origins.portal}/x`)
    const page = await browser.send(`${origins.auth}/account`)
    const json = await browser.send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })
    t.same(Object.keys(Object(json.json())).sort(), ['api_keys', 'apps', 'connection', 'email', 'name', 'organization', 'sessions', 'signed_in_at', 'user'])
    // this browser sends no User-Agent
    for (const session of Object(json.json()).sessions) t.same(Object.keys(session).sort(), ['client', 'connection', 'current', 'id', 'last_seen_at', 'signed_in_at'])
    t.match(json.json(), { email: 'ada@acme.com', name: 'Ada Lovelace', organization: 'Acme Corp', apps: [{ id: 'analytics', url: `${origins.analytics}/` }, { id: 'dashboard' }, { id: 'portal', url: `${origins.portal}/start` }] })
    t.match(page.text, /Ada Lovelace[\s\S]*ada@acme\.com[\s\S]*Acme Corp/)
    const secrets = [browser.jar.find('__Host-portico', 'auth.localhost')?.value, 'eyJ', 'access_token', 'id_token', 'client_secret', 'sid']
    for (const text of [page.text, json.text]) for (const secret of secrets) t.notMatch(text, secret ?? 'none')
    const hari = world.browser()
    await world.signIn(hari, `${origins.portal}/x`, 'hari')
    t.match((await hari.send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })).json(), { apps: [{ id: 'portal' }] }, 'N14 the apps of one’s own organization')
    const nobody = await world.browser().send(`${origins.auth}/account`, { headers: { accept: 'application/json' } })
    t.match({ status: nobody.status, body: nobody.json() }, { status: 401, body: { code: 'PORTICO_SIGN_IN_REQUIRED', login_url: `${origins.auth}/login` } })
    t.equal((await world.browser().send(`${origins.auth}/account`)).location?.href, `${origins.auth}/login`)
  })

  await t.test('R33 every page of an error has a code and a request id that the log knows', async t => {
    for (const path of ['/nothing', '/login/acme_oidc/callback', '/login?app=nowhere', '/login/acme_oidc?iss=x', '/login?email=x', '/favicon.ico']) {
      const page = await send(origins.auth + path, { connect })
      const problem = await send(origins.auth + path, { connect, headers: { accept: 'application/json' } })
      const id = page.headers.get('x-request-id') ?? ''
      const code = codeOf(page)
      t.ok(code, path)
      t.match(page.text, id)
      t.ok(world.lines.some(line => line.request_id === id && line.code === code), `${path} ${code} is logged`)
      t.match(world.lines.find(line => line.request_id === id && line.msg === 'request'), { host: 'auth.localhost', path: path.replace(/\?.*/, ''), status: page.status })
      t.equal(problem.headers.get('content-type'), 'application/problem+json')
      t.match(problem.json(), { code, status: page.status, request_id: problem.headers.get('x-request-id'), title: String })
    }
  })

  await t.test('V10 V31 nothing that is sent makes a 500', async t => {
    const lines = [
      'GET /login?%zz', 'GET /login?app=%00', 'GET /login?email=%ff%fe', 'GET /login/%', 'GET /login/%ff', 'GET /login/..%2f..%2fx', 'GET /login/__proto__', 'GET /login/constructor?app=toString', 'GET /login?app=__proto__&region=__proto__', 'GET /login?request=__proto__',
      `GET /login/${'x'.repeat(5_000)}`, 'GET //login', 'GET /login/', 'GET /login/acme_oidc/callback/', 'GET /login;x', 'GET /LOGIN', 'GET /?x', 'GET /login?round=1e99&app=portal', 'GET http://evil.example/login', 'GET *', 'OPTIONS *', 'FOO /login', 'TRACE /login', 'GET /logout?return_to=%', 'GET /login?email=a&email=b&app=a&app=b&request=&request='
    ]
    for (const line of lines) {
      const answer = await exchangeRaw(world.port, `${line} HTTP/1.1\r\nHost: auth.localhost:8080\r\nAccept: text/html\r\nX-Forwarded-For: ,,x\r\nCookie: __Host-portico=%; __Host-portico-attempt-=; __Host-portico-email=\r\nConnection: close\r\n\r\n`)
      t.match(answer, /^HTTP\/1\.1 [234]/, line.slice(0, 60))
    }
  })
})

t.test('too many requests of one client', async t => {
  const world = await startGateway(t, { lines: ['trusted_proxies: [127.0.0.1]'] })
  const from = async (client: string) => await send(`${origins.auth}/login`, { connect: { port: world.port }, headers: { 'x-forwarded-for': client } })
  const floodOf = async (client: (i: number) => string) => {
    for (let i = 0; i < 600; i += 20) await Promise.all(Array.from({ length: 20 }, async (_, j) => await from(client(i + j))))
  }
  await floodOf(() => '203.0.113.7')
  const answer = await from('203.0.113.7')
  t.match({ status: answer.status, code: codeOf(answer), after: answer.headers.get('retry-after') }, { status: 429, code: 'PORTICO_TOO_MANY_REQUESTS', after: /^\d+$/ })
  t.equal((await from('203.0.113.8')).status, 200, 'others are not touched')
  await floodOf(i => `2001:db8:1:2::${i.toString(16)}`)
  t.equal((await from('2001:db8:1:2:ffff::1')).status, 429, 'a /64 is one client')
  t.equal((await from('2001:db8:1:3::1')).status, 200)
})
