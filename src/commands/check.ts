import { loadConfiguration } from '../config/load.ts'
import { displayFile, formatProblem } from '../config/problem.ts'
import type { Command } from './command.ts'

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

/** `portico check`: every problem and warning of the configuration, each with its place. */
export const check: Command = {
  name: 'check',
  summary: 'check the configuration and everything that it names',
  options: ['config', 'json'],
  async run ({ config, json }, { env, cwd, out }) {
    const { configuration, problems, warnings } = await loadConfiguration({ file: config, env })
    const status = configuration === undefined ? 1 : 0
    if (json) {
      const found = [...problems, ...warnings].map(({ file, line, column, path, message, remedy, severity }) =>
        ({ file: displayFile(file, cwd), line, column, path, message, remedy, severity }))
      out(`${JSON.stringify(found, null, 2)}\n`)
      return status
    }
    for (const problem of problems) out(`${formatProblem(problem, cwd)}\n`)
    for (const warning of warnings) out(`warning: ${formatProblem(warning, cwd)}\n`)
    const verdict = configuration === undefined
      ? count(problems.length, 'problem')
      : `fine: ${count(configuration.organizations.size, 'organization')}, ${count(configuration.connections.size, 'connection')}, ${count(configuration.apps.size, 'app')}`
    out(`${verdict}${warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`}\n`)
    return status
  }
}
