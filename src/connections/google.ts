import type { Connection } from '../config/configuration.ts'
import { canonicalDomain } from '../config/schema/domain.ts'
import type { SettingsOf } from './dialects.ts'
import { claim, showClaim } from './oidc/claim.ts'
import type { Claims, Dialect } from './oidc/dialect.ts'
import { standardDialect, standardParameters } from './oidc/standard.ts'
import type { Verdict } from './verdict.ts'

/** R4: only accounts that a Workspace manages have `hd`; a personal account may have a work e-mail without. */
const hostedDomain = (workspace: string) => (claims: Claims): Verdict => {
  const hd = claim(claims, 'hd')
  return {
    name: 'hd',
    passed: typeof hd === 'string' && canonicalDomain(hd) === canonicalDomain(workspace),
    code: hd === undefined ? 'PORTICO_CONSUMER_ACCOUNT' : 'PORTICO_WORKSPACE_DOMAIN',
    wanted: `hd ${workspace}`,
    got: hd === undefined ? 'none: a personal Google account' : showClaim(claims, 'hd')
  }
}

/** Google gives a refresh token to whoever has just consented, and no second one. */
const consenting = (prompt: string | undefined): string => prompt === undefined ? 'consent' : `${prompt} consent`

/**
 * Google Workspace (product R4). `iss` is the https form alone: the one without a scheme, which old
 * endpoints of Google's gave, is not what its discovery document says, and nothing sends it any more.
 */
export const googleDialect = (connection: Connection, settings: SettingsOf<'google'>): Dialect => ({
  ...standardDialect(connection, settings.discovery_url ?? 'https://accounts.google.com'),
  isItself: settings.discovery_url === undefined,
  // no groups: Google has neither scope nor claim for them
  scopes: ['openid', 'email', 'profile'],
  completed: [['email'], ['email_verified'], ['name'], ['hd']],
  parameters: ({ loginHint, prompt }) => ({
    ...standardParameters({ loginHint, prompt: connection.refresh === undefined ? prompt : consenting(prompt) }),
    // in the place of the scope `offline_access`
    ...connection.refresh !== undefined && { access_type: 'offline' },
    // a hint for Google's own page; what counts is the claim
    hd: canonicalDomain(settings.workspace_domain) ?? settings.workspace_domain
  }),
  identityChecks: [hostedDomain(settings.workspace_domain)]
})
