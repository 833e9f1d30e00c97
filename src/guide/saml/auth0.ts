import { list, menu, say, steps, value, values } from '../text.ts'
import { metadataBack, nameIdText, protection, tile, type SamlGuide } from './phrases.ts'
import { nameFor, persistent, type SamlSide } from './side.ts'

const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const usual = { email: `${soap}/emailaddress`, name: `${soap}/name`, groups: 'http://schemas.auth0.com/groups' }

/** What the addon's settings are to say. */
const settingsOf = ({ entityId, acs, slo }: SamlSide): string => JSON.stringify({
  audience: entityId,
  recipient: acs,
  destination: acs,
  signatureAlgorithm: 'rsa-sha256',
  digestAlgorithm: 'sha256',
  nameIdentifierFormat: persistent,
  nameIdentifierProbes: [`${soap}/nameidentifier`],
  mapIdentities: false,
  logout: { callback: slo, slo_enabled: true }
})

/** Auth0 as an identity provider: the SAML addon of an application. */
export const auth0 = (side: SamlSide): SamlGuide => {
  const { facts, acs, host } = side
  const [email, name, groups] = [nameFor(side, 'email', usual.email), nameFor(side, 'name', usual.name), nameFor(side, 'groups', usual.groups)]
  return {
    name: 'Auth0 (SAML)',
    needs: say`the right to make applications in your tenant`,
    claims: [email, name, ...facts.wantsGroups ? [groups] : []],
    hosts: host === undefined ? [] : [host, 'cdn.auth0.com'],
    sections: [
      {
        title: 'Create the application',
        blocks: [steps(
          say`Open ${menu('Applications', 'Applications', 'Create Application', 'Regular Web Applications')}.`,
          say`Tab ${menu('Addons')}, ${menu('SAML2 Web App')}, switched on.`
        )]
      },
      {
        title: 'Settings of the addon',
        blocks: [
          steps(
            say`${menu('Application Callback URL')}: ${value(acs)}.`,
            say`${menu('Settings')}: ${value(settingsOf(side))}. Without it, signatures may be made with SHA-1, which is refused, and assertions carry tokens that are nobody's business here.`,
            nameIdText(side, say`The NameID is the user id (${value('auth0|…')}), which never changes.`),
            say`Press ${menu('Enable')}, then copy the address of ${menu('Usage', 'Identity Provider Metadata')} for us.`
          ),
          protection(say`Leave encryption off, or set ${value('aes256-gcm')} in an Action (${value('api.samlResponse.setEncryptionAlgorithm')}), for the certificate in our metadata.`)
        ]
      },
      {
        title: 'What is told about your people',
        blocks: [
          list(
            say`${value(email)} and ${value(name)} are sent by themselves. The e-mail must be an address of ${values(facts.domains)}.`,
            facts.wantsGroups ? say`Groups need an Action that sets them (${value('api.samlResponse.setAttribute')}) as ${value(groups)}, as a list of the groups meant for this application.` : undefined,
            say`Tab ${menu('Connections')}: switch off every source of people who are not to sign in here.`
          ),
          ...tile(side, say`As ${menu('Application Login URI')} enter`)
        ]
      }
    ],
    sendBack: metadataBack(side, say`tab ${menu('Addons', 'SAML2 Web App', 'Usage', 'Identity Provider Metadata')}: ${value('https://<tenant>/samlp/metadata/<client id>')}`, say`${menu('Settings', 'Signing Keys')}`),
    expiry: say`Rotate under ${menu('Settings', 'Signing Keys')}: the next key stands in the list before it is used. Tell us when you press ${menu('Rotate')}: we read the metadata anew when the first person signs in with it.`
  }
}
