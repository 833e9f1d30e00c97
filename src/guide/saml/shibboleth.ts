import { list, menu, say, steps, value, values } from '../text.ts'
import { metadataBack, type SamlGuide } from './phrases.ts'
import { nameFor, type SamlSide } from './side.ts'

const subjectId = 'urn:oasis:names:tc:SAML:attribute:subject-id'
const usual = {
  email: 'urn:oid:0.9.2342.19200300.100.1.3',
  name: 'urn:oid:2.16.840.1.113730.3.1.241',
  groups: 'urn:oid:1.3.6.1.4.1.5923.1.5.1.1'
}

/** Shibboleth IdP 4 and 5: files of its configuration, in place of menus. */
export const shibboleth = (side: SamlSide): SamlGuide => {
  const { facts, entityId, metadata, subject = subjectId, host } = side
  const [email, name, groups] = [nameFor(side, 'email', usual.email), nameFor(side, 'name', usual.name), nameFor(side, 'groups', usual.groups)]
  return {
    name: 'Shibboleth IdP',
    needs: say`the right to edit the configuration of your identity provider`,
    claims: [subject, email, name, ...facts.wantsGroups ? [groups] : []],
    hosts: host === undefined ? [] : [host],
    sections: [
      {
        title: 'Let it know us',
        blocks: [
          steps(
            say`In ${value('conf/metadata-providers.xml')} add a ${value('MetadataProvider')} of the type ${value('FileBackedHTTPMetadataProvider')} with ${value(`metadataURL="${metadata}"`)} and a ${value('backingFile')}; or save our metadata as a file and use ${value('FilesystemMetadataProvider')}.`,
            say`Our entityID is ${value(entityId)}.`
          ),
          list(say`Our metadata is not signed: what vouches for it is TLS. Compare the thumbprint of the certificate in it with the one that we tell you.`)
        ]
      },
      {
        title: 'Release attributes',
        blocks: [
          steps(
            say`In ${value('conf/attribute-filter.xml')} add an ${value('AttributeFilterPolicy')} with ${value(`<PolicyRequirementRule xsi:type="Requester" value="${entityId}"/>`)} that permits ${value('mail')}, ${value('displayName')}${facts.wantsGroups ? say`, ${value('isMemberOf')}` : undefined} and ${value('samlSubjectID')}.`,
            say`They come as ${values([email, name, ...facts.wantsGroups ? [groups] : [], subject])}. ${value('mail')} must be one address of ${values(facts.domains)}.`,
            say`People are recognised by ${value(subject)}, since your NameID is transient unless you say otherwise. A persistent NameID (${value('conf/saml-nameid.xml')}) does as well; then it is the one that counts, so decide before the first sign-in.`
          )
        ]
      },
      {
        title: 'Signing and encryption',
        blocks: [list(
          say`Sign assertions or responses with SHA-256, which is what you do already.`,
          say`Assertions are encrypted for the certificate in our metadata, which is fine from version 4 on (AES-GCM). If yours encrypts with AES-CBC (upgraded from version 3), set ${value('p:encryptAssertions="false"')} or GCM for us in ${value('conf/relying-party.xml')}.`
        )]
      },
      {
        title: 'Logout, if you want it',
        blocks: [list(say`Our metadata has a ${value('SingleLogoutService')}; ${menu('idp.logout.elaboration')} and what goes with it is yours to decide.`)]
      }
    ],
    sendBack: metadataBack(side, say`${value('https://<host>/idp/shibboleth')}, or where your federation publishes it, with your entityID`, say`${value('credentials/idp-signing.crt')}`),
    expiry: say`When you change the signing certificate, publish the next one in your metadata beside the old one first, at least a day before it signs: we read the metadata daily. A ${value('validUntil')} in it must be renewed in time.`
  }
}
