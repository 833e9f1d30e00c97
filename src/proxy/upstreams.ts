import { checkServerIdentity } from 'node:tls'
import { buildConnector, Pool } from 'undici'
import type { Configuration, Upstream } from '../config/configuration.ts'
import { createLookup } from '../connections/outbound/lookup.ts'

/** Milliseconds until a connection to an upstream must stand. */
const connectTimeout = 5_000

/** Connection pools, one per `Upstream.id`. */
export interface Upstreams {
  pool (upstream: Upstream): Pool
  /** Closes the pools of upstreams that the configuration does not have, each after what it has under way. */
  retain (configuration: Configuration): void
  /** Closes all of them; resolves when what is under way has ended. */
  close (): Promise<void>
  /** Ends whatever is under way. */
  destroy (): Promise<void>
}

const connectorOf = (upstream: Upstream): buildConnector.connector => {
  const { tls } = upstream
  const connect = buildConnector({
    timeout: connectTimeout,
    lookup: createLookup(() => true),
    socketPath: upstream.socketPath ?? null,
    ...tls !== undefined && {
      // F2: what others leave off is on, whatever the Host is that the upstream sees
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => checkServerIdentity(tls.serverName, certificate),
      ...tls.ca !== undefined && { ca: tls.ca },
      ...tls.certificate !== undefined && { cert: tls.certificate },
      ...tls.key !== undefined && { key: tls.key }
    }
  })
  const name = tls?.serverName
  // undici would take the SNI from the Host header, which may be the public one
  return (options, callback) => { connect(name === undefined ? options : { ...options, servername: sni(name) }, callback) }
}

/** An address is no server name (RFC 6066 §3): without a name, TLS verifies the certificate all the same. */
const sni = (name: string): string => /^[0-9.]+$|:/.test(name) ? '' : name

const createPool = (upstream: Upstream): Pool => new Pool(upstream.origin, {
  connect: connectorOf(upstream),
  // as many as there are requests: streams that stay open must never starve the others
  connections: null,
  pipelining: 1,
  // an upstream may think or stream for as long as it likes once its headers are there
  bodyTimeout: 0,
  maxHeaderSize: 64 * 1024,
  allowH2: false
})

/** See Upstreams. Same id, same pool: a reload that changes nothing about an upstream keeps its connections. */
export const createUpstreams = (): Upstreams => {
  const pools = new Map<string, Pool>()
  const closing = new Set<Pool>()

  const retire = (pool: Pool): Promise<void> => {
    closing.add(pool)
    return pool.close().finally(() => closing.delete(pool))
  }

  return {
    pool: upstream => {
      const known = pools.get(upstream.id)
      if (known !== undefined) return known
      const pool = createPool(upstream)
      pools.set(upstream.id, pool)
      return pool
    },
    retain: configuration => {
      const wanted = new Set([...configuration.places.values()].map(place => place.upstream.id))
      for (const [id, pool] of pools) {
        if (wanted.has(id)) continue
        pools.delete(id)
        retire(pool).catch(() => {})
      }
    },
    close: async () => {
      const all = [...pools.values()]
      pools.clear()
      for (const pool of all) closing.add(pool)
      await Promise.allSettled([...closing].map(pool => retire(pool)))
    },
    destroy: async () => {
      const all = [...pools.values(), ...closing]
      pools.clear()
      await Promise.allSettled(all.map(pool => pool.destroy()))
    }
  }
}
