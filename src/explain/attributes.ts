import type { Connection } from '../config/configuration.ts'
import { attributeNames } from '../connections/saml/attributes.ts'
import type { Step } from './step.ts'

/** Names that are listed; the known ones are many. */
const listed = 3

const oneOf = (names: readonly string[]): string =>
  `${names.slice(0, listed).join(' or ')}${names.length > listed ? ` (or ${names.length - listed} more)` : ''}`

/**
 * Which attributes a sign-in by SAML will read, as far as the configuration says: nothing for other protocols,
 * whose claims have one name each. What the provider sends, it says to nobody before.
 */
export const attributesStep = ({ id, settings, location: { file } }: Connection): readonly Step[] => {
  if (settings.connector !== 'saml') return []
  const { attributes } = settings
  const { subject, email, groups } = attributeNames(attributes)
  const account = attributes.subject === undefined ? `the NameID, or where that is missing or transient by ${oneOf(subject)}` : oneOf(subject)
  const address = `${oneOf(email)}${attributes.email === undefined ? ', else the NameID if it is an address' : ''}`
  return [{
    step: 'attributes',
    says: `the account is recognised by ${account}; the e-mail is read from ${address}; groups from ${oneOf(groups)}`,
    decider: { file, path: ['connections', id, 'attributes'], key: true }
  }]
}
