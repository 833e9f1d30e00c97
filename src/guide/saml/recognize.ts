import type { SamlDraft } from './side.ts'

/** Products whose administrators get a page of their own. */
export type SamlProductId = 'entra' | 'google' | 'okta' | 'onelogin' | 'ping' | 'adfs' | 'keycloak' | 'shibboleth' | 'auth0' | 'other'

/** How addresses of each begin or what is in them; clouds before what may run anywhere. */
const marks: readonly (readonly [SamlProductId, RegExp])[] = [
  ['entra', /^https:\/\/(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net|sts\.chinacloudapi\.cn)\//],
  ['google', /^https:\/\/accounts\.google\.com\//],
  ['okta', /^https?:\/\/[\w.-]+\.okta(?:preview|-emea|-gov)?\.(?:com|mil)\/|\/app\/[\w-]+\/sso\/saml\/metadata$/],
  ['onelogin', /^https:\/\/[\w.-]+\.onelogin\.com\//],
  ['ping', /^https:\/\/(?:[\w-]+\.)*(?:pingone\.(?:com\.au|com|eu|asia|ca|sg)|pingidentity\.com)\//],
  ['auth0', /^https:\/\/[\w.-]+\.auth0\.com\/|^urn:[\w.-]+\.auth0\.com$/],
  ['adfs', /\/federationmetadata\/|\/adfs\//],
  ['keycloak', /\/realms\/[^/]+/],
  ['shibboleth', /\/idp\/(?:shibboleth|profile\/)/]
]

/** Which product a connection's addresses are of, by how they look; `other` where they do not tell. */
export const recognize = ({ metadata_url: metadata, entity_id: entityId, sso_url: signOn }: Pick<SamlDraft, 'metadata_url' | 'entity_id' | 'sso_url'>): SamlProductId => {
  const known = [metadata, entityId, signOn].filter(text => text !== undefined).map(text => text.toLowerCase())
  return marks.find(([, mark]) => known.some(text => mark.test(text)))?.[0] ?? 'other'
}
