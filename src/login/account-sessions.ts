import { createHash } from 'node:crypto'
import { PorticoError } from '../errors.ts'
import type { AccountSession } from '../pages/account-page.ts'
import type { ListedSession } from '../sessions/records.ts'
import type { Session } from '../sessions/session.ts'
import { signInFirst, time } from './account.ts'
import { json, redirect, wantsHtml, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { asPorticoError, explain } from './failure.ts'
import { demandOwnPage, only, type Visit } from './visit.ts'

export interface AccountSessionSteps {
  /** Where the person is signed in, the newest first; undefined while the store does not say. */
  list (session: Session, visit: Visit): Promise<readonly AccountSession[] | undefined>
  /** `POST /account/sessions/end`: `id`. Signs the person out there. */
  end (visit: Visit): Promise<Answer>
}

/** Sessions that are shown: whoever has more is a program. */
const most = 100

/** What a page may say of a session instead of its id. */
const handleOf = ({ sid }: Pick<Session, 'sid'>): string => createHash('sha256').update(sid).digest('base64url').slice(0, 22)

/** A person's own sessions: where they are signed in, and "sign out there" (from Portico's own page alone). */
export const createAccountSessions = ({ configuration, records, log }: Pick<LoginDeps, 'configuration' | 'records' | 'log'>): AccountSessionSteps => {
  const shown = (record: ListedSession, current: Session): AccountSession => ({
    id: handleOf(record),
    browser: record.browser,
    client: record.client,
    connection: configuration().connections.get(record.connection)?.name ?? record.connection,
    signed_in_at: time(record.startedAt),
    last_seen_at: time(record.seenAt),
    current: record.sid === current.sid
  })

  return {
    list: async (session, visit) => {
      try {
        return (await records.of(session.member)).slice(-most).toReversed().map(record => shown(record, session))
      } catch (error) {
        log.error({ err: error, request_id: visit.requestId }, 'the store does not say where somebody is signed in')
        return undefined
      }
    },

    end: async visit => {
      const { authOrigin } = configuration()
      const { session } = visit
      if (session === undefined) return signInFirst(authOrigin, visit)
      try {
        demandOwnPage(visit, authOrigin)
        const id = only(visit.form, 'id')
        // somebody else's is not told apart from one that does not exist
        const record = (await records.of(session.member)).find(record => handleOf(record) === id)
        if (record === undefined) throw new PorticoError('PORTICO_NOT_FOUND', { wanted: 'a session of one\'s own', got: 'another, or none' })
        await records.end(record, 'elsewhere')
        return wantsHtml(visit.headers.accept) ? redirect(`${authOrigin}/account`, [], 303) : json(200, { id, ended: true })
      } catch (thrown) {
        const error = asPorticoError(thrown)
        log[error.status >= 500 ? 'error' : 'info']({ err: error, request_id: visit.requestId, member: session.member }, 'sign-out from another browser: refused')
        return explain(error, visit, { startAgain: `${authOrigin}/account` })
      }
    }
  }
}
