import type { Connection } from '../config/configuration.ts'
import { isActive, successorOf } from '../config/standing.ts'
import { PorticoError } from '../errors.ts'
import { redirect, type Answer } from './answer.ts'
import { dropAttempt } from './attempt.ts'
import type { Authorize } from './authorize.ts'
import type { LoginDeps } from './deps.ts'
import type { Entry } from './enter.ts'
import type { FailureContext, Refusal } from './failure.ts'
import { connectionForEmail } from './find-connection.ts'
import type { HandOff } from './hand-off.ts'
import type { Arrival, Returning } from './returning.ts'
import type { Attempt, Wanted } from './sealed.ts'
import { isServed, steppedUp } from './step-up.ts'
import type { TestSignIn } from './test-sign-in.ts'
import type { Unsolicited } from './unsolicited.ts'
import type { Visit } from './visit.ts'
import { firstApp, otherAccountLink, startAgainLink } from './wanted.ts'

export interface CallbackSteps {
  /** `GET /login/{connection}/callback`; without one, the shared `GET /login/callback`. */
  receive (arrival: Arrival, visit: Visit): Promise<Answer>
  /** The same by POST (OAuth 2.0 Form Post Response Mode): sent on as a GET. */
  post (arrival: Arrival, visit: Visit): Answer
}

/** The return from the identity provider (product.md, flow 4): one check after the other. */
export const createCallback = (deps: LoginDeps, steps: {
  readonly returning: Returning
  readonly test: TestSignIn
  readonly authorize: Authorize
  readonly unsolicited: Unsolicited
  readonly entry: Entry
  readonly handOff: HandOff
  readonly refuse: Refusal
}): CallbackSteps => {
  const { configuration, sessions, now, log } = deps
  const { returning, test, authorize, unsolicited, entry, handOff, refuse } = steps

  /** This browser does not hold the attempt: never an error for who is signed in, never a sign-in for who is not. */
  const lost = async (visit: Visit, wanted: Wanted | undefined, connection: string | undefined, why: string): Promise<Answer> => {
    log.info({ request_id: visit.requestId, connection, why }, 'a return without its attempt')
    const goal = wanted ?? (visit.session === undefined ? undefined : firstApp(configuration(), visit.session))
    if (visit.session !== undefined && isServed(configuration(), visit.session, goal, now())) return await handOff(visit.session, goal, visit)
    // no cookie at all, and once before: this browser keeps none
    const round = wanted?.round ?? 0
    const isBare = visit.headers.cookie === undefined
    return refuse(new PorticoError(isBare && round > 0 ? 'PORTICO_COOKIES_BLOCKED' : 'PORTICO_ATTEMPT_LOST', {
      wanted: 'the attempt that this browser began', got: why, connection
    }), visit, {
      app: wanted?.app,
      startAgain: startAgainLink(configuration(), wanted, isBare ? { round: String(round + 1) } : {})
    })
  }

  /** Whether the connection is trusted as it was when the attempt began (behaviours.md N13). */
  const trusted = (attempt: Attempt): Connection | undefined => {
    // nobody knows any more whether it was used
    if (attempt.iat < sessions.storeSince()) return undefined
    const connection = configuration().connections.get(attempt.connection)
    return connection !== undefined && isActive(connection, now()) && sessions.trust.generation(connection.id) === attempt.generation ? connection : undefined
  }

  /** The connection was changed meanwhile: the sign-in starts again as it is now. */
  const restart = async (visit: Visit, attempt: Attempt, cookies: readonly string[]): Promise<Answer> => {
    // the person's domain may be another connection's by now
    const owner = attempt.loginHint === undefined ? undefined : connectionForEmail(configuration(), attempt.loginHint, now())?.connection
    const before = configuration().connections.get(attempt.connection)
    const connection = owner ?? (before === undefined ? undefined : successorOf(configuration(), before, now()))
    const again = connection !== undefined
      ? await authorize(connection, attempt.wanted, visit, { loginHint: attempt.loginHint })
      : redirect(startAgainLink(configuration(), attempt.wanted, { email: attempt.loginHint ?? '' }))
    return { ...again, cookies: [...cookies, ...again.cookies] }
  }

  const receive = async (arrival: Arrival, visit: Visit): Promise<Answer> => {
    const returned = returning.read(arrival, visit)
    if (returned.kind === 'unsolicited') return await unsolicited(arrival, returned.handle, visit) ?? await lost(visit, undefined, arrival, 'no state of ours')
    const { state } = returned
    // nothing of a test goes on from here
    if (state?.test === true) return await test.conclude(returned, visit)
    const wanted = state?.wanted
    if (returned.kind === 'refused') return refuse(returned.error, visit, { startAgain: startAgainLink(configuration(), wanted) })
    if (returned.kind === 'lost') return await lost(visit, await returning.wantedOf(state), state?.connection ?? arrival, returned.why)
    const { attempt } = returned

    const cookies = [dropAttempt(attempt.id)]
    const before = trusted(attempt)
    if (before === undefined) return await restart(visit, attempt, cookies)

    const failed = (error: unknown, more: FailureContext = { cookies }): Answer => refuse(error, visit, {
      connection: before.id,
      organization: before.organization.id,
      app: attempt.wanted?.app,
      startAgain: startAgainLink(configuration(), attempt.wanted),
      otherAccount: otherAccountLink(configuration(), attempt.wanted),
      ...more
    })
    try {
      if (!await returning.use(attempt)) {
        const answer = await lost(visit, await returning.wantedOf(state), before.id, 'an attempt that was used before')
        return { ...answer, cookies: [...cookies, ...answer.cookies] }
      }
    } catch (error) {
      // the attempt is not used: the same address works when the store is back
      return failed(error, { isRepeatable: true })
    }
    try {
      const identity = await returning.authenticate(before, returned)
      // it may have been replaced while its provider was asked
      const connection = trusted(attempt)
      if (connection === undefined) return await restart(visit, attempt, cookies)
      return await entry.enter(steppedUp(identity, attempt, now()), connection, attempt, visit)
    } catch (error) {
      // a code that is over, in a browser that is signed in: another tab was quicker
      if (visit.session !== undefined && error instanceof PorticoError && error.code === 'PORTICO_IDP_CODE_REFUSED' && isServed(configuration(), visit.session, attempt.wanted, now())) {
        return await handOff(visit.session, attempt.wanted, visit, cookies)
      }
      return failed(error)
    }
  }

  return {
    receive,

    post: (arrival, visit) => {
      try {
        return returning.forward(arrival, visit)
      } catch (error) {
        return refuse(error, visit, { startAgain: startAgainLink(configuration(), undefined) })
      }
    }
  }
}
