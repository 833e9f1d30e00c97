import type { Facts } from '../facts.ts'
import type { ProviderGuide } from '../provider.ts'
import type { ConnectionDraft } from '../read.ts'
import { known, menu, remark, say, steps, value, values } from '../text.ts'

type Okta = Extract<ConnectionDraft, { connector?: 'okta' | undefined }>

/** Okta Workforce: an OIDC web application, with a tile that starts at our side (R5, R23, R27, R28). */
export const okta = (facts: Facts, connection: Okta): ProviderGuide => {
  const { redirectUri, initiateLoginUri, afterLogoutUri, frontChannelUri, domains, wantsGroups, wantsRefresh } = facts
  const server = connection.authorization_server
  const host = connection.discovery_url === undefined ? connection.okta_domain : new URL(connection.discovery_url).host
  return {
    name: 'Okta Workforce',
    needs: say`the role ${menu('Application Administrator')} or a higher one in the Okta Admin Console`,
    scopes: ['openid', 'email', 'profile', ...wantsGroups ? ['groups'] : [], ...wantsRefresh ? ['offline_access'] : []],
    claims: ['sub', 'email', 'email_verified', 'name', ...wantsGroups ? ['groups'] : []],
    hosts: [...host === undefined ? [] : [host], '*.oktacdn.com'],
    sections: [
      {
        title: 'Create the application',
        blocks: [steps(
          say`Open ${menu('Applications', 'Applications', 'Create App Integration')}.`,
          say`Sign-in method ${menu('OIDC - OpenID Connect')}, application type ${menu('Web Application')}, then ${menu('Next')}.`,
          say`Enter a name that your people recognise on their tile. Grant type: ${menu('Authorization Code')}${wantsRefresh ? say` and ${menu('Refresh Token')}` : undefined} and no other.`,
          say`${menu('Sign-in redirect URIs')}: ${value(redirectUri)}, exactly so; remove the one that stands there as an example. Leave the wildcard box unticked.`,
          say`${menu('Sign-out redirect URIs')}: ${value(afterLogoutUri)}: who signs out of our apps is signed out of Okta, and comes back here.`,
          say`${menu('Assignments')}: ${menu('Limit access to selected groups')}, or everybody. Then ${menu('Save')}.`
        )]
      },
      {
        title: 'Let the tile on the dashboard work',
        blocks: [
          steps(
            say`Open the tab ${menu('General')}, then ${menu('General Settings', 'Edit')}, and go down to ${menu('Login')}.`,
            say`${menu('Login initiated by')}: ${menu('Either Okta or App')}. Tick ${menu('Display application icon to users')}.`,
            say`${menu('Login flow')}: ${menu('Redirect to app to initiate login (OIDC Compliant)')}.`,
            say`${menu('Initiate login URI')}: ${value(initiateLoginUri)}. Then ${menu('Save')}.`
          ),
          remark(say`Do not choose ${menu('Send ID Token directly to app (Okta Simplified)')}: what arrives without having been asked for is refused.`)
        ]
      },
      {
        title: 'Let a sign-out of Okta be one of our apps, if you want it',
        blocks: [steps(
          say`Tab ${menu('General')}, then ${menu('General Settings', 'Edit')}, down to ${menu('Logout')}: tick ${menu('User logs out of other logout-initiating apps or Okta')}.`,
          say`${menu('Logout request URL')}: ${value(frontChannelUri)}. Tick ${menu('Include user session details')}: without them nobody can be found. Then ${menu('Save')}.`
        )]
      },
      {
        title: 'Say what is told about your people',
        blocks: [
          steps(
            say`Everybody who is to sign in needs a primary e-mail of ${values(domains)} in their Okta profile.`,
            say`In ${menu('General', 'Client Credentials')} leave ${menu('Client authentication')} at ${menu('Client secret')}. ${menu('Require PKCE as additional verification')} may be ticked: it is sent in any case.`,
            wantsGroups
              ? server === undefined
                ? say`Groups: tab ${menu('Sign On', 'OpenID Connect ID Token', 'Edit')} (newer consoles: ${menu('Token claims', 'Show legacy configuration')}). ${menu('Group claims')}: ${menu('Filter')}, name ${value('groups')}, and a filter that matches the groups meant for this application alone, such as ${menu('Starts with')}. Beyond 100 groups Okta fails the sign-in.`
                : say`Groups: ${menu('Security', 'API', 'Authorization Servers')}, the server ${value(server)}, ${menu('Claims', 'Add Claim')}: name ${value('groups')}, in the ${menu('ID Token')}, value type ${menu('Groups')}, with a filter for the groups meant for this application alone.`
              : undefined,
            server === undefined ? undefined : say`The authorization server ${value(server)} needs an access policy that includes this application: ${menu('Security', 'API', 'Authorization Servers')}, the server, ${menu('Access Policies')}.`
          )
        ]
      },
      {
        title: 'Assign your people',
        blocks: [steps(
          say`Tab ${menu('Assignments', 'Assign')}: people or groups, yourself included for the test.`,
          say`Which second factor they need is decided by the application's policy on the tab ${menu('Sign On')}: it is yours to set.`
        )]
      }
    ],
    sendBack: [
      { name: 'Client ID', values: known(connection.client_id), note: say`from ${menu('General', 'Client Credentials')}` },
      { name: 'Client secret', values: [], note: say`from ${menu('General', 'Client Credentials', 'CLIENT SECRETS')}` },
      { name: 'Okta domain', values: known(connection.okta_domain), note: say`the one that your people see when they sign in (such as ${value('best-company.okta.com')}, or your custom domain), without ${value('-admin')}` },
      ...server === undefined ? [] : [{ name: 'Id of the authorization server', values: [server] }]
    ],
    expiry: say`A client secret of Okta does not expire by itself. To change it, press ${menu('Generate new secret')} under ${menu('General', 'Client Credentials')}, send it to us, and deactivate the older one when we say so.`
  }
}
