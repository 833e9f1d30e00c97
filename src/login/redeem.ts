import type { AppPlace } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { replacePage } from '../pages/replace-page.ts'
import { beginCookiePrefix, clearCookie, cookieValues, setCookie } from '../sessions/cookie.ts'
import { page, redirect, type Answer } from './answer.ts'
import { bindOf, type BeginSteps } from './begin.ts'
import type { LoginDeps } from './deps.ts'
import type { Refusal } from './failure.ts'
import { ticketKey } from './hand-off.ts'
import { homeOf, isAt, returnTarget } from './return-target.ts'
import { openSealed, ticketSchema, type Begin } from './sealed.ts'
import { isFromOwnPage, only, type Visit } from './visit.ts'
import { startAgainLink } from './wanted.ts'

/** Rounds without a cookie that stays, after which it is said so instead of going round again (F16). */
const mostRounds = 3
/** Hand-offs in a row whose session is not there on the next request, likewise. */
const mostHandOffs = 6
const handOffCookie = '__Host-portico-hand-offs'

/** `GET·POST /.portico/ticket` on an app host. */
export type Redeem = (place: AppPlace, visit: Visit) => Promise<Answer>

/**
 * Redeems a ticket (flow 5): only in the browser that began here, once, for this host. Everything else
 * goes to the page if somebody is signed in, and begins again on its own behalf if not.
 */
export const createRedeem = (deps: Pick<LoginDeps, 'sealer' | 'sessions' | 'store' | 'configuration'>, begins: BeginSteps, refuse: Refusal): Redeem => async (place, visit) => {
  const { sealer, sessions, store, configuration } = deps
  const parameters = visit.method === 'POST' ? visit.form : visit.query
  const ticket = only(parameters, 'ticket') ?? ''
  const id = only(parameters, 'begin') ?? ''
  const begin = begins.read(place, id, visit)
  // as it was asked for, byte for byte; it is of this host, unless the host has moved since
  const goal = begin !== undefined && isAt(place, begin.page)
    ? begin.page
    : returnTarget(only(parameters, 'return_to') ?? '', place) ?? homeOf(place)
  const { app: { id: app }, region } = place
  const context = { app, startAgain: startAgainLink(configuration(), { app, region, page: goal }) }

  const isConfirmed = visit.method === 'POST' && isFromOwnPage(visit, place.origin)

  const again = (): Answer => {
    // who took more than the ticket's minute to answer is not silently left as they were
    if (isConfirmed) return redirect(`${place.origin}/.portico/begin?${new URLSearchParams({ return_to: goal })}`, [], 303)
    if (visit.session !== undefined) return redirect(goal, [], 303)
    const round = Number(only(parameters, 'round') ?? 0) + 1
    if (!(round <= mostRounds)) {
      return refuse(new PorticoError('PORTICO_COOKIES_BLOCKED', { wanted: 'the cookie that /.portico/begin set', got: 'none' }), visit, context)
    }
    return redirect(`${place.origin}/.portico/begin?${new URLSearchParams({ return_to: goal, round: String(round) })}`, [], 303)
  }

  /** The ticket is for this browser, if it is there at all. Throws PORTICO_STORE_UNAVAILABLE. */
  const redeem = async (begin: Begin): Promise<Answer> => {
    const key = ticketKey(ticket, bindOf(begin.secret), place.host)
    const read = async (act: 'get' | 'take') => {
      const offered = openSealed(sealer(), 'ticket', ticketSchema, await store[act]('ticket', key))
      return offered?.host === place.host ? offered.session : undefined
    }

    const current = visit.session
    if (current !== undefined && !isConfirmed) {
      const offered = await read('get')
      if (offered !== undefined && offered.member !== current.member) {
        return page(200, replacePage({
          current: current.email,
          next: offered.email,
          action: '/.portico/ticket',
          fields: new Map([['ticket', ticket], ['begin', id]]),
          keep: goal
        }))
      }
    }

    const session = await read('take')
    if (session === undefined) return again()
    // a ticket of a sign-in that another tab has replaced since
    if (current?.member === session.member && !sessions.isLive({ ...session, host: place.host })) return redirect(goal, [], 303)
    const handOffs = current === undefined ? Number(cookieValues(visit.headers.cookie, handOffCookie)[0] ?? 0) + 1 : 0
    if (handOffs > mostHandOffs) {
      return refuse(new PorticoError('PORTICO_REDIRECT_LOOP', { wanted: 'the session cookie to come back', got: `none after ${mostHandOffs} hand-offs` }), visit, {
        ...context, cookies: [clearCookie(handOffCookie)]
      })
    }
    const line = await sessions.issue(session, place.host)
    // the one before is dead everywhere, whosoever it was (behaviours.md N6, E12)
    if (current !== undefined && current.sid !== session.sid) await sessions.end(current, 'replaced by a new sign-in')
    return redirect(goal, [
      line,
      clearCookie(beginCookiePrefix + id),
      handOffs > 0 ? setCookie(handOffCookie, String(handOffs), 20) : clearCookie(handOffCookie)
    ], 303)
  }

  try {
    return begin === undefined ? again() : await redeem(begin)
  } catch (error) {
    return refuse(error, visit, context)
  }
}
