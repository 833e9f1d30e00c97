import type { Facts } from '../facts.ts'
import type { ProviderGuide } from '../provider.ts'
import type { ConnectionDraft } from '../read.ts'
import { entries, known, list, say, steps, text, value, values } from '../text.ts'

type Manual = Extract<ConnectionDraft, { connector?: 'manual' | undefined }>

/** A provider without discovery: every address is entered by hand (R30). */
export const manual = (facts: Facts, connection: Manual): ProviderGuide => {
  const { redirectUri, initiateLoginUri, domains, wantsGroups, wantsRefresh } = facts
  const claims = connection.claims ?? {}
  const asked = (connection.scopes ?? []).filter(scope => scope !== undefined)
  const scopes = asked.length > 0 ? asked : ['openid', 'email', 'profile', ...wantsRefresh ? ['offline_access'] : []]
  const email = claims.email ?? 'email'
  return {
    name: 'OAuth 2.0 without discovery',
    needs: say`the right to register OAuth 2.0 or OpenID Connect clients at your identity provider`,
    scopes,
    claims: [claims.subject ?? 'sub', email, 'email_verified', claims.name ?? 'name', ...wantsGroups ? [claims.groups ?? 'groups'] : []],
    hosts: known(connection.authorization_url).map(url => new URL(url).host),
    sections: [
      {
        title: 'Register the client',
        blocks: [
          entries(
            { name: 'Kind of client', values: ['web'], note: say`confidential: with a client secret` },
            { name: 'Grant type, response type', values: ['authorization_code', ...wantsRefresh ? ['refresh_token'] : [], 'code'] },
            { name: 'Redirect URI (callback URL)', values: [redirectUri], note: say`exactly so; it is the only one` },
            { name: 'How the secret is sent to the token endpoint', values: [connection.token_endpoint_auth_method ?? 'client_secret_basic'] },
            { name: 'Login page or home page, where one is asked for', values: [initiateLoginUri] }
          ),
          text(say`PKCE (S256) and ${value('state')} are always sent. If your provider publishes ${value('/.well-known/openid-configuration')}, tell us: then nothing below need be entered by hand, and changes of its keys are noticed.`)
        ]
      },
      {
        title: 'Say what is told about your people',
        blocks: [
          steps(
            say`Allow the scopes ${values(scopes)}.`,
            say`${value(email)} must be an address of ${values(domains)}, and ${value('email_verified')} must be ${value('true')}.`,
            say`Give the client to whom it is meant for, yourself included for the test.`
          ),
          list(say`Who somebody is must come signed, or from a userinfo endpoint over https: send us the address of your signing keys (JWKS), of the userinfo endpoint, or both.`)
        ]
      }
    ],
    sendBack: [
      { name: 'Client ID', values: known(connection.client_id) },
      { name: 'Client secret', values: [] },
      { name: 'Authorization URL', values: known(connection.authorization_url) },
      { name: 'Token URL', values: known(connection.token_url) },
      { name: 'Userinfo URL, if there is one', values: known(connection.userinfo_url) },
      { name: 'JWKS URL (signing keys), if there is one', values: known(connection.jwks_url) },
      { name: 'Logout URL (end session endpoint), if there is one', values: known(connection.end_session_url) },
      { name: 'Issuer: the iss of ID tokens, if there are any', values: known(connection.issuer) },
      { name: 'Date on which the client secret expires, if it does', values: known(connection.client_secret_expires) }
    ],
    expiry: say`If your provider ends client secrets, make the next one a month before and send it to us. Tell us before addresses or signing keys change: without discovery we cannot notice.`
  }
}
