import { entries, known, list, remark, say, steps, text, value, values } from '../text.ts'
import { lastingNameId, logout, nameIdText, protection, tile, type SamlGuide } from './phrases.ts'
import { nameFor, persistent, type SamlSide } from './side.ts'

/** Any identity provider for SAML 2.0, with the names that most of them use. */
export const other = (side: SamlSide): SamlGuide => {
  const { facts, connection, entityId, acs, metadata, nameIdFormat } = side
  const email = nameFor(side, 'email', 'email')
  const [firstName, lastName] = [nameFor(side, 'first_name', 'firstName'), nameFor(side, 'last_name', 'lastName')]
  const groups = nameFor(side, 'groups', 'groups')
  const addresses = known(connection.metadata_url, connection.sso_url)
  return {
    name: 'SAML 2.0',
    needs: say`the right to add applications (service providers, relying parties) to your identity provider`,
    claims: [email, firstName, lastName, ...facts.wantsGroups ? [groups] : []],
    hosts: [...new Set(addresses.map(url => new URL(url).host))],
    sections: [
      {
        title: 'Register us',
        blocks: [
          text(say`If your provider reads metadata, give it this address, or what is there as a file: ${value(metadata)}. Else enter:`),
          entries(
            { name: 'Entity ID (Identifier, Audience, SP issuer)', values: [entityId], note: say`exactly so` },
            { name: 'ACS URL (Reply URL, Single sign-on URL, Consumer URL, Recipient, Destination)', values: [acs], note: say`exactly so, binding HTTP-POST` },
            { name: 'Sign-on URL (Login URL, Start URL of a bookmark), where one is asked for', values: [facts.initiateLoginUri] },
            { name: 'NameID format', values: [nameIdFormat ?? persistent], note: nameIdFormat === undefined ? say`or another one that lasts: we ask for none` : say`we ask for this one` }
          ),
          ...tile(side, say`For a tile, use a link to`)
        ]
      },
      {
        title: 'Say what is told about your people',
        blocks: [
          steps(
            nameIdText(side, lastingNameId),
            say`The attribute ${value(email)} must carry one address of ${values(facts.domains)}.`,
            say`${values([firstName, lastName])}, or ${value(nameFor(side, 'name', 'displayName'))} with the whole name.`,
            facts.wantsGroups ? say`${value(groups)} with the groups meant for this application, one value each.` : undefined,
            say`Give the application to whom it is meant for, yourself included for the test.`
          ),
          remark(say`Other common names (${values(['mail', 'givenName', 'sn', 'memberOf'])}, their object identifiers, and the claims of Microsoft) are understood as well. If yours are called otherwise, tell us.`)
        ]
      },
      {
        title: 'Signing and encryption',
        blocks: [
          protection(),
          list(
            say`Our requests are signed with RSA-SHA256; the certificate stands in our metadata. They ask for no NameID format and no authentication context${nameIdFormat === undefined ? say`` : say` but ${value(nameIdFormat)}`}.`,
            say`An answer must name our request (InResponseTo), have an AudienceRestriction, an AuthnStatement and a bearer SubjectConfirmation with Recipient and NotOnOrAfter. All that is usual.`
          )
        ]
      },
      logout(side, say`Single logout service:`)
    ],
    sendBack: [
      { name: 'Metadata URL, if there is one', values: known(connection.metadata_url), note: say`best: new certificates are noticed by themselves` },
      ...connection.metadata_url !== undefined
        ? []
        : [
            { name: 'Else the metadata file; or entity ID, sign-on URL (Redirect binding) and signing certificate', values: known(connection.entity_id, connection.sso_url), note: say`the certificate as PEM` }
          ],
      { name: 'Date on which the signing certificate expires', values: [] }
    ],
    expiry: connection.metadata_url === undefined
      ? say`Nothing here notices a new signing certificate of yours without a metadata URL: send us the next one before your provider signs with it.`
      : say`Publish the next signing certificate in your metadata beside the old one, at least a day before it signs: we read the metadata daily.`
  }
}
