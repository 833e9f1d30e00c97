import { entries, menu, say, steps, value, values } from '../text.ts'
import { logout, metadataBack, nameIdText, protection, tile, type SamlGuide } from './phrases.ts'
import { nameFor, persistent, type SamlSide } from './side.ts'

/** Keycloak: a client of type SAML, imported from our metadata. */
export const keycloak = (side: SamlSide): SamlGuide => {
  const { facts, entityId, acs, slo, metadata, host } = side
  const email = nameFor(side, 'email', 'email')
  const [firstName, lastName] = [nameFor(side, 'first_name', 'firstName'), nameFor(side, 'last_name', 'lastName')]
  const groups = nameFor(side, 'groups', 'groups')
  return {
    name: 'Keycloak (SAML)',
    needs: say`the right to manage clients of your realm`,
    claims: [email, firstName, lastName, ...facts.wantsGroups ? [groups] : []],
    hosts: host === undefined ? [] : [host],
    sections: [
      {
        title: 'Create the client',
        blocks: [
          steps(
            say`Save ${value(metadata)} as a file. Open ${menu('Clients', 'Import client')} and choose it: entity id, addresses and our certificate are filled in. Then ${menu('Save')}.`,
            say`Or ${menu('Clients', 'Create client')}, type ${menu('SAML')}, and enter:`
          ),
          entries(
            { name: 'Client ID', values: [entityId] },
            { name: 'Valid redirect URIs', values: [acs] },
            { name: 'Home URL', values: [facts.initiateLoginUri], note: say`for the link in the account console` },
            { name: 'Advanced: Assertion Consumer Service POST Binding URL', values: [acs] },
            { name: 'Advanced: Logout Service POST Binding URL and Redirect Binding URL', values: [slo] }
          )
        ]
      },
      {
        title: 'Settings of the client',
        blocks: [
          steps(
            nameIdText(side, say`${menu('Name ID format')}: ${menu('persistent')} (${value(persistent)}), with ${menu('Force name ID format')} on.`),
            say`${menu('Sign assertions')} on (or ${menu('Sign documents')}, or both), ${menu('Signature algorithm')} ${menu('RSA_SHA256')}, ${menu('SAML signature key name')} as it is.`,
            say`${menu('Force POST binding')} and ${menu('Include AuthnStatement')} on.`,
            say`Tab ${menu('Keys')}: ${menu('Client signature required')} on, with the certificate from our metadata.`
          ),
          protection(say`${menu('Keys', 'Encrypt assertions')} off; or on with our certificate, an ${menu('Encryption algorithm')} that ends in GCM and ${menu('Key transport algorithm')} RSA-OAEP.`),
          ...tile(side, say`Leave ${menu('IDP-Initiated SSO URL name')} empty; link to`)
        ]
      },
      {
        title: 'Attributes',
        blocks: [steps(
          say`${menu('Client scopes')}, the dedicated one, ${menu('Add mapper', 'By configuration', 'User Property')} (newer: ${menu('User Attribute')}), once for each: ${value('email')} as ${value(email)}, ${value('firstName')} as ${value(firstName)}, ${value('lastName')} as ${value(lastName)}; ${menu('SAML Attribute NameFormat')} ${menu('Basic')}.`,
          say`The e-mail must be an address of ${values(facts.domains)}.`,
          facts.wantsGroups
            ? say`${menu('Add mapper', 'By configuration', 'Group list')}: ${menu('Group attribute name')} ${value(groups)}, ${menu('Full group path')} off.`
            : say`Take ${value('role_list')} out of the client scopes unless we ask for roles.`
        )]
      },
      logout(side, say`${menu('Front channel logout')} on; the address is:`)
    ],
    sendBack: metadataBack(side, say`${menu('Realm settings', 'General', 'Endpoints', 'SAML 2.0 Identity Provider Metadata')}: ${value('https://<host>/realms/<realm>/protocol/saml/descriptor')}`, say`${menu('Realm settings', 'Keys')}, algorithm RS256`),
    expiry: say`A certificate of Keycloak lasts ten years. To change it, add the next key with a lower priority than the active one, wait a day so that we have read it from the metadata, then raise its priority.`
  }
}
