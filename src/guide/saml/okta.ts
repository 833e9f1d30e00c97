import { menu, remark, say, steps, value, values } from '../text.ts'
import { logout, metadataBack, nameIdText, protection, tile, type SamlGuide } from './phrases.ts'
import { nameFor, type SamlSide } from './side.ts'

/** Okta Workforce: a SAML 2.0 application made by hand. */
export const okta = (side: SamlSide): SamlGuide => {
  const { facts, entityId, acs, relayStates, host } = side
  const email = nameFor(side, 'email', 'email')
  const [firstName, lastName] = [nameFor(side, 'first_name', 'firstName'), nameFor(side, 'last_name', 'lastName')]
  const groups = nameFor(side, 'groups', 'groups')
  return {
    name: 'Okta Workforce (SAML)',
    needs: say`the role ${menu('Application Administrator')} or a higher one in the Okta Admin Console`,
    claims: [email, firstName, lastName, ...facts.wantsGroups ? [groups] : []],
    hosts: [...host === undefined ? [] : [host], '*.oktacdn.com'],
    sections: [
      {
        title: 'Create the application',
        blocks: [steps(
          say`Open ${menu('Applications', 'Applications', 'Create App Integration')}, choose ${menu('SAML 2.0')}, then ${menu('Next')}.`,
          say`${menu('App name')}: one that your people recognise on their tile.`
        )]
      },
      {
        title: 'Configure SAML',
        blocks: [
          steps(
            say`${menu('Single sign-on URL')}: ${value(acs)}, with ${menu('Use this for Recipient URL and Destination URL')} ticked.`,
            say`${menu('Audience URI (SP Entity ID)')}: ${value(entityId)}.`,
            say`${menu('Default RelayState')}: ${relayStates.length === 0 ? say`leave it empty` : say`empty, or ${values(relayStates)}, or a page below`}.`,
            nameIdText(side, say`${menu('Name ID format')} ${menu('Persistent')}. ${menu('Application username')}: one that never changes, such as ${menu('Custom')} with ${value('user.getInternalProperty("id")')}; or ${menu('Email')} where addresses never change.`),
            say`${menu('Show Advanced Settings')}: ${menu('Response')} and ${menu('Assertion Signature')} ${menu('Signed')}, ${menu('Signature Algorithm')} ${menu('RSA-SHA256')}, ${menu('Digest Algorithm')} ${menu('SHA256')}.`
          ),
          protection(say`${menu('Assertion Encryption')}: ${menu('Unencrypted')}, or ${menu('Encrypted')} with an algorithm that ends in GCM, RSA-OAEP, and the certificate in our metadata.`),
          ...facts.connectionId.includes('_') ? [remark(say`If Okta does not take the underscore in our address, tell us: we then give the connection another name.`)] : []
        ]
      },
      {
        title: 'Attribute statements',
        blocks: [steps(
          say`${value(email)} with the value ${value('user.email')}: an address of ${values(facts.domains)}.`,
          say`${value(firstName)} with ${value('user.firstName')}, ${value(lastName)} with ${value('user.lastName')}.`,
          facts.wantsGroups ? say`${menu('Group Attribute Statements')}: name ${value(groups)}, with a filter that matches the groups meant for this application alone, such as ${menu('Starts with')}.` : undefined
        )]
      },
      {
        title: 'Assign your people',
        blocks: [
          steps(say`Tab ${menu('Assignments', 'Assign')}: people or groups, yourself included for the test.`),
          ...tile(side, say`Hide this application's icon (${menu('App visibility')}), and for a tile add a ${menu('Bookmark App')} from the catalog with the URL`)
        ]
      },
      logout(side, say`${menu('Show Advanced Settings')}: upload our certificate as ${menu('Signature Certificate')}, tick ${menu('Enable Single Logout')}, ${menu('SP Issuer')} ${value(entityId)}, ${menu('Single Logout URL')}:`)
    ],
    sendBack: metadataBack(side, say`tab ${menu('Sign On', 'SAML 2.0', 'Metadata details', 'Metadata URL')}`, say`tab ${menu('Sign On', 'SAML Signing Certificates')}`),
    expiry: say`A signing certificate of Okta lasts ten years. Make the next one on the tab ${menu('Sign On', 'SAML Signing Certificates', 'Generate new certificate')} and tell us before you activate it. Its metadata shows the active one alone: after the change we read it anew when the first person signs in.`
  }
}
