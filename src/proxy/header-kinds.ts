import { isIdentityHeader } from '../identity/strip.ts'

/**
 * What happens to a header on its way.
 * `keep`: as it came. `drop`: never passed on. `forwarding`: passed on from trusted proxies only.
 * `host`, `cookie`, `set-cookie`: rewritten.
 */
export type HeaderKind = 'keep' | 'drop' | 'forwarding' | 'host' | 'cookie' | 'set-cookie'

/**
 * Hop-by-hop (RFC 9110 §7.6.1), and what undici writes or refuses itself. `Expect` is answered by
 * Node. `Proxy` alone is httpoxy.
 */
const hop: ReadonlySet<string> = new Set([
  'connection', 'expect', 'http2-settings', 'keep-alive', 'proxy', 'te', 'trailer', 'transfer-encoding', 'upgrade'
])

/** Set by Portico on every request, whoever sent them. */
const replaced: ReadonlySet<string> = new Set([
  'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-request-id', 'x-portico-intercepted'
])

/** The one spelling under which upstreams may take names for equal (behaviours.md V43, V45). */
const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

const isForwarding = (folded: string): boolean =>
  folded === 'forwarded' || folded === 'via' || folded === 'x-real-ip' || folded === 'x-client-ip' || folded === 'x-cluster-client-ip' ||
  folded === 'true-client-ip' || folded === 'cf-connecting-ip' || folded.startsWith('x-forwarded-') || folded.startsWith('x-original-') || folded === 'x-rewrite-url'

const requestKind = (name: string): HeaderKind => {
  const lower = name.toLowerCase()
  if (lower === 'host') return 'host'
  if (lower === 'cookie') return 'cookie'
  const folded = fold(name)
  if (hop.has(folded) || folded.startsWith('proxy-') || replaced.has(folded)) return 'drop'
  if (isIdentityHeader(name)) return 'drop'
  // `Content_Length`, `Host.`: no client of good faith spells these another way
  if (folded !== lower && (folded === 'host' || folded === 'cookie' || folded === 'content-length' || folded === 'authorization')) return 'drop'
  return isForwarding(folded) ? 'forwarding' : 'keep'
}

const responseKind = (name: string): HeaderKind => {
  const lower = name.toLowerCase()
  if (lower === 'set-cookie') return 'set-cookie'
  return hop.has(lower) || lower === 'proxy-connection' || lower === 'proxy-authenticate' || lower === 'proxy-authentication-info' || lower === 'x-portico-intercepted' ? 'drop' : 'keep'
}

/** Spellings that are remembered: strangers choose names, so the memory is bounded. */
const limit = 2_000

const memoised = (judge: (name: string) => HeaderKind): (name: string) => HeaderKind => {
  const known = new Map<string, HeaderKind>()
  return name => {
    const kind = known.get(name)
    if (kind !== undefined) return kind
    const judged = judge(name)
    if (known.size < limit && name.length <= 64) known.set(name, judged)
    return judged
  }
}

/** Judges header names: ecosystem.md F4, F5; behaviours.md C1–C3, C11, N7, V19, V43. */
export interface HeaderKinds {
  ofRequest (name: string): HeaderKind
  ofResponse (name: string): HeaderKind
}

/** Each gateway has its own memory of spellings. */
export const createHeaderKinds = (): HeaderKinds => ({
  ofRequest: memoised(requestKind),
  ofResponse: memoised(responseKind)
})

/** The names that a Connection header lists, lower-case; undefined for the usual ones. */
export const listedNames = (connection: string | undefined): ReadonlySet<string> | undefined => {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  const names = connection.toLowerCase().split(',').map(name => name.trim())
  return new Set(names.filter(name => name !== '' && name !== 'keep-alive' && name !== 'close'))
}
