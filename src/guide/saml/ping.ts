import { menu, say, steps, value, values } from '../text.ts'
import { logout, metadataBack, nameIdText, protection, tile, type SamlGuide } from './phrases.ts'
import { nameFor, persistent, type SamlSide } from './side.ts'

/** PingOne; PingFederate asks for the same under other names. */
export const ping = (side: SamlSide): SamlGuide => {
  const { facts, entityId, acs, metadata, host } = side
  const email = nameFor(side, 'email', 'email')
  const [firstName, lastName] = [nameFor(side, 'first_name', 'firstName'), nameFor(side, 'last_name', 'lastName')]
  const groups = nameFor(side, 'groups', 'groups')
  return {
    name: 'PingOne (SAML)',
    needs: say`a role in PingOne that may edit applications (${menu('Environment Admin')} or ${menu('Application Owner')})`,
    claims: [email, firstName, lastName, ...facts.wantsGroups ? [groups] : []],
    hosts: host === undefined ? [] : [host],
    sections: [
      {
        title: 'Create the application',
        blocks: [steps(
          say`Open ${menu('Applications', 'Applications')}, the plus sign; a name that your people recognise, ${menu('SAML Application')}, ${menu('Configure')}.`,
          say`${menu('Import From URL')}: ${value(metadata)}. Or ${menu('Manually Enter')}: ${menu('ACS URLs')} ${value(acs)}, ${menu('Entity ID')} ${value(entityId)}.`,
          say`Press ${menu('Save')}, and switch the application on at the top right.`
        )]
      },
      {
        title: 'Configuration',
        blocks: [
          steps(
            say`${menu('Signing Key')}: ${menu('Sign Assertion')} or ${menu('Sign Assertion & Response')}, ${menu('Signing Algorithm')} ${menu('RSA_SHA256')}.`,
            nameIdText(side, say`${menu('Subject NameID Format')}: ${value(persistent)}; under ${menu('Attribute Mappings')} leave ${value('saml_subject')} at ${menu('User ID')}, which never changes.`),
            say`${menu('Assertion Validity Duration')}: 300 seconds are enough.`
          ),
          protection(say`Leave ${menu('Encryption')} off, or choose an algorithm that ends in GCM, for the certificate in our metadata.`),
          ...tile(side, say`For a tile, enter as ${menu('Home Page URL')} or ${menu('Target Application URL')} of the application`)
        ]
      },
      {
        title: 'Attribute mappings',
        blocks: [steps(
          say`${value(email)} with ${menu('Email Address')}: an address of ${values(facts.domains)}.`,
          say`${value(firstName)} with ${menu('Given Name')}, ${value(lastName)} with ${menu('Family Name')}.`,
          facts.wantsGroups ? say`${value(groups)} with ${menu('Group Names')}.` : undefined
        )]
      },
      {
        title: 'Choose who may use it',
        blocks: [steps(say`Tab ${menu('Access')}: the groups that may use it, one of yours included for the test.`)]
      },
      logout(side, say`${menu('Configuration')}: our certificate as ${menu('Verification Certificate')}, and as ${menu('SLO Endpoint')} and ${menu('SLO Response Endpoint')}:`)
    ],
    sendBack: metadataBack(side, say`tab ${menu('Configuration', 'Connection Details', 'IDP Metadata URL')}`, say`${menu('Settings', 'Certificates & Key Pairs')}`),
    expiry: say`Signing keys of PingOne have an end of their own. Make the next one under ${menu('Settings', 'Certificates & Key Pairs')} and tell us when you choose it for this application: we read the metadata anew when the first person signs in with it.`
  }
}
