import type { Connection, Members, Organization } from '../configuration.ts'
import { fingerprint } from '../fingerprint.ts'
import { invitedFrom, invitedLines } from '../invited.ts'
import { canonicalDomain } from '../schema/domain.ts'
import { parseEmail } from '../schema/email.ts'
import { matchingOf, type BuiltSettings, type ConnectionSettings, type OrganizationSettings } from '../schema/organization.ts'
import { seconds } from '../schema/values.ts'
import { present, type Checked } from './checked.ts'

const moment = (date: string | undefined): number | undefined => date === undefined ? undefined : Date.parse(date) / 1000

const canonical = (domains: readonly string[]): Set<string> => new Set(domains.map(domain => present(canonicalDomain(domain), 'a domain')))

const isBuilt = (settings: ConnectionSettings): settings is BuiltSettings => settings.connector !== 'saml'

const buildMembers = ({ contents }: Checked, file: string, members: OrganizationSettings['members']): Members => {
  if (members === 'anyone') return { kind: 'anyone' }
  if ('invited' in members) return { kind: 'invited', list: invitedFrom(members.invited) }
  if (!('invited_file' in members)) return { kind: 'anyone' }
  return { kind: 'invited', list: invitedFrom(invitedLines(contents(file, ['members', 'invited_file']) ?? '')) }
}

const buildConnection = (checked: Checked, file: string, organization: Organization, id: string, settings: BuiltSettings, siblings: ReadonlyMap<string, ConnectionSettings>): Omit<Connection, 'location'> => {
  const at = ['connections', id]
  const domains = canonical(settings.domains)
  const accepts = canonical(settings.accepts)
  const [heir, heirSettings] = [...siblings].find(([, { replaces }]) => replaces === id) ?? []
  const certificate = checked.contents(file, [...at, 'client_certificate', 'certificate'])
  const key = checked.contents(file, [...at, 'client_certificate', 'key'])
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
    callback: settings.callback,
    matching: matchingOf(settings),
    requireAcr: settings.require_acr,
    requireAmr: settings.require_amr,
    groups: { filter: settings.groups?.filter, rename: new Map(Object.entries(settings.groups?.rename ?? {})) },
    bearer: settings.bearer,
    clientSecret: checked.contents(file, [...at, 'client_secret']),
    clientCertificate: certificate === undefined || key === undefined ? undefined : { certificate, key },
    clientSecretExpires: moment(settings.client_secret_expires),
    settings,
    fingerprint: fingerprint(organization.id, settings, domains, accepts)
  }
}

/** One organization with its connections. */
export const buildOrganization = (checked: Checked, { id, file, settings, entries }: Checked['organizations'][number]): Organization => {
  const { portico } = checked
  const connections: Connection[] = []
  const { members } = settings
  const organization: Organization = {
    id,
    name: settings.name,
    apps: settings.apps === undefined ? undefined : new Set(settings.apps),
    defaultRole: settings.default_role,
    members: buildMembers(checked, file, members),
    blocked: new Set([...settings.blocked, ...(members === 'anyone' ? [] : members.blocked ?? [])].map(text => present(parseEmail(text)?.email, 'an e-mail'))),
    loginHosts: new Map(settings.login_hosts.map(text => [new URL(text).hostname, new URL(text).origin])),
    logoutUrl: settings.logout_url,
    session: {
      idle: seconds(settings.session?.idle ?? portico.session.idle),
      absolute: seconds(settings.session?.absolute ?? portico.session.absolute)
    },
    connections
  }
  const siblings = new Map(Object.entries(settings.connections))
  for (const [name, connection] of siblings) {
    if (!isBuilt(connection)) throw new TypeError(`the connector ${connection.connector} passed the checks`)
    connections.push({
      ...buildConnection(checked, file, organization, name, connection, siblings),
      location: entries.get(`connections.${name}`) ?? { file, line: 1, column: 1 }
    })
  }
  return organization
}
