import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import { usableAlgorithms } from './algorithms.ts'
import { foreignText } from '../foreign.ts'
import { canName, isSameIssuer } from './issuer.ts'
import { unreachable, type Reach } from '../outbound/reach.ts'

const optionalTexts = z.array(z.string()).optional().catch(undefined)
const optionalUrl = z.string().min(1).optional().catch(undefined)

const document = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  userinfo_endpoint: optionalUrl,
  end_session_endpoint: optionalUrl,
  scopes_supported: optionalTexts,
  token_endpoint_auth_methods_supported: optionalTexts,
  id_token_signing_alg_values_supported: optionalTexts,
  userinfo_signing_alg_values_supported: optionalTexts,
  authorization_response_iss_parameter_supported: z.boolean().optional().catch(undefined)
})

/**
 * What Portico uses of how a provider describes itself, judged: its issuer, endpoints and algorithms are
 * acceptable. Only what an operator wrote by hand can be without keys.
 */
export type Metadata = Readonly<Omit<z.infer<typeof document>, 'jwks_uri'> & {
  jwks_uri: string | undefined
  id_token_signing_alg_values_supported: string[]
  userinfo_signing_alg_values_supported: string[]
}>

/** What `discovery_url` says: which issuer is expected, and where its document is. */
export interface DiscoveryAddress {
  readonly issuer: string
  readonly url: string
  /** Whether its document may name the issuer of all tenants at once (Entra's `{tenantid}`). */
  readonly tenanted?: boolean
}

/** Either form of `discovery_url` (product R6): the issuer, or the full address of its document. */
export const discoveryAddress = (setting: string): DiscoveryAddress => {
  const url = new URL(setting)
  const found = /^(.*?)\/\.well-known\/[^/]+\/?$/.exec(url.pathname)
  const path = found?.[1] ?? url.pathname.replace(/\/$/, '')
  // The whole form keeps its query: some providers choose the tenant's policy with it
  return found === null
    ? { issuer: `${url.origin}${url.pathname}`, url: `${url.origin}${path}/.well-known/openid-configuration` }
    : { issuer: `${url.origin}${path}`, url: `${url.origin}${url.pathname.replace(/\/$/, '')}${url.search}` }
}

/**
 * Judges a discovery document (OpenID Connect Discovery §4.3, behaviours O3, O2, N12): PORTICO_IDP_METADATA
 * for what is missing or not acceptable, PORTICO_IDP_ISSUER for another provider's document.
 */
export const judgeMetadata = (content: unknown, { issuer, tenanted = false }: DiscoveryAddress, reach: Reach): Metadata => {
  const parsed = document.safeParse(content)
  if (!parsed.success) {
    const missing = [...new Set(parsed.error.issues.map(issue => String(issue.path[0] ?? 'an object')))]
    throw new PorticoError('PORTICO_IDP_METADATA', { wanted: `a discovery document with ${missing.join(', ')}`, got: 'one without' })
  }
  const metadata = parsed.data
  if (!isSameIssuer(metadata.issuer, issuer) && !(tenanted && canName(metadata.issuer, issuer))) {
    throw new PorticoError('PORTICO_IDP_ISSUER', { wanted: issuer, got: foreignText(metadata.issuer) })
  }
  const endpoints = ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint', 'end_session_endpoint'] as const
  for (const name of endpoints) {
    const fault = metadata[name] === undefined ? undefined : unreachable(metadata[name], reach)
    if (fault !== undefined) throw new PorticoError('PORTICO_IDP_METADATA', { wanted: `an https address as ${name}`, got: foreignText(fault) })
  }
  const listed = metadata.id_token_signing_alg_values_supported
  const algorithms = usableAlgorithms(listed)
  if (algorithms.length === 0) {
    throw new PorticoError('PORTICO_IDP_METADATA', { wanted: 'ID tokens signed with RS, PS, ES or EdDSA', got: foreignText((listed ?? []).join(', ')) })
  }
  return {
    ...metadata,
    id_token_signing_alg_values_supported: [...algorithms],
    userinfo_signing_alg_values_supported: [...usableAlgorithms(metadata.userinfo_signing_alg_values_supported)]
  }
}
