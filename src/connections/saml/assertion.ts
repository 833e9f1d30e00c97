import { PorticoError } from '../../errors.ts'
import type { NameId } from '../connector.ts'
import { attributeOf, childNamed, childrenNamed, childrenOf, isNamed, namespaces, textOf, wholeTextOf } from './document.ts'
import { readInstant } from './instant.ts'
import type { Assertion } from './received.ts'
import { issuerOf } from './response.ts'

const { assertion: saml, instance } = namespaces

/** Characters of a name and of a value: a photo is nothing that an identity is made of. */
const longest = { name: 1_024, value: 4_096 }

/** An assertion as it was signed, and what of it is judged and not kept. */
export interface ReadAssertion {
  readonly assertion: Assertion
  readonly version: string | undefined
  /** Local names of conditions that nobody here understands (SAML Core §2.5.1). */
  readonly otherConditions: readonly string[]
}

const refuse = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_ASSERTION', { wanted, got }) }

const timeOf = (element: Element, name: string): number | undefined => {
  const text = attributeOf(element, name)
  return text === undefined ? undefined : readInstant(text, name)
}

/** A NameID with what it is scoped by (SAML Core §2.2.3). Throws PORTICO_SAML_MESSAGE. */
export const nameIdOf = (element: Element): NameId => ({
  value: textOf(element),
  format: attributeOf(element, 'Format'),
  nameQualifier: attributeOf(element, 'NameQualifier'),
  spNameQualifier: attributeOf(element, 'SPNameQualifier')
})

/**
 * The NameID below an element, whether in the clear or encrypted; undefined where it has neither. `open`
 * decrypts an EncryptedID. Throws PORTICO_SAML_ASSERTION when it is somebody in any other way, or several.
 */
export const nameIdIn = (element: Element, open: (wrapper: Element) => Element): NameId | undefined => {
  const [found, ...more] = childrenOf(element).filter(child => ['BaseID', 'NameID', 'EncryptedID'].some(name => isNamed(child, saml, name)))
  if (more.length > 0 || (found !== undefined && isNamed(found, saml, 'BaseID'))) refuse('one NameID', found === undefined || more.length > 0 ? 'several' : 'a BaseID')
  if (found === undefined) return undefined
  const nameId = isNamed(found, saml, 'NameID') ? found : open(found)
  return isNamed(nameId, saml, 'NameID') ? nameIdOf(nameId) : refuse('a NameID in EncryptedID', 'something else')
}

const confirmationOf = (element: Element): Assertion['confirmations'][number] => {
  const data = childNamed(element, saml, 'SubjectConfirmationData')
  return {
    method: attributeOf(element, 'Method') ?? '',
    ...data !== undefined && {
      recipient: attributeOf(data, 'Recipient'),
      inResponseTo: attributeOf(data, 'InResponseTo'),
      notBefore: timeOf(data, 'NotBefore'),
      notOnOrAfter: timeOf(data, 'NotOnOrAfter')
    }
  }
}

const conditionsOf = (element: Element): Assertion['conditions'] => ({
  notBefore: timeOf(element, 'NotBefore'),
  notOnOrAfter: timeOf(element, 'NotOnOrAfter'),
  audiences: childrenNamed(element, saml, 'AudienceRestriction').map(restriction => childrenNamed(restriction, saml, 'Audience').map(textOf))
})

const statementOf = (element: Element): Assertion['statements'][number] => {
  const context = childNamed(element, saml, 'AuthnContext')
  const reference = context && childNamed(context, saml, 'AuthnContextClassRef')
  return {
    authnInstant: timeOf(element, 'AuthnInstant') ?? refuse('an AuthnInstant', 'none'),
    sessionIndex: attributeOf(element, 'SessionIndex'),
    sessionNotOnOrAfter: timeOf(element, 'SessionNotOnOrAfter'),
    authnContextClassRef: reference && textOf(reference)
  }
}

/** The texts of an attribute: what is nil is none, and of what is wrapped, such as the NameID in eduPersonTargetedID, the text is. */
const valuesOf = (attribute: Element): readonly string[] => childrenNamed(attribute, saml, 'AttributeValue').flatMap(value => {
  if (['true', '1'].includes(attributeOf(value, 'nil', instance) ?? '')) return []
  return childrenOf(value).length === 0 ? [textOf(value)] : [wholeTextOf(value).trim()]
})

/**
 * Attributes of all statements by Name; values of equal Names joined in the order in which they stand (behaviours
 * S22: Keycloak has an element for each role). One with a value that is too long is left out as a whole.
 */
const attributesOf = (element: Element): Assertion['attributes'] => {
  const joined = new Map<string, string[]>()
  for (const attribute of childrenNamed(element, saml, 'AttributeStatement').flatMap(childrenOf)) {
    if (!isNamed(attribute, saml, 'Attribute')) throw new PorticoError('PORTICO_SAML_ENCRYPTION', { wanted: 'attributes in the clear', got: 'an EncryptedAttribute' })
    const name = attributeOf(attribute, 'Name') ?? refuse('an attribute with a Name', 'one without')
    joined.set(name, [...joined.get(name) ?? [], ...valuesOf(attribute)])
  }
  return [...joined].filter(([name, values]) => name.length <= longest.name && values.every(value => value.length <= longest.value))
}

const understood = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction']

/**
 * Reads an Assertion (SAML Core §2.3.3), an element that is known to be what was signed. `open` decrypts an
 * EncryptedID. Judges nothing. Throws PORTICO_SAML_ASSERTION, _MESSAGE, _TIME, _ENCRYPTION, _ALGORITHM for
 * what cannot be read.
 */
export const readAssertion = (element: Element, open: (wrapper: Element) => Element): ReadAssertion => {
  const id = attributeOf(element, 'ID') ?? ''
  if (!/^[\w.-]{1,256}$/.test(id)) refuse('an assertion with a plain ID', id === '' ? 'none' : 'another one')
  const subject = childNamed(element, saml, 'Subject') ?? refuse('a Subject', 'none')
  const conditions = childNamed(element, saml, 'Conditions')
  return {
    assertion: {
      id,
      issuer: issuerOf(element) ?? refuse('an Issuer', 'none'),
      issueInstant: timeOf(element, 'IssueInstant') ?? refuse('an IssueInstant', 'none'),
      nameId: nameIdIn(subject, open),
      confirmations: childrenNamed(subject, saml, 'SubjectConfirmation').map(confirmationOf),
      conditions: conditions && conditionsOf(conditions),
      statements: childrenNamed(element, saml, 'AuthnStatement').map(statementOf),
      attributes: attributesOf(element)
    },
    version: attributeOf(element, 'Version'),
    otherConditions: (conditions === undefined ? [] : childrenOf(conditions))
      .filter(child => !understood.some(name => isNamed(child, saml, name))).map(child => child.localName)
  }
}
