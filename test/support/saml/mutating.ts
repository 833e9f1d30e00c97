import { namespaces } from './message.ts'
import type { Random } from './random.ts'
import { copyOf, everyTree, parentOf, replaceTree, setAttribute, textOf, treeOf, type Tree } from './tree.ts'
import { falsify } from './wrapping.ts'

/** Changes XML in one way. What it makes may be the same, when chance has it so. */
type Mutation = (xml: string, random: Random) => string

/** What attackers, and parsers that differ, are fond of. */
const pieces = [
  '<!---->', '<!--x-->', '<?p x?>', '<![CDATA[eve]]>', ']]>', '&#0;', '&#10;', '&#x65;', '&amp;', '&eve;', '&', '<', '>', '"', '\'', '\0', '\r', '\t', '\u00a0', '\u200b', '\u2028', '\ufeff',
  'eve@acme.com', '@evil.example', '<x/>', '<saml:Assertion/>', '<ds:Signature/>', ' xmlns="urn:x"', ' xmlns:saml="urn:x"', ' ID="_x"', ' xml:base="urn:x"', '<!DOCTYPE x>', '<?xml version="1.0"?>'
] as const

const values = [
  '', '#', 'eve-1', 'eve@acme.com', '_evil', '2.0', '1.1', '__proto__', 'constructor', 'mail', 'true', '2000-01-01T00:00:00Z', '2999-01-01T00:00:00Z', 'NaN', 'http://evil.example/',
  ...Object.values(namespaces), 'urn:oasis:names:tc:SAML:1.0:assertion', 'http://www.w3.org/2001/10/xml-exc-c14n#', 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments',
  'http://www.w3.org/TR/2001/REC-xml-c14n-20010315', 'http://www.w3.org/2000/09/xmldsig#enveloped-signature', 'http://www.w3.org/2000/09/xmldsig#rsa-sha1', 'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512', 'http://www.w3.org/2000/09/xmldsig#sha1', 'urn:oasis:names:tc:SAML:2.0:cm:bearer', 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches', 'urn:oasis:names:tc:SAML:2.0:status:Success'
] as const

const splice = (xml: string, at: number, length: number, other: string): string => xml.slice(0, at) + other + xml.slice(at + length)

const bytes: readonly Mutation[] = [
  (xml, { below }) => {
    const at = below(xml.length)
    return splice(xml, at, 1, String.fromCharCode(xml.charCodeAt(at) ^ (1 << below(7))))
  },
  (xml, { below }) => splice(xml, below(xml.length), 1 + below(200), ''),
  (xml, { below, one }) => splice(xml, below(xml.length), 0, one(pieces)),
  (xml, { below, one }) => splice(xml, below(xml.length), 1 + below(20), one(pieces)),
  (xml, { below }) => {
    const at = below(xml.length)
    return splice(xml, below(xml.length), 0, xml.slice(at, at + 1 + below(400)))
  },
  (xml, { below }) => xml.slice(0, below(xml.length)),
  (xml, { one }) => one([`${xml}${one(pieces)}`, `${one(pieces)}${xml}`, `${xml}${xml}`, ` ${xml}`, `${xml}\n`, xml.replaceAll('"', '\''), xml.replaceAll('><', '>\n<'), xml.replaceAll('/>', ' />')]),
  (xml, { one }) => {
    const known = one(['Assertion', 'Response', 'Signature', 'NameID', 'Issuer', 'Subject', 'Conditions', 'AttributeValue', 'Reference', 'SignedInfo', 'Version', 'ID'])
    return xml.replaceAll(known, one([known.toLowerCase(), `${known}x`, `x:${known}`, 'Response', 'Assertion', 'Object', 'Advice', 'Extensions']))
  }
]

/** A change of the tree at one element, which is not the root. */
const inside = (change: (root: Tree, chosen: Tree, random: Random) => void): Mutation => (xml, random) => {
  const root = treeOf(xml)
  change(root, random.one(everyTree(root).slice(1)), random)
  return textOf(root)
}

/** A change of one element, whichever. */
const anywhere = (change: (chosen: Tree, random: Random, root: Tree) => void): Mutation => (xml, random) => {
  const root = treeOf(xml)
  change(random.one(everyTree(root)), random, root)
  return textOf(root)
}

const place = (root: Tree, what: Tree, random: Random): void => {
  const { children } = random.one(everyTree(root))
  children.splice(random.below(children.length + 1), 0, what)
}

/** What somebody else says, in a copy. */
const forged = (tree: Tree, random: Random): Tree => {
  const copy = falsify(copyOf(tree))
  if (random.below(2) === 0) for (const each of everyTree(copy)) if (each.attributes.some(([name]) => name === 'ID')) setAttribute(each, 'ID', `_evil${random.below(1_000)}`)
  return copy
}

