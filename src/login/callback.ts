import type { Connection } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import { PorticoError } from '../errors.ts'
import type { Admit } from './admit.ts'
import { redirect, type Answer } from './answer.ts'
import { dropAttempt, readAttempt } from './attempt.ts'
import { redirectUriOf, type Authorize } from './authorize.ts'
import type { LoginDeps } from './deps.ts'
import type { Refusal } from './failure.ts'
import { connectionForEmail } from './find-connection.ts'
import type { HandOff } from './hand-off.ts'
import type { Replacement } from './replace.ts'
import { attemptLifetime, isFresh, openSealed, postedSchema, stateSchema, type Attempt, type Wanted } from './sealed.ts'
import { only, type Visit } from './visit.ts'
import { firstApp, otherAccountLink, startAgainLink } from './wanted.ts'

/** Parameters of an authorization response that may be there once (RFC 6749 §3.1; behaviours.md O10, F19). */
const protocolParameters = ['code', 'state', 'iss', 'error', 'error_description', 'session_state', 'response']
/** Seconds between a POST and the GET that it is answered with. */
const postedLifetime = 60
/** Characters of a response that came by POST: it goes on in an address. */
const longestPosted = 6_000

export interface CallbackSteps {
  /** `GET /login/{connection}/callback` */
  receive (connection: string, visit: Visit): Promise<Answer>
  /** `POST /login/{connection}/callback` (OAuth 2.0 Form Post Response Mode): sent on as a GET, since no `Lax` cookie comes with it. */
  post (connection: string, visit: Visit): Answer
}

/** The return from the identity provider (product.md, flow 4): one check after the other. */
export const createCallback = (deps: LoginDeps, steps: {
  readonly admit: Admit
  readonly authorize: Authorize
  readonly handOff: HandOff
  readonly replacement: Replacement
  readonly refuse: Refusal
}): CallbackSteps => {
  const { configuration, sealer, sessions, store, connectors, now, log } = deps
  const { admit, authorize, handOff, replacement, refuse } = steps

  /** This browser does not hold the attempt: never an error for who is signed in, never a sign-in for who is not. */
  const lost = async (visit: Visit, wanted: Wanted | undefined, connection: string, why: string): Promise<Answer> => {
    log.info({ request_id: visit.requestId, connection, why }, 'a return without its attempt')
    if (visit.session !== undefined) return await handOff(visit.session, wanted ?? firstApp(configuration(), visit.session), visit)
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
  const isTrusted = (attempt: Attempt): Connection | undefined => {
    const connection = configuration().connections.get(attempt.connection)
    return connection !== undefined && isActive(connection, now()) && sessions.trust.generation(connection.id) === attempt.generation ? connection : undefined
  }

  /** The connection was changed meanwhile: the sign-in starts again as it is now. */
  const restart = async (visit: Visit, attempt: Attempt, cookies: readonly string[]): Promise<Answer> => {
    // the person's domain may be another connection's by now
    const owner = attempt.loginHint === undefined ? undefined : connectionForEmail(configuration(), attempt.loginHint, now())?.connection
    const connection = owner ?? configuration().connections.get(attempt.connection)
    const again = connection !== undefined && isActive(connection, now())
      ? await authorize(connection, attempt.wanted, visit, { loginHint: attempt.loginHint })
      : redirect(startAgainLink(configuration(), attempt.wanted, { email: attempt.loginHint ?? '' }))
    return { ...again, cookies: [...cookies, ...again.cookies] }
  }

  const receive = async (id: string, visit: Visit): Promise<Answer> => {
    const posted = openSealed(sealer(), 'handle', postedSchema, only(visit.query, 'response'))
    const parameters = posted === undefined ? visit.query : new URLSearchParams(posted.parameters)
    const state = only(parameters, 'state') ?? ''
    const opened = openSealed(sealer(), 'state', stateSchema, state)
    const wanted = opened?.wanted

    const repeated = protocolParameters.find(name => parameters.getAll(name).length > 1)
    if (repeated !== undefined) {
      return refuse(new PorticoError('PORTICO_RESPONSE_INVALID', { wanted: `${repeated} at most once`, got: 'it more than once', connection: id }), visit, {
        startAgain: startAgainLink(configuration(), wanted)
      })
    }
    if (opened === undefined) return await lost(visit, undefined, id, 'no state of ours')
    if (posted !== undefined && !isFresh(posted.iat, now(), postedLifetime)) return await lost(visit, wanted, id, 'a response that was sent long ago')
    if (opened.connection !== id) {
      return refuse(new PorticoError('PORTICO_RESPONSE_STATE', { wanted: `the callback of ${opened.connection}`, got: `the callback of ${id}`, connection: id }), visit, {
        startAgain: startAgainLink(configuration(), wanted)
      })
    }
    const held = readAttempt(sealer(), opened.id, visit, now())
    if (held === undefined || held.connection !== id) return await lost(visit, wanted, id, 'no such attempt in this browser')
    const attempt = { ...held, wanted: held.wanted === undefined ? undefined : { ...held.wanted, page: held.wanted.page ?? wanted?.page } }

    const cookies = [dropAttempt(attempt.id)]
    const before = isTrusted(attempt)
    if (before === undefined) return await restart(visit, attempt, cookies)

    const context = {
      connection: id,
      organization: before.organization.id,
      app: attempt.wanted?.app,
      startAgain: startAgainLink(configuration(), attempt.wanted),
      otherAccount: otherAccountLink(configuration(), attempt.wanted),
      cookies
    }
    try {
      if (!await store.putIfAbsent('attempt', attempt.id, 'used', attempt.iat + attemptLifetime + 60)) {
        const answer = await lost(visit, wanted, id, 'an attempt that was used before')
        return { ...answer, cookies: [...cookies, ...answer.cookies] }
      }
    } catch (error) {
      // the attempt is not used: the same address works when the store is back
      return refuse(error, visit, { ...context, cookies: [] })
    }
    try {
      const identity = await connectors[before.connector].authenticate(before, {
        parameters,
        redirectUri: redirectUriOf(configuration().authOrigin, id),
        state,
        secrets: { nonce: attempt.nonce, codeVerifier: attempt.codeVerifier }
      }, now())
      // it may have been replaced while its provider was asked
      const connection = isTrusted(attempt)
      if (connection === undefined) return await restart(visit, attempt, cookies)
      const { session } = await admit(identity, connection, attempt.generation, visit)
      return visit.session !== undefined && visit.session.member !== session.member
        ? await replacement.ask(session, visit.session, attempt.wanted, cookies)
        : await replacement.finish(session, visit.session, attempt.wanted, visit, cookies)
    } catch (error) {
      // a code that is over, in a browser that is signed in: another tab was quicker
      if (visit.session !== undefined && error instanceof PorticoError && error.code === 'PORTICO_IDP_CODE_REFUSED') {
        return await handOff(visit.session, attempt.wanted, visit, cookies)
      }
      return refuse(error, visit, context)
    }
  }

  return {
    receive,

    post: (id, visit) => {
      const parameters = visit.form.toString()
      if (parameters.length > longestPosted) {
        return refuse(new PorticoError('PORTICO_RESPONSE_INVALID', { wanted: `at most ${longestPosted} characters`, got: String(parameters.length), connection: id }), visit, {
          startAgain: startAgainLink(configuration(), undefined)
        })
      }
      const response = sealer().seal('handle', { parameters, iat: now() })
      return redirect(`${redirectUriOf(configuration().authOrigin, encodeURIComponent(id))}?response=${response}`, [], 303)
    }
  }
}
