import { longestLabel, longestLifetime } from '../access/api-key-making.ts'
import { apiKeyState } from '../access/api-key-state.ts'
import { usableApps } from '../access/apps.ts'
import type { Organization } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { accountPage, type Account, type AccountKey } from '../pages/account-page.ts'
import type { Session } from '../sessions/session.ts'
import type { ApiKey } from '../store/api-keys.ts'
import type { Member } from '../store/members.ts'
import type { AccountSessionSteps } from './account-sessions.ts'
import { json, page, redirect, wantsHtml, type Answer } from './answer.ts'
import type { Authorize } from './authorize.ts'
import type { LoginDeps } from './deps.ts'
import { explain } from './failure.ts'
import { isCrossSite, type Visit } from './visit.ts'

/** Seconds for which a sign-in is recent enough to make an API key. */
const recently = 15 * 60
const day = 86_400

export interface AccountSteps {
  /** `GET /account`: who am I, as a page or as JSON by Accept; an allow-list of fields (behaviours.md V3). */
  view (visit: Visit): Promise<Answer>
  /** `GET /account/sign-in`: the provider asks once more who is there. */
  signInAgain (visit: Visit): Promise<Answer>
}

/** Whether the person was asked who they are a short while ago. `now` in seconds. */
export const isRecent = ({ authTime }: Session, now: number): boolean => now < authTime + recently

/** Without a session: to sign in, or told where. */
export const signInFirst = (authOrigin: string, visit: Visit): Answer => {
  const login = `${authOrigin}/login`
  return wantsHtml(visit.headers.accept) ? redirect(login) : explain(new PorticoError('PORTICO_SIGN_IN_REQUIRED'), visit, { startAgain: login })
}

/** ISO 8601 of seconds since the epoch. */
export const time = (seconds: number): string => new Date(seconds * 1_000).toISOString()

/** What its owner may read of a key. */
export const accountKey = ({ id, label, apps, createdAt, expiresAt, lastUsedAt }: ApiKey, state: AccountKey['state']): AccountKey => ({
  id, label, apps, created_at: time(createdAt), expires_at: time(expiresAt), last_used_at: lastUsedAt === undefined ? undefined : time(lastUsedAt), state
})

/** A person's own page at the auth host. */
export const createAccount = (deps: LoginDeps, steps: { readonly authorize: Authorize, readonly sessions: Pick<AccountSessionSteps, 'list'> }): AccountSteps => {
  const { configuration, store, log, now } = deps

  const keysOf = async ({ member: id }: Session, visit: Visit): Promise<Account['api_keys']> => {
    try {
      const [member, keys]: [Member | undefined, readonly ApiKey[]] = await Promise.all([store.memberById(id), store.apiKeys(id)])
      return member === undefined ? [] : keys.map(key => accountKey(key, apiKeyState(configuration(), key, member, now())))
    } catch (error) {
      log.error({ err: error, request_id: visit.requestId }, 'the store does not say which API keys there are')
      return undefined
    }
  }

  const accountOf = async (session: Session, organization: Organization, visit: Visit): Promise<Account> => ({
    email: session.email,
    name: session.name,
    organization: organization.name,
    connection: configuration().connections.get(session.connection)?.name ?? session.connection,
    user: session.member,
    signed_in_at: time(session.authTime),
    apps: usableApps(configuration(), organization, session.groups ?? []).flatMap(({ id, name, places: [place], home }) =>
      place === undefined ? [] : [{ id, name, url: place.origin + home }]),
    sessions: await steps.sessions.list(session, visit),
    api_keys: await keysOf(session, visit)
  })

  return {
    view: async visit => {
      const { session } = visit
      const organization = session === undefined ? undefined : configuration().organizations.get(session.organization)
      if (session === undefined || organization === undefined) return signInFirst(configuration().authOrigin, visit)
      const account = await accountOf(session, organization, visit)
      if (!wantsHtml(visit.headers.accept)) return json(200, account)
      const inForce = configuration()
      return page(200, accountPage(account, isRecent(session, now())
        ? { days: Math.max(1, Math.floor(inForce.apiKeys.lifetime / day)), mostDays: Math.floor(longestLifetime(inForce) / day), longestLabel }
        : undefined))
    },

    signInAgain: async visit => {
      const { session } = visit
      const connection = session === undefined ? undefined : configuration().connections.get(session.connection)
      if (session === undefined || connection === undefined) return signInFirst(configuration().authOrigin, visit)
      // nobody else sends a person away
      if (isCrossSite(visit, configuration().authOrigin)) return redirect(`${configuration().authOrigin}/account`)
      return await steps.authorize(connection, undefined, visit, { loginHint: session.email, prompt: 'login' })
    }
  }
}
