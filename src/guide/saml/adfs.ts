import { list, menu, remark, say, steps, value, values } from '../text.ts'
import { metadataBack, nameIdText, tile, type SamlGuide } from './phrases.ts'
import { nameFor, type SamlSide } from './side.ts'

const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const usual = { email: `${soap}/emailaddress`, firstName: `${soap}/givenname`, lastName: `${soap}/surname`, groups: 'http://schemas.xmlsoap.org/claims/Group' }

/** Active Directory Federation Services: a relying party trust that is read from our metadata. */
export const adfs = (side: SamlSide): SamlGuide => {
  const { facts, entityId, acs, slo, metadata, host } = side
  const email = nameFor(side, 'email', usual.email)
  const groups = nameFor(side, 'groups', usual.groups)
  return {
    name: 'AD FS',
    needs: say`administrator rights on your federation server, which is reached by your people's browsers`,
    claims: [email, nameFor(side, 'first_name', usual.firstName), nameFor(side, 'last_name', usual.lastName), ...facts.wantsGroups ? [groups] : []],
    hosts: host === undefined ? [] : [host],
    sections: [
      {
        title: 'Add the relying party trust',
        blocks: [
          steps(
            say`Open ${menu('AD FS Management', 'Relying Party Trusts', 'Add Relying Party Trust…', 'Claims aware')}.`,
            say`${menu('Import data about the relying party published online or on a local network')}: ${value(metadata)}. Or save that address as a file and choose ${menu('Import data about the relying party from a file')}.`,
            say`Choose a display name and the access control policy (who may sign in), and finish.`,
            say`${menu('Properties', 'Encryption', 'Remove')}: take our certificate out there. AD FS would encrypt with AES-CBC, which is not accepted.`,
            say`${menu('Properties', 'Advanced', 'Secure hash algorithm')}: ${menu('SHA-256')}.`
          ),
          remark(say`By hand it is: ${menu('Relying party trust identifier')} ${value(entityId)}; ${menu('Endpoints', 'SAML Assertion Consumer Endpoints')} ${value(acs)}, binding ${menu('POST')}; ${menu('SAML Logout Endpoints')} ${value(slo)}, binding ${menu('POST')}; ${menu('Signature')}: our certificate.`)
        ]
      },
      {
        title: 'Two settings without a dialog',
        blocks: [list(
          say`Our certificate is self-signed and has no revocation list: ${value('Set-AdfsRelyingPartyTrust -TargetName "<name>" -SigningCertificateRevocationCheck None -EncryptionCertificateRevocationCheck None')}.`,
          say`Where the dialog does not take our certificate out: ${value('Set-AdfsRelyingPartyTrust -TargetName "<name>" -EncryptClaims $false')}.`
        )]
      },
      {
        title: 'Edit Claim Issuance Policy',
        blocks: [
          steps(
            say`${menu('Add Rule…', 'Send LDAP Attributes as Claims')}, attribute store ${menu('Active Directory')}: ${menu('E-Mail-Addresses')} to ${menu('E-Mail Address')}, ${menu('Given-Name')} to ${menu('Given Name')}, ${menu('Surname')} to ${menu('Surname')}${facts.wantsGroups ? say`, ${menu('Token-Groups - Unqualified Names')} to ${menu('Group')}` : undefined}.`,
            say`They come as ${values([email, nameFor(side, 'first_name', usual.firstName), nameFor(side, 'last_name', usual.lastName), ...facts.wantsGroups ? [groups] : []])}. The e-mail must be an address of ${values(facts.domains)}.`,
            nameIdText(side, say`NameID: without a rule AD FS sends none, and the sign-in is refused. In the same rule map ${value('objectGUID')} (enter it by hand) to ${menu('Name ID')}: it never changes. Or add ${menu('Transform an Incoming Claim')} from ${menu('E-Mail Address')} to ${menu('Name ID')}, format ${menu('Email')}, where addresses never change.`)
          ),
          ...facts.wantsGroups ? [remark(say`Send the groups meant for this application, not all: a rule ${menu('Send Group Membership as a Claim')} for each of them is the safe way.`)] : []
        ]
      },
      {
        title: 'Tiles and bookmarks',
        blocks: [...tile(side, say`For your intranet, use the link`)]
      }
    ],
    sendBack: metadataBack(side, say`${value('https://<your federation server>/FederationMetadata/2007-06/FederationMetadata.xml')}; if we cannot reach it, the file`, say`${menu('AD FS Management', 'Service', 'Certificates', 'Token-signing')}`),
    expiry: say`AD FS renews its signing certificate by itself every year (AutoCertificateRollover) and shows the next one in its metadata weeks before, from where we read it daily. If we have a file from you instead, send us the new one as soon as there is a secondary certificate.`
  }
}
