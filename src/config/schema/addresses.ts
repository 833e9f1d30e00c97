import { BlockList, isIP } from 'node:net'
import { text, type Fault } from './values.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** A URL's host name as sockets and TLS take it: an IPv6 address stands in brackets there. */
export const withoutBrackets = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')

/**
 * Whether a canonical host name or address is this machine: `localhost`, `*.localhost` (RFC 6761
 * §6.3), 127.0.0.0/8 and ::1.
 */
export const isLoopback = (host: string): boolean => {
  const name = withoutBrackets(host)
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  const family = isIP(name)
  return family !== 0 && loopback.check(name, family === 6 ? 'ipv6' : 'ipv4')
}

const parse = (value: string): URL | Fault => {
  // The WHATWG parser also takes `http:host`, back-slashes and inner line breaks.
  if (!/^https?:\/\/[^\s\\/?#]/i.test(value) || /[\s\\]/.test(value) || !URL.canParse(value)) {
    return { message: 'is not an http or https URL', remedy: 'write scheme and host: https://sso.example.com' }
  }
  const url = new URL(value)
  if (url.username !== '' || url.password !== '') {
    return { message: 'carries a user name or password', remedy: 'remove what stands before the @' }
  }
  if (!/^[a-z0-9_.-]+$|^\[[0-9a-f:.]+\]$/.test(url.hostname)) {
    return { message: `'${url.hostname}' is not one host name`, remedy: 'write one exact name or address, without wildcards' }
  }
  if (url.hostname.endsWith('.')) {
    return { message: 'has a dot at the end of its host name', remedy: 'remove the last dot' }
  }
  return url
}

const originFault = (value: string): Fault | undefined => {
  const url = parse(value)
  if (!(url instanceof URL)) return url
  return /^https?:\/\/[^/?#]+\/?$/i.test(value)
    ? undefined
    : { message: 'is more than an origin', remedy: `write scheme, host and port alone: ${url.origin}` }
}

/** An `http` or `https` origin: no path, query, fragment or credentials. */
export const origin = text('an origin', 'https://app.example.com', originFault)

/** An absolute `http` or `https` URL without credentials or fragment. */
export const httpUrl = text('an http or https URL', 'https://idp.example.com', value => {
  const url = parse(value)
  if (!(url instanceof URL)) return url
  return value.includes('#') ? { message: 'has a fragment', remedy: 'remove what follows the #' } : undefined
})

/** Where an upstream listens: an origin or a unix socket. */
export const upstreamUrl = text('an origin or unix socket', 'http://127.0.0.1:9101', value => {
  if (value.startsWith('unix:')) {
    return /^unix:[^\0]+$/.test(value) ? undefined : { message: 'names no socket', remedy: 'write unix:/run/app.sock' }
  }
  const fault = originFault(value)
  if (fault?.message !== 'is more than an origin') return fault
  return { message: 'is more than an origin: targets are forwarded byte for byte, nothing is put in front', remedy: fault.remedy }
})

const authorityPattern = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/

/** What goes into a `Host` header. */
export const authority = text('a host name', 'app.internal', value =>
  authorityPattern.test(value)
    ? undefined
    : { message: 'is not a host name', remedy: 'write a name, with a port if need be: app.internal:8080' })

/** An address or a network. */
export const network = text('an address or network', '10.0.0.0/8', value => {
  const [address = '', prefix, ...rest] = value.split('/')
  const family = isIP(address)
  const bits = family === 4 ? 32 : 128
  const fine = family !== 0 && !address.includes('%') && rest.length === 0 &&
    (prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= bits))
  return fine ? undefined : { message: `'${value}' is not an address or network`, remedy: 'write 10.0.0.7, 10.0.0.0/8 or fd00::/8' }
})
