import type { ProviderGuide } from '../provider.ts'
import { known, list, remark, say, value, values, type Block, type Entry, type Section, type Text } from '../text.ts'
import { persistent, type SamlSide } from './side.ts'

/** What is particular to one product that speaks SAML. */
export type SamlGuide = Omit<ProviderGuide, 'scopes'>

/** Which NameID to send, where nobody is recognised by an attribute. `usual` is how the product makes one that lasts. */
export const nameIdText = ({ subject, nameIdFormat }: SamlSide, usual: Text): Text => subject === undefined
  ? nameIdFormat === undefined ? usual : say`${usual} We ask for the format ${value(nameIdFormat)}: the NameID must have it.`
  : say`Your people are recognised by the attribute ${value(subject)}: one value, which never changes and is never given to somebody else. The NameID may be anything.`

/** A NameID that lasts, for products that leave it open. */
export const lastingNameId: Text = say`The NameID must be the same for a person at each sign-in, for good, and never be given to somebody else: format ${value(persistent)} where you have the choice. An e-mail address will do where it never changes. Transient ones are refused.`

/** How answers must be protected. `note` is what to leave alone, or to choose, in this product. */
export const protection = (note?: Text): Block => list(
  say`Sign the assertion, the response or both, with SHA-256 (not SHA-1).`,
  note ?? say`Encryption is optional: AES-GCM and RSA-OAEP alone are accepted, for the certificate in our metadata.`
)

/** What to do with tiles of a portal: what begins there is refused, or leads on. */
export const tile = ({ facts, relayStates, connection }: SamlSide, bookmark: Text): readonly Block[] => relayStates.length === 0
  ? [remark(say`Sign-ins must begin on our side: what a tile sends without having been asked for is refused. ${bookmark} ${value(facts.initiateLoginUri)}: it signs in and opens the app, or the list of them.`)]
  : [remark(say`A tile may begin here${connection.idp_initiated === 'restart' ? say`; it starts a sign-in from our side, so nobody notices` : undefined}. Its RelayState (start URL) is empty or the address of a page of an app: ${values(relayStates)}, or a page below.`)]

/** Where to enter the logout, and what it needs there. */
export const logout = ({ slo, metadata }: SamlSide, where: Text): Section => ({
  title: 'Logout, if you want it',
  blocks: [list(
    say`${where} ${value(slo)}. It takes requests and responses by Redirect and by POST, signed in either case.`,
    say`Ours are signed: the certificate stands in our metadata (${value(metadata)}).`
  )]
})

/** What comes back from a product that publishes its metadata. `where` says where its address stands. */
export const metadataBack = ({ connection }: SamlSide, where: Text, ends: Text): readonly Entry[] => [
  { name: 'Metadata URL', values: known(connection.metadata_url), note: where },
  { name: 'Date on which the signing certificate expires', values: [], note: ends }
]
