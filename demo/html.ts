/** Text that is HTML already. */
export interface Html { readonly html: string }

type Part = string | number | Html | readonly Html[]

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const htmlOf = (part: Part): string => {
  if (typeof part === 'object') return 'html' in part ? part.html : part.map(({ html }) => html).join('')
  return String(part).replaceAll(/[&<>"']/g, character => entities[character] ?? '')
}

/** A template whose values are escaped unless they are Html themselves. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  ({ html: strings.reduce((text, string, i) => text + htmlOf(parts[i - 1] ?? '') + string) })
