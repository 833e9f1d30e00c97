/**
 * Folded beginnings of every header that names an identity in some gateway's dialect: the whole
 * `X-Auth-*` of Portico (oauth2-proxy's `X-Auth-Request-*` with it), Pomerium, Cloudflare Access,
 * Google IAP, AWS ALB and Verified Access, authentik, Authelia and Vouch.
 */
const prefixes = [
  'cf-access-',
  'gap-',
  'x-amzn-ava-',
  'x-amzn-oidc-',
  'x-auth-',
  'x-authelia-',
  'x-authentik-',
  'x-goog-authenticated-user-',
  'x-goog-iap-',
  'x-pomerium-',
  'x-vouch-'
]

/** Names that stand alone, since their beginning is shared with headers that name nobody. */
const names: ReadonlySet<string> = new Set([
  'remote-email',
  'remote-groups',
  'remote-name',
  'remote-user',
  'x-forwarded-access-token',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-user',
  'x-forwarded-preferred-username',
  'x-forwarded-user'
])

/**
 * The one spelling under which upstreams may take header names for equal: CGI, WSGI and PHP fold
 * case and map `-`, `_`, `.` and whatever else is not alphanumeric to one character
 * (behaviours.md V43).
 */
const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

const code = (letter: string): number => letter.charCodeAt(0)
const letters = { a: code('a'), c: code('c'), f: code('f'), g: code('g'), p: code('p'), r: code('r'), v: code('v'), x: code('x') }

/** `| 0x20` lower-cases an ASCII letter and maps no other printable character onto one that is compared. */
const lower = (name: string, index: number): number => name.charCodeAt(index) | 0x20

/** Whether the letters that are cheap to look at leave it possible. Most requests get no further. */
const isSuspect = (name: string): boolean => {
  switch (lower(name, 0)) {
    case letters.x:
      switch (lower(name, 2)) {
        case letters.a:
        case letters.f:
        case letters.g:
        case letters.p:
        case letters.v:
          return true
        default:
          return false
      }
    case letters.c:
      return lower(name, 1) === letters.f
    case letters.g:
      return lower(name, 1) === letters.a
    case letters.r:
      return lower(name, 2) === code('m')
    default:
      return false
  }
}

/**
 * Whether a request header of this name claims an identity, in Portico's own words or in those of
 * any preset, however spelt (product.md "Headers to the app"; behaviours.md C1–C3, N7, V43). Such
 * headers are removed from every request on every path before Portico's own are set. Forwarding
 * headers (`X-Forwarded-For` …) are none of them: the proxy rewrites those.
 */
export const isIdentityHeader = (name: string): boolean => {
  if (!isSuspect(name)) return false
  const folded = fold(name)
  return names.has(folded) || prefixes.some(prefix => folded.startsWith(prefix))
}
