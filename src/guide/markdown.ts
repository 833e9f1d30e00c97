import type { Block, Entry, Page, Part, Text } from './text.ts'

/** One line, without what ends lines or cannot be seen. */
const flat = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')

/** What Markdown or the HTML inside it would read as more than text (CommonMark 0.31 §2.4). */
const escape = (text: string): string => flat(text).replaceAll(/[\\`*_[\]<>|~]|&(?=[#\w])/g, '\\$&')

/** What would begin a heading, a list or a quotation at the beginning of a line. */
const begin = (line: string): string => line.replace(/^(\s*)([-+=#]|\d+(?=[.)]))/, (_, blanks: string, mark: string) =>
  /\d/.test(mark) ? `${blanks}${mark}\\` : `${blanks}\\${mark}`)

/** A code span: its fence is longer than any run of backticks inside (CommonMark §6.1). */
const code = (text: string): string => {
  const line = flat(text)
  const fence = '`'.repeat(Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length)) + 1)
  return line.includes('`') ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`
}

const partOf = (part: Part): string => {
  if (typeof part === 'string') return escape(part)
  return part.kind === 'value' ? code(part.text) : part.names.map(name => `**${escape(name)}**`).join(' → ')
}

const textOf = (text: Text): string => begin(text.map(partOf).join(''))

const entryOf = ({ name, values, note }: Entry): string => [
  `- ${begin(escape(name))}`,
  ...values.length === 0 ? [] : [`: ${values.map(code).join(', ')}`],
  ...note === undefined ? [] : [` — ${textOf(note)}`]
].join('')

const blockOf = (block: Block): string => {
  switch (block.kind) {
    case 'text': return textOf(block.text)
    case 'remark': return `> ${textOf(block.text)}`
    case 'steps': return block.items.map((item, index) => `${index + 1}. ${textOf(item)}`).join('\n')
    case 'list': return block.items.map(item => `- ${textOf(item)}`).join('\n')
    case 'entries': return block.entries.map(entryOf).join('\n')
  }
}

/** A page as CommonMark: whatever comes from the configuration is text or a code span, never markup. */
export const markdown = ({ title, sections }: Page): string => [
  `# ${escape(title)}`,
  ...sections.flatMap(section => [`## ${escape(section.title)}`, ...section.blocks.map(blockOf)])
].join('\n\n') + '\n'
