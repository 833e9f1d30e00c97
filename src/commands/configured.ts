import type { Configuration } from '../config/configuration.ts'
import { loadConfiguration } from '../config/load.ts'
import { formatProblem, type Problem } from '../config/problem.ts'
import { suggest } from '../config/suggest.ts'
import type { Context, Options } from './command.ts'
import { Stop } from './stop.ts'
import { count } from './wording.ts'

/** A line each, on standard error. */
export const tellProblems = (problems: readonly Problem[], { cwd, err }: Context): void => {
  for (const problem of problems) err(`${formatProblem(problem, cwd)}\n`)
}

/**
 * The configuration as its files are now; what is wrong with them is told. Throws Stop where there is
 * none; `partial` goes on without the organizations whose files have problems.
 */
export const configured = async ({ config }: Options, context: Context, partial = false): Promise<Configuration> => {
  const { configuration, problems } = await loadConfiguration({ file: config, env: context.env, partial })
  tellProblems(problems, context)
  if (configuration === undefined) throw new Stop(`${count(problems.length, 'problem')} in the configuration`)
  if (problems.length > 0) context.err('portico: goes on without what is wrong\n')
  return configuration
}

/** What has this id. Throws Stop for an id that nothing has, with the one that was most likely meant. */
export const named = <T>(kind: string, id: string, known: ReadonlyMap<string, T>): T => {
  const found = known.get(id)
  if (found !== undefined) return found
  const meant = suggest(id, known.keys())
  throw new Stop(`there is no ${kind} '${id.slice(0, 80)}'${meant === undefined ? '' : ` — did you mean '${meant}'?`}`)
}
