import { dateText } from '../config/dates.ts'
import { loadConfiguration } from '../config/load.ts'
import { outlook, type Coming } from '../config/outlook.ts'
import { displayFile, formatProblem } from '../config/problem.ts'
import type { Command } from './command.ts'
import { count } from './wording.ts'

/** As many as a line can bear. */
const some = (texts: readonly string[], most = 5): string =>
  texts.length <= most ? texts.join(', ') : `${texts.slice(0, most).join(', ')} and ${texts.length - most} more`

/** `2026-12-01T08:00:00Z: okta_acme becomes active, old_acme is off; acme.com moves to okta_acme` */
const comingText = ({ at, connections, domains }: Coming): string => {
  const standings = connections.toSorted((one, other) => Number(other.becomes === 'active') - Number(one.becomes === 'active')).map(({ id, becomes }) => becomes === 'disabled' ? `${id} is off` : `${id} becomes ${becomes}`)
  const moves = domains.map(({ domain, from, to }) =>
    to === undefined ? `${domain} has no sign-in any more` : from === undefined ? `${domain} signs in at ${to}` : `${domain} moves to ${to}`)
  return `${dateText(at)}: ${[some(standings), ...moves.length === 0 ? [] : [some(moves)]].join('; ')}`
}

/** `portico check`: every problem and warning of the configuration, each with its place, and what its dates bring. */
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
    for (const coming of configuration === undefined ? [] : outlook(configuration, Date.now() / 1_000)) out(`${comingText(coming)}\n`)
    const verdict = configuration === undefined
      ? count(problems.length, 'problem')
      : `fine: ${count(configuration.organizations.size, 'organization')}, ${count(configuration.connections.size, 'connection')}, ${count(configuration.apps.size, 'app')}`
    out(`${verdict}${warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`}\n`)
    return status
  }
}
