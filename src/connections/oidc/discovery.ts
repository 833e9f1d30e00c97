import type { PorticoError } from '../../errors.ts'
import { readObject } from '../outbound/answer.ts'
import type { ProviderCopies } from '../outbound/copies.ts'
import { judgeMetadata, type DiscoveryAddress, type Metadata } from './metadata.ts'
import type { Outbound } from '../outbound/http.ts'
import type { Reach } from '../outbound/reach.ts'
import { createSingleFlight } from '../outbound/single-flight.ts'

/** Seconds after which a copy is refreshed, behind the sign-in that noticed; a tenth more or less. */
const refreshAfter = 3_600
/** Bytes. */
const limit = 1024 * 1024

/** The discovery document of one connection: fetched once for all who wait, and its last good copy kept. */
export interface Discovery {
  /** The judged document; an old copy rather than none. Throws PORTICO_IDP_* when there never was one. */
  metadata (): Promise<Metadata>
  /** What is held in memory. */
  held (): Metadata | undefined
}

interface Held {
  readonly metadata: Metadata
  /** Seconds since the epoch. */
  readonly fetchedAt: number
  readonly refreshAt: number
}

export interface DiscoveryEvents {
  good (fetchedAt: number): void
  failed (error: PorticoError, kept: boolean): void
}

/**
 * Issuer-based discovery (behaviours O3). Nothing is fetched until somebody asks; a provider that is
 * down is asked again every few seconds at most, and stops nobody while a copy is there.
 */
export const createDiscovery = (deps: {
  address: DiscoveryAddress
  reach: Reach
  outbound: Outbound
  copies: ProviderCopies
  now: () => number
  events: DiscoveryEvents
}): Discovery => {
  const { address, reach, outbound, copies, now, events } = deps
  let held: Held | undefined
  let askedStore = false

  const hold = (metadata: Metadata, fetchedAt: number): Held => {
    // Many connections that were warmed up together are not refreshed together
    held = { metadata, fetchedAt, refreshAt: fetchedAt + refreshAfter * (0.9 + Math.random() * 0.2) }
    events.good(fetchedAt)
    return held
  }

  const fetchDocument = async (): Promise<Held> => {
    const answer = await outbound.fetch(address.url, { method: 'GET', headers: { accept: 'application/json' }, limit }, reach)
    const content = readObject(answer, `the discovery document at ${address.url.split('?', 1)[0]}`)
    const metadata = judgeMetadata(content, address, reach)
    const fetchedAt = now()
    await copies.keep(address.issuer, content, fetchedAt)
    return hold(metadata, fetchedAt)
  }

  const flight = createSingleFlight(fetchDocument, { now, failed: error => { events.failed(error, held !== undefined) } })

  const fromStore = async (): Promise<Held | undefined> => {
    if (askedStore) return undefined
    askedStore = true
    const copy = await copies.find(address.issuer)
    if (copy === undefined || held !== undefined) return held
    try {
      return hold(judgeMetadata(copy.content, address, reach), copy.fetchedAt)
    } catch {
      // Today's rules refuse it: as if there were none
      return undefined
    }
  }

  const first = createSingleFlight(async () => await fromStore() ?? await flight.run(), { now, failed: () => undefined })

  return {
    metadata: async () => {
      const copy = held ?? await first.run()
      // `failed` has told about it; the copy serves on
      if (now() >= copy.refreshAt) flight.run().catch(() => undefined)
      return copy.metadata
    },
    held: () => held?.metadata
  }
}
