import type { Connection } from '../../config/configuration.ts'
import type { SamlSettings } from '../../config/schema/organization.ts'

/** The settings of a connection that speaks SAML. Throws TypeError for all others, which `connectors.ts` leads elsewhere. */
export const samlSettings = ({ id, settings }: Pick<Connection, 'id' | 'settings'>): SamlSettings => {
  if (settings.connector !== 'saml') throw new TypeError(`${id} does not speak SAML`)
  return settings
}
