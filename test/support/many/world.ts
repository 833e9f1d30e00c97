import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createBrowser, type Browser, type CookieJar } from '../browser.ts'
import { freePort } from '../free-port.ts'
import { callbackOf, origins, type Test } from '../gateway.ts'
import { startProvider, type RunningProvider } from '../provider.ts'
import { serve, type Serving } from '../serving.ts'

const portico = fileURLToPath(new URL('../../../bin/portico.js', import.meta.url))

/** One `portico serve` of several that share keys, organizations and store. */
export interface Instance {
  readonly name: string
  readonly port: number
  readonly opsPort: number
  /** Starts it where it is not running; resolves when it listens. */
  start (): Promise<void>
  /** SIGKILL. */
  kill (): Promise<void>
  /** Its log since it was started last. */
  log (): Serving['lines']
}

/** Groups of somebody whose identity fits no cookie. */
export const manyGroups: readonly string[] = Array.from({ length: 300 }, (_, i) => `${String(i).padStart(8, '0')}-0000-4000-8000-000000000000`)

export interface Many {
  readonly instances: readonly Instance[]
  readonly provider: RunningProvider
  /** A browser whose next request goes to the port that this says. */
  browser (port: () => number, jar?: CookieJar): Browser
  /** What a command of portico says, as on any of the machines. */
  command (...args: readonly string[]): Promise<string>
}

export interface ManyOptions {
  readonly instances: number
  /** What stands after `store:`. */
  readonly store: string
  /** Lines of portico.yaml beside the usual ones. */
  readonly lines?: readonly string[]
  /** Seconds that a code of the provider is good for. */
  readonly codeLifetime?: number
}

/** How many people there are of each kind: `p0`, `p1` … are in three groups, `big0`, `big1` … in 300. */
export const population = 400

const accounts = Object.fromEntries(Array.from({ length: population }, (_, i) => [
  [`p${i}`, { email: `p${i}@acme.com`, email_verified: true, name: `Person ${i}`, groups: ['staff', 'sales', 'support'] }],
  [`big${i}`, { email: `big${i}@acme.com`, email_verified: true, name: `Big ${i}`, groups: manyGroups }]
]).flat())

const startApp = async (t: Test): Promise<number> => {
  // groups stand in a header and in the assertion: more than Node's own 16 kB
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    const { 'x-auth-email': email, 'x-auth-groups': groups, 'x-auth-groups-omitted': omitted } = request.headers
    request.resume()
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ url: request.url, email, groups: groups === undefined ? Number(omitted ?? 0) : String(groups).split(',').length }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    server.closeAllConnections()
    server.close(resolve)
  }))
  // listen() on a host gives an address object
  return (server.address() as AddressInfo).port
}

/** Several real gateway processes, one real provider, one app on two hosts. Everything ends with the test. */
export const startMany = async (t: Test, { instances: count, store, lines = [], codeLifetime = 60 }: ManyOptions): Promise<Many> => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-many-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const secret = randomBytes(24).toString('hex')
  const app = await startApp(t)
  const provider = await startProvider({
    accounts,
    clients: [{ client_id: 'portico', client_secret: secret, redirect_uris: [callbackOf('acme_oidc')] }],
    configuration: { expiresWithSession: () => false, ttl: { AccessToken: 600, AuthorizationCode: codeLifetime, IdToken: 600, Interaction: 600, Grant: 600, Session: 600 } }
  })
  t.teardown(() => provider.close())

  await mkdir(join(folder, 'organizations'))
  await writeFile(join(folder, 'key'), randomBytes(32).toString('base64'))
  await writeFile(join(folder, 'secret'), secret)
  await writeFile(join(folder, 'organizations', 'acme.yaml'), [
    'name: Acme Corp',
    'connections:',
    `  acme_oidc: { connector: oidc, status: active, domains: [acme.com], discovery_url: "${provider.issuer}", client_id: portico, client_secret: { file: ../secret } }`
  ].join('\n'))

  const instanceAt = async (number: number): Promise<Instance> => {
    const own = join(folder, `instance-${number}`)
    const [port, opsPort] = [await freePort(), await freePort()]
    await mkdir(own)
    await writeFile(join(own, 'portico.yaml'), [
      `auth_url: ${origins.auth}`,
      `listen: { port: ${port} }`,
      `ops: { port: ${opsPort} }`,
      'trusted_proxies: [127.0.0.0/8]',
      'keys: [{ file: ../key }]',
      `store: ${store}`,
      'organizations: ../organizations',
      ...lines,
      'apps:',
      `  analytics: { name: Analytics, url: "${origins.analytics}", upstream: "http://127.0.0.1:${app}" }`,
      `  portal: { name: Portal, url: "${origins.portal}", upstream: "http://127.0.0.1:${app}" }`
    ].join('\n'))
    let running: Serving | undefined
    return {
      name: `instance ${number}`,
      port,
      opsPort,
      start: async () => {
        running ??= serve(t, own)
        await running.line(({ msg }) => msg === 'listening')
      },
      kill: async () => {
        running?.child.kill('SIGKILL')
        await running?.ended
        running = undefined
      },
      log: () => running?.lines ?? []
    }
  }

  const instances: Instance[] = []
  for (let i = 1; i <= count; i++) instances.push(await instanceAt(i))
  await Promise.all(instances.map(instance => instance.start()))

  return {
    instances,
    provider,
    browser: (port, jar) => createBrowser({ ...jar !== undefined && { jar }, connect: ({ hostname }) => hostname.endsWith('.localhost') ? { port: port() } : undefined }),
    command: async (...args) => (await promisify(execFile)(process.execPath, [portico, ...args, '--config', join(folder, 'instance-1', 'portico.yaml')])).stdout
  }
}

/** Each of these in turn. */
export const inTurn = <T>(values: readonly T[]): () => T => {
  let next = 0
  return () => {
    const value = values[next++ % values.length]
    if (value === undefined) throw new TypeError('nothing to choose from')
    return value
  }
}
