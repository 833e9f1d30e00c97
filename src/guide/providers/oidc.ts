import type { Facts } from '../facts.ts'
import type { ProviderGuide } from '../provider.ts'
import type { ConnectionDraft } from '../read.ts'
import { entries, known, list, menu, remark, say, steps, text, value, values } from '../text.ts'

type Oidc = Extract<ConnectionDraft, { connector?: 'oidc' | undefined }>

/** Any OpenID Connect provider with discovery, with the names that four of them use (R6). */
export const oidc = (facts: Facts, connection: Oidc): ProviderGuide => {
  const { origin, redirectUri, initiateLoginUri, afterLogoutUri, backChannelUri, frontChannelUri, domains, wantsGroups, wantsRefresh } = facts
  const claims = connection.claims ?? {}
  const asked = (connection.scopes ?? []).filter(scope => scope !== undefined)
  const scopes = asked.length > 0 ? asked : ['openid', 'email', 'profile', ...wantsRefresh ? ['offline_access'] : []]
  const email = claims.email ?? 'email'
  const groups = claims.groups ?? 'groups'
  return {
    name: 'OpenID Connect',
    needs: say`the right to register applications at your identity provider`,
    scopes,
    claims: ['sub', email, 'email_verified', claims.name ?? 'name', ...wantsGroups ? [groups] : []],
    hosts: connection.discovery_url === undefined ? [] : [new URL(connection.discovery_url).host],
    sections: [
      {
        title: 'Register the application',
        blocks: [
          text(say`Whatever your provider calls the fields, these are the values:`),
          entries(
            { name: 'Kind of application', values: ['web'], note: say`confidential: with a client secret` },
            { name: 'Grant type, response type', values: ['authorization_code', ...wantsRefresh ? ['refresh_token'] : [], 'code'] },
            { name: 'Redirect URI (callback URL)', values: [redirectUri], note: say`exactly so; it is the only one` },
            { name: 'Web origin, where one is asked for', values: [origin] },
            { name: 'Initiate login URI, where one is asked for', values: [initiateLoginUri], note: say`so that a tile on your portal works` },
            { name: 'Redirect URI for after a logout', values: [afterLogoutUri], note: say`who signs out of our apps is taken to your provider's logout, where its discovery document names one, and sent back here` },
            { name: 'Back-channel logout URI', values: [backChannelUri], note: say`session required: yes (${value('sid')} in ID tokens and logout tokens)` },
            { name: 'Front-channel logout URI', values: [frontChannelUri], note: say`only where there is no back channel; session required: yes` },
            { name: 'How the secret is sent to the token endpoint', values: [connection.token_endpoint_auth_method ?? 'client_secret_basic'], note: connection.token_endpoint_auth_method === undefined ? say`or ${value('client_secret_post')}: we take what your discovery document offers` : undefined }
          ),
          list(
            say`PKCE (S256) is always sent; it may be required.`,
            say`ID tokens must be signed with RS256, PS256, ES256 or EdDSA (or the longer ones), not with HS256, and not be encrypted. Logout tokens likewise.`
          )
        ]
      },
      {
        title: 'Say what is told about your people',
        blocks: [
          steps(
            say`Allow the scopes ${values(scopes)}.`,
            say`The claim ${value(email)} must carry an address of ${values(domains)}${connection.dangerously_trust_unverified_email === true ? say`.` : say`, with ${value('email_verified')} set to ${value('true')}: without it the sign-in is refused.`}`,
            wantsGroups ? say`The claim ${value(groups)} must carry the groups meant for this application, as a list of texts, in the ID token or at the userinfo endpoint.` : undefined,
            say`Give the application to whom it is meant for, yourself included for the test.`
          )
        ]
      },
      {
        title: 'Where that is in well-known products',
        blocks: [
          list(
            say`OneLogin: ${menu('Applications', 'Applications', 'Add App')}, look for ${menu('OpenId Connect (OIDC)')}. Tab ${menu('Configuration')}: ${menu('Redirect URIs')} and, for the tile, ${menu('Login Url')}. Tab ${menu('SSO')}: ${menu('Client ID')}, ${menu('Show client secret')}, ${menu('Well-known Configuration')}. Groups: tab ${menu('Parameters', 'Groups')}.`,
            say`Auth0: ${menu('Applications', 'Applications', 'Create Application', 'Regular Web Applications')}. Tab ${menu('Settings')}: ${menu('Allowed Callback URLs')}, ${menu('Application Login URI')}, ${menu('Allowed Logout URLs')}, ${menu('Allowed Web Origins')}, ${menu('Back-Channel Logout URI')}. Its issuer is ${value('https://')} and the ${menu('Domain')}, with a slash at the end. Groups need an Action that adds a claim with a name such as ${value('https://your-domain/groups')}: tell us the name.`,
            say`PingOne: ${menu('Applications', 'Applications')}, the plus sign, ${menu('OIDC Web App')}. Tab ${menu('Configuration')}: ${menu('Redirect URIs')}, ${menu('Initiate Login URI')}, ${menu('Signoff URLs')}, and below ${menu('URLs')} the ${menu('OIDC Discovery Endpoint')}. ${menu('Resource Access')}: the scopes. ${menu('Attribute Mappings')}: ${value(email)} and ${value('email_verified')}. Switch the application on at the top right.`,
            say`Keycloak: ${menu('Clients', 'Create client')}, type ${menu('OpenID Connect')}, ${menu('Client authentication')} on, ${menu('Standard flow')} alone. ${menu('Valid redirect URIs')}, ${menu('Home URL')} (the initiate login URI), ${menu('Valid post logout redirect URIs')}; further down ${menu('Front channel logout')} off, ${menu('Backchannel logout URL')}, ${menu('Backchannel logout session required')} on. Tab ${menu('Credentials')}: the secret. Groups: ${menu('Client scopes')}, the dedicated one, ${menu('Add mapper', 'By configuration', 'Group Membership')}, with ${menu('Full group path')} off. Users need ${menu('Email verified')}.`
          ),
          remark(say`For Microsoft Entra ID, Google Workspace and Okta there are connectors of their own: tell us, and you get a page for yours.`)
        ]
      }
    ],
    sendBack: [
      { name: 'Client ID', values: known(connection.client_id) },
      { name: 'Client secret', values: [] },
      { name: 'Issuer or discovery URL', values: known(connection.discovery_url), note: say`it ends in ${value('/.well-known/openid-configuration')}, or is what stands there as ${value('issuer')}` },
      { name: 'Date on which the client secret expires, if it does', values: known(connection.client_secret_expires) }
    ],
    expiry: say`If your provider ends client secrets, make the next one a month before and send it to us; keep the older one until we have changed over.`
  }
}
