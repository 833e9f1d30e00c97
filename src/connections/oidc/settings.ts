import type { Connection } from '../../config/configuration.ts'
import type { OidcSettings } from '../../config/schema/organization.ts'
import type { Reach } from '../outbound/reach.ts'
import type { Dialect } from './dialect.ts'

/** The settings of a connection that speaks OpenID Connect or OAuth 2.0. Throws TypeError for SAML, which `connectors.ts` leads elsewhere. */
export const oidcSettings = ({ id, settings }: Pick<Connection, 'id' | 'settings'>): OidcSettings => {
  if (settings.connector === 'saml') throw new TypeError(`${id} speaks SAML`)
  return settings
}

/** How far the provider of a connection that speaks this dialect may send Portico. */
export const reachOf = ({ settings }: Connection, { source }: Dialect): Reach => {
  const named = 'fixed' in source ? source.fixed.token_endpoint : source.discovery.url
  return { issuerHost: new URL(named).hostname, allowHttp: settings.dangerously_allow_http }
}
