import type { Connection } from '../config/configuration.ts'
import { canonicalDomain } from '../config/schema/domain.ts'
import { parseEmail } from '../config/schema/email.ts'
import type { SettingsOf } from './dialects.ts'
import { noGuest, notRefuted, tenant, tenantIn, version } from './entra-checks.ts'
import { explainEntra } from './entra-errors.ts'
import { claim } from './oidc/claim.ts'
import { isValue } from './sound.ts'
import type { Dialect } from './oidc/dialect.ts'
import { issuerOfTenant } from './oidc/issuer.ts'
import { discoveryAddress, type DiscoveryAddress } from './oidc/metadata.ts'
import { standardDialect, standardParameters } from './oidc/standard.ts'

type Settings = SettingsOf<'entra'>

const cloud = 'https://login.microsoftonline.com'

const discoveryOf = ({ discovery_url: url, tenancy, tenant_id: tenantId }: Settings): DiscoveryAddress => {
  if (url !== undefined) return { ...discoveryAddress(url), tenanted: true }
  if (tenancy === 'single') return discoveryAddress(`${cloud}/${(tenantId ?? '').toLowerCase()}/v2.0`)
  return { issuer: `${cloud}/{tenantid}/v2.0`, url: `${cloud}/organizations/v2.0/.well-known/openid-configuration`, tenanted: true }
}

/** Of each tenant, the domains that it may assert: all of the connection's where there is but one. */
const tenantsOf = ({ tenancy, tenant_id: tenantId, tenants = {} }: Settings, connection: Connection): ReadonlyMap<string, ReadonlySet<string>> => {
  if (tenancy === 'single') return new Map([[(tenantId ?? '').toLowerCase(), connection.assertable]])
  return new Map(Object.entries(tenants).map(([id, domains]) => {
    const listed = new Set(domains.map(canonicalDomain))
    return [id.toLowerCase(), new Set([...connection.assertable].filter(domain => listed.has(domain)))]
  }))
}

/** Under which issuers the tokens of these tenants come, as far as is known without the document. */
const issuersOf = ({ issuer }: DiscoveryAddress, tenants: Iterable<string>): readonly string[] => [
  issuer, ...[...tenants].map(id => issuerOfTenant(issuer.replace(/\/(?:organizations|common)(?=\/)/, '/{tenantid}'), id))
]

/**
 * Skips Microsoft's own search for the person's company: by the domain of the e-mail that was typed, or by
 * the connection's where all of its people are of one tenant.
 */
const domainHint = (connection: Connection, { tenancy, allow_guests: hasGuests }: Settings, loginHint: string | undefined): Readonly<Record<string, string>> => {
  const typed = loginHint === undefined ? undefined : parseEmail(loginHint)?.domain
  const [first] = connection.domains
  const domain = typed !== undefined ? typed : tenancy === 'single' && !hasGuests ? first : undefined
  return domain !== undefined && connection.domains.has(domain) ? { domain_hint: domain } : {}
}

/** Microsoft Entra ID (product R3): keyed by tenant and object, which no admin can change. */
export const entraDialect = (connection: Connection, settings: Settings): Dialect => {
  const { email, name, groups } = settings.claims
  const discovery = discoveryOf(settings)
  const tenants = tenantsOf(settings, connection)
  const names = email === undefined ? ['email', 'preferred_username'] : [email]
  const subject: Dialect['subject'] = claims => {
    const [tid, oid] = [tenantIn(claims), claim(claims, 'oid')]
    return tid !== undefined && isValue(oid) && oid !== '' ? { value: `${tid} ${oid.toLowerCase()}`, from: 'claims tid and oid of the ID token' } : undefined
  }
  return {
    ...standardDialect(connection, discovery.url, { email: names, name, groups }),
    source: { discovery },
    issuers: issuersOf(discovery, tenants.keys()),
    tenants,
    issuerOf: (metadata, claims) => issuerOfTenant(metadata.issuer, String(claim(claims, 'tid'))),
    isItself: settings.discovery_url === undefined,
    scopes: ['openid', 'email', 'profile', ...connection.refresh === undefined ? [] : ['offline_access']],
    parameters: request => ({ ...standardParameters(request), ...domainHint(connection, settings, request.loginHint) }),
    // Entra asks for the optional claim `login_hint` as it is, and takes nothing else that names a person
    logoutHint: claims => {
      const hint = claim(claims, 'login_hint')
      return isValue(hint) ? hint : undefined
    },
    explain: explainEntra,
    tokenChecks: [tenant(tenants), version],
    identityChecks: settings.allow_guests ? [] : [noGuest],
    // groups come in the token or not at all
    completed: [names, [name]],
    subject,
    tokenSubject: subject,
    vouched: notRefuted(connection),
    assertable: claims => tenants.get(tenantIn(claims) ?? '') ?? new Set()
  }
}
