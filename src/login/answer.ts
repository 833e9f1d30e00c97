import { contentSecurityPolicy } from '../pages/layout.ts'

/** What a step of sign-in answers: plain data that a host writes out. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Set-Cookie lines. */
  readonly cookies: readonly string[]
  readonly body: string
}

/** On everything that Portico says itself: never kept, framed, sniffed, or named to the next page (A12). */
const ownHeaders: Readonly<Record<string, string>> = Object.freeze({
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': contentSecurityPolicy
})

/** `location` must be absolute and of a configured origin or an identity provider's. */
export const redirect = (location: string, cookies: readonly string[] = [], status: 302 | 303 = 302): Answer =>
  ({ status, headers: { ...ownHeaders, location }, cookies, body: '' })

/**
 * A page. Its forms are judged by Origin, which browsers send as `null` under `no-referrer`; other origins
 * learn nothing under `same-origin` either.
 */
export const page = (status: number, markup: string, cookies: readonly string[] = []): Answer =>
  ({ status, headers: { ...ownHeaders, 'referrer-policy': 'same-origin', 'content-type': 'text/html; charset=utf-8' }, cookies, body: markup })

/** For a program: a body of this content type. */
export const data = (status: number, body: string, type: string): Answer =>
  ({ status, headers: { ...ownHeaders, 'content-type': type }, cookies: [], body })

/** `value` as JSON; members that are undefined are left out. */
export const json = (status: number, value: unknown, type = 'application/json; charset=utf-8'): Answer => data(status, JSON.stringify(value), type)

/** `Accept` asks for HTML. */
export const wantsHtml = (accept: string | undefined): boolean => accept?.toLowerCase().includes('text/html') === true
