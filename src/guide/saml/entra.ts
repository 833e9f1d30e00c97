import { menu, remark, say, steps, value, values } from '../text.ts'
import { publicCloud } from '../providers/entra.ts'
import { logout, metadataBack, nameIdText, protection, type SamlGuide } from './phrases.ts'
import { nameFor, type SamlSide } from './side.ts'

const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const usual = {
  email: `${soap}/emailaddress`,
  firstName: `${soap}/givenname`,
  lastName: `${soap}/surname`,
  groups: 'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups'
}

/** Microsoft Entra ID: an enterprise application that is in no gallery. */
export const entra = (side: SamlSide): SamlGuide => {
  const { facts, entityId, acs, slo, metadata, relayStates } = side
  const email = nameFor(side, 'email', usual.email)
  const groups = nameFor(side, 'groups', usual.groups)
  return {
    name: 'Microsoft Entra ID (SAML)',
    needs: say`the role ${menu('Cloud Application Administrator')} or ${menu('Application Administrator')} in the Microsoft Entra admin center (entra.microsoft.com)`,
    claims: [email, nameFor(side, 'first_name', usual.firstName), nameFor(side, 'last_name', usual.lastName), ...facts.wantsGroups ? [groups] : []],
    hosts: publicCloud,
    sections: [
      {
        title: 'Create the application',
        blocks: [steps(
          say`Open ${menu('Entra ID', 'Enterprise apps', 'New application', 'Create your own application')}.`,
          say`Enter a name that your people recognise, choose ${menu('Integrate any other application you don\'t find in the gallery (Non-gallery)')}, then ${menu('Create')}.`,
          say`Open ${menu('Single sign-on', 'SAML')}.`
        )]
      },
      {
        title: 'Basic SAML Configuration',
        blocks: [
          steps(
            say`${menu('Identifier (Entity ID)')}: ${value(entityId)}. Remove any other one.`,
            say`${menu('Reply URL (Assertion Consumer Service URL)')}: ${value(acs)}.`,
            say`${menu('Sign on URL')}: ${value(facts.initiateLoginUri)}. With it the tile under My Apps begins on our side.`,
            say`${menu('Relay State')}: ${relayStates.length === 0 ? say`leave it empty` : say`empty, or ${values(relayStates)}`}.`,
            say`${menu('Logout Url')}: ${value(slo)}.`
          ),
          remark(say`Or all of it at once: save ${value(metadata)} as a file and choose ${menu('Upload metadata file')}; ${menu('Sign on URL')} is still yours to enter.`)
        ]
      },
      {
        title: 'Attributes & Claims',
        blocks: [
          steps(
            nameIdText(side, say`${menu('Unique User Identifier (Name ID)')}: name identifier format ${menu('Persistent')}, source attribute ${value('user.objectid')}. The user principal name, which stands there at first, changes with a person's name.`),
            say`${value(email)} must be an address of ${values(facts.domains)}: source ${value('user.mail')}, or ${value('user.userprincipalname')} where that is the address.`,
            say`${values([nameFor(side, 'first_name', usual.firstName), nameFor(side, 'last_name', usual.lastName)])} are there already.`,
            facts.wantsGroups ? say`${menu('Add a group claim', 'Groups assigned to the application')}: it comes as ${value(groups)}. Not all groups: beyond 150 Entra sends none, and we refuse the sign-in rather than take that for no groups. Send us the object ids with the names that they stand for.` : undefined
          ),
          remark(say`Guests of your tenant are not let in.`)
        ]
      },
      {
        title: 'SAML Certificates',
        blocks: [
          protection(say`Leave ${menu('Token encryption')} off: what Entra encrypts with (AES-CBC) is not accepted.`),
          steps(
            say`${menu('Token signing certificate', 'Edit')}: ${menu('Signing Option')} ${menu('Sign SAML assertion')} or ${menu('Sign SAML response and assertion')}, ${menu('Signing Algorithm')} ${menu('SHA-256')}.`,
            say`Copy ${menu('App Federation Metadata Url')} for us.`
          )
        ]
      },
      {
        title: 'Choose who may use it',
        blocks: [steps(
          say`${menu('Users and groups', 'Add user/group')}: choose them, yourself included for the test. Nobody else can sign in while ${menu('Properties', 'Assignment required?')} is ${menu('Yes')}.`,
          say`Conditional Access and multifactor authentication are yours to set.`
        )]
      },
      logout(side, say`${menu('Basic SAML Configuration', 'Logout Url')}:`)
    ],
    sendBack: metadataBack(side, say`${menu('App Federation Metadata Url')}, with ${value('appid=')} at its end`, say`${menu('SAML Certificates', 'Expiration')}`),
    expiry: say`A signing certificate of Entra ID lasts three years and is not renewed by itself. Add the next one a month before (${menu('Token signing certificate', 'Edit', 'New Certificate')}), wait a day so that we have read it from the metadata, then choose ${menu('Make certificate active')}.`
  }
}
