import type { App, AppPlace, Configuration, Organization } from '../../src/config/configuration.ts'
import type { Session } from '../../src/sessions/session.ts'

/** A key that is all one byte. */
export const key = (byte: number): Buffer => Buffer.alloc(32, byte)

/** A place of one app, in the given dialect. */
export const place = (headers: App['headers'] = 'portico'): AppPlace => {
  const places: AppPlace[] = []
  const app: App = {
    id: 'analytics', name: 'Analytics', places, home: '/', public: [], preflight: 'refuse', websocketOrigins: new Set(), headers
  }
  const only: AppPlace = {
    app,
    region: undefined,
    origin: 'http://analytics.localhost:8080',
    host: 'analytics.localhost',
    authority: 'analytics.localhost:8080',
    upstream: {
      id: 'a', origin: 'http://127.0.0.1:9101', socketPath: undefined, hostHeader: undefined, tls: undefined, headersTimeout: 60_000
    }
  }
  places.push(only)
  return only
}

/** A configuration with one organization, `acme`, and nothing else that matters here. */
export const configuration = (given: { keys?: readonly Buffer[], defaultRole?: string } = {}): Configuration => {
  const acme: Organization = {
    id: 'acme', name: 'Acme', apps: undefined, defaultRole: given.defaultRole, session: { idle: 1, absolute: 1 }, connections: []
  }
  return {
    version: 'v1',
    authOrigin: 'http://auth.localhost:8080',
    authHost: 'auth.localhost',
    listen: { host: '127.0.0.1', port: 0, tls: undefined },
    ops: { host: '127.0.0.1', port: 0, token: undefined, allowedHosts: new Set() },
    trustedProxies: [],
    keys: given.keys ?? [key(1)],
    session: { idle: 1, absolute: 1 },
    store: { kind: 'sqlite', path: 'x' },
    outbound: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined, ca: undefined },
    logs: { level: 'info', requests: true },
    apps: new Map(),
    places: new Map(),
    organizations: new Map([['acme', acme]]),
    connections: new Map(),
    domains: new Map(),
    files: []
  }
}

/** Ada's session at `analytics.localhost`. */
export const session = (changed: Partial<Session> = {}): Session => ({
  sid: 'sid-1',
  host: 'analytics.localhost',
  member: 'mem_ada',
  organization: 'acme',
  connection: 'okta_acme',
  generation: 1,
  subject: 'https://idp.example|7',
  email: 'ada@acme.com',
  newUser: false,
  authTime: 1_000,
  startedAt: 1_000,
  ...changed
})
