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
import { farewellSchema, isFresh, openSealed } from './sealed.ts'
import { isCrossSite, isFromOwnPage, only, refererOf, type Visit } from './visit.ts'

/** Seconds between a sign-out on an app host and its end here. */
const farewellLifetime = 60

export interface SignOutSteps {
  /** `GET·POST /logout` on the auth host. */
  signOut (visit: Visit): Promise<Answer>
  /** `GET·POST /.portico/logout` on an app host. */
  signOutOfApp (place: AppPlace, visit: Visit): Promise<Answer>
  /** `GET /logout/done` */
  done (visit: Visit): Answer
}

/** Ends this browser's sessions on every host. Another site may ask for it, but not decide it (behaviours.md L1, L3, L4). */
export const createSignOut = ({ configuration, sealer, sessions, audit, now }: Pick<LoginDeps, 'configuration' | 'sealer' | 'sessions' | 'audit' | 'now'>): SignOutSteps => {
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

  const authHost = (path: string, query: Readonly<Record<string, string>> = {}): string => {
    const search = new URLSearchParams(query)
    return `${configuration().authOrigin}${path}${search.size === 0 ? '' : `?${search}`}`
  }

  /** Where an organization wants its members to go when nobody said where (product R28). */
  const logoutUrlOf = (organization: string | undefined): string | undefined =>
    organization === undefined ? undefined : configuration().organizations.get(organization)?.logoutUrl

  /** What the app host knew of who has just signed out there: this host's own session ended with it. */
  const left = (visit: Visit): string | undefined => {
    const farewell = openSealed(sealer(), 'farewell', farewellSchema, only(visit.query, 'farewell'))
    return farewell !== undefined && isFresh(farewell.iat, now(), farewellLifetime) ? farewell.organization : undefined
  }

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
      return redirect(safeTarget(visit) ?? logoutUrlOf(visit.session?.organization) ?? authHost('/logout/done'), farewellCookies(visit), 303)
    },

    signOutOfApp: async (place, visit) => {
      if (visit.method === 'POST' && !isFromOwnPage(visit, place.origin)) {
        return explain(new PorticoError('PORTICO_CROSS_SITE', { wanted: place.origin, got: visit.headers.origin ?? 'no Origin' }), visit)
      }
      const target = safeTarget(visit, place)
      const returnTo = target === undefined ? undefined : { return_to: target }
      // the auth host can ask; and it may know who is here when this host has already forgotten
      if (visit.session === undefined || (visit.method !== 'POST' && isCrossSite(visit, place.origin))) {
        return redirect(authHost('/logout', returnTo), [], 303)
      }
      const { organization } = visit.session
      await end(visit.session, visit)
      const farewell = () => logoutUrlOf(organization) === undefined ? undefined : { farewell: sealer().seal('farewell', { organization, iat: now() }) }
      return redirect(authHost('/logout/done', returnTo ?? farewell()), [clearCookie(sessionCookie)], 303)
    },

    done: visit => {
      if (visit.session !== undefined) return question(visit.session, visit)
      // whoever comes from an app's sign-out still holds the cookies of this host
      const cookies = farewellCookies(visit)
      const returnTo = safeTarget(visit) ?? logoutUrlOf(left(visit))
      return returnTo === undefined ? page(200, signedOutPage(), cookies) : redirect(returnTo, cookies, 303)
    }
  }
}

const farewellCookies = (visit: Visit): string[] => [
  clearCookie(sessionCookie),
  forgetEmail(),
  ...cookiesWithPrefix(visit.headers.cookie, attemptCookiePrefix).map(({ name }) => clearCookie(name))
]
