/** What begins alike, so that a name is compared with few others. All folded. */
interface Family {
  readonly prefixes: readonly string[]
  /** Names that stand alone, since their beginning is shared with headers that name nobody. */
  readonly names: readonly string[]
}

/** oauth2-proxy's `GAP-Auth`, `GAP-Signature`. */
const g: Family = { prefixes: ['gap-'], names: [] }
/** Cloudflare Access. */
const c: Family = { prefixes: ['cf-access-'], names: [] }
/** Authelia. */
const r: Family = { prefixes: [], names: ['remote-user', 'remote-groups', 'remote-name', 'remote-email'] }
/** Portico and oauth2-proxy (`X-Auth-Request-*`); AWS ALB and Verified Access; Authelia; authentik. */
const xa: Family = { prefixes: ['x-auth-', 'x-amzn-oidc-', 'x-amzn-ava-', 'x-authelia-', 'x-authentik-'], names: [] }
/** oauth2-proxy. `X-Forwarded-For` and its like name nobody: the proxy rewrites those. */
const xf: Family = {
  prefixes: [],
  names: [
    'x-forwarded-user', 'x-forwarded-email', 'x-forwarded-groups', 'x-forwarded-preferred-user',
    'x-forwarded-preferred-username', 'x-forwarded-access-token'
  ]
}
/** Google IAP. */
const xg: Family = { prefixes: ['x-goog-authenticated-user-', 'x-goog-iap-'], names: [] }
/** Pomerium. */
const xp: Family = { prefixes: ['x-pomerium-'], names: [] }
/** Vouch. */
const xv: Family = { prefixes: ['x-vouch-'], names: [] }

/**
 * The family that a name may belong to, by letters that are cheap to look at: most headers of a
 * request have none. `| 0x20` lower-cases an ASCII letter; that it maps other characters too costs
 * no more than a comparison.
 */
const familyOf = (name: string): Family | undefined => {
  switch (name.charCodeAt(0) | 0x20) {
    case 0x63: return (name.charCodeAt(1) | 0x20) === 0x66 ? c : undefined
    case 0x67: return g
    case 0x72: return (name.charCodeAt(2) | 0x20) === 0x6d ? r : undefined
    case 0x78: // x, anything, and then
      switch (name.charCodeAt(2) | 0x20) {
        case 0x61: return xa
        case 0x66: return xf
        case 0x67: return xg
        case 0x70: return xp
        case 0x76: return xv
      }
  }
  return undefined
}

/**
 * The one spelling under which upstreams may take header names for equal: CGI, WSGI and PHP fold
 * case and map `-`, `_`, `.` and whatever else is not alphanumeric to one character
 * (behaviours.md V43).
 */
const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9-]/g, '-')

/**
 * Whether a request header of this name claims an identity, in Portico's own words or in those of
 * any preset, however spelt (product.md "Headers to the app"; behaviours.md C1–C3, N7, V43). Such
 * headers are removed from every request on every path before Portico's own are set.
 */
export const isIdentityHeader = (name: string): boolean => {
  const family = familyOf(name)
  if (family === undefined) return false
  const folded = fold(name)
  for (const prefix of family.prefixes) if (folded.startsWith(prefix)) return true
  return family.names.includes(folded)
}
