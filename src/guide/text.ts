/** Something to copy exactly as it stands. */
interface Value { readonly kind: 'value', readonly text: string }
/** Names of menus, tabs and buttons, one after the other, as the product writes them. */
interface Menu { readonly kind: 'menu', readonly names: readonly string[] }

export type Part = string | Value | Menu
/** A sentence or two: plain text, which either rendering escapes, with values and menus between. */
export type Text = readonly Part[]

/** One thing to enter, with its name in the product's form. */
export interface Entry {
  readonly name: string
  readonly values: readonly string[]
  readonly note?: Text | undefined
}

export type Block =
  | { readonly kind: 'text' | 'remark', readonly text: Text }
  | { readonly kind: 'steps' | 'list', readonly items: readonly Text[] }
  | { readonly kind: 'entries', readonly entries: readonly Entry[] }

export interface Section {
  readonly title: string
  readonly blocks: readonly Block[]
}

/** A whole page; both renderings are made from it. */
export interface Page {
  readonly title: string
  readonly sections: readonly Section[]
}

/** `say\`enter ${value(uri)} under ${menu('Settings')}\``: a Text; what is undefined is nothing. */
export const say = (literals: TemplateStringsArray, ...parts: readonly (Part | Text | undefined)[]): Text =>
  literals.flatMap((literal, index): readonly Part[] => {
    const part = parts[index - 1]
    const before: Text = part === undefined ? [] : isText(part) ? part : [part]
    return literal === '' ? before : [...before, literal]
  })

const isText = (part: Part | Text): part is Text => Array.isArray(part)

/** Something to copy to the letter. */
export const value = (text: string): Value => ({ kind: 'value', text })

/** What to click, one after the other. */
export const menu = (...names: readonly string[]): Menu => ({ kind: 'menu', names })

/** `a, b and c`, as values. */
export const values = (texts: readonly string[]): Text => texts.flatMap((text, index): readonly Part[] => [
  ...index === 0 ? [] : [index === texts.length - 1 ? ' and ' : ', '],
  value(text)
])

/** A paragraph. */
export const text = (text: Text): Block => ({ kind: 'text', text })

/** A paragraph that stands out. */
export const remark = (text: Text): Block => ({ kind: 'remark', text })

/** What to do, in order. An item that is undefined is left out, here and below. */
export const steps = (...items: readonly (Text | undefined)[]): Block => ({ kind: 'steps', items: items.filter(item => item !== undefined) })

/** Items in no order. */
export const list = (...items: readonly (Text | undefined)[]): Block => ({ kind: 'list', items: items.filter(item => item !== undefined) })

/** Names with their values. */
export const entries = (...given: readonly (Entry | undefined)[]): Block => ({ kind: 'entries', entries: given.filter(entry => entry !== undefined) })

/** The values of an entry that may not be known yet. */
export const known = (...texts: readonly (string | undefined)[]): readonly string[] => texts.filter(text => text !== undefined)
