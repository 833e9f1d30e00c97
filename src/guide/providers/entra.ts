import type { Facts } from '../facts.ts'
import type { ProviderGuide } from '../provider.ts'
import type { ConnectionDraft } from '../read.ts'
import { entries, known, list, menu, remark, say, steps, text, value, values } from '../text.ts'

type Entra = Extract<ConnectionDraft, { connector?: 'entra' | undefined }>

/** Hosts of the public cloud's sign-in pages and what they load. */
export const publicCloud = ['login.microsoftonline.com', 'login.microsoft.com', '*.msauth.net', '*.msftauth.net']

/** Microsoft Entra ID: an app registration of type Web (R3). */
export const entra = (facts: Facts, connection: Entra): ProviderGuide => {
  const { redirectUri, initiateLoginUri, domains, wantsGroups, wantsRefresh } = facts
  const isMultiple = connection.tenancy === 'multiple'
  const email = connection.claims?.email ?? 'email'
  const scopes = ['openid', 'profile', 'email', ...wantsRefresh ? ['offline_access'] : []]
  const byCertificate = connection.client_certificate !== undefined
  return {
    name: 'Microsoft Entra ID',
    needs: say`the role ${menu('Application Developer')} or a higher one in the Microsoft Entra admin center (entra.microsoft.com)`,
    scopes,
    claims: ['tid', 'oid', email, connection.claims?.name ?? 'name', ...wantsGroups ? [connection.claims?.groups ?? 'groups'] : []],
    hosts: connection.discovery_url === undefined ? publicCloud : [new URL(connection.discovery_url).host],
    sections: [
      {
        title: 'Register the application',
        blocks: [
          steps(
            say`Open ${menu('Entra ID', 'App registrations', 'New registration')}.`,
            say`Give it a name that your people recognise: they see it when they sign in.`,
            isMultiple
              ? say`Under ${menu('Supported account types')} choose the one for several organizations (${menu('Accounts in any organizational directory')}): your tenants are listed on our side, and no other is let in.`
              : say`Under ${menu('Supported account types')} choose ${menu('Accounts in this organizational directory only')} (single tenant).`,
            say`Under ${menu('Redirect URI')} choose the platform ${menu('Web')} and enter ${value(redirectUri)}, exactly so.`,
            say`Press ${menu('Register')}.`
          ),
          remark(say`The platform must be Web. With ${menu('Single-page application')} or ${menu('Public client/native')} the sign-in fails when the code is exchanged.`)
        ]
      },
      byCertificate
        ? {
            title: 'Upload our certificate',
            blocks: [steps(
              say`Open ${menu('Certificates & secrets', 'Certificates', 'Upload certificate')}.`,
              say`Upload the certificate that we send you (the public part; the key stays with us) and compare the thumbprint with the one that we tell you.`
            )]
          }
        : {
            title: 'Make a client secret',
            blocks: [steps(
              say`Open ${menu('Certificates & secrets', 'Client secrets', 'New client secret')}.`,
              say`Choose how long it is valid (24 months at most) and note the date.`,
              say`Copy the column ${menu('Value')} at once: it is shown only now. The column ${menu('Secret ID')} is not the secret.`
            )]
          },
      {
        title: 'Say what is told about your people',
        blocks: [
          steps(
            say`${menu('API permissions', 'Add a permission', 'Microsoft Graph', 'Delegated permissions')}: ${values(scopes)}. Then ${menu('Grant admin consent')}, so that nobody is asked.`,
            say`${menu('Token configuration', 'Add optional claim', 'ID')}: ${value(email)}${email === 'email' ? say` (and, if you like, ${value('xms_edov')}: it says whether the domain of the address is verified to be yours)` : undefined}. Everybody who is to sign in needs an address of ${values(domains)} there: for ${value('email')} that is the field ${menu('Email')} of their profile.`,
            wantsGroups
              ? say`${menu('Token configuration', 'Add groups claim', 'Groups assigned to the application')}. Not all groups: beyond 200 Entra sends none, and we refuse the sign-in rather than take that for no groups. Send us the object ids with the names that they stand for.`
              : undefined
          ),
          connection.allow_guests === true ? undefined : remark(say`Guests of your tenant are not let in.`)
        ].filter(block => block !== undefined)
      },
      {
        title: 'Choose who may use it',
        blocks: [
          steps(
            say`Open ${menu('Entra ID', 'Enterprise apps')}, then the application, then ${menu('Properties')}: set ${menu('Assignment required?')} to ${menu('Yes')} if not everybody is to have it.`,
            say`${menu('Users and groups', 'Add user/group')}: choose them, yourself included for the test.`,
            say`For a tile under My Apps: ${menu('App registrations')}, the application, ${menu('Branding & properties', 'Home page URL')}: ${value(initiateLoginUri)}.`
          ),
          list(say`Conditional Access and multifactor authentication are yours to set; they apply as to any other application.`)
        ]
      },
      {
        title: 'Logout',
        blocks: [
          entries(
            { name: 'Redirect URI for after a logout', values: [facts.afterLogoutUri], note: say`under ${menu('Authentication', 'Redirect URIs')} beside the first one, so that who signs out of our apps comes back` },
            { name: 'Front-channel logout URL', values: [facts.frontChannelUri], note: say`under ${menu('Authentication')}, so that who signs out of Microsoft is signed out of our apps` }
          ),
          text(say`For both to find the right session without a question, add the optional claims ${value('sid')} and ${value('login_hint')} under ${menu('Token configuration', 'Add optional claim', 'ID')}.`)
        ]
      }
    ],
    sendBack: [
      { name: 'Application (client) ID', values: known(connection.client_id), note: say`from ${menu('Overview')}` },
      { name: isMultiple ? 'Directory (tenant) ID of each tenant, with the e-mail domains that it may speak for' : 'Directory (tenant) ID', values: known(connection.tenant_id, ...Object.keys(connection.tenants ?? {})), note: say`from ${menu('Overview')}` },
      ...byCertificate ? [] : [{ name: 'Client secret: the Value', values: [] }, { name: 'Date on which the client secret expires', values: known(connection.client_secret_expires) }]
    ],
    expiry: byCertificate
      ? say`The certificate has an end of its own. We send you the next one ahead of time: upload it beside the old one, and remove the old one when we say so.`
      : say`A client secret of Entra ID ends after 24 months at most, and then nobody can sign in (error AADSTS7000222). Make the next one beside it a month before and send it to us: both work until the older one is removed.`
  }
}
