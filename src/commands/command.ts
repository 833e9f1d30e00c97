/** What a command reads and where it writes. */
export interface Context {
  readonly env: NodeJS.ProcessEnv
  /** What relative paths are relative to, and problems are shown relative to. */
  readonly cwd: string
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

export interface Options {
  /** Absolute. */
  readonly config: string
  readonly json: boolean
}

/** One command of the command line: answers with the exit status (0 fine, 1 a problem was found, 2 wrong usage). */
export interface Command {
  readonly name: string
  readonly summary: string
  /** Which of the common options it knows. */
  readonly options: readonly ('config' | 'json')[]
  readonly run: (options: Options, context: Context) => Promise<number>
}
