import { createPrivateKey } from 'node:crypto'
import { checkKey, readCertificates } from '../pem.ts'
import type { Contents } from '../references.ts'
import type { Finding, Report } from '../reporter.ts'
import { canonicalDomain } from '../schema/domain.ts'
import type { ConnectionSettings } from '../schema/organization.ts'
import type { Path } from '../source.ts'
import type { Draft } from '../walk.ts'
import type { Clock } from './clock.ts'
import { checkEntra } from './entra.ts'
import { checkPair } from './gateway.ts'
import { checkManual } from './manual.ts'
import { noticeAt } from './notice.ts'
import type { OrganizationDraft } from './tenure.ts'

type ConnectionDraft = Draft<ConnectionSettings>
type GoogleDraft = Draft<Extract<ConnectionSettings, { connector: 'google' }>>
type OktaDraft = Draft<Extract<ConnectionSettings, { connector: 'okta' }>>
type OidcDraft = Draft<Extract<ConnectionSettings, { connector: 'oidc' }>>

/** Reports something about one connection; its path begins below the connection. */
export type Complain = (finding: Omit<Finding, 'file'>) => void

const checkGoogle = ({ workspace_domain: workspace, domains, accepts, bearer, discovery_url: url }: GoogleDraft, complain: Complain): void => {
  const own = [...domains ?? [], ...accepts ?? []].map(domain => domain === undefined ? undefined : canonicalDomain(domain))
  if (workspace !== undefined && !own.includes(canonicalDomain(workspace))) {
    complain({ path: ['workspace_domain'], severity: 'warning', message: `'${workspace}' is no domain of this connection`, remedy: 'fine where it is the primary domain of the Workspace and no e-mail has it; else correct it, or add it to domains' })
  }
  if (bearer !== undefined && url === undefined) complain({ path: ['bearer'], key: true, message: 'Google\'s access tokens are no JWTs', remedy: 'remove it: programs use API keys' })
}

const checkOkta = ({ okta_domain: domain, authorization_server: server, bearer, discovery_url: url }: OktaDraft, complain: Complain): void => {
  if (domain !== undefined && /-admin\.okta(?:preview|-emea)?\.com$/i.test(domain)) {
    complain({ path: ['okta_domain'], message: `'${domain}' is the address of the Admin Console`, remedy: `write ${domain.replace(/-admin(?=\.okta)/i, '')}` })
  }
  if (server !== undefined && !/^[A-Za-z0-9_-]+$/.test(server)) {
    complain({ path: ['authorization_server'], message: 'is not the id of an authorization server', remedy: 'write what follows /oauth2/ in its issuer alone: default, or aus…' })
  }
  if (bearer !== undefined && server === undefined && url === undefined) {
    complain({ path: ['bearer'], key: true, message: 'the access tokens of Okta\'s org authorization server are for Okta alone', remedy: 'name a custom one as authorization_server, or remove it' })
  }
}

/** O4: at the addresses of many tenants the `oidc` connector would have nothing to tell them apart. */
const checkOidc = ({ discovery_url: url }: OidcDraft, complain: Complain): void => {
  if (url === undefined) return
  const { hostname, pathname } = new URL(url)
  if (/^login\.microsoftonline\./.test(hostname) && /^\/(?:common|organizations|consumers)\//.test(pathname)) {
    complain({ path: ['discovery_url'], message: 'is the address of every Microsoft tenant there is', remedy: 'use connector: entra, with tenant_id, or with tenancy: multiple and tenants' })
  }
}

const checkOwn = (connection: ConnectionDraft, complain: Complain): void => {
  switch (connection.connector) {
    case 'entra': return checkEntra(connection, complain)
    case 'google': return checkGoogle(connection, complain)
    case 'okta': return checkOkta(connection, complain)
    case 'oidc': return checkOidc(connection, complain)
    case 'manual': return checkManual(connection, complain)
    default:
  }
}

const checkGroups = ({ groups }: ConnectionDraft, complain: Complain): void => {
  for (const [index, pattern] of groups?.filter?.entries() ?? []) {
    if (pattern?.slice(0, -1).includes('*') === true) complain({ path: ['groups', 'filter', index], message: 'has a * that is not at its end', remedy: 'a * stands for anything at the end alone: staff-*' })
  }
}

/** What holds for every connector. */
const checkCommon = (connection: ConnectionDraft, complain: Complain): void => {
  checkGroups(connection, complain)
  for (const [index, acr] of connection.require_acr?.entries() ?? []) {
    if (acr !== undefined && /\s/.test(acr)) complain({ path: ['require_acr', index], message: 'holds a blank', remedy: 'write each value as an item of its own: they are sent with blanks between' })
  }
  if ('client_id' in connection && connection.client_id !== undefined && connection.bearer?.audience === connection.client_id) {
    complain({ path: ['bearer', 'audience'], message: 'is the client id, which is the audience of ID tokens', remedy: 'register an API of its own at the provider, and write its audience' })
  }
}

/** A client certificate: readable, with its own RSA key, as Entra takes them; its end is a warning (product R11), also once it is past, since it must not hold up a reload. */
const checkCertificate = (file: string, path: Path, contents: Contents, clock: Clock, report: Report): void => {
  checkPair(file, path, contents, report)
  const key = contents(file, [...path, 'key'])
  if (key !== undefined && checkKey(key, undefined) === 'fine' && createPrivateKey(key).asymmetricKeyType !== 'rsa') {
    report({ file, path: [...path, 'key'], message: 'is no RSA key', remedy: 'Entra takes RSA keys alone: make one of 2048 bits or more' })
  }
  const [certificate] = readCertificates(contents(file, [...path, 'certificate']) ?? '') ?? []
  const notice = certificate === undefined ? undefined : noticeAt(certificate.validTo, clock)
  if (notice !== undefined) {
    report({ file, path: [...path, 'certificate'], severity: 'warning', message: notice, remedy: 'make a new one and upload it to the application in Entra' })
  }
}

/** Every setting of a connector that contradicts another, is missing, or can have no effect. */
export const checkConnectors = ({ file, settings }: Pick<OrganizationDraft, 'file' | 'settings'>, contents: Contents, clock: Clock, report: Report): void => {
  for (const [id, connection] of Object.entries(settings.connections ?? {})) {
    if (connection === undefined) continue
    const at: Path = ['connections', id]
    const complain: Complain = finding => report({ ...finding, file, path: [...at, ...finding.path] })
    checkOwn(connection, complain)
    checkCommon(connection, complain)
    if ('client_certificate' in connection && connection.client_certificate !== undefined) checkCertificate(file, [...at, 'client_certificate'], contents, clock, report)
  }
}
