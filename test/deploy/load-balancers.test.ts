import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises'
import { createServer, type ClientRequest, type IncomingMessage } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { loadConfiguration } from '../../src/config/load.ts'
import { freePort } from '../support/free-port.ts'
import { portOf, serve } from '../support/serving.ts'
import { signIn } from '../support/signed-in.ts'
import { isListening } from '../support/is-listening.ts'

const deploy = new URL('../../deploy/', import.meta.url)
const tls = new URL('../proxy/tls/', import.meta.url)
const host = 'analytics.localhost'

/** Debian has servers where people who are not root do not look. */
const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` }

/** A sample with the tests' own places in it. What is replaced must stand there. */
const placed = async (name: string, places: Readonly<Record<string, string>>): Promise<string> => {
  let sample = await readFile(new URL(name, deploy), 'utf8')
  for (const [there, here] of Object.entries(places)) {
    if (!sample.includes(there)) throw new Error(`${name} has no '${there}'`)
    sample = sample.replaceAll(there, here)
  }
  return sample
}

interface Balancer {
  readonly program: string
  /** Writes the sample into the folder and answers with what checks it and what runs it. */
  prepare (folder: string, ports: { readonly plain: number, readonly secure: number, readonly instances: readonly [Instance, Instance] }): Promise<{ check: readonly string[], run: readonly string[] }>
}

interface Instance { readonly port: number, readonly ops: number }

const nginx: Balancer = {
  program: 'nginx',
  async prepare (folder, { plain, secure, instances: [one, two] }) {
    const file = join(folder, 'nginx.conf')
    await writeFile(file, await placed('nginx.conf', {
      'portico-1:8080': `127.0.0.1:${one.port}`,
      'portico-2:8080': `127.0.0.1:${two.port}`,
      'listen 80 default_server': `listen 127.0.0.1:${plain} default_server`,
      'listen 443 ssl default_server': `listen 127.0.0.1:${secure} ssl default_server`,
      '/etc/nginx/tls/': `${folder}/`,
      'http {': `http { ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join(' ')}`
    }))
    const args = ['-p', folder, '-c', file, '-g', `daemon off; pid ${folder}/pid; error_log stderr;`]
    return { check: ['-t', ...args], run: args }
  }
}

const haproxy: Balancer = {
  program: 'haproxy',
  async prepare (folder, { plain, secure, instances: [one, two] }) {
    const file = join(folder, 'haproxy.cfg')
    await writeFile(file, await placed('haproxy.cfg', {
      'portico-1:8080': `127.0.0.1:${one.port} port ${one.ops}`,
      'portico-2:8080': `127.0.0.1:${two.port} port ${two.ops}`,
      'bind :80\n': `bind 127.0.0.1:${plain}\n`,
      'bind :443': `bind 127.0.0.1:${secure}`,
      '/usr/local/etc/haproxy/tls/': `${folder}/`
    }))
    return { check: ['-c', '-f', file], run: ['-db', '-f', file] }
  }
}

const isInstalled = (program: string): boolean => {
  try {
    execFileSync(program, ['-v'], { stdio: 'ignore', env })
    return true
  } catch {
    return false
  }
}

const start = async (t: { teardown (end: () => unknown): void }, balancer: Balancer) => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-deploy-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))

  // event streams go on when the test says so
  const streams: (() => void)[] = []
  const upstream = createServer({ maxHeaderSize: 64 * 1024 }, (incoming, response) => {
    if (incoming.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n')
      streams.push(() => response.end('data: two\n\n'))
      return
    }
    if (incoming.url === '/large') response.setHeader('x-large', 'l'.repeat(16_000))
    if (incoming.url === '/early') {
      // answers before the body is there
      incoming.once('data', chunk => { response.write(`got ${String(chunk)}`) })
      incoming.once('end', () => response.end(' and the end'))
      return
    }
    text(incoming).then(body => response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers, length: body.length })), () => response.destroy())
  }).listen(0, '127.0.0.1')
  const sockets = new WebSocketServer({ server: upstream })
  sockets.on('connection', socket => socket.on('message', message => socket.send(String(message))))
  await once(upstream, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    upstream.closeAllConnections()
    upstream.close()
  })

  await mkdir(join(folder, 'organizations'))
  await writeFile(join(folder, 'key'), randomBytes(32).toString('base64'))
  await writeFile(join(folder, 'portico.yaml'), [
    'auth_url: https://auth.localhost',
    'listen: { port: 0 }',
    'ops: { port: 0 }',
    'trusted_proxies: [127.0.0.0/8]',
    'keys: [{ file: key }]',
    'store: { kind: sqlite, path: portico.db }',
    `apps: { analytics: { url: "https://${host}", upstream: "http://127.0.0.1:${(upstream.address() as AddressInfo).port}" } }`
  ].join('\n'))
  await writeFile(join(folder, 'organizations', 'acme.yaml'), [
    'name: Acme Corp',
    'connections:',
    '  acme_oidc: { connector: oidc, status: active, domains: [acme.com], discovery_url: "http://127.0.0.1:9", client_id: portico, client_secret: { file: ../key } }'
  ].join('\n'))
  const { configuration, problems } = await loadConfiguration({ file: join(folder, 'portico.yaml'), env: {} })
  if (configuration === undefined) throw new Error(JSON.stringify(problems))

  const begin = async () => {
    const gateway = serve(t, folder)
    const line = await gateway.line(({ msg }) => msg === 'listening')
    return { gateway, port: portOf(line), ops: portOf(line, 'ops') }
  }
  const instances = [await begin(), await begin()] as const

  const [certificate, key] = [await readFile(new URL('upstream.pem', tls)), await readFile(new URL('upstream.key', tls))]
  await writeFile(join(folder, 'tls.crt'), certificate)
  await writeFile(join(folder, 'tls.key'), key)
  await writeFile(join(folder, 'both.pem'), Buffer.concat([certificate, key]))
  const [plain, secure] = [await freePort(), await freePort()]
  const { check, run } = await balancer.prepare(folder, { plain, secure, instances })
  // throws what it finds wrong
  execFileSync(balancer.program, check, { stdio: ['ignore', 'pipe', 'pipe'], env })

  const child = spawn(balancer.program, run, { stdio: ['ignore', 'ignore', 'pipe'], env })
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (more: string) => { told += more })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  while (!await isListening(secure)) {
    if (child.exitCode !== null) throw new Error(told)
    await wait(50)
  }

  const [{ cookie = '' } = {}] = await signIn(configuration, host)
  const send = (path: string, options: RequestOptions = {}, body?: (sent: ClientRequest) => void): Promise<IncomingMessage> => new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1', port: secure, path, rejectUnauthorized: false, maxHeaderSize: 64 * 1024, agent: false, ...options, headers: { host, cookie, ...options.headers }
    }, resolve).once('error', reject)
    if (body === undefined) sent.end()
    else body(sent)
  })
  const get = async (path: string, options: RequestOptions = {}) => {
    const answer = await send(path, options)
    return { status: answer.statusCode, headers: answer.headers, text: await text(answer) }
  }
  return { instances, plain, secure, cookie, send, get, streams }
}

for (const balancer of [nginx, haproxy]) {
  const { program } = balancer
  const skip = process.env.CI === 'true' || isInstalled(program) ? false : `${program} is not installed`

  t.test(`the sample of ${program}, run`, { skip }, async t => {
    const { instances, plain, secure, cookie, send, get, streams } = await start(t, balancer)
    const echo = async (path: string, headers: Record<string, string> = {}) => JSON.parse((await get(path, { headers })).text) as { url: string, headers: Record<string, string> }

    await t.test('K1 the address arrives byte for byte', async t => {
      for (const path of ['/', '/a%2Fb//c/./x?', '/x?a;b&c=%zz', `/${'p'.repeat(8_000)}`, '/%E2%82%AC?q=%20+']) t.equal((await echo(path)).url, path, path.slice(0, 40))
    })

    await t.test('D2 C11 what is said of the client is the load balancer\'s word', async t => {
      const { headers } = await echo('/x', { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example', 'x-auth-email': 'evil@acme.com' })
      t.match(headers, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': host, 'x-auth-email': 'ada.lovelace.0@acme.com' })
    })

    await t.test('nobody signed in: on to the auth host by https; plain http leads to https', async t => {
      const { status, headers } = await get('/x', { headers: { cookie: '', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' } })
      t.equal(status, 302)
      t.match(headers.location, /^https:\/\/auth\.localhost\//)
      const answer = await fetch(`http://127.0.0.1:${plain}/x?y=1`, { redirect: 'manual' })
      t.match([answer.status, answer.headers.get('location')], [308, /^https:\/\/.*\/x\?y=1$/])
    })

    await t.test('N11 headers of 16 kB, either way', async t => {
      const cookies = `other=${'c'.repeat(16_000)}`
      t.equal((await echo('/x', { cookie: `${cookies}; ${cookie}` })).headers['cookie'], cookies)
      t.equal((await get('/large')).headers['x-large']?.length, 16_000)
    })

    await t.test('K6 an event stream arrives as it is sent', async t => {
      const answer = await send('/events')
      answer.setEncoding('utf8')
      const [first] = await once(answer, 'data')
      t.equal(first, 'data: one\n\n', 'while the rest is still to come')
      const rest = text(answer)
      for (const end of streams) end()
      t.match(await rest, /data: two/)
    })

    await t.test('K2 an upload arrives as it is sent', async t => {
      const answer = await send('/early', { method: 'POST' }, sent => {
        sent.write('one')
        sent.once('response', () => sent.end('two'))
      })
      t.equal(await text(answer), 'got one and the end')
    })

    await t.test('K5 WebSockets', async t => {
      const socket = new WebSocket(`wss://127.0.0.1:${secure}/socket`, { rejectUnauthorized: false, headers: { host, cookie }, origin: `https://${host}` })
      await once(socket, 'open')
      for (const message of ['one', 'x'.repeat(100_000)]) {
        socket.send(message)
        t.equal(String((await once(socket, 'message'))[0]), message)
      }
      socket.close()
      await once(socket, 'close')
    })

    await t.test('an instance that is killed takes nobody with it', async t => {
      instances[0].gateway.child.kill('SIGKILL')
      for (let i = 0; i < 30; i++) t.equal((await get('/x')).status, 200)
    })
  })
}
