import type { Connection } from '../config/configuration.ts'
import type { SettingsOf } from './dialects.ts'
import type { Dialect } from './oidc/dialect.ts'
import { standardDialect } from './oidc/standard.ts'

/** Generic OpenID Connect with discovery (product R6): keyed by `iss` and `sub`. */
export const oidcDialect = (connection: Connection, settings: SettingsOf<'oidc'>): Dialect => {
  const { email, name, groups } = settings.claims
  return {
    ...standardDialect(connection, settings.discovery_url, { email: [email], name, groups }),
    authentication: settings.token_endpoint_auth_method,
    scopes: settings.scopes
  }
}
