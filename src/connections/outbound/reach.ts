import { BlockList, isIP } from 'node:net'
import { isLoopback, withoutBrackets } from '../../config/schema/addresses.ts'

/** How far an identity provider's documents may send Portico (behaviours N12). */
export interface Reach {
  /** Host name of the issuer that the operator wrote: whatever it is, it was meant. */
  readonly issuerHost: string
  /** `dangerously_allow_http`. */
  readonly allowHttp: boolean
}

// Where a cloud's metadata service and this machine itself live.
const forbidden = new BlockList()
forbidden.addSubnet('127.0.0.0', 8, 'ipv4')
forbidden.addSubnet('0.0.0.0', 8, 'ipv4')
forbidden.addSubnet('169.254.0.0', 16, 'ipv4')
forbidden.addAddress('::', 'ipv6')
forbidden.addAddress('::1', 'ipv6')
forbidden.addSubnet('fe80::', 10, 'ipv6')
// Node reads ::ffff:127.0.0.1 as the IPv4 address that it is

/** Whether an address is this machine or link-local: no identity provider that somebody else named. */
export const isForbiddenAddress = (address: string): boolean => {
  const family = isIP(address)
  return family !== 0 && forbidden.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** Whether a URL's host is the issuer's, for which no further rule holds. */
export const isIssuerHost = (url: URL, reach: Reach): boolean => url.hostname === reach.issuerHost

/**
 * Why `text` must not be contacted, or undefined when it may be: https everywhere, plain http only
 * among loopback names or with `dangerously_allow_http`; this machine and link-local addresses only
 * when the issuer itself is on this machine. Private networks stay open: companies keep identity
 * providers there.
 */
export const unreachable = (text: string, reach: Reach): string | undefined => {
  if (!URL.canParse(text)) return 'not a URL'
  const url = new URL(text)
  const host = withoutBrackets(url.hostname)
  const issuerIsLocal = isLoopback(reach.issuerHost)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `a ${url.protocol} URL`
  if (url.username !== '' || url.password !== '') return 'a URL with credentials'
  if (url.hash !== '') return 'a URL with a fragment'
  if (!isIssuerHost(url, reach) && !issuerIsLocal && (isLoopback(host) || isForbiddenAddress(host))) {
    return `${url.origin}, which is this machine or its link`
  }
  if (url.protocol === 'http:' && !reach.allowHttp && !(issuerIsLocal && isLoopback(host))) return `${url.origin}, without TLS`
  return undefined
}
