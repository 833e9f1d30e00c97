import type { Facts } from '../facts.ts'
import type { ProtocolPart } from '../protocol.ts'
import type { ProviderGuide } from '../provider.ts'
import { remark, say, text } from '../text.ts'
import { persistent, sideOf, type SamlDraft } from './side.ts'

/** What every guide for SAML says: our addresses, and how metadata comes back. */
export const samlProtocol = (facts: Facts, connection: SamlDraft, { claims }: ProviderGuide): ProtocolPart => {
  const { entityId, acs, slo, metadata, otherAcs, nameIdFormat, relayStates } = sideOf(facts, connection)
  return {
    copy: [
      { name: 'Metadata', values: [metadata], note: say`has all of the following, and our certificate for signatures and encryption` },
      { name: 'Entity ID (Identifier, Audience)', values: [entityId] },
      { name: 'ACS URL (Reply URL, Single sign-on URL)', values: [acs], note: say`binding HTTP-POST` },
      otherAcs.length === 0 ? undefined : { name: 'Further ACS URLs', values: otherAcs, note: say`may stay where they are entered already: what comes there is passed on` },
      { name: 'Logout URL (Single logout)', values: [slo], note: say`optional; by Redirect and by POST` },
      { name: 'Sign-on URL', values: [facts.initiateLoginUri], note: say`for tiles and bookmarks that begin on our side: it signs in and opens the app, or the list of them where there are several` },
      { name: 'RelayState', values: relayStates, note: relayStates.length === 0 ? say`empty` : say`of tiles, where one is wanted` },
      { name: 'NameID format', values: [nameIdFormat ?? persistent], note: nameIdFormat === undefined ? say`where there is a choice; we ask for none` : undefined }
    ].filter(entry => entry !== undefined),
    sending: {
      before: [remark(say`None of this is secret. But whoever could change it on the way could sign in as any of your people: send it from an address that we know, and tell us the thumbprint of the certificate by another way if you can.`)],
      after: [text(say`Metadata that has an address is read daily; a file, or a certificate by itself, is renewed by nothing here. Either way we are warned 60, 30, 7 and 1 days before your certificate expires: tell us all the same before you change it.`)]
    },
    data: {
      entity_id: entityId,
      acs_urls: [acs, ...otherAcs],
      slo_url: slo,
      metadata_url: metadata,
      initiate_login_uri: facts.initiateLoginUri,
      relay_states: relayStates,
      name_id_format: nameIdFormat ?? null,
      login_pages: facts.loginPages,
      attributes: claims
    }
  }
}
