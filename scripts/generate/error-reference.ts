import { definitions } from '../../src/errors.ts'
import type { ErrorDefinition } from '../../src/errors.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** `docs/errors.md`: every code, by name. */
export const errorReference = (): string => {
  const rows = Object.entries<ErrorDefinition>(definitions)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([code, { status, title, public: text, tell, remedy }]) => `| \`${code}\` | ${status} | **${cell(title)}.** ${cell(tell === undefined ? text : `${text} ${tell}`)} | ${cell(remedy)} |`)
  return `# Error codes

<!-- Generated from src/errors.ts by \`npm run generate\`: edit there. -->

Every error page shows its code and a request id; \`problem+json\` answers carry both as \`code\` and \`request_id\`.
What was wanted and what came is in the log line with that request id, and never on the page.

| code | status | what people see | what to do |
|---|---|---|---|
${rows.join('\n')}
`
}
