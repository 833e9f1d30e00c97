import { known, menu, remark, say, steps, value, values } from '../text.ts'
import { nameIdText, protection, type SamlGuide } from './phrases.ts'
import { nameFor, type SamlSide } from './side.ts'

/** Google Workspace: a custom SAML app. It has no metadata URL, no logout and no encryption. */
export const google = (side: SamlSide): SamlGuide => {
  const { facts, entityId, acs, relayStates, connection } = side
  const email = nameFor(side, 'email', 'email')
  const [firstName, lastName] = [nameFor(side, 'first_name', 'firstName'), nameFor(side, 'last_name', 'lastName')]
  const groups = nameFor(side, 'groups', 'groups')
  return {
    name: 'Google Workspace (SAML)',
    needs: say`the role of a super administrator in the Google Admin console (admin.google.com)`,
    claims: [email, firstName, lastName, ...facts.wantsGroups ? [groups] : []],
    hosts: ['accounts.google.com', '*.gstatic.com'],
    sections: [
      {
        title: 'Create the app',
        blocks: [steps(
          say`Open ${menu('Apps', 'Web and mobile apps', 'Add app', 'Add custom SAML app')}.`,
          say`${menu('App details')}: a name that your people recognise. Then ${menu('Continue')}.`,
          say`${menu('Google Identity Provider details')}: ${menu('Download metadata')}, and keep the file for us. Then ${menu('Continue')}.`
        )]
      },
      {
        title: 'Service provider details',
        blocks: [
          steps(
            say`${menu('ACS URL')}: ${value(acs)}.`,
            say`${menu('Entity ID')}: ${value(entityId)}.`,
            say`${menu('Start URL')}: ${relayStates.length === 0 ? say`leave it empty` : say`empty, or ${values(relayStates)}, or a page below: what the tile opens`}.`,
            nameIdText(side, say`${menu('Name ID format')} ${menu('PERSISTENT')}, ${menu('Name ID')} ${menu('Basic Information > Primary email')}. Whoever gets another primary address is somebody new to us: tell us before.`)
          ),
          protection(say`${menu('Signed response')} may be ticked or not: the assertion is signed in any case.`),
          ...relayStates.length === 0
            ? [remark(say`The tile in Google's app launcher cannot begin on our side, and what it sends without having been asked for is refused. Tell us if you want it; until then the link for your people is ${value(facts.initiateLoginUri)}.`)]
            : []
        ]
      },
      {
        title: 'Attribute mapping',
        blocks: [steps(
          say`${menu('Add mapping')}: ${menu('Primary email')} to ${value(email)}, ${menu('First name')} to ${value(firstName)}, ${menu('Last name')} to ${value(lastName)}.`,
          say`The primary email must be an address of ${values(facts.domains)}.`,
          facts.wantsGroups ? say`${menu('Group membership')}: choose the groups meant for this app, app attribute ${value(groups)}.` : undefined,
          say`Press ${menu('Finish')}.`
        )]
      },
      {
        title: 'Choose who may use it',
        blocks: [steps(say`${menu('User access')}: ${menu('ON for everyone')}, or choose groups and organizational units. It can take up to a day until that holds everywhere.`)]
      }
    ],
    sendBack: [
      { name: 'Metadata file (GoogleIDPMetadata.xml)', values: known(connection.metadata_file), note: say`${menu('Download metadata')} on the app's page; Google publishes it at no address` },
      { name: 'Date on which the signing certificate expires', values: [], note: say`${menu('Security', 'Authentication', 'SSO with SAML applications')}` }
    ],
    expiry: say`A certificate of Google lasts five years. Nothing here notices a new one, since there is no metadata URL: make it (${menu('Security', 'Authentication', 'SSO with SAML applications', 'Add certificate')}) and send us the new file before you choose it for this app.`
  }
}
