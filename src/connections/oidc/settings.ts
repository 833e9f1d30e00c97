import type { Connection } from '../../config/configuration.ts'
import type { BuiltSettings } from '../../config/schema/organization.ts'

/** The settings of an `oidc` connection. Throws a TypeError for any other: a defect of the caller. */
export const oidcSettings = ({ settings, id }: Connection): Extract<BuiltSettings, { connector: 'oidc' }> => {
  if (settings.connector !== 'oidc') throw new TypeError(`${id} is no oidc connection`)
  return settings
}
