import { menu, say, steps, value, values } from '../text.ts'
import { logout, metadataBack, nameIdText, protection, type SamlGuide } from './phrases.ts'
import { nameFor, type SamlSide } from './side.ts'

/** A regular expression that matches a text and nothing else. */
const exactly = (text: string): string => `^${text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`

/** OneLogin: the connector for any SAML application. */
export const onelogin = (side: SamlSide): SamlGuide => {
  const { facts, entityId, acs, relayStates } = side
  const email = nameFor(side, 'email', 'email')
  const [firstName, lastName] = [nameFor(side, 'first_name', 'firstName'), nameFor(side, 'last_name', 'lastName')]
  const groups = nameFor(side, 'groups', 'memberOf')
  const host = side.host ?? '*.onelogin.com'
  return {
    name: 'OneLogin (SAML)',
    needs: say`the right to manage applications in OneLogin's administration (${menu('Super user')} or ${menu('Manage apps')})`,
    claims: [email, firstName, lastName, ...facts.wantsGroups ? [groups] : []],
    hosts: [host],
    sections: [
      {
        title: 'Create the application',
        blocks: [steps(
          say`Open ${menu('Applications', 'Applications', 'Add App')}, look for ${menu('SAML Custom Connector (Advanced)')}, and choose it.`,
          say`${menu('Display Name')}: one that your people recognise. Then ${menu('Save')}.`
        )]
      },
      {
        title: 'Configuration',
        blocks: [
          steps(
            say`${menu('Audience (EntityID)')}: ${value(entityId)}.`,
            say`${menu('Recipient')} and ${menu('ACS (Consumer) URL')}: ${value(acs)}.`,
            say`${menu('ACS (Consumer) URL Validator')}: ${value(exactly(acs))}.`,
            say`${menu('RelayState')}: ${relayStates.length === 0 ? say`leave it empty` : say`empty, or ${values(relayStates)}`}.`,
            say`${menu('SAML initiator')}: ${menu('Service Provider')}, with ${menu('Login URL')} ${value(facts.initiateLoginUri)}: then the tile begins on our side.`,
            nameIdText(side, say`${menu('SAML nameID format')}: ${menu('Persistent')}; on the tab ${menu('Parameters')} set ${menu('NameID value')} to ${value('OneLogin ID')}, which never changes.`),
            say`${menu('SAML signature element')}: ${menu('Assertion')} or ${menu('Both')}.`
          ),
          protection(say`Leave ${menu('Encrypt assertion')} off, or choose a ${menu('SAML encryption method')} that ends in GCM, for the certificate in our metadata.`)
        ]
      },
      {
        title: 'Parameters',
        blocks: [steps(
          say`For each of these press the plus sign, enter the field name, tick ${menu('Include in SAML assertion')} and choose the value: ${value(email)} ${menu('Email')} (an address of ${values(facts.domains)}), ${value(firstName)} ${menu('First Name')}, ${value(lastName)} ${menu('Last Name')}.`,
          facts.wantsGroups ? say`${value(groups)} with ${menu('User Roles')} or ${menu('MemberOf')}, as ${menu('Multi-value parameter')}, for the groups meant for this application.` : undefined
        )]
      },
      {
        title: 'SSO and access',
        blocks: [steps(
          say`Tab ${menu('SSO')}: ${menu('SAML Signature Algorithm')} ${menu('SHA-256')}. Copy ${menu('Issuer URL')} for us.`,
          say`Tab ${menu('Access')}: the roles that may use it, your own included for the test.`
        )]
      },
      logout(side, say`Tab ${menu('Configuration', 'Single Logout URL')}:`)
    ],
    sendBack: metadataBack(side, say`tab ${menu('SSO', 'Issuer URL')}: it is the address of the metadata`, say`tab ${menu('SSO', 'X.509 Certificate', 'View Details')}`),
    expiry: say`A certificate of OneLogin lasts five years. Make the next one under ${menu('Security', 'Certificates')} and tell us when you choose it for this application: we read the metadata anew when the first person signs in with it.`
  }
}
