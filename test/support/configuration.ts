import type { App, AppPlace, Configuration, Connection, Organization, Upstream } from '../../src/config/configuration.ts'
import { oidc } from '../../src/config/schema/connectors/oidc.ts'

/** An upstream that nobody reaches. */
const nowhere: Upstream = { id: 'a', origin: 'http://127.0.0.1:1', socketPath: undefined, hostHeader: undefined, tls: undefined, headersTimeout: 60_000 }

/** The only place of an app at `http://<id>.localhost:8080`. */
export const placeOf = (id: string, changed: Partial<Omit<App, 'places'>> = {}, upstream: Upstream = nowhere): AppPlace => {
  const places: AppPlace[] = []
  const app: App = {
    id, name: id, places, home: '/', public: [], preflight: 'refuse', websocketOrigins: new Set(), headers: 'portico', groups: new Map(), forwardAccessToken: false, maxAge: undefined, appLogin: undefined, ...changed
  }
  const host = `${id}.localhost`
  const place: AppPlace = { app, region: undefined, origin: `http://${host}:8080`, host, authority: `${host}:8080`, upstream }
  places.push(place)
  return place
}

/** An organization that may use every app, and lets anyone in. */
export const organizationOf = (id: string, changed: Partial<Organization> = {}): Organization => ({
  id,
  name: id,
  apps: undefined,
  defaultRole: undefined,
  members: { kind: 'anyone' },
  blocked: new Set(),
  loginHosts: new Map(),
  logoutUrl: undefined,
  session: { idle: 28_800, absolute: 86_400 },
  connections: [],
  ...changed
})

/** An active `oidc` connection of an organization, with the schema's defaults. */
export const connectionOf = (id: string, organization: Organization, changed: Partial<Connection> = {}): Connection => {
  const domains = changed.domains ?? new Set(['acme.com'])
  return {
    id,
    name: id,
    organization,
    connector: 'oidc',
    status: 'active',
    activateAt: undefined,
    replaces: undefined,
    replacedBy: undefined,
    assertable: domains,
    callback: 'own',
    matching: 'exact',
    requireAcr: undefined,
    requireAmr: undefined,
    groups: { filter: undefined, rename: new Map() },
    bearer: undefined,
    refresh: undefined,
    clientSecret: 'the client secret of the tests, long enough',
    clientCertificate: undefined,
    clientSecretExpires: undefined,
    saml: undefined,
    settings: oidc.parse({ connector: 'oidc', status: 'active', domains: ['acme.com'], discovery_url: 'https://idp.acme.com', client_id: 'portico', client_secret: 'in the connection' }),
    fingerprint: 'f1',
    location: { file: 'acme.yaml', line: 1, column: 1 },
    ...changed,
    domains
  }
}

/** A configuration at `http://auth.localhost:8080` with nothing in it. */
export const configurationOf = (changed: Partial<Configuration> = {}): Configuration => ({
  version: '1',
  authOrigin: 'http://auth.localhost:8080',
  authHost: 'auth.localhost',
  listen: { host: '127.0.0.1', port: 0, tls: undefined },
  ops: { host: '127.0.0.1', port: 0, token: undefined, allowedHosts: new Set() },
  trustedProxies: [],
  keys: [],
  session: { idle: 28_800, absolute: 86_400 },
  store: { kind: 'sqlite', path: ':memory:' },
  outbound: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined, ca: undefined },
  apiKeys: { lifetime: 90 * 86_400, pauseAfter: 30 * 86_400 },
  logs: { level: 'info', requests: true },
  apps: new Map(),
  places: new Map(),
  organizations: new Map(),
  connections: new Map(),
  domains: new Map(),
  loginHosts: new Map(),
  dates: [],
  ways: new Map(),
  ...changed
})
