import type { Connection, Members, Organization, SamlFiles } from '../configuration.ts'
import { fingerprint } from '../fingerprint.ts'
import { openInvited } from '../invited.ts'
import { isPem, readCertificates } from '../pem.ts'
import { canonicalDomain } from '../schema/domain.ts'
import { parseEmail } from '../schema/email.ts'
import { matchingOf, type ConnectionSettings, type SamlSettings } from '../schema/organization.ts'
import { seconds } from '../schema/values.ts'
import { pathText } from '../source.ts'
import type { Path } from '../source.ts'
import { present, type Lifetimes, type OrganizationSource } from './checked.ts'

/** Whole seconds, as all that it is compared with: a date with a fraction comes with its second, not after. */
const moment = (date: string | undefined): number | undefined => date === undefined ? undefined : Math.floor(Date.parse(date) / 1000)

const canonical = (domains: readonly string[]): Set<string> => new Set(domains.map(domain => present(canonicalDomain(domain), 'a domain')))

const buildMembers = ({ settings: { members }, invited }: OrganizationSource): Members => {
  if (members === 'anyone' || !('invited' in members || 'invited_file' in members)) return { kind: 'anyone' }
  if (invited === undefined) throw new TypeError('an invited list passed the checks without its index')
  return { kind: 'invited', list: openInvited(invited) }
}

/** Seconds between refreshes where nobody wrote how many. */
const usualRefresh = 3_600

const refreshOf = (setting: string | boolean | undefined): Connection['refresh'] =>
  setting === undefined || setting === false ? undefined : { every: setting === true ? usualRefresh : seconds(setting) }

/** Each certificate of a list whose items are PEM, or files of it. */
const certificatesOf = (items: readonly string[] | undefined, value: (index: number) => string | undefined): string[] =>
  (items ?? []).flatMap((item, index) => (readCertificates(isPem(item) ? item : value(index) ?? '') ?? []).map(String))

const buildSaml = (settings: SamlSettings, value: (...path: Path) => string | undefined): SamlFiles => ({
  metadata: value('metadata_file'),
  certificates: certificatesOf(settings.certificates, index => value('certificates', index)),
  metadataCertificates: certificatesOf(settings.metadata_certificates, index => value('metadata_certificates', index))
})

const buildConnection = (source: OrganizationSource, organization: Organization, id: string, settings: ConnectionSettings, siblings: ReadonlyMap<string, ConnectionSettings>): Omit<Connection, 'location'> => {
  const value = (...path: Path): string | undefined => source.values.get(pathText(['connections', id, ...path]))
  const domains = canonical(settings.domains)
  const accepts = canonical(settings.accepts)
  const [heir, heirSettings] = [...siblings].find(([, { replaces }]) => replaces === id) ?? []
  const oauth = settings.connector === 'saml' ? undefined : settings
  const certificate = value('client_certificate', 'certificate')
  const key = value('client_certificate', 'key')
  return {
    id,
    name: settings.name ?? id,
    organization,
    connector: settings.connector,
    status: settings.status,
    activateAt: moment(settings.activate_at),
    replaces: settings.replaces,
    replacedBy: heir === undefined || heirSettings === undefined ? undefined : { id: heir, status: heirSettings.status, activateAt: moment(heirSettings.activate_at) },
    domains,
    assertable: new Set([...domains, ...accepts]),
    callback: oauth?.callback ?? 'own',
    matching: matchingOf(settings),
    requireAcr: settings.require_acr,
    requireAmr: settings.require_amr,
    groups: { filter: settings.groups?.filter, rename: new Map(Object.entries(settings.groups?.rename ?? {})) },
    bearer: oauth?.bearer,
    refresh: refreshOf(oauth?.refresh),
    clientSecret: value('client_secret'),
    clientCertificate: certificate === undefined || key === undefined ? undefined : { certificate, key },
    clientSecretExpires: moment(oauth?.client_secret_expires),
    saml: settings.connector === 'saml' ? buildSaml(settings, value) : undefined,
    settings,
    fingerprint: fingerprint(organization.id, settings, domains, accepts)
  }
}

/** One organization with its connections; `gateway` is how long sessions last at most. */
export const buildOrganization = (source: OrganizationSource, gateway: Lifetimes): Organization => {
  const { id, file, settings, entries } = source
  const connections: Connection[] = []
  const { members } = settings
  const organization: Organization = {
    id,
    name: settings.name,
    apps: settings.apps === undefined ? undefined : new Set(settings.apps),
    defaultRole: settings.default_role,
    members: buildMembers(source),
    blocked: new Set([...settings.blocked, ...(members === 'anyone' ? [] : members.blocked ?? [])].map(text => present(parseEmail(text)?.email, 'an e-mail'))),
    loginHosts: new Map(settings.login_hosts.map(text => [new URL(text).hostname, new URL(text).origin])),
    logoutUrl: settings.logout_url,
    session: {
      idle: seconds(settings.session?.idle ?? gateway.idle),
      absolute: seconds(settings.session?.absolute ?? gateway.absolute),
      concurrent: settings.session?.concurrent ?? gateway.concurrent
    },
    connections
  }
  const siblings = new Map(Object.entries(settings.connections))
  for (const [name, connection] of siblings) {
    connections.push({
      ...buildConnection(source, organization, name, connection, siblings),
      location: entries.get(`connections.${name}`) ?? { file, line: 1, column: 1 }
    })
  }
  return organization
}
