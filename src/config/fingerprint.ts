import { hash } from 'node:crypto'
import { matchingOf, type ConnectionSettings } from './schema/organization.ts'

const wellKnown = '/.well-known/openid-configuration'

/** The issuer that a `discovery_url` means, whichever of its forms is written; for comparing, not for `iss`. */
const normalIssuer = (discoveryUrl: string): string => {
  const url = new URL(discoveryUrl)
  url.pathname = url.pathname.replace(/\/+$/, '')
  if (url.pathname.endsWith(wellKnown)) url.pathname = url.pathname.slice(0, -wellKnown.length)
  return url.href.replace(/\/+$/, '')
}

/** Not compared as they are written: `status` and dates are in the standing, the others are compared by what they mean. */
const elsewhere = ['status', 'activate_at', 'replaces', 'domains', 'accepts', 'discovery_url', 'matching']

/**
 * What may change without a word about who is trusted: how the client names itself, authenticates and asks,
 * not whom it believes. A certificate that is taken away ends the sessions that it verified, and no others.
 */
const harmless = ['name', 'client_secret', 'client_secret_expires', 'client_certificate', 'token_endpoint_auth_method', 'scopes', 'callback', 'bearer', 'provider_sign_out', 'end_session_url', 'refresh', 'certificates', 'sign_requests', 'slo_url', 'request_authn_context']

/** Every other key counts: a new one that nobody has thought about ends sessions rather than keeping them. */
const passedOver: ReadonlySet<string> = new Set([...elsewhere, ...harmless])

/** A setting that is as if it were not there: so that a new one, at rest, ends nobody's session. */
const isAtRest = (value: unknown): boolean =>
  value === undefined || value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

/** The same whichever way round its keys, and the items of its lists, are written. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(item => JSON.stringify(sorted(item))).sort()
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map(([key, inner]) => [key, sorted(inner)])
}

/**
 * SHA-256 over all that a session's trust in a connection rests on, but for its standing (product.md,
 * "Trust has a fingerprint"). A rotated secret, another name or other scopes change nothing.
 */
export const fingerprint = (organization: string, settings: ConnectionSettings, domains: Iterable<string>, accepts: Iterable<string>): string => {
  const trust = Object.entries(settings).filter(([key, value]) => !passedOver.has(key) && !isAtRest(value))
  const discovery = 'discovery_url' in settings && settings.discovery_url !== undefined ? normalIssuer(settings.discovery_url) : undefined
  return hash('sha256', JSON.stringify([
    organization, discovery, matchingOf(settings), [...domains].sort(), [...accepts].sort(), sorted(Object.fromEntries(trust))
  ]), 'base64url')
}
