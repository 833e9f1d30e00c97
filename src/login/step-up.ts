import type { Configuration } from '../config/configuration.ts'
import type { Identity } from '../connections/connector.ts'
import { PorticoError } from '../errors.ts'
import { isFreshFor } from '../sessions/freshness.ts'
import type { Session } from '../sessions/session.ts'
import type { Attempt, Wanted } from './sealed.ts'
import { soleApp, type Insider } from './wanted.ts'

/** Seconds that a provider's clock may be behind ours (behaviours.md F18). */
const skew = 300

/**
 * Whether the hand-off of somebody to what is wanted needs nobody's provider. Where a return came to nothing, or was
 * none, it must not send its person there again: the same may come back for ever (behaviours.md F16). `now` in seconds.
 */
export const isServed = (configuration: Configuration, session: Insider & Pick<Session, 'authTime' | 'authTimeAssumed'>, wanted: Wanted | undefined, now: number): boolean => {
  const app = configuration.apps.get((wanted ?? soleApp(configuration, session))?.app ?? '')
  return app === undefined || isFreshFor(app, session, now)
}

/**
 * Whom a provider names that was asked to have its person authenticate anew. It may pass the question over: then the same
 * session as before comes back, and would be asked again, without end. So it must have happened after the attempt
 * began, as far as clocks can tell; theirs may be off by less than what made the question necessary. From then on
 * our clock counts: who needs longer than that to come back would be asked without end, too. `now` in seconds.
 * Throws PORTICO_STEP_UP_REFUSED.
 */
export const steppedUp = (identity: Identity, { stepUp, iat, connection }: Pick<Attempt, 'stepUp' | 'iat' | 'connection'>, now: number): Identity => {
  if (stepUp === undefined) return identity
  const { authTime, authTimeAssumed } = identity
  if (authTimeAssumed === true || authTime < iat - Math.min(skew, stepUp)) {
    throw new PorticoError('PORTICO_STEP_UP_REFUSED', {
      wanted: 'somebody who authenticated after they were asked to', got: authTimeAssumed === true ? 'no word when they did' : `one who did ${Math.round(iat - authTime)} s before`, connection
    })
  }
  const at = Math.min(now, Math.max(authTime, iat))
  if (now > at + stepUp) {
    throw new PorticoError('PORTICO_STEP_UP_REFUSED', { wanted: `somebody who comes back within the ${stepUp} s of max_age`, got: `one who authenticated ${Math.round(now - at)} s ago`, connection })
  }
  return { ...identity, authTime: at }
}
