import { endedPage } from '../pages/ended-page.ts'
import { clearCookie, cookieValues, sessionCookie } from '../sessions/cookie.ts'
import { sidIn } from '../sessions/opening.ts'
import type { EndReason } from '../sessions/records.ts'
import { page, wantsHtml, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { forgetEmail } from './find-connection.ts'
import type { StartSteps } from './start.ts'
import type { Visit } from './visit.ts'

/** Values of the session cookie that are looked at. */
const tries = 2

/**
 * The same steps, but first a person is told what has ended their session from elsewhere: once, since their browser
 * then lets go of its cookie. Without it a provider that asks nothing would sign them in again in silence: two
 * browsers by turns, each ending the other's session, where only one may be signed in.
 */
export const tellingWhy = ({ configuration, sealer, records, log }: Pick<LoginDeps, 'configuration' | 'sealer' | 'records' | 'log'>, start: StartSteps): StartSteps => {
  const reasonOf = async (visit: Visit): Promise<EndReason | undefined> => {
    if (visit.session !== undefined || visit.method !== 'GET' || !wantsHtml(visit.headers.accept)) return undefined
    try {
      for (const value of cookieValues(visit.headers.cookie, sessionCookie).slice(0, tries)) {
        const sid = sidIn(sealer(), value)
        const reason = sid === undefined ? undefined : await records.reasonOf(sid)
        if (reason !== undefined) return reason
      }
    } catch (error) {
      log.error({ err: error, request_id: visit.requestId }, 'the store does not say why a session has ended')
    }
    return undefined
  }

  /** Without the cookie the same address begins a sign-in. A browser that was signed out from elsewhere may be in other hands: it is asked. */
  const tell = async (path: string, visit: Visit): Promise<Answer | undefined> => {
    const reason = await reasonOf(visit)
    if (reason === undefined) return undefined
    const again = new URLSearchParams(visit.query)
    if (reason === 'elsewhere') again.set('prompt', 'login')
    const link = `${configuration().authOrigin}${path}${again.size === 0 ? '' : `?${again}`}`
    return page(200, endedPage({ reason, again: link }), [clearCookie(sessionCookie), ...reason === 'elsewhere' ? [forgetEmail()] : []])
  }

  return {
    login: async visit => await tell('/login', visit) ?? await start.login(visit),
    loginWith: async (connection, visit) => await tell(`/login/${encodeURIComponent(connection)}`, visit) ?? await start.loginWith(connection, visit),
    post: start.post
  }
}
