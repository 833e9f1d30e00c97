import type { PorticoError } from '../../errors.ts'
import { requireOk } from '../outbound/answer.ts'
import type { ProviderCopies } from '../outbound/copies.ts'
import type { Outbound } from '../outbound/http.ts'
import type { Reach } from '../outbound/reach.ts'
import { createSingleFlight } from '../outbound/single-flight.ts'
import { findDescription } from './description-copies.ts'
import type { IdpDescription } from './description.ts'

/** What is sent for the metadata of a provider. */
export const metadataHeaders = { accept: 'application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1' }

/** Bytes. */
const limit = 1_024 * 1_024
/** Seconds between two fetches at most, and at least, whatever the provider says. */
const longest = 86_400
const shortest = 300
/** Seconds between two fetches for messages that are signed with an unknown key. */
const pause = 60

/** The metadata behind one address: fetched once for all who wait, kept, and fetched again in time. */
export interface FetchedMetadata {
  /** The description in force: the same object until it changes. Throws PORTICO_IDP_*, PORTICO_SAML_*. */
  description (): Promise<IdpDescription>
  /** Fetches again, once a minute at most; whether there are other certificates than a minute ago. Never rejects. */
  refresh (): Promise<boolean>
  /** Fetches again where it is time to. Never rejects. */
  tend (): Promise<void>
  held (): IdpDescription | undefined
}

export interface MetadataEvents {
  good (description: IdpDescription, fetchedAt: number): void
  failed (error: PorticoError, kept: boolean): void
}

interface Held {
  readonly description: IdpDescription
  /** Seconds since the epoch. */
  readonly refreshAt: number
}

/** Seconds until the next fetch: what the provider asks for within our limits, long before the document's end, and not together with thousands of others. */
const pauseAfter = ({ validUntil = Infinity, cacheDuration = longest }: IdpDescription, fetchedAt: number): number =>
  Math.max(shortest, Math.min(longest, cacheDuration, (validUntil - fetchedAt) / 2)) * (0.9 + Math.random() * 0.2)

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/**
 * Metadata by URL (behaviours S26). Nothing is fetched until somebody asks; then once a day, or as often as
 * the provider asks for, behind the sign-ins that go on with the last good copy. Which entity it is, is
 * pinned: by the operator, else by the first document that was good, also over restarts. One that is
 * refused never takes the place of a good one, and none is used after its `validUntil`.
 */
export const createFetchedMetadata = (deps: {
  url: string
  /** As the operator wrote it. */
  entityId: string | undefined
  /** Tells this source from others of the same connection: only copies of it count. */
  source: string
  reach: Reach
  outbound: Outbound
  copies: ProviderCopies
  /** Judges a document that must be of this entity. Throws PORTICO_SAML_*. */
  judge: (xml: string, entityId: string | undefined) => Promise<IdpDescription>
  now: () => number
  events: MetadataEvents
}): FetchedMetadata => {
  const { url, source, reach, outbound, copies, judge, now, events } = deps
  let pinned = deps.entityId
  let held: Held | undefined
  let askedStore = false
  /** When a message last made us ask, and when other certificates last came. Seconds. */
  let askedAt = -Infinity
  let changedAt = -Infinity
  let asking: Promise<unknown> | undefined

  const hold = (description: IdpDescription, fetchedAt: number): Held => {
    const before = held?.description
    if (before !== undefined && !isSame(before.certificates, description.certificates)) changedAt = now()
    held = { description: before !== undefined && isSame(before, description) ? before : description, refreshAt: fetchedAt + pauseAfter(description, fetchedAt) }
    pinned = description.entityId
    events.good(held.description, fetchedAt)
    return held
  }

  const isOver = ({ validUntil }: IdpDescription): boolean => validUntil !== undefined && now() >= validUntil

  const fromStore = async (): Promise<Held | undefined> => {
    if (askedStore) return undefined
    askedStore = true
    const copy = await findDescription(copies, source)
    if (copy === undefined || held !== undefined || (deps.entityId !== undefined && copy.description.entityId !== deps.entityId)) return held
    pinned = copy.description.entityId
    return isOver(copy.description) ? undefined : hold(copy.description, copy.fetchedAt)
  }

  const fetchDocument = async (): Promise<Held> => {
    const answer = await outbound.fetch(url, { method: 'GET', headers: metadataHeaders, limit }, reach)
    requireOk(answer, `the metadata at ${url.split('?', 1)[0]}`)
    const description = await judge(answer.text, pinned)
    const fetchedAt = now()
    await copies.keep(source, description, fetchedAt)
    return hold(description, fetchedAt)
  }

  const flight = createSingleFlight(fetchDocument, { now, failed: error => { events.failed(error, held !== undefined && !isOver(held.description)) } })
  const first = createSingleFlight(async () => await fromStore() ?? await flight.run(), { now, failed: () => undefined })

  return {
    description: async () => {
      const known = held ?? await first.run()
      if (isOver(known.description)) return (await flight.run()).description
      // `failed` has told about it; the copy serves on
      if (now() >= known.refreshAt) flight.run().catch(() => undefined)
      return known.description
    },
    refresh: async () => {
      if (now() - askedAt >= pause) {
        askedAt = now()
        asking = flight.run().catch(() => undefined)
      }
      await asking
      return now() - changedAt < pause
    },
    tend: async () => {
      if (held !== undefined && now() >= held.refreshAt) await flight.run().catch(() => undefined)
    },
    held: () => held?.description
  }
}
