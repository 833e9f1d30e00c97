import { createServer, type RequestListener, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { pino } from 'pino'
import { createAppsHost } from '../../src/hosts/apps.ts'
import type { AppLogin } from '../../src/hosts/app-login.ts'
import { createDoor, type DoorDeps } from '../../src/hosts/door.ts'
import { createAttendance } from '../../src/proxy/attendance.ts'
import { createClients } from '../../src/proxy/client.ts'
import type { Exchange } from '../../src/proxy/exchange.ts'
import { createForward } from '../../src/proxy/forward.ts'
import { createHeaderKinds } from '../../src/proxy/header-kinds.ts'
import { createDecline } from '../../src/proxy/refusal.ts'
import { createTunnels } from '../../src/proxy/tunnels.ts'
import { createUpgrade } from '../../src/proxy/upgrade.ts'
import { createUpstreams } from '../../src/proxy/upstreams.ts'
import { PorticoError } from '../../src/errors.ts'
import type { App, Configuration, PublicRule, Upstream } from '../../src/config/configuration.ts'
import type { Session } from '../../src/sessions/session.ts'
import type { RequestLine } from '../../src/telemetry/request-log.ts'
import { configurationOf as baseConfiguration, placeOf } from '../support/configuration.ts'

/** Something that can be told to call back when the test is over. */
interface Test { teardown (handler: () => unknown): void }

export const upstreamAt = (port: number, overrides: Partial<Upstream> = {}): Upstream => ({
  id: `http://127.0.0.1:${port}`,
  origin: `http://127.0.0.1:${port}`,
  socketPath: undefined,
  hostHeader: 'public',
  tls: undefined,
  headersTimeout: 60_000,
  ...overrides
})

export const rule = (path: string, methods = ['GET', 'HEAD']): PublicRule => ({
  methods: new Set(methods),
  path: path.replace(/\*$/, ''),
  prefix: path.endsWith('*')
})

export interface PlaceOptions extends Partial<Pick<App, 'public' | 'preflight' | 'websocketOrigins'>> {
  readonly upstream: Upstream
}

/** A configuration with one app for each name; hosts are `<name>.localhost`. */
export const configurationOf = (apps: Record<string, PlaceOptions>, overrides: Partial<Configuration> = {}): Configuration => {
  const places = Object.entries(apps).map(([id, { upstream, ...app }]) => placeOf(id, app, upstream))
  return baseConfiguration({
    apps: new Map(places.map(({ app }) => [app.id, app])),
    places: new Map(places.map(it => [it.host, it])),
    ...overrides
  })
}

export const sessionOf = (host: string, sid = 'sid-1'): Session => ({
  sid,
  host,
  member: `member-of-${sid}`,
  organization: 'acme',
  connection: 'okta_acme',
  generation: 1,
  subject: 'sub',
  email: 'ada@acme.com',
  newUser: false,
  authTime: 1,
  startedAt: 1
})

/** The identity headers that stand in for src/identity's. */
export const identity = ['X-Auth-User', 'member-1', 'X-Auth-Email', 'ada@acme.com']

/**
 * The door, the apps host and the proxy, put together as the gateway does, with a session for
 * whoever sends the cookie `__Host-portico=<sid>` and fakes for what the proxy only calls.
 */
export const startProxy = async (t: Test, configuration: Configuration, { patience, ...limits }: NonNullable<DoorDeps['limits']> & { patience?: number } = {}) => {
  let current = configuration
  const lines: RequestLine[] = []
  const observed: string[] = []
  const ended = new Set<string>()
  const known = new Map<string, Session>()
  const challenged: Exchange[] = []
  const decline = createDecline(pino({ level: 'silent' }))
  const kinds = createHeaderKinds()
  const upstreams = createUpstreams()
  const attendance = createAttendance(session => !ended.has(session.sid))
  const tunnels = createTunnels(attendance)
  const forward = createForward({ upstreams, kinds, attendance, decline, ...patience !== undefined && { patience } })
  const upgrade = createUpgrade({ forward, tunnels, kinds, decline })
  const step = (name: string) => async ({ response }: Exchange) => { response.writeHead(200, { 'X-Step': name }).end(name) }
  const turnAway = (exchange: Exchange) => decline(exchange, new PorticoError('PORTICO_SIGN_IN_REQUIRED'))
  const login: AppLogin = {
    challenge: exchange => {
      challenged.push(exchange)
      turnAway(exchange)
    },
    turnAway,
    steps: { '/.portico/begin': step('begin'), '/.portico/ticket': step('ticket'), '/.portico/logout': step('logout') }
  }
  const find = (cookie: string | undefined, host: string): Session | undefined => {
    const sid = /__Host-portico=([^;]+)/.exec(cookie ?? '')?.[1]
    if (sid === undefined || ended.has(sid)) return undefined
    const key = `${host} ${sid}`
    const session = known.get(key) ?? sessionOf(host, sid)
    known.set(key, session)
    return session
  }
  const apps = await createAppsHost({
    configuration: () => current,
    sessions: { find },
    credentials: { identify: () => undefined },
    identityHeaders: { for: () => identity },
    refresher: { seen: () => {} },
    accessTokens: { of: () => undefined },
    clients: createClients(() => current),
    login,
    forward,
    upgrade,
    decline,
    requestLog: line => lines.push(line),
    now: () => Math.floor(Date.now() / 1_000),
    observe: app => observed.push(app)
  })
  const door = createDoor({ listen: configuration.listen, receive: apps.receive, upgrade: apps.upgrade, limits })
  const { port } = await door.listen()
  t.teardown(async () => {
    attendance.stop()
    tunnels.close()
    await door.close(0)
    await upstreams.destroy()
    await apps.close()
  })
  return {
    port,
    lines,
    observed,
    challenged,
    tunnels,
    upstreams,
    door,
    end: (sid: string) => { ended.add(sid); attendance.sweep() },
    reload: (next: Configuration) => {
      current = next
      upstreams.retain(next)
    }
  }
}

/** An HTTP server on a free port of 127.0.0.1. */
export const startUpstream = async (t: Test, listener: RequestListener): Promise<{ port: number, server: Server }> => {
  const server = createServer({ keepAliveTimeout: 5_000 }, listener)
  const port = await listenOn(t, server)
  return { port, server }
}

export const listenOn = async (t: Test, server: import('node:net').Server): Promise<number> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** What a raw request over a connection of its own is answered with, up to the connection's end. */
export const exchangeRaw = (port: number, text: string | Buffer): Promise<string> => new Promise((resolve, reject) => {
  const chunks: Buffer[] = []
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  socket.on('data', chunk => chunks.push(chunk))
  socket.on('error', error => chunks.length > 0 ? resolve(Buffer.concat(chunks).toString('latin1')) : reject(error))
  socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
})

/** A request in raw lines; asks for the connection to be closed. */
export const ask = (port: number, line: string, headers: readonly string[] = [], body = ''): Promise<string> =>
  exchangeRaw(port, Buffer.from([`${line} HTTP/1.1`, ...headers, 'Connection: close', '', body].join('\r\n'), 'latin1'))

/** Status of a raw answer. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(answer)?.[1])

/** Body of a raw answer. */
export const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4)

export const signedIn = 'Cookie: __Host-portico=sid-1'
