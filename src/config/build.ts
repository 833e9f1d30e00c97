import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import type { App, AppPlace, Configuration, Connection, Location, Organization, PublicRule, Upstream } from './configuration.ts'
import { createBreather } from './files.ts'
import { fingerprint } from './fingerprint.ts'
import { decodeKey } from './keys.ts'
import type { Contents } from './references.ts'
import type { AppSettings } from './schema/app.ts'
import { canonicalDomain } from './schema/domain.ts'
import type { OrganizationSettings } from './schema/organization.ts'
import type { PorticoSettings } from './schema/portico.ts'
import { seconds } from './schema/values.ts'
import type { Path } from './source.ts'

/** Settings that passed every check, with what their references hold. */
export interface Checked {
  readonly file: string
  readonly portico: PorticoSettings
  readonly organizations: readonly {
    readonly id: string
    readonly file: string
    readonly settings: OrganizationSettings
    readonly entries: ReadonlyMap<string, Location>
  }[]
  readonly contents: Contents
  readonly env: NodeJS.ProcessEnv
  readonly version: string
  readonly files: readonly string[]
}

const present = (text: string | undefined, what: string): string => {
  if (text === undefined) throw new TypeError(`${what} passed the checks without a value`)
  return text
}

const freeze = <T extends object>(value: T): T => {
  // First, since organizations and their connections point at each other.
  Object.freeze(value)
  for (const child of Object.values(value)) {
    // Bytes cannot be frozen; maps and sets are typed read-only.
    if (typeof child === 'object' && child !== null && !Object.isFrozen(child) && !ArrayBuffer.isView(child)) freeze(child)
  }
  return value
}

const fromEnvironment = (env: NodeJS.ProcessEnv, name: string): string | undefined => {
  const value = env[name] ?? env[name.toUpperCase()]
  return value === '' ? undefined : value
}

type UpstreamSettings = NonNullable<AppSettings['upstream']>

const buildUpstream = ({ file, contents }: Checked, settings: UpstreamSettings, path: Path): Upstream => {
  const full = typeof settings === 'string' ? { url: settings, host_header: 'public', timeout: '60s', tls: undefined } : settings
  const socketPath = full.url.startsWith('unix:') ? resolve(dirname(file), full.url.slice('unix:'.length)) : undefined
  const url = new URL(socketPath === undefined ? full.url : 'http://localhost')
  const at = [...path, 'tls']
  const tls = url.protocol === 'https:'
    ? {
        ca: contents(file, [...at, 'ca']),
        certificate: contents(file, [...at, 'certificate']),
        key: contents(file, [...at, 'key']),
        serverName: full.tls?.server_name ?? url.hostname.replace(/^\[|\]$/g, '')
      }
    : undefined
  const headersTimeout = seconds(full.timeout) * 1000
  const id = createHash('sha256').update(JSON.stringify([url.origin, socketPath, tls, headersTimeout])).digest('base64url')
  return { id, origin: url.origin, socketPath, hostHeader: full.host_header === 'upstream' ? url.host : full.host_header, tls, headersTimeout }
}

const buildRule = (rule: string): PublicRule => {
  const [first = '', second] = rule.split(' ')
  const path = second ?? first
  const prefix = path.endsWith('/*')
  return { methods: second === undefined ? undefined : new Set(first.split(',')), path: prefix ? path.slice(0, -1) : path, prefix }
}

const buildApp = (checked: Checked, id: string, settings: AppSettings): App => {
  const places: AppPlace[] = []
  const app: App = {
    id,
    name: settings.name ?? id,
    places,
    home: settings.home,
    public: settings.public.map(buildRule),
    preflight: settings.preflight,
    websocketOrigins: new Set(settings.websocket_origins.map(text => new URL(text).origin)),
    headers: settings.headers
  }
  const add = (region: string | undefined, text: string, upstream: UpstreamSettings, path: Path): void => {
    const url = new URL(text)
    places.push({ app, region, origin: url.origin, host: url.hostname, authority: url.host, upstream: buildUpstream(checked, upstream, path) })
  }
  if (settings.url !== undefined && settings.upstream !== undefined) add(undefined, settings.url, settings.upstream, ['apps', id, 'upstream'])
  for (const [region, place] of Object.entries(settings.regions ?? {})) add(region, place.url, place.upstream, ['apps', id, 'regions', region, 'upstream'])
  return app
}

