import { loadConfiguration } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import { standingOf } from '../config/standing.ts'
import { suggest } from '../config/suggest.ts'
import type { ConnectionFinding } from '../doctor/finding.ts'
import type { Command } from './command.ts'

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

/**
 * `portico doctor [connection]`: what of a connection, or of all that are not disabled, works and what
 * does not, without a user and without changing anything. Warnings leave the status 0.
 */
export const doctor: Command = {
  name: 'doctor',
  summary: 'prove connections without a user: reachable, secret, certificates, domains',
  options: ['config', 'json'],
  words: ['[connection]'],
  async run ({ config, json, words: [wanted] }, { env, cwd, out, err }) {
    const { configuration, problems } = await loadConfiguration({ file: config, env })
    if (configuration === undefined) {
      for (const problem of problems) err(`${formatProblem(problem, cwd)}\n`)
      err(`portico: ${plural(problems.length, 'problem')} in the configuration\n`)
      return 1
    }
    const named = wanted === undefined ? undefined : configuration.connections.get(wanted)
    if (wanted !== undefined && named === undefined) {
      const meant = suggest(wanted, configuration.connections.keys())
      err(`portico: there is no connection '${wanted.slice(0, 80)}'${meant === undefined ? '' : ` — did you mean '${meant}'?`}\n`)
      return 1
    }
    const now = Date.now() / 1_000
    const connections = named === undefined ? [...configuration.connections.values()].filter(each => standingOf(each, now) !== 'disabled') : [named]
    // Only now: what asks providers is slow to load
    const [{ examine }, { formatFinding }] = await Promise.all([import('../doctor/doctor.ts'), import('../doctor/finding.ts')])
    const all: ConnectionFinding[] = []
    const hasProblem = await examine(connections, { configuration }, findings => {
      all.push(...findings)
      if (!json) for (const finding of findings) out(`${formatFinding(finding)}\n`)
    })
    if (json) {
      out(`${JSON.stringify(all.map(finding => ({ ...finding, remedy: finding.remedy ?? null })), null, 2)}\n`)
    } else {
      const count = (level: string): number => all.filter(finding => finding.level === level).length
      out(`${plural(connections.length, 'connection')}: ${plural(count('problem'), 'problem')}, ${plural(count('warning'), 'warning')}\n`)
    }
    return hasProblem ? 1 : 0
  }
}