const elements: readonly Mutation[] = [
  inside((root, chosen) => { replaceTree(root, chosen) }),
  inside((root, chosen) => { replaceTree(root, chosen, chosen, copyOf(chosen)) }),
  inside((root, chosen, random) => { place(root, copyOf(chosen), random) }),
  inside((root, chosen, random) => { place(root, forged(chosen, random), random) }),
  inside((root, chosen, random) => { replaceTree(root, chosen, forged(chosen, random), chosen) }),
  inside((root, chosen, random) => { replaceTree(root, chosen, chosen, forged(chosen, random)) }),
  inside((root, chosen, random) => {
    replaceTree(root, chosen)
    place(root, chosen, random)
  }),
  inside((root, chosen) => { replaceTree(root, chosen, ...chosen.children) }),
  inside((root, chosen, random) => { replaceTree(root, chosen, { name: random.one(['x', 'saml:Advice', 'ds:Object', 'samlp:Extensions', 'saml:Assertion', 'samlp:Response', chosen.name]), attributes: [], children: [chosen] }) }),
  inside((root, chosen, random) => {
    const evil = forged(chosen, random)
    replaceTree(root, chosen, evil)
    random.one(everyTree(evil)).children.push(chosen)
  }),
  inside((root, chosen, random) => {
    const other = random.one(everyTree(root).slice(1))
    if (everyTree(other).includes(chosen) || everyTree(chosen).includes(other)) return
    const [first, second] = [copyOf(chosen), copyOf(other)]
    replaceTree(root, chosen, second)
    replaceTree(root, other, first)
  }),
  inside((root, chosen) => { parentOf(root, chosen).children.reverse() }),
  anywhere((chosen, { one }) => { chosen.name = one(['x', chosen.name.replace(/^.*:/, ''), chosen.name.toLowerCase(), `${chosen.name}x`, chosen.name.replace(/^.*:/, 'samlp:'), chosen.name.replace(/^.*:/, 'ds:')]) }),
  anywhere((chosen, { one }) => { chosen.children = [one(values).replaceAll('&', '')] }),
  anywhere((chosen, { one, below }) => { chosen.children.splice(below(chosen.children.length + 1), 0, one([' ', '\n', 'eve', '.evil.example', '&#32;', '&#x9;'])) }),
  anywhere((chosen, { below }) => {
    chosen.children = chosen.children.map(child => typeof child !== 'string' || child === '' ? child : splice(child, below(child.length), 1, `&#${child.charCodeAt(below(child.length))};`))
  })
]

const attributes: readonly Mutation[] = [
  anywhere((chosen, { one }) => { if (chosen.attributes.length > 0) setAttribute(chosen, one(chosen.attributes)[0], undefined) }),
  anywhere((chosen, { one }) => { if (chosen.attributes.length > 0) setAttribute(chosen, one(chosen.attributes)[0], one(values)) }),
  anywhere((chosen, { one }) => { if (chosen.attributes.length > 0) chosen.attributes.push([...one(chosen.attributes)]) }),
  anywhere((chosen, { one }) => { if (chosen.attributes.length > 0) chosen.attributes.push([`${one(['x', 'xml', 'saml', 'ds'])}:${one(chosen.attributes)[0]}`, one(values)]) }),
  anywhere((chosen, { one }) => { chosen.attributes.push([one(['ID', 'Id', 'id', 'xml:id', 'InResponseTo', 'Destination', 'Version', 'xmlns:evil', 'xmlns', 'xml:lang', 'xsi:nil', 'Type', 'URI']), one(values)]) }),
  anywhere((chosen, { one }) => {
    if (chosen.attributes.length > 0) chosen.attributes = chosen.attributes.map(([name, value], index) => [name, index === 0 ? one([`${value} `, ` ${value}`, `${value}x`, value.toUpperCase(), value.slice(1), value.replace('a', '&#97;')]) : value])
  }),
  anywhere((chosen, random, root) => {
    const other = random.one(everyTree(root))
    if (chosen.attributes.length === 0 || other.attributes.length === 0) return
    const [[mine, own], [, theirs]] = [random.one(chosen.attributes), random.one(other.attributes)]
    setAttribute(chosen, mine, theirs)
    for (const attribute of other.attributes) if (attribute[1] === theirs) attribute[1] = own
  }),
  anywhere((chosen, { below }) => { chosen.attributes.splice(0, chosen.attributes.length, ...chosen.attributes.toReversed().slice(below(2))) })
]

/** The namespace of one prefix, at one place, becomes another; or a declaration moves. */
const scopes: readonly Mutation[] = [
  anywhere((chosen, { one }) => { chosen.attributes.push([`xmlns:${one(['saml', 'samlp', 'ds', 'xs', 'xsi', 'xenc'])}`, one(['urn:x', ...Object.values(namespaces)])]) }),
  anywhere((chosen, { one }) => { chosen.attributes.push(['xmlns', one(['urn:x', ...Object.values(namespaces)])]) }),
  (xml, { one }) => {
    const prefix = one(['saml', 'samlp', 'ds', 'xs', 'xsi'])
    return xml.replaceAll(`${prefix}:`, 'renamed:').replaceAll(`xmlns:${prefix}=`, 'xmlns:renamed=')
  },
  (xml, { one }) => {
    const namespace = one(Object.values(namespaces))
    return xml.replaceAll(`"${namespace}"`, `"${one([`${namespace}/`, namespace.toUpperCase(), namespace.slice(0, -1), 'urn:x', ...Object.values(namespaces)])}"`)
  },
  (xml, random) => {
    const root = treeOf(xml)
    const holders = everyTree(root).flatMap(tree => tree.attributes.filter(([name]) => name.startsWith('xmlns')).map(attribute => ({ tree, attribute })))
    const { tree, attribute } = random.one(holders)
    setAttribute(tree, attribute[0], undefined)
    setAttribute(random.one(everyTree(root)), attribute[0], attribute[1])
    return textOf(root)
  }
]

export const mutations: Readonly<Record<string, readonly Mutation[]>> = { bytes, elements, attributes, scopes }