const buildOrganization = ({ portico, contents }: Checked, { id, file, settings, entries }: Checked['organizations'][number]): Organization => {
  const connections: Connection[] = []
  const organization: Organization = {
    id,
    name: settings.name,
    apps: settings.apps === undefined ? undefined : new Set(settings.apps),
    defaultRole: settings.default_role,
    session: {
      idle: seconds(settings.session?.idle ?? portico.session.idle),
      absolute: seconds(settings.session?.absolute ?? portico.session.absolute)
    },
    connections
  }
  for (const [name, connection] of Object.entries(settings.connections)) {
    if (connection.connector !== 'oidc') throw new TypeError(`the connector ${connection.connector} passed the checks`)
    const domains = new Set(connection.domains.map(domain => present(canonicalDomain(domain), 'a domain')))
    connections.push({
      id: name,
      name: connection.name ?? name,
      organization,
      connector: connection.connector,
      status: connection.status,
      domains,
      clientSecret: present(contents(file, ['connections', name, 'client_secret']), 'a client secret'),
      clientSecretExpires: connection.client_secret_expires === undefined ? undefined : Date.parse(connection.client_secret_expires) / 1000,
      settings: connection,
      fingerprint: fingerprint(id, connection, domains),
      location: entries.get(`connections.${name}`) ?? { file, line: 1, column: 1 }
    })
  }
  return organization
}

/** Makes the frozen Configuration from settings that passed every check. */
export const buildConfiguration = async (checked: Checked): Promise<Configuration> => {
  const { file, portico, contents, env } = checked
  const auth = new URL(portico.auth_url)
  const folder = dirname(file)
  const apps = new Map(Object.entries(portico.apps).map(([id, settings]) => [id, freeze(buildApp(checked, id, settings))]))
  const organizations = new Map<string, Organization>()
  const connections = new Map<string, Connection>()
  const domains = new Map<string, Connection[]>()
  const breathe = createBreather()
  for (const settings of checked.organizations) {
    await breathe()
    const organization = freeze(buildOrganization(checked, settings))
    organizations.set(organization.id, organization)
    for (const connection of organization.connections) {
      connections.set(connection.id, connection)
      for (const domain of connection.domains) {
        const claimants = domains.get(domain)
        if (claimants === undefined) domains.set(domain, [connection])
        else claimants.push(connection)
      }
    }
  }
  for (const claimants of domains.values()) Object.freeze(claimants)
  const tls = portico.listen.tls === undefined
    ? undefined
    : {
        certificate: present(contents(file, ['listen', 'tls', 'certificate']), 'listen.tls.certificate'),
        key: present(contents(file, ['listen', 'tls', 'key']), 'listen.tls.key')
      }
  if (portico.store.kind !== 'sqlite') throw new TypeError(`the store ${portico.store.kind} passed the checks`)
  return freeze({
    version: checked.version,
    authOrigin: auth.origin,
    authHost: auth.hostname,
    listen: { host: portico.listen.host, port: portico.listen.port, tls },
    ops: {
      host: portico.ops.host,
      port: portico.ops.port,
      token: contents(file, ['ops', 'token']),
      allowedHosts: new Set(portico.ops.allowed_hosts.map(host => host.toLowerCase()))
    },
    trustedProxies: portico.trusted_proxies,
    keys: portico.keys.map((_, index) => {
      const key = decodeKey(present(contents(file, ['keys', index]), 'a key'))
      if (key === undefined) throw new TypeError('a key passed the checks')
      return key
    }),
    session: { idle: seconds(portico.session.idle), absolute: seconds(portico.session.absolute) },
    store: { kind: portico.store.kind, path: resolve(folder, portico.store.path) },
    outbound: {
      httpProxy: portico.outbound.http_proxy ?? fromEnvironment(env, 'http_proxy'),
      httpsProxy: portico.outbound.https_proxy ?? fromEnvironment(env, 'https_proxy'),
      noProxy: portico.outbound.no_proxy ?? fromEnvironment(env, 'no_proxy'),
      ca: contents(file, ['outbound', 'ca'])
    },
    logs: portico.logs,
    apps,
    places: new Map([...apps.values()].flatMap(app => app.places.map(place => [place.host, place]))),
    organizations,
    connections,
    domains,
    files: checked.files
  })
}
