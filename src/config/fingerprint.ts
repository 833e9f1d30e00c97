import { createHash } from 'node:crypto'
import type { OidcSettings } from './schema/organization.ts'

const wellKnown = '/.well-known/openid-configuration'

/** The issuer that a `discovery_url` means, whichever of its forms is written; for comparing, not for `iss`. */
export const normalIssuer = (discoveryUrl: string): string => {
  const url = new URL(discoveryUrl)
  url.pathname = url.pathname.replace(/\/+$/, '')
  if (url.pathname.endsWith(wellKnown)) url.pathname = url.pathname.slice(0, -wellKnown.length)
  return url.href.replace(/\/+$/, '')
}

/**
 * SHA-256 over all that a session's trust in a connection rests on (product.md, "Trust has a
 * fingerprint"). A rotated secret, another name or other scopes change nothing.
 */
export const fingerprint = (organization: string, settings: OidcSettings, domains: Iterable<string>): string => {
  const trust = [
    settings.connector, organization, normalIssuer(settings.discovery_url), settings.client_id, settings.status,
    [...domains].sort(), settings.claims.email, settings.dangerously_trust_unverified_email, settings.dangerously_allow_http
  ]
  return createHash('sha256').update(JSON.stringify(trust)).digest('base64url')
}
