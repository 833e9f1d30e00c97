import { dirname, resolve } from 'node:path'
import type { Configuration } from '../configuration.ts'
import { decodeKey } from '../keys.ts'
import { seconds } from '../schema/values.ts'
import { pathText } from '../source.ts'
import { buildApp } from './app.ts'
import { present, type Checked } from './checked.ts'
import { freeze } from './freeze.ts'
import { buildRedis } from './redis.ts'

const fromEnvironment = (env: NodeJS.ProcessEnv, name: string): string | undefined => {
  const value = env[name] ?? env[name.toUpperCase()]
  return value === '' ? undefined : value
}

/** All of a Configuration that the main file says. */
export type GatewayPart = Omit<Configuration, 'organizations' | 'connections' | 'domains' | 'loginHosts' | 'dates' | 'ways'>

/** Builds what the main file says; `env` is for the usual proxy variables. */
export const buildGateway = (checked: Checked, env: NodeJS.ProcessEnv): GatewayPart => {
  const { file, portico, values, version } = checked
  const auth = new URL(portico.auth_url)
  const folder = dirname(file)
  const value = (...path: (string | number)[]): string | undefined => values.get(pathText(path))
  const apps = new Map(Object.entries(portico.apps).map(([id, settings]) => [id, freeze(buildApp(checked, id, settings))]))
  const tls = portico.listen.tls === undefined
    ? undefined
    : {
        certificate: present(value('listen', 'tls', 'certificate'), 'listen.tls.certificate'),
        key: present(value('listen', 'tls', 'key'), 'listen.tls.key')
      }
  return freeze({
    version,
    authOrigin: auth.origin,
    authHost: auth.hostname,
    listen: { host: portico.listen.host, port: portico.listen.port, tls },
    ops: {
      host: portico.ops.host,
      port: portico.ops.port,
      token: value('ops', 'token'),
      allowedHosts: new Set(portico.ops.allowed_hosts.map(host => host.toLowerCase()))
    },
    trustedProxies: portico.trusted_proxies,
    keys: portico.keys.map((_, index) => {
      const key = decodeKey(present(value('keys', index), 'a key'))
      if (key === undefined) throw new TypeError('a key passed the checks')
      return key
    }),
    session: { idle: seconds(portico.session.idle), absolute: seconds(portico.session.absolute), concurrent: portico.session.concurrent },
    store: portico.store.kind === 'sqlite' ? { kind: 'sqlite', path: resolve(folder, portico.store.path) } : buildRedis(portico.store, value),
    outbound: {
      httpProxy: portico.outbound.http_proxy ?? fromEnvironment(env, 'http_proxy'),
      httpsProxy: portico.outbound.https_proxy ?? fromEnvironment(env, 'https_proxy'),
      noProxy: portico.outbound.no_proxy ?? fromEnvironment(env, 'no_proxy'),
      ca: value('outbound', 'ca')
    },
    apiKeys: { lifetime: seconds(portico.api_keys.lifetime), pauseAfter: seconds(portico.api_keys.pause_after) },
    logs: portico.logs,
    apps,
    places: new Map([...apps.values()].flatMap(app => app.places.map(place => [place.host, place])))
  })
}
