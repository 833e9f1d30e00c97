import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Configuration, Connection, Organization } from '../../src/config/configuration.ts'
import { createSealer, type Sealer } from '../../src/sessions/seal.ts'
import { newSid, type Session } from '../../src/sessions/session.ts'
import { createSessions, type Sessions } from '../../src/sessions/sessions.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { configurationOf as baseConfiguration, connectionOf, organizationOf, placeOf } from '../support/configuration.ts'

export interface ConnectionSketch {
  readonly organization?: string
  readonly fingerprint?: string
  readonly status?: Connection['status']
  readonly activateAt?: number
  readonly replaces?: string
  readonly replacedBy?: Connection['replacedBy']
}

export interface Sketch {
  readonly idle?: number
  readonly absolute?: number
  /** Apps that acme may use; all when left out. */
  readonly acmeApps?: readonly string[]
  readonly acmeSession?: { readonly idle: number, readonly absolute: number }
  readonly connections?: Readonly<Record<string, ConnectionSketch>>
}

/** A Configuration with the organizations acme and globex, the apps analytics and portal, and the connections of the sketch. */
export const configurationOf = (sketch: Sketch = {}): Configuration => {
  const limits = { idle: sketch.idle ?? 8 * 3600, absolute: sketch.absolute ?? 24 * 3600 }
  const organizations = new Map<string, Organization>(['acme', 'globex'].map(id => [id, organizationOf(id, {
    apps: id === 'acme' && sketch.acmeApps !== undefined ? new Set(sketch.acmeApps) : undefined,
    session: id === 'acme' && sketch.acmeSession !== undefined ? sketch.acmeSession : limits
  })]))
  const connections = new Map<string, Connection>()
  for (const [id, { organization: owner = 'acme', status = 'active', fingerprint = 'f1', ...dates }] of Object.entries(sketch.connections ?? { okta: {}, google: { organization: 'globex' } })) {
    const organization = organizations.get(owner)
    if (organization === undefined) throw new Error('no such organization')
    connections.set(id, connectionOf(id, organization, { status, fingerprint, ...dates }))
  }
  const places = ['analytics', 'portal'].map(id => placeOf(id))
  return baseConfiguration({
    session: limits,
    logs: { level: 'silent', requests: false },
    apps: new Map(places.map(({ app }) => [app.id, app])),
    places: new Map(places.map(made => [made.host, made])),
    organizations,
    connections,
    dates: [...connections.values()].flatMap(({ activateAt }) => activateAt === undefined ? [] : [activateAt]).sort((one, other) => one - other)
  })
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
