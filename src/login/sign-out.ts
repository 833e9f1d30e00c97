import type { AppPlace } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { signedOutPage, signOutPage } from '../pages/sign-out-page.ts'
import { attemptCookiePrefix, clearCookie, cookiesWithPrefix, sessionCookie } from '../sessions/cookie.ts'
import type { Session } from '../sessions/session.ts'
import { page, redirect, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { explain } from './failure.ts'
import type { Farewells } from './farewell.ts'
import { forgetEmail } from './find-connection.ts'
import { isFetchedAhead } from './navigation.ts'
import type { OidcLogoutSteps } from './oidc-logout.ts'
import { placeOfUrl, returnTarget } from './return-target.ts'
import type { SamlLogoutSteps } from './saml-logout.ts'
import { sizeOf, type Leaving } from './sealed.ts'
import { isCrossSite, isFromOwnPage, only, refererOf, type Visit } from './visit.ts'

export interface SignOutSteps {
  /** `GET·POST /logout` on the auth host. */
  signOut (visit: Visit): Promise<Answer>
  /** `GET·POST /.portico/logout` on an app host. */
  signOutOfApp (place: AppPlace, visit: Visit): Promise<Answer>
  /** `GET /logout/done` */
  done (visit: Visit): Promise<Answer>
}

/** Bytes of what goes along in an address; SAML allows a NameID of 256 characters (Core §8.3.7). */
const longestLeaving = 2_000

/** What is said where a sign-out ends even to whom it takes further: not everything is over. */
const unfinished: readonly (string | undefined)[] = ['partial', 'unconfirmed', 'not_told']

/**
 * Ends this browser's sessions on every host, then the one at an identity provider that can be told of it.
 * Another site may ask for it, but not decide it (behaviours.md L1, L3, L4).
 */
export const createSignOut = ({ configuration, sessions, audit }: Pick<LoginDeps, 'configuration' | 'sessions' | 'audit'>, { farewells, samlLogout, oidcLogout }: {
  readonly farewells: Farewells
  readonly samlLogout: Pick<SamlLogoutSteps, 'leave'>
  readonly oidcLogout: Pick<OidcLogoutSteps, 'isTold' | 'leave'>
}): SignOutSteps => {
  const end = async (session: Session | undefined, visit: Visit): Promise<void> => {
    if (session === undefined) return
    await sessions.end(session, 'signed out')
    audit.signOut({ ...session, requestId: visit.requestId, client: visit.client })
  }

  /** What the identity provider is to be told, if it can be. */
  const leavingOf = async ({ sid, email, connection, organization, saml, idpSession }: Session): Promise<Leaving | undefined> => {
    const isTold = saml === undefined ? await oidcLogout.isTold(connection) : saml.nameId !== undefined
    const leaving = { sid, email, connection, organization, saml, idpSession }
    return isTold && sizeOf(JSON.stringify(leaving)) <= longestLeaving ? leaving : undefined
  }

  /** On to the provider, in the words that it speaks. */
  const leave: SamlLogoutSteps['leave'] = async (...told) => await samlLogout.leave(...told) ?? await oidcLogout.leave(...told)

  /** Where the person goes afterwards: an address of an app, or a path of the app host that this happens on. */
  const safeTarget = (visit: Visit, here?: AppPlace): string | undefined => {
    const text = only(visit.method === 'POST' ? visit.form : visit.query, 'return_to')
    if (text === undefined) return undefined
    return (here === undefined ? undefined : returnTarget(text, here)) ?? placeOfUrl(configuration(), text)?.page
  }

  const isAppOrigin = (origin: string | undefined): boolean =>
    origin !== undefined && [...configuration().places.values()].some(place => place.origin === origin)

  /** A link on a page of an app, or of the auth host, is the person's own wish, once they follow it; browsers let nobody forge where it stands. */
  const isLinkOfOurs = ({ headers }: Visit): boolean => {
    const origin = refererOf(headers)
    return !isFetchedAhead(headers) && (headers['sec-fetch-dest'] ?? 'document') === 'document' && (origin === configuration().authOrigin || isAppOrigin(origin))
  }

  /** An app's own page may sign its person out by a POST; a link from anywhere else is asked about. */
  const isAllowedPost = (visit: Visit): boolean =>
    isFromOwnPage(visit, configuration().authOrigin) || isAppOrigin(visit.headers.origin)

  const question = ({ email }: Session, visit: Visit): Answer => page(200, signOutPage({ email, returnTo: safeTarget(visit) }))

  return {
    signOut: async visit => {
      if (visit.method === 'POST' && !isAllowedPost(visit)) {
        return explain(new PorticoError('PORTICO_CROSS_SITE', { wanted: 'a page of the auth host or of an app', got: visit.headers.origin ?? 'no Origin' }), visit)
      }
      if (visit.session !== undefined && visit.method !== 'POST' && isCrossSite(visit, configuration().authOrigin) && !isLinkOfOurs(visit)) {
        return question(visit.session, visit)
      }
      await end(visit.session, visit)
      const returnTo = safeTarget(visit)
      const leaving = visit.session === undefined ? undefined : await leavingOf(visit.session)
      const onwards = leaving === undefined ? undefined : await leave(leaving, returnTo, visit)
      const answer = onwards ?? redirect(returnTo ?? farewells.logoutUrlOf(visit.session?.organization) ?? farewells.link(undefined, undefined), [], 303)
      return { ...answer, cookies: farewellCookies(visit) }
    },

    signOutOfApp: async (place, visit) => {
      if (visit.method === 'POST' && !isFromOwnPage(visit, place.origin)) {
        return explain(new PorticoError('PORTICO_CROSS_SITE', { wanted: place.origin, got: visit.headers.origin ?? 'no Origin' }), visit)
      }
      const target = safeTarget(visit, place)
      // the auth host can ask; and it may know who is here when this host has already forgotten
      if (visit.session === undefined || (visit.method !== 'POST' && isCrossSite(visit, place.origin))) {
        const search = target === undefined ? '' : `?${new URLSearchParams({ return_to: target })}`
        return redirect(`${configuration().authOrigin}/logout${search}`, [], 303)
      }
      const { organization } = visit.session
      await end(visit.session, visit)
      const leaving = await leavingOf(visit.session)
      // the rest is done there, where the other cookies are
      const isMore = leaving !== undefined || (target === undefined && farewells.logoutUrlOf(organization) !== undefined)
      return redirect(farewells.link(isMore ? { organization, leaving } : undefined, target), [clearCookie(sessionCookie)], 303)
    },

    done: async visit => {
      if (visit.session !== undefined) return question(visit.session, visit)
      // whoever comes from an app's sign-out still holds the cookies of this host
      const cookies = farewellCookies(visit)
      const { organization, leaving, provider, returnTo: kept } = farewells.read(visit) ?? {}
      const returnTo = safeTarget(visit) ?? (kept === undefined ? undefined : placeOfUrl(configuration(), kept)?.page)
      const onwards = leaving === undefined ? undefined : await leave(leaving, returnTo, visit)
      if (onwards !== undefined) return { ...onwards, cookies }
      const next = returnTo ?? farewells.logoutUrlOf(organization)
      return next === undefined || unfinished.includes(provider) ? page(200, signedOutPage({ provider, next }), cookies) : redirect(next, cookies, 303)
    }
  }
}

const farewellCookies = (visit: Visit): string[] => [
  clearCookie(sessionCookie),
  forgetEmail(),
  ...cookiesWithPrefix(visit.headers.cookie, attemptCookiePrefix).map(({ name }) => clearCookie(name))
]
