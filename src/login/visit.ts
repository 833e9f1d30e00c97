import type { IncomingHttpHeaders } from 'node:http'
import type { Session } from '../sessions/session.ts'

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

/** Fetch metadata says that another site made the browser come (behaviours.md L4). */
export const isCrossSite = ({ headers }: Visit): boolean => {
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** Whether a POST was sent by a page of this very origin: nobody else may decide for the person. */
export const isFromOwnPage = ({ headers }: Visit, origin: string): boolean =>
  headers.origin === origin || (headers.origin === undefined && headers['sec-fetch-site'] === 'same-origin')
