import { canonicalDomain } from '../schema/domain.ts'
import type { ConnectionSettings } from '../schema/organization.ts'
import { isUuid } from '../schema/values.ts'
import type { Draft } from '../walk.ts'
import type { Complain } from './connectors.ts'

type EntraDraft = Draft<Extract<ConnectionSettings, { connector: 'entra' }>>

const canonicalOf = (domains: readonly (string | undefined)[] = []): string[] =>
  domains.map(domain => domain === undefined ? undefined : canonicalDomain(domain)).filter(domain => domain !== undefined)

const checkTenants = ({ tenants = {}, domains = [], accepts }: EntraDraft, complain: Complain): void => {
  const own = new Set([...canonicalOf(domains), ...canonicalOf(accepts)])
  const asserted = new Set<string>()
  const seen = new Set<string>()
  for (const [id, listed] of Object.entries(tenants)) {
    if (!isUuid(id)) complain({ path: ['tenants', id], key: true, message: `'${id}' is not a tenant id`, remedy: 'write the Directory (tenant) ID of the Overview in Entra' })
    else if (seen.has(id.toLowerCase())) complain({ path: ['tenants', id], key: true, message: 'this tenant is listed twice', remedy: 'write it once, with all of its domains' })
    seen.add(id.toLowerCase())
    for (const [index, domain] of listed?.entries() ?? []) {
      const canonical = domain === undefined ? undefined : canonicalDomain(domain)
      if (canonical === undefined) continue
      asserted.add(canonical)
      if (!own.has(canonical)) complain({ path: ['tenants', id, index], message: `'${canonical}' is no domain of this connection`, remedy: 'add it to domains, or to accepts, or remove it here' })
    }
  }
  for (const [index, domain] of domains.entries()) {
    const canonical = domain === undefined ? undefined : canonicalDomain(domain)
    if (canonical !== undefined && !asserted.has(canonical)) complain({ path: ['domains', index], message: `no tenant may assert '${canonical}'`, remedy: 'list it under the tenant that owns it: nobody of this domain could sign in' })
  }
}

/** Tenancy, and how the client authenticates (product R3). */
export const checkEntra = (entra: EntraDraft, complain: Complain): void => {
  const { tenancy = 'single', tenant_id: tenantId, tenants, client_secret: secret, client_certificate: certificate, client_secret_expires: expires, discovery_url: url } = entra
  if (tenancy === 'single') {
    if (tenantId === undefined) complain({ path: [], key: true, message: 'lacks tenant_id', remedy: 'write the Directory (tenant) ID of the Overview in Entra, or set tenancy: multiple and tenants' })
    if (tenants !== undefined) complain({ path: ['tenants'], key: true, message: 'is for tenancy: multiple', remedy: 'set tenancy: multiple, or remove it' })
  } else {
    if (tenantId !== undefined) complain({ path: ['tenant_id'], message: 'is for tenancy: single', remedy: 'move it into tenants, with the domains of this tenant' })
    if (tenants === undefined || Object.keys(tenants).length === 0) complain({ path: [], key: true, message: 'lacks tenants', remedy: 'list each tenant id with the domains that it may assert: nobody of another tenant comes in' })
    else checkTenants(entra, complain)
  }
  if (secret === undefined && certificate === undefined) complain({ path: [], key: true, message: 'lacks client_secret or client_certificate', remedy: 'give one of the two' })
  if (secret !== undefined && certificate !== undefined) complain({ path: ['client_certificate'], key: true, message: 'stands beside client_secret', remedy: 'keep one of the two' })
  if (secret === undefined && certificate !== undefined && expires !== undefined) complain({ path: ['client_secret_expires'], message: 'there is no client_secret', remedy: 'remove it: the certificate says itself when it expires' })
  if (url !== undefined && /^login\.microsoftonline\./.test(new URL(url).hostname) && !/\/v2\.0(?:\/|$)/.test(new URL(url).pathname)) {
    complain({ path: ['discovery_url'], message: 'leads to tokens of version 1.0', remedy: 'use the address that ends with /v2.0, or its /.well-known/openid-configuration' })
  }
}
