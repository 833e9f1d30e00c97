import type { IncomingHttpHeaders } from 'node:http'
import { PorticoError } from '../errors.ts'
import type { Session } from '../sessions/session.ts'
import { isFetchedAhead } from './navigation.ts'

/** A request of sign-in, as plain data. */
export interface Visit {
  readonly method: string
  readonly query: URLSearchParams
  /** The form of a POST; empty otherwise. */
  readonly form: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly requestId: string
  /** The client's address. */
  readonly client: string
  /** The live session of this browser on this host. */
  readonly session: Session | undefined
}

/** The only value of a parameter; undefined when it is missing, empty, or there more than once (O10). */
export const only = (parameters: URLSearchParams, name: string): string | undefined => {
  const values = parameters.getAll(name)
  return values.length === 1 && values[0] !== '' ? values[0] : undefined
}

/**
 * Another site than `origin` made the browser come (behaviours.md L4): by fetch metadata, or by what
 * older browsers say of the page. Where nothing is said, nobody but the person asked. What a page
 * embeds, or a browser fetches ahead, nobody asked for: anyone may post a picture into an app.
 */
export const isCrossSite = ({ headers }: Visit, origin: string): boolean => {
  if (isFetchedAhead(headers) || !['document', 'empty'].includes(String(headers['sec-fetch-dest'] ?? 'document'))) return true
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const from = headers.origin ?? refererOf(headers)
  return from !== undefined && from !== origin
}

/** Origin of the page that linked here, or whatever text is there instead; undefined for none. */
export const refererOf = ({ referer }: IncomingHttpHeaders): string | undefined =>
  referer === undefined ? undefined : URL.parse(referer)?.origin ?? referer

/**
 * Whether a POST was sent by a page of this very origin: nobody else may decide for the person. Where
 * a referrer policy has withheld Origin, fetch metadata still tells, which no page can set.
 */
export const isFromOwnPage = ({ headers }: Visit, origin: string): boolean =>
  headers.origin === origin || ((headers.origin === undefined || headers.origin === 'null') && headers['sec-fetch-site'] === 'same-origin')

/** Throws PORTICO_CROSS_SITE for a POST that no page of `origin` has sent. */
export const demandOwnPage = (visit: Visit, origin: string): void => {
  if (!isFromOwnPage(visit, origin)) throw new PorticoError('PORTICO_CROSS_SITE', { wanted: origin, got: visit.headers.origin ?? 'no Origin' })
}
