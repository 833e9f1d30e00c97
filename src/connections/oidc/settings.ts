import type { Connection } from '../../config/configuration.ts'
import type { OidcSettings } from '../../config/schema/organization.ts'

/** The settings of a connection that speaks OpenID Connect or OAuth 2.0. Throws TypeError for SAML, which `connectors.ts` leads elsewhere. */
export const oidcSettings = ({ id, settings }: Pick<Connection, 'id' | 'settings'>): OidcSettings => {
  if (settings.connector === 'saml') throw new TypeError(`${id} speaks SAML`)
  return settings
}
