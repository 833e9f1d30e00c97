import type { AppPlace } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { signedOutPage, signOutPage } from '../pages/sign-out-page.ts'
import { attemptCookiePrefix, clearCookie, cookiesWithPrefix, sessionCookie } from '../sessions/cookie.ts'
import type { Session } from '../sessions/session.ts'
import { page, redirect, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { explain } from './failure.ts'
import { forgetEmail } from './find-connection.ts'
import { placeOfUrl } from './return-target.ts'
import { isCrossSite, isFromOwnPage, only, type Visit } from './visit.ts'

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

  const safeTarget = (visit: Visit): string | undefined => {
    const text = only(visit.method === 'POST' ? visit.form : visit.query, 'return_to')
    return text !== undefined && placeOfUrl(configuration(), text) !== undefined ? new URL(text).href : undefined
  }

  const isAppOrigin = (origin: string | undefined): boolean =>
    origin !== undefined && [...configuration().places.values()].some(place => place.origin === origin)

  /** A link on a page of an app, or of the auth host, is the person's own wish; browsers let nobody forge where it stands. */
  const isLinkOfOurs = (visit: Visit): boolean => {
    const origin = URL.parse(visit.headers.referer ?? '')?.origin
    return visit.headers['sec-fetch-dest'] === 'document' && (origin === configuration().authOrigin || isAppOrigin(origin))
  }

  /** An app's own page may sign its person out by a POST; a link from anywhere else is asked about. */
  const isAllowedPost = (visit: Visit): boolean =>
    isFromOwnPage(visit, configuration().authOrigin) || isAppOrigin(visit.headers.origin)

  const doneAt = (returnTo: string | undefined): string =>
    `${configuration().authOrigin}/logout/done${returnTo === undefined ? '' : `?${new URLSearchParams({ return_to: returnTo })}`}`

  return {
    signOut: async visit => {
      if (visit.method === 'POST' && !isAllowedPost(visit)) {
        return explain(new PorticoError('PORTICO_CROSS_SITE', { wanted: 'a page of the auth host or of an app', got: visit.headers.origin ?? 'no Origin' }), visit)
      }
      if (visit.session !== undefined && visit.method !== 'POST' && isCrossSite(visit) && !isLinkOfOurs(visit)) {
        return page(200, signOutPage({ email: visit.session.email, returnTo: safeTarget(visit) }))
      }
      await end(visit.session, visit)
      return redirect(safeTarget(visit) ?? doneAt(undefined), farewellCookies(visit), 303)
    },

    signOutOfApp: async (place, visit) => {
      if (visit.method === 'POST' && !isFromOwnPage(visit, place.origin)) {
        return explain(new PorticoError('PORTICO_CROSS_SITE', { wanted: place.origin, got: visit.headers.origin ?? 'no Origin' }), visit)
      }
      // the auth host can ask; here nobody has a page that could
      if (visit.session !== undefined && visit.method !== 'POST' && isCrossSite(visit)) {
        return redirect(`${configuration().authOrigin}/logout`, [], 303)
      }
      await end(visit.session, visit)
      return redirect(doneAt(safeTarget(visit)), [clearCookie(sessionCookie)], 303)
    },

    // whoever comes from an app's sign-out still holds the cookies of this host
    done: visit => {
      const cookies = visit.session === undefined ? farewellCookies(visit) : []
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
