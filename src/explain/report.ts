import { dateText } from '../config/dates.ts'
import { displayFile } from '../config/problem.ts'
import type { Explanation } from './explain.ts'
import type { Position } from './positions.ts'
import type { Question } from './question.ts'
import type { Verdict } from './step.ts'

/** An explanation with the places of its steps, in their order; undefined for a step that no file decides. */
export interface Placed {
  readonly question: Question
  readonly explanation: Explanation
  readonly positions: readonly (Position | undefined)[]
  /** What files are shown relative to. */
  readonly cwd: string
}

const width = 14

const placeText = ({ file, line, column, path, written }: Position, cwd: string): string =>
  [`${displayFile(file, cwd)}:${line}:${column}`, ...path === '' ? [] : [path], ...written ? [] : ['(not written: the default)']].join(' ')

const verdictText = ({ outcome, code, says, remedy }: Verdict): string => {
  const beginning = outcome === 'refused' ? `no: ${code ?? ''}, ${says}` : `yes: ${says}`
  return remedy === undefined ? beginning : `${beginning}\n${' '.repeat(width)}${remedy}`
}

/** For people: each step, what it says and the place that decided; the verdict; what later dates bring; the headers. */
export const reportText = ({ question, explanation: { steps, verdict, later, headers }, positions, cwd }: Placed): string => {
  const row = (label: string, text: string): string => `${label.padEnd(width)}${text}\n`
  const longest = Math.max(0, ...headers.map(({ name }) => name.length))
  return [
    `${question.email.email} opens ${question.url.href}\n\n`,
    ...steps.flatMap(({ step, says }, index) => {
      const position = positions[index]
      return [row(step, says), ...position === undefined ? [] : [row('', placeText(position, cwd))]]
    }),
    `\n${row('verdict', verdictText(verdict))}`,
    ...later.map(({ at, verdict }) => row(`from ${dateText(at)}`, ` ${verdictText(verdict)}`)),
    ...headers.length === 0 ? [] : ['\nheaders to the app, what is in braces only when they are there\n'],
    ...headers.map(({ name, value, from }) => `  ${name.padEnd(longest)}  ${value}  (${from})\n`)
  ].join('')
}

/** For a program. */
export const reportData = ({ question, explanation: { steps, verdict, later, headers }, positions, cwd }: Placed): Readonly<Record<string, unknown>> => {
  const place = (position: Position | undefined) => position === undefined
    ? {}
    : { file: displayFile(position.file, cwd), line: position.line, column: position.column, path: position.path, written: position.written }
  return {
    email: question.email.email,
    url: question.url.href,
    steps: steps.map(({ step, says }, index) => ({ step, says, ...place(positions[index]) })),
    verdict,
    later: later.map(({ at, verdict }) => ({ at: dateText(at), verdict })),
    headers
  }
}
