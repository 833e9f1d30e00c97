import { isAbsolute, relative } from 'node:path'
import type { Location } from './configuration.ts'

/** What is wrong in the configuration and what to do about it: a `problem` refuses the load, a `warning` does not. */
export interface Problem extends Location {
  /** Dotted path inside the file: `connections.acme.domains[0]`; empty for the file itself. */
  readonly path: string
  readonly message: string
  readonly remedy: string
  readonly severity: 'problem' | 'warning'
}

/** Order for people: file, then line, then column. */
export const compareProblems = (a: Problem, b: Problem): number => {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  if (a.line !== b.line) return a.line - b.line
  if (a.column !== b.column) return a.column - b.column
  return a.message < b.message ? -1 : a.message > b.message ? 1 : 0
}

/** `file` as people write it: relative to `folder` where it is below, absolute elsewhere. */
export const displayFile = (file: string, folder: string): string => {
  const short = relative(folder, file)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? file : short
}

/** What would break a line or steer a terminal: files are also written by customers. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu

/** The contract's one line: `file:line:col path: what is wrong — what to do`. */
export const formatProblem = (problem: Problem, folder: string): string => {
  const place = `${displayFile(problem.file, folder)}:${problem.line}:${problem.column}`
  const subject = problem.path === '' ? '' : ` ${problem.path}:`
  return `${place}${subject} ${problem.message} — ${problem.remedy}`.replace(unprintable, '?')
}
