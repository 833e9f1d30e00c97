import { usableApps } from '../access/apps.ts'
import { PorticoError } from '../errors.ts'
import { accountPage, type Account } from '../pages/account-page.ts'
import { json, page, redirect, wantsHtml, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { explain } from './failure.ts'
import type { Visit } from './visit.ts'

/** `GET /account`: who am I, as a page or as JSON by Accept; an allow-list of fields (behaviours.md V3). */
export const createAccount = ({ configuration }: Pick<LoginDeps, 'configuration'>) => (visit: Visit): Answer => {
  const { session } = visit
  const isPage = wantsHtml(visit.headers.accept)
  const organization = session === undefined ? undefined : configuration().organizations.get(session.organization)
  if (session === undefined || organization === undefined) {
    const login = `${configuration().authOrigin}/login`
    return isPage ? redirect(login) : explain(new PorticoError('PORTICO_SIGN_IN_REQUIRED'), visit, { startAgain: login })
  }
  const account: Account = {
    email: session.email,
    name: session.name,
    organization: organization.name,
    connection: configuration().connections.get(session.connection)?.name ?? session.connection,
    user: session.member,
    signed_in_at: new Date(session.authTime * 1000).toISOString(),
    apps: usableApps(configuration(), organization, session.groups ?? []).flatMap(({ id, name, places: [place], home }) =>
      place === undefined ? [] : [{ id, name, url: place.origin + home }])
  }
  return isPage ? page(200, accountPage(account)) : json(200, account)
}
