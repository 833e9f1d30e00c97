import type { Connection } from '../config/configuration.ts'
import { discoveryAddress, type DiscoveryAddress } from '../connections/oidc/metadata.ts'

/** Where a connection's discovery document is; undefined where there is none by configuration. */
export const discoveryOf = ({ settings }: Connection): DiscoveryAddress | undefined => {
  switch (settings.connector) {
    case 'oidc':
      return discoveryAddress(settings.discovery_url)
    case 'google':
      return discoveryAddress(settings.discovery_url ?? 'https://accounts.google.com')
    case 'entra':
      return discoveryAddress(settings.discovery_url ?? `https://login.microsoftonline.com/${settings.tenant_id ?? 'organizations'}/v2.0`)
    case 'okta': {
      const server = settings.authorization_server === undefined ? '' : `/oauth2/${settings.authorization_server}`
      return discoveryAddress(settings.discovery_url ?? `https://${settings.okta_domain}${server}`)
    }
    case 'manual':
      return undefined
  }
}
