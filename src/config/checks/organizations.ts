import type { Report } from '../reporter.ts'
import { isLoopback } from '../schema/addresses.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import { seconds } from '../schema/values.ts'
import type { Path } from '../source.ts'
import { didYouMean } from '../suggest.ts'
import type { Draft } from '../walk.ts'
import type { Clock } from './clock.ts'
import { checkListedDomains } from './domains.ts'
import { createLoginHostSafetyCheck } from './login-hosts.ts'
import { noticeAt } from './notice.ts'
import { checkReplaces } from './replaces.ts'
import { beginOf, type ConnectionDraft, type OrganizationDraft } from './tenure.ts'

/** Paths below `/login/` that are not connections. */
const reservedIds: ReadonlySet<string> = new Set(['callback', 'replace', 'choose'])

const checkApps = ({ file, settings }: OrganizationDraft, apps: ReadonlySet<string>, report: Report): void => {
  for (const [index, app] of settings.apps?.entries() ?? []) {
    if (app === undefined || apps.has(app)) continue
    report({ file, path: ['apps', index], message: `there is no app '${app}'`, remedy: didYouMean(app, apps, `known apps: ${[...apps].join(', ')}`) })
  }
}

const checkSession = ({ file, settings }: OrganizationDraft, gateway: Draft<PorticoSettings['session']> | undefined, report: Report): void => {
  const { idle, absolute, concurrent } = settings.session ?? {}
  const most = gateway?.concurrent
  if (concurrent !== undefined && most !== undefined && concurrent > most) {
    report({ file, path: ['session', 'concurrent'], message: `${concurrent} is more than the gateway's (${most})`, remedy: 'an organization may only lower it' })
  }
  for (const [key, own, most] of [['idle', idle, gateway?.idle], ['absolute', absolute, gateway?.absolute]] as const) {
    if (own !== undefined && most !== undefined && seconds(own) > seconds(most)) {
      report({ file, path: ['session', key], message: `${own} is longer than the gateway's (${most})`, remedy: 'an organization may only shorten it' })
    }
  }
  if (idle !== undefined && absolute !== undefined && seconds(idle) > seconds(absolute)) {
    report({ file, path: ['session', 'idle'], message: `${idle} is longer than session.absolute (${absolute})`, remedy: 'make it shorter, or absolute longer' })
  }
}

const checkExpiry = (file: string, path: Path, expires: string | undefined, clock: Clock, report: Report): void => {
  const notice = expires === undefined ? undefined : noticeAt(expires, clock)
  if (notice !== undefined) report({ file, path, severity: 'warning', message: `the client secret ${notice}`, remedy: 'ask the organization for a new one' })
}

const urlKeys = ['discovery_url', 'authorization_url', 'token_url', 'userinfo_url', 'jwks_url', 'end_session_url', 'metadata_url', 'sso_url', 'slo_url'] as const

const checkTransport = (file: string, path: Path, connection: ConnectionDraft, report: Report): void => {
  if ('dangerously_allow_http' in connection && connection.dangerously_allow_http === true) return
  const settings: Readonly<Record<string, unknown>> = connection
  for (const key of urlKeys) {
    const value = settings[key]
    if (typeof value !== 'string') continue
    const url = new URL(value)
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      report({ file, path: [...path, key], message: 'plain http beyond loopback: anybody on the way could sign in as anybody', remedy: 'use https, or set dangerously_allow_http: true on this connection' })
    }
  }
}

const checkConnection = (file: string, path: Path, connection: ConnectionDraft, clock: Clock, report: Report): void => {
  if ('client_secret_expires' in connection) checkExpiry(file, [...path, 'client_secret_expires'], connection.client_secret_expires, clock, report)
  checkListedDomains(file, path, connection, report)
  checkTransport(file, path, connection, report)
  if (connection.connector === 'oidc' && connection.scopes !== undefined && !connection.scopes.includes('openid')) {
    report({ file, path: [...path, 'scopes'], message: 'lack openid', remedy: 'add it: there is no ID token without' })
  }
}

/**
 * What an organization's settings come to beside the main file's, and over time: unknown apps, longer sessions, who
 * takes over from whom, what expires.
 */
export const createOrganizationCheck = (portico: Draft<PorticoSettings> | undefined): (organization: OrganizationDraft, clock: Clock, report: Report) => void => {
  const apps = portico?.apps === undefined ? undefined : new Set(Object.keys(portico.apps))
  const checkLoginHosts = createLoginHostSafetyCheck(portico)
  return (organization, clock, report) => {
    const { id, file, settings } = organization
    if (apps !== undefined) checkApps(organization, apps, report)
    checkSession(organization, portico?.session, report)
    checkReplaces(organization, clock.now, report)
    checkLoginHosts(organization, report)
    for (const [name, connection] of Object.entries(settings.connections ?? {})) {
      if (connection === undefined) continue
      const path: Path = ['connections', name]
      clock.turns(beginOf(connection))
      if (reservedIds.has(name)) report({ file, path, key: true, message: `'${name}' is a path of Portico's own (/login/${name})`, remedy: `rename it, such as ${`${id}_${name}`.slice(0, 63)}` })
      checkConnection(file, path, connection, clock, report)
    }
  }
}
