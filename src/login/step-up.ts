import type { Identity } from '../connections/connector.ts'
import { PorticoError } from '../errors.ts'
import type { Attempt } from './sealed.ts'

/** Seconds that a provider's clock may be behind ours (behaviours.md F18). */
const skew = 300

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
