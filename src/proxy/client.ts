import { randomUUID } from 'node:crypto'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Configuration } from '../config/configuration.ts'

/** Who sent a request, as far as the proxies in front are trusted. */
export interface Client {
  /** The address that is logged and limited by; `unknown` for a unix socket. */
  readonly address: string
  /** What the upstream gets as X-Forwarded-For. */
  readonly forwardedFor: string
  /** Whether the peer is one of `trusted_proxies`: only then its forwarding headers are kept. */
  readonly trusted: boolean
}

/** Tells who the client is: see createClients. */
export interface Clients {
  /** Whether the peer is one of `trusted_proxies`. */
  isTrusted (peer: string | undefined): boolean
  identify (peer: string | undefined, forwardedFor: string | undefined): Client
}

const networks = (list: readonly string[]): BlockList => {
  const blocks = new BlockList()
  for (const entry of list) {
    const [address = '', bits] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) blocks.addAddress(address, family)
    else blocks.addSubnet(address, Number(bits), family)
  }
  return blocks
}

/** `::ffff:10.0.0.1`, as dual-stack sockets say it, is 10.0.0.1. */
const plain = (address: string): string => address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address

/** An entry of X-Forwarded-For as an address: `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]:80`. */
const parseEntry = (entry: string): string | undefined => {
  const text = entry.trim()
  if (isIP(text) !== 0) return plain(text)
  const address = /^(?:\[([^\]]+)\]|([^:]+))(?::[0-9]{1,5})?$/.exec(text)
  const candidate = address?.[1] ?? address?.[2] ?? ''
  return isIP(candidate) === 0 ? undefined : plain(candidate)
}

/** Entries that are looked at: no honest chain is longer. */
const longest = 32
/** Clients that are remembered, and characters of what they are known by: most requests come from where others have come from. */
const most = 5_000
const longestKnown = 200

/**
 * Client addresses by `trusted_proxies` (behaviours.md D1–D4, V18, V31, V32): the rightmost entry
 * of X-Forwarded-For that no trusted proxy has; an entry that is no address ends the chain, and the
 * peer's own address is never replaced by an untrusted word.
 */
export const createClients = (configuration: () => Configuration): Clients => {
  let last: { readonly list: readonly string[], readonly blocks: BlockList, readonly known: Map<string, Client> } | undefined

  /** The list in force, and whom it has told apart so far. */
  const current = (): NonNullable<typeof last> => {
    const list = configuration().trustedProxies
    if (last?.list !== list) last = { list, blocks: networks(list), known: new Map() }
    return last
  }

  /** `address` is one, so that a colon says which kind. */
  const isListed = (address: string): boolean => {
    const { list, blocks } = current()
    return list.length > 0 && blocks.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  }

  const trace = (nearest: string, forwardedFor: string | undefined): Client => {
    const trusted = isListed(nearest)
    if (!trusted || forwardedFor === undefined) return { address: nearest, forwardedFor: nearest, trusted }
    const chain = [nearest]
    let address: string | undefined
    for (const entry of forwardedFor.split(',').slice(-longest).reverse()) {
      const hop = parseEntry(entry)
      if (hop === undefined) break
      chain.push(hop)
      if (address === undefined && !isListed(hop)) address = hop
    }
    // everybody on the chain is a proxy of ours: the one farthest away asked
    return { address: address ?? chain.at(-1) ?? nearest, forwardedFor: chain.reverse().join(', '), trusted }
  }

  return {
    isTrusted: peer => peer !== undefined && isListed(plain(peer)),

    identify: (peer, forwardedFor) => {
      if (peer === undefined) return { address: 'unknown', forwardedFor: 'unknown', trusted: false }
      const { known } = current()
      const key = `${peer}|${forwardedFor ?? ''}`
      const before = known.get(key)
      if (before !== undefined) return before
      const client = trace(plain(peer), forwardedFor)
      if (known.size >= most) known.clear()
      if (key.length <= longestKnown) known.set(key, client)
      return client
    }
  }
}

const acceptable = /^[\w.-]{1,64}$/

/** The request's id: a trusted proxy's if it is a plain short one, else a new one (behaviours.md C12). */
export const requestId = (header: string | string[] | undefined, trusted: boolean): string =>
  trusted && typeof header === 'string' && acceptable.test(header) ? header : randomUUID()
