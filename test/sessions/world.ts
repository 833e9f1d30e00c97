import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { App, AppPlace, Configuration, Connection, Organization } from '../../src/config/configuration.ts'
import { createSealer, type Sealer } from '../../src/sessions/seal.ts'
import { newSid, type Session } from '../../src/sessions/session.ts'
import { createSessions, type Sessions } from '../../src/sessions/sessions.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'

export interface ConnectionSketch {
  readonly organization?: string
  readonly fingerprint?: string
  readonly status?: Connection['status']
}

export interface Sketch {
  readonly idle?: number
  readonly absolute?: number
  /** Apps that acme may use; all when left out. */
  readonly acmeApps?: readonly string[]
  readonly acmeSession?: { readonly idle: number, readonly absolute: number }
  readonly connections?: Readonly<Record<string, ConnectionSketch>>
}

const place = (id: string): AppPlace => {
  const places: AppPlace[] = []
  const app: App = {
    id, name: id, places, home: '/', public: [], preflight: 'refuse', websocketOrigins: new Set(), headers: 'portico'
  }
  const made: AppPlace = {
    app,
    region: undefined,
    origin: `http://${id}.localhost:8080`,
    host: `${id}.localhost`,
    authority: `${id}.localhost:8080`,
    upstream: { id, origin: 'http://127.0.0.1:1', socketPath: undefined, hostHeader: undefined, tls: undefined, headersTimeout: 1 }
  }
  places.push(made)
  return made
}

/** A Configuration with the organizations acme and globex, the apps analytics and portal, and the connections of the sketch. */
export const configurationOf = (sketch: Sketch = {}): Configuration => {
  const limits = { idle: sketch.idle ?? 8 * 3600, absolute: sketch.absolute ?? 24 * 3600 }
  const organizations = new Map<string, Organization>(['acme', 'globex'].map(id => [id, {
    id,
    name: id,
    apps: id === 'acme' && sketch.acmeApps !== undefined ? new Set(sketch.acmeApps) : undefined,
    defaultRole: undefined,
    session: id === 'acme' && sketch.acmeSession !== undefined ? sketch.acmeSession : limits,
    connections: []
  }]))
  const connections = new Map<string, Connection>()
  for (const [id, connection] of Object.entries(sketch.connections ?? { okta: {}, google: { organization: 'globex' } })) {
    const organization = organizations.get(connection.organization ?? 'acme')
    if (organization === undefined) throw new Error('no such organization')
    const status = connection.status ?? 'active'
    connections.set(id, {
      id,
      name: id,
      organization,
      connector: 'oidc',
      status,
      domains: new Set(['acme.com']),
      clientSecret: 'x',
      clientSecretExpires: undefined,
      settings: { connector: 'oidc', status, domains: ['acme.com'], discovery_url: 'https://idp.acme.com', client_id: 'x', client_secret: 'x' } as Connection['settings'],
      // as the real one, it covers the status
      fingerprint: `${connection.fingerprint ?? 'f1'} ${status}`,
      location: { file: 'acme.yaml', line: 1, column: 1 }
    })
  }
  const places = ['analytics', 'portal'].map(place)
  return {
    version: '1',
    authOrigin: 'http://auth.localhost:8080',
    authHost: 'auth.localhost',
    listen: { host: '127.0.0.1', port: 0, tls: undefined },
    ops: { host: '127.0.0.1', port: 0, token: undefined, allowedHosts: new Set() },
    trustedProxies: [],
    keys: [],
    session: limits,
    store: { kind: 'sqlite', path: '' },
    outbound: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined, ca: undefined },
    logs: { level: 'silent', requests: false },
    apps: new Map(places.map(({ app }) => [app.id, app])),
    places: new Map(places.map(made => [made.host, made])),
    organizations,
    connections,
    domains: new Map(),
    files: []
  }
}

export const key = randomBytes(32)
export const auth = 'auth.localhost'
export const analytics = 'analytics.localhost'
export const portal = 'portal.localhost'

