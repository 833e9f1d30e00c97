import { createHash } from 'node:crypto'
import type { BuiltSettings } from './schema/organization.ts'

const wellKnown = '/.well-known/openid-configuration'

/** The issuer that a `discovery_url` means, whichever of its forms is written; for comparing, not for `iss`. */
export const normalIssuer = (discoveryUrl: string): string => {
  const url = new URL(discoveryUrl)
  url.pathname = url.pathname.replace(/\/+$/, '')
  if (url.pathname.endsWith(wellKnown)) url.pathname = url.pathname.slice(0, -wellKnown.length)
  return url.href.replace(/\/+$/, '')
}

/** What may change without a word about who is trusted. `status` and dates are not here but in `standing`. */
const harmless: ReadonlySet<string> = new Set([
  'status', 'activate_at', 'replaces', 'name', 'client_secret', 'client_secret_expires', 'client_certificate', 'token_endpoint_auth_method',
  'scopes', 'callback', 'matching', 'bearer', 'refresh', 'max_age', 'domains', 'accepts', 'discovery_url'
])

/** A setting that is as if it were not there: so that a new one, at rest, ends nobody's session. */
const isAtRest = (value: unknown): boolean =>
  value === undefined || value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

/** The same whichever way round its keys are written. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map(([key, inner]) => [key, sorted(inner)])
}

/**
 * SHA-256 over all that a session's trust in a connection rests on, but for its standing (product.md,
 * "Trust has a fingerprint"). A rotated secret, another name or other scopes change nothing.
 */
export const fingerprint = (organization: string, settings: BuiltSettings, domains: Iterable<string>, accepts: Iterable<string>): string => {
  const trust = Object.entries(settings).filter(([key, value]) => !harmless.has(key) && !isAtRest(value))
  const discovery = 'discovery_url' in settings && settings.discovery_url !== undefined ? normalIssuer(settings.discovery_url) : undefined
  return createHash('sha256').update(JSON.stringify([
    organization, discovery, [...domains].sort(), [...accepts].sort(), sorted(Object.fromEntries(trust))
  ])).digest('base64url')
}
