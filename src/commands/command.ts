/** What a command reads and where it writes. */
export interface Context {
  readonly env: NodeJS.ProcessEnv
  /** What relative paths are relative to, and problems are shown relative to. */
  readonly cwd: string
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

/** What stood on the command line behind the command's name. */
export interface Options {
  /** Absolute. */
  readonly config: string
  readonly json: boolean
  /** Words that are no options: at most as many as the command's `words`. */
  readonly words: readonly string[]
  /** Values of the command's own `flags`, by name; `true` for one without a value. */
  readonly flags: Readonly<Record<string, string | true | undefined>>
}

/** A flag's value, where it has one. */
export const text = (value: string | true | undefined): string | undefined => typeof value === 'string' ? value : undefined

/** An option of one command. */
export interface Flag {
  /** What its value is, for the help: `E-MAIL`. Undefined where it takes none. */
  readonly value?: string
  readonly required?: boolean
  /** May stand there more than once: its values then come joined by commas. */
  readonly repeated?: boolean
}

/** One command of the command line: answers with the exit status (0 fine, 1 a problem was found, 2 wrong usage). */
export interface Command {
  /** One word or two: `check`, `members list`. */
  readonly name: string
  readonly summary: string
  /** Which of the common options it knows. */
  readonly options: readonly ('config' | 'json')[]
  /** What may stand behind its name, for the help: `[connection]` may be left out, `<connection>` may not. */
  readonly words?: readonly string[]
  /** Its own options: `{ email: { value: 'E-MAIL', required: true } }` for `--email E-MAIL`. */
  readonly flags?: Readonly<Record<string, Flag>>
  readonly run: (options: Options, context: Context) => Promise<number>
}

/** How a command is written, for the help. */
export const usageOf = ({ name, words = [], flags = {} }: Command): string => [
  name,
  ...words,
  ...Object.entries(flags).map(([flag, { value, required, repeated }]) => {
    const text = value === undefined ? `--${flag}` : `--${flag} ${value}`
    return `${required === true ? text : `[${text}]`}${repeated === true ? ` [--${flag} …]` : ''}`
  })
].join(' ')
