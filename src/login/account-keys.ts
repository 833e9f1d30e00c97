import { makeApiKey } from '../access/api-key-making.ts'
import { PorticoError } from '../errors.ts'
import { newKeyPage, signInAgainPath } from '../pages/account-page.ts'
import type { Session } from '../sessions/session.ts'
import type { Member } from '../store/members.ts'
import { accountKey, isRecent, signInFirst } from './account.ts'
import { json, page, redirect, wantsHtml, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { asPorticoError, explain } from './failure.ts'
import { demandOwnPage, only, type Visit } from './visit.ts'

const day = 86_400

export interface AccountKeySteps {
  /** `POST /account/keys`: `label`, `app` (once or more), `days`. Shows the key, once. */
  make (visit: Visit): Promise<Answer>
  /** `POST /account/keys/revoke`: `id`. */
  revoke (visit: Visit): Promise<Answer>
}

/** A person's own API keys (product.md R13): made after a recent sign-in, from Portico's own page alone. */
export const createAccountKeys = (deps: LoginDeps): AccountKeySteps => {
  const { configuration, sessions, store, audit, log, now } = deps

  /** Does it for who is signed in; says what went wrong, and to the operator when it is ours. */
  const asMember = async (visit: Visit, work: (session: Session, member: Member) => Promise<Answer>): Promise<Answer> => {
    const { authOrigin } = configuration()
    const { session } = visit
    if (session === undefined) return signInFirst(authOrigin, visit)
    try {
      demandOwnPage(visit, authOrigin)
      const member = await store.memberById(session.member)
      if (member === undefined) throw new PorticoError('PORTICO_API_KEY_REQUEST', { wanted: 'a recorded member', got: session.member })
      return await work(session, member)
    } catch (thrown) {
      const error = asPorticoError(thrown)
      const level = error.status >= 500 ? 'error' : 'info'
      log[level]({ err: error, request_id: visit.requestId, member: session.member }, 'API keys: refused')
      return explain(error, visit, { startAgain: authOrigin + (error.code === 'PORTICO_RECENT_SIGN_IN' ? signInAgainPath : '/account') })
    }
  }

  const lifetimeOf = (days: string | undefined): number | undefined => {
    if (days === undefined) return undefined
    if (!/^[0-9]{1,5}$/.test(days)) throw new PorticoError('PORTICO_API_KEY_REQUEST', { wanted: 'a whole number of days', got: 'something else' })
    return Number(days) * day
  }

  return {
    make: visit => asMember(visit, async (session, member) => {
      if (!isRecent(session, now())) throw new PorticoError('PORTICO_RECENT_SIGN_IN', { wanted: 'a sign-in within the last 15 minutes', got: `one ${now() - session.authTime} s ago` })
      const { text, key } = await makeApiKey(store, configuration(), member, {
        label: only(visit.form, 'label') ?? '', apps: visit.form.getAll('app'), lifetime: lifetimeOf(only(visit.form, 'days'))
      }, now())
      audit.apiKey({ event: 'api_key_made', by: 'member', key, email: member.email, request: visit })
      const shown = accountKey(key, 'active')
      return wantsHtml(visit.headers.accept) ? page(200, newKeyPage(text, shown)) : json(201, { key: text, ...shown })
    }),

    revoke: visit => asMember(visit, async (_session, member) => {
      const id = only(visit.form, 'id')
      const key = id === undefined ? undefined : await store.apiKeyById(id)
      // somebody else's is not told apart from one that does not exist
      if (key?.member !== member.id) throw new PorticoError('PORTICO_NOT_FOUND', { wanted: 'a key of one\'s own', got: 'another, or none' })
      await store.removeApiKeys([key.id])
      await sessions.revoke({ kind: 'api_key', value: key.id, issuedBefore: now(), expiresAt: 0 })
      audit.apiKey({ event: 'api_key_revoked', by: 'member', key, email: member.email, request: visit })
      return wantsHtml(visit.headers.accept) ? redirect(`${configuration().authOrigin}/account`, [], 303) : json(200, { id: key.id, revoked: true })
    })
  }
}
