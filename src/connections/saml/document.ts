import { DOMParser } from '@xmldom/xmldom'
import { PorticoError } from '../../errors.ts'
import { messageLimits, screenXml } from './screen.ts'
import type { XmlLimits } from './screen.ts'

export const namespaces = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
  encryption11: 'http://www.w3.org/2009/xmlenc11#',
  exclusive: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  instance: 'http://www.w3.org/2001/XMLSchema-instance'
} as const

export type Namespace = typeof namespaces[keyof typeof namespaces]

/** Whether there is a node, and it is an element. */
export const isElement = (node: Node | null): node is Element => node?.nodeType === 1
const isText = (node: Node): boolean => node.nodeType === 3

const refuse = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_MESSAGE', { wanted, got }) }

const isBound = ({ prefix, namespaceURI }: Element | Attr): boolean => typeof namespaceURI === 'string' || (namespaceURI ?? prefix ?? null) === null

/** Namespaces in XML §5, §6.3, which xmldom does not look at: each prefix is declared, and no attribute is there twice. */
const checkNamespaces = (element: Element): void => {
  const attributes = Array.from(element.attributes)
  if (!isBound(element) || !attributes.every(isBound)) refuse('prefixes that are declared', 'another one')
  const prefixed = attributes.filter(({ prefix }) => (prefix ?? 'xmlns') !== 'xmlns')
  if (prefixed.length > 1 && new Set(prefixed.map(({ namespaceURI, localName }) => `${namespaceURI} ${localName}`)).size < prefixed.length) refuse('each attribute once', 'one twice')
}

/** The elements right below an element, in order. */
export const childrenOf = (element: Element): readonly Element[] => {
  const children: Element[] = []
  for (let node = element.firstChild; node !== null; node = node.nextSibling) if (isElement(node)) children.push(node)
  return children
}

/** An element and all below it: first itself, then those right below it, then those below these. */
export const everyElement = (element: Element): readonly Element[] => {
  const all = [element]
  for (const each of all) all.push(...childrenOf(each))
  return all
}

/** The namespace declarations that hold in an element, its own among them: by attribute, `xmlns:saml`. */
export const declarationsFor = (element: Element): ReadonlyMap<string, string> => {
  const above = element.parentNode
  const own = Array.from(element.attributes).filter(({ name }) => /^xmlns(?::|$)/.test(name))
  return new Map([...isElement(above) ? declarationsFor(above) : [], ...own.map(({ name, value }) => [name, value] as const)])
}

/**
 * Screens and parses a text, and answers with its root: the only way from text to elements in the house, and
 * xmldom the only parser. Throws PORTICO_SAML_MESSAGE for whatever the screen or the parser finds wrong.
 */
export const readXml = (text: string, limits: XmlLimits = messageLimits): Element => {
  screenXml(text, limits)
  const parser = new DOMParser({ errorHandler: () => { refuse('well-formed XML', 'something else') } })
  const root = parser.parseFromString(text, 'text/xml').documentElement ?? refuse('an element', 'nothing')
  for (const element of everyElement(root)) checkNamespaces(element)
  return root
}

/** Whether an element is that one: by namespace and local name, never by prefix. */
export const isNamed = (element: Element, namespace: Namespace, name: string): boolean =>
  element.namespaceURI === namespace && element.localName === name

/** The elements of this name right below an element, in order. */
export const childrenNamed = (element: Element, namespace: Namespace, name: string): readonly Element[] =>
  childrenOf(element).filter(child => isNamed(child, namespace, name))

/** The element of this name right below an element; undefined without one. Throws PORTICO_SAML_MESSAGE when there are several. */
export const childNamed = (element: Element, namespace: Namespace, name: string): Element | undefined => {
  const [found, ...more] = childrenNamed(element, namespace, name)
  if (more.length > 0) refuse(`one ${name}`, `${more.length + 1}`)
  return found
}

/** An attribute without a prefix, or in `namespace`. */
export const attributeOf = (element: Element, name: string, namespace?: Namespace): string | undefined =>
  Array.from(element.attributes).find(each => each.localName === name && (each.namespaceURI ?? undefined) === namespace)?.value

/** The text of an element that has nothing but text. Throws PORTICO_SAML_MESSAGE when it has more. */
export const textOf = (element: Element): string => {
  const nodes = Array.from(element.childNodes)
  if (!nodes.every(isText)) refuse(`nothing but text in ${element.localName}`, 'more')
  return nodes.map(node => node.nodeValue ?? '').join('')
}

/** The text of an element and of all below it, in order. */
export const wholeTextOf = (element: Element): string =>
  Array.from(element.childNodes, node => isElement(node) ? wholeTextOf(node) : node.nodeValue ?? '').join('')
