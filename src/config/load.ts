import { createBuilder } from './build.ts'
import type { Configuration } from './configuration.ts'
import type { Problem } from './problem.ts'
import { createReader } from './read.ts'

export interface LoadOptions {
  /** The main file: `config/portico.yaml`. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  /** Seconds since the epoch, for what expires. */
  readonly now?: (() => number) | undefined
  /** Goes on without the organizations whose files have problems, as long as the main file has none. */
  readonly partial?: boolean | undefined
}

/** What a load came to: a Configuration, or problems; sorted by place. */
export interface Loaded {
  readonly configuration?: Configuration
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** Every file and folder that was read or looked for. */
  readonly files: readonly string[]
  /** SHA-256 over their names and bytes: the same version, the same outcome. */
  readonly version: string
}

/**
 * Loads again and again; what has not changed since the last time is neither parsed nor built again. With
 * `stirred` (a watcher's), only those files are believed to have changed. The reading blocks: `serve` loads in
 * a thread of its own (loading-thread.ts).
 */
export const createLoader = (options: LoadOptions): (stirred?: ReadonlySet<string>) => Promise<Loaded> => {
  const read = createReader(options)
  const { build } = createBuilder(options.env)
  return async stirred => {
    const { checked, ...outcome } = read(stirred)
    return checked === undefined ? outcome : { ...outcome, configuration: await build(checked) }
  }
}

/** Reads, checks and builds the configuration once. Never throws for what stands in the files. */
export const loadConfiguration = (options: LoadOptions): Promise<Loaded> => createLoader(options)()
