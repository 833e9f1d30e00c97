import { PorticoError } from '../errors.ts'
import { attemptCookiePrefix, clearCookie, cookiesWithPrefix, setCookie } from '../sessions/cookie.ts'
import type { Sealer } from '../sessions/seal.ts'
import { attemptLifetime, attemptSchema, isFresh, openSealed, type Attempt } from './sealed.ts'
import type { Visit } from './visit.ts'

/** Login attempts that one browser may have: one a tab (behaviours.md F2, F13). */
const mostAttempts = 10
/** Characters of their cookies together: with the session they must fit into the 8 kB line that common proxies take (N11). */
const mostBytes = 7_000

/** Sign-ins that SAML responses have begun in a row, and seconds in which, before it is a circle (behaviours.md F16). */
const circle = { rounds: 6, seconds: 60 }

/** What is said of it. */
export const circling = (connection: string): PorticoError => new PorticoError('PORTICO_SAML_IN_RESPONSE_TO', {
  wanted: 'a response that answers a request of ours',
  got: `none, after ${circle.rounds} requests`,
  connection,
  remedy: 'The provider leaves out InResponseTo whatever it is asked: its sign-on address may be that of a tile. Enter the one that takes requests; where there is none, idp_initiated: accept, and no max_age for its apps.'
})

/**
 * The attempt sealed. Beside others it has its share of the room, and where it takes more, the page that is
 * wanted is left to the app host, which remembers it where the sign-in began there.
 */
const sealAttempt = (sealer: Sealer, attempt: Attempt, isOnly: boolean): string => {
  const whole = sealer.seal('attempt', attempt)
  const { wanted } = attempt
  if (isOnly || wanted?.begin === undefined || wanted.page === undefined || whole.length <= mostBytes / mostAttempts) return whole
  return sealer.seal('attempt', { ...attempt, wanted: { ...wanted, page: undefined } })
}

/** Set-Cookie lines that keep this attempt, and drop what has expired and then the oldest. `now` in seconds. */
export const keepAttempt = (sealer: Sealer, attempt: Attempt, visit: Visit, now: number): string[] => {
  const others = cookiesWithPrefix(visit.headers.cookie, attemptCookiePrefix)
  const value = sealAttempt(sealer, attempt, others.length === 0)
  let bytes = value.length
  const dropped = others
    .map(({ name, value: kept }) => {
      const opened = openSealed(sealer, 'attempt', attemptSchema, kept)
      return { name, length: kept.length, iat: opened !== undefined && isFresh(opened.iat, now, attemptLifetime) ? opened.iat : 0 }
    })
    // browsers name the oldest first, and tabs that are restored at once begin within one second
    .reverse()
    .sort((a, b) => b.iat - a.iat)
    .flatMap(({ name, length, iat }, index) => {
      bytes += length
      return iat === 0 || index >= mostAttempts - 1 || bytes > mostBytes ? [clearCookie(name)] : []
    })
  return [...dropped, setCookie(attemptCookiePrefix + attempt.id, value, attemptLifetime)]
}

/** The attempt `id` that this browser holds, if it is not too old. `now` in seconds. */
export const readAttempt = (sealer: Sealer, id: string, visit: Visit, now: number): Attempt | undefined =>
  cookiesWithPrefix(visit.headers.cookie, attemptCookiePrefix)
    .filter(({ name }) => name === attemptCookiePrefix + id)
    .map(({ value }) => openSealed(sealer, 'attempt', attemptSchema, value))
    .find(attempt => attempt?.id === id && isFresh(attempt.iat, now, attemptLifetime))

/** Whether this browser has begun so many attempts at `connection` lately, and ended none, that its provider answers no requests. `now` in seconds. */
export const isCircling = (sealer: Sealer, connection: string, visit: Visit, now: number): boolean =>
  cookiesWithPrefix(visit.headers.cookie, attemptCookiePrefix)
    .map(({ value }) => openSealed(sealer, 'attempt', attemptSchema, value))
    .filter(attempt => attempt?.connection === connection && attempt.iat >= now - circle.seconds).length >= circle.rounds

/** Set-Cookie line that ends it in this browser. */
export const dropAttempt = (id: string): string => clearCookie(attemptCookiePrefix + id)
