import type { App, Configuration } from '../config/configuration.ts'
import type { Session } from './session.ts'

/**
 * Whether the person authenticated at their provider lately enough for this app (`max_age`). Where the provider
 * does not say when they did, nobody knows. `now` in seconds.
 */
export const isFreshFor = ({ maxAge }: Pick<App, 'maxAge'>, { authTime, authTimeAssumed }: Pick<Session, 'authTime' | 'authTimeAssumed'>, now: number): boolean =>
  maxAge === undefined || (authTimeAssumed !== true && now <= authTime + maxAge)

/** As `isFreshFor`, for the app at whose host the session is. */
export const isFreshHere = ({ places }: Configuration, session: Session, now: number): boolean => {
  const app = places.get(session.host)?.app
  return app === undefined || isFreshFor(app, session, now)
}
