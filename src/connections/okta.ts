import type { Connection } from '../config/configuration.ts'
import type { SettingsOf } from './dialects.ts'
import { claim } from './oidc/claim.ts'
import type { Dialect } from './oidc/dialect.ts'
import { emailVerified, issuerAndSub, standardDialect, standardParameters } from './oidc/standard.ts'

/** The org authorization server's issuer, or a custom one's. */
const issuerOf = ({ okta_domain: domain, authorization_server: server, discovery_url: url }: SettingsOf<'okta'>): string =>
  url ?? `https://${domain}${server === undefined ? '' : `/oauth2/${encodeURIComponent(server)}`}`

/** Okta Workforce (product R5), by its org server or a custom one. */
export const oktaDialect = (connection: Connection, settings: SettingsOf<'okta'>): Dialect => ({
  ...standardDialect(connection, issuerOf(settings)),
  parameters: ({ loginHint, prompt }) => standardParameters({
    loginHint,
    // Okta knows none, login and consent, and refuses `select_account`; with `login` it asks for another account too
    prompt: prompt === 'select_account' ? 'login' : prompt
  }),
  // Okta's access tokens have the login as `sub`, and as `uid` what the ID token calls `sub`; a program's own has no `uid`
  // either, and never comes this far
  tokenSubject: (claims, issuer) => issuerAndSub({ sub: claim(claims, 'uid') ?? claim(claims, 'sub') }, issuer),
  vouched: emailVerified(connection, 'Okta calls an e-mail verified when the person or an admin confirmed it; a custom authorization server sends email_verified with the scope email. Only if nobody can edit an e-mail there, set dangerously_trust_unverified_email.')
})
