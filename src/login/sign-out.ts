import type { AppPlace } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { signedOutPage, signOutPage } from '../pages/sign-out-page.ts'
import { attemptCookiePrefix, clearCookie, cookiesWithPrefix, sessionCookie } from '../sessions/cookie.ts'
import type { Session } from '../sessions/session.ts'
import { page, redirect, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { explain } from './failure.ts'
import { forgetEmail } from './find-connection.ts'
import { placeOfUrl, returnTarget } from './return-target.ts'
import { isCrossSite, isFromOwnPage, only, refererOf, type Visit } from './visit.ts'

export interface SignOutSteps {
  /** `GET·POST /logout` on the auth host. */
  signOut (visit: Visit): Promise<Answer>
  /** `GET·POST /.portico/logout` on an app host. */
  signOutOfApp (place: AppPlace, visit: Visit): Promise<Answer>
  /** `GET /logout/done` */
  done (visit: Visit): Answer
}

/** Ends this browser's sessions on every host. Another site may ask for it, but not decide it (behaviours.md L1, L3, L4). */
export const createSignOut = ({ configuration, sessions, audit }: Pick<LoginDeps, 'configuration' | 'sessions' | 'audit'>): SignOutSteps => {
  const end = async (session: Session | undefined, visit: Visit): Promise<void> => {
    if (session === undefined) return
    await sessions.end(session, 'signed out')
    audit.signOut({ ...session, requestId: visit.requestId, client: visit.client })
  }

  /** Where the person goes afterwards: an address of an app, or a path of the app host that this happens on. */
  const safeTarget = (visit: Visit, here?: AppPlace): string | undefined => {
    const text = only(visit.method === 'POST' ? visit.form : visit.query, 'return_to')
    if (text === undefined) return undefined
    return (here === undefined ? undefined : returnTarget(text, here)) ?? placeOfUrl(configuration(), text)?.page
  }

  const isAppOrigin = (origin: string | undefined): boolean =>
    origin !== undefined && [...configuration().places.values()].some(place => place.origin === origin)

  /** A link on a page of an app, or of the auth host, is the person's own wish; browsers let nobody forge where it stands. */
  const isLinkOfOurs = ({ headers }: Visit): boolean => {
    const origin = refererOf(headers)
    return (headers['sec-fetch-dest'] ?? 'document') === 'document' && (origin === configuration().authOrigin || isAppOrigin(origin))
  }

  /** An app's own page may sign its person out by a POST; a link from anywhere else is asked about. */
  const isAllowedPost = (visit: Visit): boolean =>
    isFromOwnPage(visit, configuration().authOrigin) || isAppOrigin(visit.headers.origin)

  const authHost = (path: string, returnTo: string | undefined): string =>
    `${configuration().authOrigin}${path}${returnTo === undefined ? '' : `?${new URLSearchParams({ return_to: returnTo })}`}`

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
      return redirect(safeTarget(visit) ?? authHost('/logout/done', undefined), farewellCookies(visit), 303)
    },

    signOutOfApp: async (place, visit) => {
      if (visit.method === 'POST' && !isFromOwnPage(visit, place.origin)) {
        return explain(new PorticoError('PORTICO_CROSS_SITE', { wanted: place.origin, got: visit.headers.origin ?? 'no Origin' }), visit)
      }
      const returnTo = safeTarget(visit, place)
      // the auth host can ask; and it may know who is here when this host has already forgotten
      if (visit.session === undefined || (visit.method !== 'POST' && isCrossSite(visit, place.origin))) {
        return redirect(authHost('/logout', returnTo), [], 303)
      }
      await end(visit.session, visit)
      return redirect(authHost('/logout/done', returnTo), [clearCookie(sessionCookie)], 303)
    },

    done: visit => {
      if (visit.session !== undefined) return question(visit.session, visit)
      // whoever comes from an app's sign-out still holds the cookies of this host
      const cookies = farewellCookies(visit)
      const returnTo = safeTarget(visit)
      return returnTo === undefined ? page(200, signedOutPage(), cookies) : redirect(returnTo, cookies, 303)
    }
  }
}

const farewellCookies = (visit: Visit): string[] => [
  clearCookie(sessionCookie),
  forgetEmail(),
  ...cookiesWithPrefix(visit.headers.cookie, attemptCookiePrefix).map(({ name }) => clearCookie(name))
]