/** The Cookie header that a browser sends after this Set-Cookie line. */
export const cookieOf = (setCookie: string): string => setCookie.split(';', 1)[0] ?? ''

export const valueOf = (setCookie: string): string => cookieOf(setCookie).slice('__Host-portico='.length)

/** A store whose methods fail while `down` says so. */
export const breakable = (store: Store): { store: Store, broken: Set<keyof Store> } => {
  const broken = new Set<keyof Store>()
  return {
    broken,
    store: new Proxy(store, {
      get (target, name: keyof Store) {
        if (!broken.has(name)) return target[name]
        return async () => { throw new Error('the test broke the store') }
      }
    })
  }
}

export interface World {
  readonly clock: { now: number }
  readonly sessions: Sessions
  readonly store: Store
  readonly broken: Set<keyof Store>
  readonly logs: string[]
  sealer: Sealer
  /** As a reload does it. */
  reload (sketch: Sketch): Promise<void>
  /** A new session of this connection, as after a sign-in now. */
  session (over?: Partial<Session>): Session
  /** What a browser with this session sends to this host. */
  signIn (over?: Partial<Session>, host?: string): Promise<string>
  /** Another process over the same store file; `this` one goes on. */
  beside (sketch?: Sketch): Promise<World>
  /** Ends this process; with `crash`, without a word to the store. */
  stop (crash?: boolean): Promise<void>
}

export interface Origin {
  readonly path: string
  readonly clock: { now: number }
  readonly sealer: Sealer
}

/** A process with sessions over a store file. */
export const createWorld = async (t: Test, sketch: Sketch = {}, origin?: Origin): Promise<World> => {
  const path = origin?.path ?? join(t.testdir(), 'portico.db')
  const clock = origin?.clock ?? { now: 1_800_000_000 }
  const { store, broken } = breakable(createSqliteStore({ path, now: () => clock.now }))
  const logs: string[] = []
  const log = pino({ level: 'debug' }, { write: line => { logs.push(line) } })
  let stopped = false
  const now = { configuration: configurationOf(sketch), sealer: origin?.sealer ?? await createSealer([key]) }
  const sessions = createSessions({ store, log, configuration: () => now.configuration, sealer: () => now.sealer, now: () => clock.now })
  const world: World = {
    clock,
    store,
    broken,
    logs,
    sessions,
    get sealer () { return now.sealer },
    set sealer (sealer) { now.sealer = sealer },
    async reload (sketch) {
      now.configuration = configurationOf(sketch)
      await sessions.trust.adopt(now.configuration)
    },
    session (over = {}) {
      const connection = over.connection ?? 'okta'
      return {
        sid: newSid(),
        host: auth,
        member: 'mbr_ada',
        organization: now.configuration.connections.get(connection)?.organization.id ?? 'acme',
        connection,
        generation: sessions.trust.generation(connection) ?? -1,
        subject: 'https://idp.acme.com|ada',
        email: 'ada@acme.com',
        groups: ['staff'],
        newUser: false,
        authTime: clock.now,
        startedAt: clock.now,
        ...over
      }
    },
    async signIn (over, host = analytics) {
      return cookieOf(await sessions.issue(world.session(over), host))
    },
    beside: sketch => createWorld(t, sketch ?? {}, { path, clock, sealer: now.sealer }),
    async stop (crash = false) {
      if (stopped) return
      stopped = true
      if (crash) for (const name of ['recordLastSeen', 'addRevocation', 'adoptTrust'] as const) broken.add(name)
      await sessions.stop()
      await store.close()
    }
  }
  t.teardown(() => world.stop())
  await sessions.start()
  return world
}

/** Resolves when `holds` does; what another process did arrives within half a second. */
export const eventually = async (holds: () => boolean | Promise<boolean>): Promise<boolean> => {
  for (let i = 0; i < 2_000; i++) {
    if (await holds()) return true
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return false
}
