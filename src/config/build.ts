import { dirname, resolve } from 'node:path'
import { buildApp } from './build/app.ts'
import { present, type Checked } from './build/checked.ts'
import { buildOrganization } from './build/organization.ts'
import type { Configuration, Connection, Organization } from './configuration.ts'
import { createBreather } from './files.ts'
import { decodeKey } from './keys.ts'
import { seconds } from './schema/values.ts'

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

/** Of each app the connections that could be its only way in; none where two are active whatever the date. */
const buildWays = (apps: Iterable<string>, connections: Iterable<Connection>): Map<string, readonly Connection[]> => {
  const ways = new Map([...apps].map(app => [app, { candidates: [] as Connection[], steady: 0 }]))
  for (const connection of connections) {
    if (connection.status === 'disabled' || (connection.status === 'testing' && connection.activateAt === undefined)) continue
    const isSteady = connection.activateAt === undefined && connection.replacedBy === undefined
    for (const [app, way] of ways) {
      if (way.steady > 1 || connection.organization.apps?.has(app) === false) continue
      if (isSteady) way.steady++
      way.candidates.push(connection)
    }
  }
  return new Map([...ways].map(([app, { candidates, steady }]) => [app, Object.freeze(steady > 1 ? [] : candidates)]))
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
  const loginHosts = new Map<string, Organization>()
  const dates = new Set<number>()
  const breathe = createBreather()
  for (const settings of checked.organizations) {
    await breathe()
    const organization = freeze(buildOrganization(checked, settings))
    organizations.set(organization.id, organization)
    for (const host of organization.loginHosts.keys()) loginHosts.set(host, organization)
    for (const connection of organization.connections) {
      connections.set(connection.id, connection)
      if (connection.activateAt !== undefined) dates.add(connection.activateAt)
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
    apiKeys: { lifetime: seconds(portico.api_keys.lifetime), pauseAfter: seconds(portico.api_keys.pause_after) },
    logs: portico.logs,
    apps,
    places: new Map([...apps.values()].flatMap(app => app.places.map(place => [place.host, place]))),
    organizations,
    connections,
    domains,
    loginHosts,
    dates: [...dates].sort((one, other) => one - other),
    ways: buildWays(apps.keys(), connections.values()),
    files: checked.files
  })
}
