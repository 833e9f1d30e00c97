import type { Organization } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import { definitions } from '../errors.ts'
import { tenantPage } from '../pages/tenant-page.ts'
import { page, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { only, type Visit } from './visit.ts'

/** Parameters that go on to the sign-in behind a button; the auth host judges them there. */
const passedOn = ['app', 'region', 'return_to', 'target_link_uri', 'login_hint', 'prompt']

/** What an organization's own sign-in page answers. */
export type TenantSignIn = (organization: Organization, visit: Visit) => Answer

/**
 * `GET /` and `GET /login` on one of an organization's `login_hosts` (product R28): a button for each of
 * its active connections, in the order of its file. Each names its connection, so that whoever begins
 * here signs in at this organization (flow 3). Testing and disabled ones are not shown.
 */
export const createTenantSignIn = ({ configuration, now }: Pick<LoginDeps, 'configuration' | 'now'>): TenantSignIn => (organization, { query, requestId }) => {
  const { authOrigin, apps } = configuration()
  const kept = new URLSearchParams(passedOn.flatMap<[string, string]>(name => {
    const value = only(query, name)
    return value === undefined ? [] : [[name, value]]
  }))
  const search = kept.size === 0 ? '' : `?${kept}`
  const buttons = organization.connections
    .filter(connection => isActive(connection, now()))
    .map(({ id, name }) => ({ label: name, href: `${authOrigin}/login/${id}${search}` }))
  return page(buttons.length === 0 ? definitions.PORTICO_NO_ACTIVE_CONNECTION.status : 200, tenantPage({
    name: organization.name, appName: apps.get(only(query, 'app') ?? '')?.name, buttons, requestId
  }))
}
