import type { Connection } from '../config/configuration.ts'
import type { ConnectionSettings } from '../config/schema/organization.ts'
import { entraDialect } from './entra.ts'
import { googleDialect } from './google.ts'
import { manualDialect } from './manual.ts'
import { oidcDialect } from './oidc.ts'
import type { Dialect } from './oidc/dialect.ts'
import { oktaDialect } from './okta.ts'

/** The settings of one kind of connection. */
export type SettingsOf<C extends Connection['connector']> = Extract<ConnectionSettings, { readonly connector: C }>

/** How the provider of a connection speaks, by its connector. */
export const dialectOf = (connection: Connection): Dialect => {
  const { settings } = connection
  switch (settings.connector) {
    case 'google': return googleDialect(connection, settings)
    case 'entra': return entraDialect(connection, settings)
    case 'okta': return oktaDialect(connection, settings)
    case 'oidc': return oidcDialect(connection, settings)
    case 'manual': return manualDialect(connection, settings)
    case 'saml': throw new TypeError(`${connection.id} speaks SAML`)
  }
}
