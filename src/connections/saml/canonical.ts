import { ExclusiveCanonicalization } from 'xml-crypto'
import type { NamespacePrefix } from 'xml-crypto'
import { declarationsFor, isElement } from './document.ts'

/** Namespaces that are declared around an element and not on it, for those of its prefixes that are to be kept. */
const ancestorNamespacesOf = (element: Element): readonly NamespacePrefix[] => {
  if (!isElement(element.parentNode)) return []
  const own = new Set(Array.from(element.attributes, ({ name }) => name))
  return [...declarationsFor(element.parentNode)]
    .filter(([name]) => !own.has(name) && name !== `xmlns:${element.prefix}`)
    .map(([name, namespaceURI]) => ({ prefix: name.replace(/^xmlns:?/, ''), namespaceURI }))
}

/**
 * The octets of an element by Exclusive XML Canonicalization 1.0, without comments: what digests and signatures
 * are over. `prefixes` are those of an InclusiveNamespaces, `without` is a child that is left out. By
 * xml-crypto's own canonicalization, which node-saml verifies with.
 */
export const canonicalize = (element: Element, prefixes: readonly string[], without?: Element): string => {
  const options = { inclusiveNamespacesPrefixList: [...prefixes], ancestorNamespaces: [...ancestorNamespacesOf(element)] }
  if (without === undefined) return new ExclusiveCanonicalization().process(element, options)
  // Taken out and put back: a copy of it all takes longer than everything else.
  const next = without.nextSibling
  element.removeChild(without)
  try {
    return new ExclusiveCanonicalization().process(element, options)
  } finally {
    element.insertBefore(without, next)
  }
}
