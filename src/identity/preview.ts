import type { AppPlace, Configuration } from '../config/configuration.ts'
import type { Session } from '../sessions/session.ts'
import { dialectOf } from './dialects.ts'
import { personOf } from './person.ts'

/** What an app would be sent, for people to read. */
export interface HeaderPreview {
  readonly headers: readonly { readonly name: string, readonly value: string }[]
  /** The claims of the assertion; undefined in a dialect without one. Nothing is signed. */
  readonly assertion: Readonly<Record<string, unknown>> | undefined
}

/** In the place of the assertion: nothing that anybody could take for one. */
const unsigned = '(these claims, signed)'

/** Names and values of a dialect's flat list. */
export const headerPairs = (flat: readonly string[]): { name: string, value: string }[] =>
  flat.flatMap((name, i) => i % 2 === 0 ? [{ name, value: flat[i + 1] ?? '' }] : [])

/**
 * The identity headers that this session would bring to this place, in the app's dialect, and the
 * assertion's claims without a signature (product R9). `now` in seconds.
 */
export const previewHeaders = (session: Session, place: AppPlace, configuration: Configuration, now: number): HeaderPreview => {
  let assertion: HeaderPreview['assertion']
  const headers = dialectOf(place.app.headers)(personOf(session, configuration), {
    place,
    authOrigin: configuration.authOrigin,
    now,
    sign: claims => {
      // as JSON has it: without what is undefined
      assertion = JSON.parse(JSON.stringify(claims))
      return unsigned
    }
  })
  return { headers: headerPairs(headers), assertion }
}
