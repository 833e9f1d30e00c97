import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import type { App, AppPlace, PublicRule, Upstream } from '../configuration.ts'
import type { AppSettings } from '../schema/app.ts'
import { seconds } from '../schema/values.ts'
import { pathText } from '../source.ts'
import type { Path } from '../source.ts'
import type { Checked } from './checked.ts'

type UpstreamSettings = NonNullable<AppSettings['upstream']>

const buildUpstream = ({ file, values }: Checked, settings: UpstreamSettings, path: Path): Upstream => {
  const full = typeof settings === 'string' ? { url: settings, host_header: 'public', timeout: '60s', tls: undefined } : settings
  const socketPath = full.url.startsWith('unix:') ? resolve(dirname(file), full.url.slice('unix:'.length)) : undefined
  const url = new URL(socketPath === undefined ? full.url : 'http://localhost')
  const content = (name: string): string | undefined => values.get(pathText([...path, 'tls', name]))
  const tls = url.protocol === 'https:'
    ? {
        ca: content('ca'),
        certificate: content('certificate'),
        key: content('key'),
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

/** One app, with its hosts. */
export const buildApp = (checked: Checked, id: string, settings: AppSettings): App => {
  const places: AppPlace[] = []
  const app: App = {
    id,
    name: settings.name ?? id,
    places,
    home: settings.home,
    public: settings.public.map(buildRule),
    preflight: settings.preflight,
    websocketOrigins: new Set(settings.websocket_origins.map(text => new URL(text).origin)),
    headers: settings.headers,
    groups: new Map(Object.entries(settings.groups).map(([organization, groups]) => [organization, new Set(groups)])),
    forwardAccessToken: settings.forward_access_token === true ? 'header' : settings.forward_access_token,
    maxAge: settings.max_age,
    appLogin: settings.no_connection?.app_login
  }
  const add = (region: string | undefined, text: string, upstream: UpstreamSettings, path: Path): void => {
    const url = new URL(text)
    places.push({ app, region, origin: url.origin, host: url.hostname, authority: url.host, upstream: buildUpstream(checked, upstream, path) })
  }
  if (settings.url !== undefined && settings.upstream !== undefined) add(undefined, settings.url, settings.upstream, ['apps', id, 'upstream'])
  for (const [region, place] of Object.entries(settings.regions ?? {})) add(region, place.url, place.upstream, ['apps', id, 'regions', region, 'upstream'])
  return app
}
