import { printable } from '../connections/foreign.ts'

/** `problem`: sign-ins fail of it. `warning`: they will, or cannot be told not to. */
export type Level = 'ok' | 'warning' | 'problem'

/** One thing that was looked at: what was wanted, what came, and what to do unless it is fine. Nothing secret. */
export interface Finding {
  /** What was looked at: `discovery`, `client secret`, `certificate`. */
  readonly check: string
  readonly level: Level
  readonly wanted: string
  readonly got: string
  /** There whenever the level is not `ok`. */
  readonly remedy: string | undefined
}

/** A finding of one connection. */
export interface ConnectionFinding extends Finding {
  readonly connection: string
}

/** Whatever a provider's documents have put into the words: addresses above all. */
const finding = (check: string, level: Level, wanted: string, got: string, remedy: string | undefined): Finding =>
  ({ check, level, wanted: printable(wanted), got: printable(got), remedy: remedy === undefined ? undefined : printable(remedy) })

/** What is as it should be. */
export const ok = (check: string, wanted: string, got: string): Finding => finding(check, 'ok', wanted, got, undefined)

/** What will keep people from signing in, or cannot be told. */
export const warning = (check: string, wanted: string, got: string, remedy: string): Finding => finding(check, 'warning', wanted, got, remedy)

/** What keeps people from signing in. */
export const problem = (check: string, wanted: string, got: string, remedy: string): Finding => finding(check, 'problem', wanted, got, remedy)

/** One line a finding, for people: `okta_acme  problem  discovery: wanted …; got … — remedy`. */
export const formatFinding = ({ connection, check, level, wanted, got, remedy }: ConnectionFinding): string =>
  `${connection}  ${level.padEnd(7)}  ${check}: wanted ${wanted}; got ${got}${remedy === undefined ? '' : ` — ${remedy}`}`
