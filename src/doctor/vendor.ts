import type { Connection } from '../config/configuration.ts'
import { problem, warning, type Finding } from './finding.ts'

const check = 'configuration'

/** What is known of each vendor's mistakes that shows without asking anybody; nothing where there is none. */
export const judgeVendor = ({ settings, assertable }: Connection): readonly Finding[] => {
  switch (settings.connector) {
    case 'okta': {
      const admin = /^([a-z0-9-]+)-admin(\.(?:okta|oktapreview|okta-emea)\.com)$/i.exec(settings.okta_domain)
      return admin === null
        ? []
        : [problem(check, 'the organization\'s Okta domain', `${settings.okta_domain}, which is its admin console`, `Set okta_domain: ${admin[1] ?? ''}${admin[2] ?? ''}`)]
    }
    case 'google':
      return assertable.has(settings.workspace_domain)
        ? []
        : [warning(check, `${settings.workspace_domain} among the connection's domains`, [...assertable].join(', '), 'Google names the Workspace\'s primary domain in `hd`: fine if these are its secondary domains.')]
    case 'entra':
      return settings.tenancy === 'multiple' && settings.tenant_id !== undefined
        ? [warning(check, 'tenants alone, with tenancy: multiple', 'tenant_id too', 'Remove tenant_id, or set tenancy: single.')]
        : []
    default:
      return []
  }
}
