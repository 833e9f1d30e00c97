import type { AppPlace, Configuration } from '../config/configuration.ts'
import type { Session } from '../sessions/session.ts'
import { createKeysInForce } from './assertion.ts'
import { dialectOf } from './dialects.ts'
import { personOf } from './person.ts'

export interface IdentityHeaders {
  /**
   * The identity headers of this session for this place, in the app's dialect: a flat list
   * `[name, value, name, value, …]` of printable ASCII. The same list is handed out again for as
   * long as it holds, so callers must not change it.
   */
  for (session: Session, place: AppPlace): readonly string[]
}

interface Minted {
  readonly place: AppPlace
  readonly configuration: Configuration
  /** Seconds since the epoch. */
  readonly at: number
  readonly headers: readonly string[]
}

/** Seconds until an assertion is made anew: three of its five minutes remain to whoever gets it last. */
const reuse = 120

/**
 * Makes the identity headers (product.md "Headers to the app"). A signature costs as much as
 * forwarding a request does, so what was made for a session object is kept with it: a session's
 * cookie belongs to one host, hence one place.
 */
export const createIdentityHeaders = (deps: {
  readonly configuration: () => Configuration
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}): IdentityHeaders => {
  const now = deps.now ?? Date.now
  const keys = createKeysInForce(() => deps.configuration().keys)
  const known = new WeakMap<Session, Minted>()

  return {
    for: (session, place) => {
      const configuration = deps.configuration()
      const seconds = Math.floor(now() / 1_000)
      const minted = known.get(session)
      if (minted !== undefined && minted.place === place && minted.configuration === configuration) {
        const age = seconds - minted.at
        // A clock that was set back must not keep one alive
        if (age >= 0 && age < reuse) return minted.headers
      }
      const headers = dialectOf(place.app.headers)(personOf(session, configuration), {
        place,
        authOrigin: configuration.authOrigin,
        now: seconds,
        sign: keys().sign
      })
      known.set(session, { place, configuration, at: seconds, headers })
      return headers
    }
  }
}
