import type { Report } from '../reporter.ts'
import { isLoopback } from '../schema/addresses.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import type { Path } from '../source.ts'
import type { Draft } from '../walk.ts'

type AppDraft = Draft<PorticoSettings['apps'][string]>
type UpstreamDraft = AppDraft['upstream']

const url = (text: string | undefined): URL | undefined => text === undefined || !URL.canParse(text) ? undefined : new URL(text)

interface Place { readonly path: Path, readonly url: string | undefined, readonly upstream: UpstreamDraft, readonly upstreamPath: Path }

const placesOf = (id: string, app: AppDraft): Place[] => {
  const own: Path = ['apps', id]
  const regions = Object.entries(app.regions ?? {}).flatMap(([region, place]) => place === undefined
    ? []
    : [{ path: [...own, 'regions', region, 'url'], url: place.url, upstream: place.upstream, upstreamPath: [...own, 'regions', region, 'upstream'] }])
  return [{ path: [...own, 'url'], url: app.url, upstream: app.upstream, upstreamPath: [...own, 'upstream'] }, ...regions]
}

/** Which keys stand in a file, right or wrong. */
export interface Written {
  has (path: Path): boolean
  hasBelow (path: Path): boolean
}

/** An app is either one place or several regions. */
const checkForm = (file: string, id: string, app: AppDraft, written: Written, report: Report): void => {
  const path: Path = ['apps', id]
  const has = (key: string): boolean => written.has([...path, key])
  if (has('regions')) {
    for (const key of ['url', 'upstream']) {
      if (has(key)) report({ file, path: [...path, key], key: true, message: `'${key}' does not go with 'regions'`, remedy: `remove it, or 'regions': each region has a '${key}' of its own` })
    }
    if (app.regions !== undefined && !written.hasBelow([...path, 'regions'])) {
      report({ file, path: [...path, 'regions'], key: true, message: 'names no region', remedy: 'add one, or write url and upstream instead' })
    }
    return
  }
  const missing = ['url', 'upstream'].filter(key => !has(key))
  if (missing.length > 0) {
    report({ file, path, key: true, message: `has no ${missing.join(' and no ')}`, remedy: 'give url and upstream, or regions' })
  }
}

const checkUpstream = (file: string, path: Path, upstream: UpstreamDraft, allowHttp: boolean, report: Report): void => {
  const text = typeof upstream === 'string' ? upstream : upstream?.url
  const parsed = text?.startsWith('unix:') === true ? undefined : url(text)
  const urlPath = typeof upstream === 'string' ? path : [...path, 'url']
  if (parsed?.protocol === 'http:' && !isLoopback(parsed.hostname) && !allowHttp) {
    report({
      file, path: urlPath, message: 'plain http beyond loopback: identities would travel in the clear', remedy: 'use https, or set dangerously_allow_http: true at the top of this file'
    })
  }
  if (typeof upstream !== 'object' || upstream.tls === undefined) return
  if (parsed?.protocol === 'http:') {
    report({ file, path: [...path, 'tls'], key: true, message: 'does nothing for a plain-http upstream', remedy: 'write https in its url, or remove tls' })
  }
  if ((upstream.tls.certificate === undefined) !== (upstream.tls.key === undefined)) {
    report({ file, path: [...path, 'tls'], key: true, message: 'has one of certificate and key', remedy: 'give both, or neither' })
  }
}

/** Whether one of the app's rules lets anybody read this path. */
const isPublicPath = (app: AppDraft, path: string): boolean => app.public?.some(rule => {
  const [methods = '', named] = rule?.split(' ') ?? []
  if (named !== undefined && !methods.split(',').includes('GET')) return false
  const wanted = named ?? methods
  return wanted.endsWith('/*') ? path.startsWith(wanted.slice(0, -1)) : path === wanted
}) === true

/** The app's own login page is one that nobody needs to be signed in for (product R18). */
const checkAppLogin = (file: string, id: string, app: AppDraft, auth: URL | undefined, allowHttp: boolean, report: Report): void => {
  const login = url(app.no_connection?.app_login)
  if (login === undefined) return
  const path: Path = ['apps', id, 'no_connection', 'app_login']
  if (login.protocol === 'http:' && !isLoopback(login.hostname) && !allowHttp) {
    report({ file, path, message: 'plain http beyond loopback: passwords would travel in the clear', remedy: 'use https' })
  }
  if (auth !== undefined && login.hostname === auth.hostname) {
    report({ file, path, message: 'is on the auth host, which has no login page of an app', remedy: 'name the page where the app itself signs people in' })
  }
  const isOwn = placesOf(id, app).some(place => url(place.url)?.hostname === login.hostname)
  if (isOwn && !isPublicPath(app, login.pathname)) {
    report({ file, path, severity: 'warning', message: `needs a sign-in itself: ${login.pathname} is not public`, remedy: `add ${login.pathname}, and whatever the page loads and posts to, to public of this app` })
  }
}

/** Hosts, upstreams and the forms of apps, over the auth host too. */
export const checkApps = (file: string, settings: Draft<PorticoSettings>, written: Written, report: Report): void => {
  const allowHttp = settings.dangerously_allow_http === true
  const auth = url(settings.auth_url)
  const hosts = new Map<string, string>()
  const checkPublic = (path: Path, parsed: URL | undefined, what: string): void => {
    if (parsed === undefined) return
    const taken = hosts.get(parsed.hostname)
    if (taken === undefined) hosts.set(parsed.hostname, what)
    else report({ file, path, message: `the host ${parsed.hostname} already belongs to ${taken}`, remedy: 'give each a host name of its own (ports do not keep cookies apart)' })
    if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname) && !allowHttp) {
      report({ file, path, message: 'plain http beyond loopback: cookies would travel in the clear', remedy: 'use https, or set dangerously_allow_http: true at the top of this file' })
    }
    if (auth !== undefined && parsed.protocol !== auth.protocol) {
      report({ file, path, message: `is ${parsed.protocol.slice(0, -1)} while auth_url is ${auth.protocol.slice(0, -1)}`, remedy: 'use the same scheme for all public origins' })
    }
    if (settings.listen?.tls !== undefined && parsed.protocol === 'http:') {
      report({ file, path, message: 'is http while listen.tls serves https', remedy: 'write https, or remove listen.tls' })
    }
  }
  checkPublic(['auth_url'], auth, 'auth_url')
  for (const [id, app] of Object.entries(settings.apps ?? {})) {
    if (app === undefined) continue
    checkForm(file, id, app, written, report)
    checkAppLogin(file, id, app, auth, allowHttp, report)
    for (const place of placesOf(id, app)) {
      checkPublic(place.path, url(place.url), `apps.${id}`)
      checkUpstream(file, place.upstreamPath, place.upstream, allowHttp, report)
    }
    for (const [index, rule] of app.public?.entries() ?? []) {
      if (rule?.replace(/^\S+ /, '') === '/*') {
        report({ file, path: ['apps', id, 'public', index], severity: 'warning', message: 'the whole app needs no sign-in', remedy: 'name the paths that are meant' })
      }
    }
  }
}
