/** An element to be cut up: mutable, names and values exactly as they stand in the text. */
export interface Tree {
  name: string
  /** Values without their quotes, entities as they are. */
  attributes: [name: string, value: string][]
  children: (Tree | string)[]
}

const token = /<\/([^\s>]+)\s*>|<([^\s/>]+)((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/gy
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g

/** The tree of well-formed XML, a declaration before it perhaps, without comments and the like. */
export const treeOf = (xml: string): Tree => {
  const root: Tree = { name: '', attributes: [], children: [] }
  const open = [root]
  for (const [, end, start, attributes = '', empty, text] of xml.replace(/^<\?xml[^>]*\?>\s*/, '').matchAll(token)) {
    const parent = open.at(-1) ?? root
    if (text !== undefined) parent.children.push(text)
    if (end !== undefined) open.pop()
    if (start === undefined) continue
    const element: Tree = { name: start, attributes: [...attributes.matchAll(attribute)].map(([, name = '', double, single = '']) => [name, double ?? single]), children: [] }
    parent.children.push(element)
    if (empty === '') open.push(element)
  }
  const [only] = root.children
  if (open.length !== 1 || only === undefined || typeof only === 'string') throw new Error('that is no tree')
  return only
}

export const textOf = ({ name, attributes, children }: Tree): string => {
  const tag = [name, ...attributes.map(([key, value]) => `${key}="${value}"`)].join(' ')
  const inside = children.map(child => typeof child === 'string' ? child : textOf(child)).join('')
  return inside === '' ? `<${tag}/>` : `<${tag}>${inside}</${name}>`
}

export const copyOf = (tree: Tree): Tree => structuredClone(tree)

/** It and everything below, in document order. */
export const everyTree = (tree: Tree): readonly Tree[] => [tree, ...tree.children.flatMap(child => typeof child === 'string' ? [] : everyTree(child))]

const localName = ({ name }: Tree): string => name.slice(name.indexOf(':') + 1)

/** All with this local name, in document order. */
export const named = (tree: Tree, name: string): readonly Tree[] => everyTree(tree).filter(each => localName(each) === name)

/** The first with this local name. */
export const firstNamed = (tree: Tree, name: string): Tree => {
  const [found] = named(tree, name)
  if (found === undefined) throw new Error(`there is no ${name} in it`)
  return found
}

export const parentOf = (root: Tree, child: Tree): Tree => {
  const found = everyTree(root).find(({ children }) => children.includes(child))
  if (found === undefined) throw new Error(`${child.name} stands in nothing`)
  return found
}

/** Puts others in an element's place; none takes it out. */
export const replaceTree = (root: Tree, old: Tree, ...others: readonly (Tree | string)[]): void => {
  const { children } = parentOf(root, old)
  children.splice(children.indexOf(old), 1, ...others)
}

export const setAttribute = (tree: Tree, name: string, value: string | undefined): void => {
  const rest = tree.attributes.filter(([key]) => key !== name)
  tree.attributes = value === undefined ? rest : [...rest, [name, value]]
}
