import { isIPv6 } from 'node:net'

/** Letters, digits, `-`, `_` and `.`, or an address in brackets; then perhaps a port. */
const shape = /^(?:([a-z0-9_-][a-z0-9_.-]*)|\[([0-9a-f:.]+)\])(?::([0-9]{1,5}))?$/i

/**
 * The one spelling of a Host (behaviours.md V12): lower-case, the port checked and dropped, one
 * trailing dot dropped. Undefined for what names no host: nothing, userinfo, empty labels, garbage.
 */
export const canonicalHost = (header: string | undefined): string | undefined => {
  if (header === undefined || header.length > 261) return undefined
  const match = shape.exec(header)
  if (match === null) return undefined
  const [, name, address, port] = match
  if (port !== undefined && Number(port) > 65_535) return undefined
  if (name === undefined) {
    return address !== undefined && isIPv6(address) ? new URL(`http://[${address}]`).hostname : undefined
  }
  if (name.includes('..') || name.startsWith('.')) return undefined
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/**
 * The canonical host of a request, which must name exactly one (behaviours.md B14). Node hides a
 * second Host line, so the raw headers are counted.
 */
export const requestHost = (rawHeaders: readonly string[]): string | undefined => {
  let found: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name === undefined || name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (found !== undefined) return undefined
    found = rawHeaders[i + 1]
  }
  return canonicalHost(found)
}
