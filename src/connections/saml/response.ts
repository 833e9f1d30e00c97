import { PorticoError } from '../../errors.ts'
import { attributeOf, childNamed, childrenOf, everyElement, isNamed, namespaces, textOf } from './document.ts'
import { readInstant } from './instant.ts'

const { protocol, assertion, signature } = namespaces

export interface Status {
  /** As it stands there; undefined where there is none. */
  readonly code: string | undefined
  readonly second: string | undefined
  readonly message: string | undefined
}

/** What stands around an assertion (SAML Core §3.2.2). Worth as much as the signature over it, which may be none. */
export interface Envelope {
  readonly version: string | undefined
  /** Seconds since the epoch. */
  readonly issueInstant: number
  readonly destination: string | undefined
  readonly inResponseTo: string | undefined
  readonly issuer: string | undefined
}

const refuse = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_ASSERTION', { wanted, got }) }

/** The Issuer of a message or an assertion; undefined where there is none. */
export const issuerOf = (element: Element): string | undefined => {
  const issuer = childNamed(element, assertion, 'Issuer')
  return issuer && textOf(issuer)
}

/** The Status of a message (SAML Core §3.2.2.1). */
export const statusOf = (element: Element): Status => {
  const status = childNamed(element, protocol, 'Status')
  const code = status && childNamed(status, protocol, 'StatusCode')
  const second = code && childNamed(code, protocol, 'StatusCode')
  const message = status && childNamed(status, protocol, 'StatusMessage')
  return { code: code && attributeOf(code, 'Value'), second: second && attributeOf(second, 'Value'), message: message && textOf(message) }
}

/** What a Response, or a message of logout, says of itself. Throws PORTICO_SAML_MESSAGE, PORTICO_SAML_TIME. */
export const readEnvelope = (root: Element): Envelope => ({
  version: attributeOf(root, 'Version'),
  issueInstant: readInstant(attributeOf(root, 'IssueInstant') ?? '', 'IssueInstant'),
  destination: attributeOf(root, 'Destination'),
  inResponseTo: attributeOf(root, 'InResponseTo'),
  issuer: issuerOf(root)
})

const isAssertion = (element: Element): boolean => isNamed(element, assertion, 'Assertion') || isNamed(element, assertion, 'EncryptedAssertion')

/** Whether an element has no Assertion in it, itself aside. Throws PORTICO_SAML_ASSERTION otherwise. */
export const checkNoneWithin = (element: Element): void => {
  if ([...everyElement(element)].slice(1).some(isAssertion)) refuse('no assertion within another', 'one')
}

const parts: readonly (readonly [typeof protocol | typeof assertion | typeof signature, string])[] = [
  [assertion, 'Issuer'], [signature, 'Signature'], [protocol, 'Extensions'], [protocol, 'Status'], [assertion, 'Assertion'], [assertion, 'EncryptedAssertion']
]

/**
 * The one Assertion or EncryptedAssertion of a Response: right below it, and nowhere else (behaviours S1).
 * Undefined where there is none. Throws PORTICO_SAML_ASSERTION for whatever else is found.
 */
export const assertionIn = (root: Element): Element | undefined => {
  if (!isNamed(root, protocol, 'Response')) refuse('a Response', 'something else')
  const children = childrenOf(root)
  if (!children.every(child => parts.some(([namespace, name]) => isNamed(child, namespace, name)))) refuse('the parts of a Response', 'others')
  const everywhere = [...everyElement(root)].filter(isAssertion)
  const [found, ...more] = children.filter(isAssertion)
  if (more.length > 0 || everywhere.some(each => each !== found)) refuse('one assertion', `${everywhere.length}`)
  return found
}
