/** Markup that needs no more escaping: made by `html` alone. */
export interface Html {
  readonly markup: string
}

type Value = Html | string | number | undefined | readonly Html[]

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escape = (text: string): string => text.replace(/[&<>"']/g, character => entities[character] ?? '')

const markupOf = (value: Value): string => {
  if (value === undefined) return ''
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value))
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}

/**
 * Markup with every value escaped for text and for attributes in double quotes: the only two places
 * where pages put values (behaviours.md O19, V35). `undefined` is nothing.
 */
export const html = (literals: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  markup: literals.reduce((markup, literal, index) => markup + markupOf(values[index - 1]) + literal)
})
