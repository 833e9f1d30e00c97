import { createHash } from 'node:crypto'
import { mayUse } from '../access/apps.ts'
import type { App, Organization } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { isFreshFor } from '../sessions/freshness.ts'
import type { Session } from '../sessions/session.ts'
import { redirect, type Answer } from './answer.ts'
import type { Authorize } from './authorize.ts'
import type { LoginDeps } from './deps.ts'
import type { Refusal } from './failure.ts'
import { randomName, type Wanted } from './sealed.ts'
import type { Visit } from './visit.ts'
import { destinationOf, otherAccountLink, soleApp, startAgainLink } from './wanted.ts'

/** Seconds that a ticket can be redeemed. */
const ticketLifetime = 60

/**
 * The name of a ticket in the store. Whoever holds the ticket without the browser's secret cannot
 * name it, so cannot even use it up (flow 5).
 */
export const ticketKey = (ticket: string, bind: string, host: string): string =>
  createHash('sha256').update(`${ticket}|${bind}|${host}`).digest('base64url')

/** Why somebody may not use an app: it is none of their organization's, or for groups that they are not in. */
const refusalOf = (organization: Organization | undefined, app: App, { organization: id, connection, groups = [] }: Session): PorticoError =>
  organization === undefined || organization.apps?.has(app.id) === false
    ? new PorticoError('PORTICO_APP_NOT_ALLOWED', { wanted: `an organization whose apps include ${app.id}`, got: id, connection })
    : new PorticoError('PORTICO_GROUP_REQUIRED', {
      wanted: `one of the groups ${[...app.groups.get(id) ?? []].join(', ')} for ${app.id}`,
      got: groups.length === 0 ? 'no groups' : groups.join(', ').slice(0, 300),
      connection
    })

/** From a session at the auth host to the app that is wanted. */
export type HandOff = (session: Session, wanted: Wanted | undefined, visit: Visit, cookies?: readonly string[]) => Promise<Answer>

/**
 * Hands a signed-in browser to an app host: with a one-time ticket where the browser began there, by
 * way of `/.portico/begin` where it did not. Without an app, to the only one there is for the person, else to
 * the account page, which lists them. Whoever authenticated too long ago for the app (`max_age`) is sent to their
 * provider first.
 */
export const createHandOff = (deps: LoginDeps, steps: { readonly authorize: Authorize, readonly refuse: Refusal }): HandOff => async (session, named, visit, cookies = []) => {
  const { configuration, sealer, store, now } = deps
  const { authorize, refuse } = steps
  const inForce = configuration()
  const wanted = named ?? soleApp(inForce, session)
  const destination = destinationOf(inForce, wanted)
  if (destination === undefined) return redirect(`${inForce.authOrigin}/account`, cookies, 303)
  const { place, page } = destination
  const organization = inForce.organizations.get(session.organization)
  if (organization === undefined || !mayUse(organization, place.app, session.groups ?? [])) {
    return refuse(refusalOf(organization, place.app, session), visit, {
      organization: session.organization,
      app: place.app.id,
      connection: session.connection,
      signedInAs: session.email,
      appName: place.app.name,
      otherAccount: otherAccountLink(inForce, wanted),
      cookies
    })
  }
  const connection = inForce.connections.get(session.connection)
  if (connection !== undefined && !isFreshFor(place.app, session, now())) {
    const answer = await authorize(connection, wanted, visit, { loginHint: session.email, stepUp: place.app.maxAge })
    return { ...answer, cookies: [...cookies, ...answer.cookies] }
  }
  const begin = wanted?.begin
  const round = wanted?.round ?? 0
  if (begin === undefined) {
    const query = new URLSearchParams({ return_to: page, ...round > 0 && { round: String(round) } })
    return redirect(`${place.origin}/.portico/begin?${query}`, cookies, 303)
  }
  const ticket = randomName(32)
  const sealed = sealer().seal('ticket', { host: place.host, session })
  try {
    await store.put('ticket', ticketKey(ticket, begin.bind, place.host), sealed, now() + ticketLifetime)
  } catch (error) {
    return refuse(error, visit, { connection: session.connection, app: place.app.id, startAgain: startAgainLink(inForce, wanted), cookies })
  }
  // the page goes along for a browser that comes back here by its history, when the sign-in it began is over
  const query = new URLSearchParams({ ticket, begin: begin.id, return_to: page, ...round > 0 && { round: String(round) } })
  return redirect(`${place.origin}/.portico/ticket?${query}`, cookies, 303)
}
