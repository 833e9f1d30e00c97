import type { Facts } from '../facts.ts'
import type { ProviderGuide } from '../provider.ts'
import type { ConnectionDraft } from '../read.ts'
import { known, menu, remark, say, steps, value, values } from '../text.ts'

type Google = Extract<ConnectionDraft, { connector?: 'google' | undefined }>

/** Google Workspace: an OAuth client in a project of the customer's own, for internal users (R4). */
export const google = (facts: Facts, connection: Google): ProviderGuide => {
  const { origin, redirectUri, domains } = facts
  const workspace = connection.workspace_domain
  return {
    name: 'Google Workspace',
    needs: say`a project in the Google Cloud console (console.cloud.google.com) that belongs to your Workspace organization, and the right to make OAuth clients in it (${menu('OAuth Config Editor')} or ${menu('Editor')})`,
    scopes: ['openid', 'email', 'profile'],
    claims: ['sub', 'email', 'email_verified', 'hd', 'name'],
    hosts: connection.discovery_url === undefined ? ['accounts.google.com', '*.gstatic.com'] : [new URL(connection.discovery_url).host],
    sections: [
      {
        title: 'Prepare the project',
        blocks: [
          steps(
            say`Choose a project of your Workspace organization, or make one for this.`,
            say`Open ${menu('Google Auth Platform', 'Branding')}; if it is not set up yet, press ${menu('Get started')}. Enter a name that your people recognise and an address for support.`,
            say`Under ${menu('Audience')} choose ${menu('Internal')}: only accounts of your Workspace can sign in then, and Google need not review anything.`,
            say`Under ${menu('Data Access')} nothing is needed beyond ${values(['openid', 'email', 'profile'])}, which every application may ask for.`
          ),
          remark(say`${menu('Internal')} is offered only where the project belongs to an organization. Accounts that end in gmail.com cannot be used.`)
        ]
      },
      {
        title: 'Make the client',
        blocks: [
          steps(
            say`Open ${menu('Google Auth Platform', 'Clients', 'Create client')} and choose the application type ${menu('Web application')}.`,
            say`Under ${menu('Authorized JavaScript origins')} add ${value(origin)}.`,
            say`Under ${menu('Authorized redirect URIs')} add ${value(redirectUri)}, exactly so.`,
            say`Press ${menu('Create')} and keep the client ID and the client secret: the secret is shown only now.`
          )
        ]
      },
      {
        title: 'Let your people use it',
        blocks: [
          steps(
            say`If your Workspace restricts third-party apps: in the Google Admin console (admin.google.com) open ${menu('Security', 'Access and data control', 'API controls', 'Manage app access', 'Configure new app')}, look for the client ID, and set its access to ${menu('Trusted')}.`,
            say`Whoever signs in must have a primary address of ${values(workspace === undefined ? domains : [...new Set([workspace, ...domains])])}: others are refused, whatever address they write.`,
            say`Two-step verification is yours to set: Admin console, ${menu('Security', 'Authentication', '2-step verification')}.`
          ),
          remark(say`Google tells applications nothing about groups, and has no logout address to enter.`)
        ]
      }
    ],
    sendBack: [
      { name: 'Client ID', values: known(connection.client_id), note: say`it ends in ${value('.apps.googleusercontent.com')}` },
      { name: 'Client secret', values: [] },
      { name: 'Workspace domain', values: known(workspace), note: say`your primary domain, from ${menu('Account', 'Domains', 'Manage domains')} in the Admin console` }
    ],
    expiry: say`A client secret of Google does not expire by itself, but Google deletes clients that nobody has used for six months. To change the secret, add a second one under ${menu('Clients')}, send it to us, and disable the older one when we say so.`
  }
}
