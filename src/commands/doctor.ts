import { standingOf } from '../config/standing.ts'
import type { ConnectionFinding } from '../doctor/finding.ts'
import type { Command } from './command.ts'
import { configured, named } from './configured.ts'
import { count } from './wording.ts'

/**
 * `portico doctor [connection]`: what of a connection, or of all that are not disabled, works and what
 * does not, without a user and without changing anything. Warnings leave the status 0.
 */
export const doctor: Command = {
  name: 'doctor',
  summary: 'prove connections without a user: reachable, secret, certificates, domains',
  options: ['config', 'json'],
  words: ['[connection]'],
  async run (options, context) {
    const { json, words: [wanted] } = options
    const { out } = context
    const configuration = await configured(options, context)
    const now = Date.now() / 1_000
    const connections = wanted === undefined
      ? [...configuration.connections.values()].filter(each => standingOf(each, now) !== 'disabled')
      : [named('connection', wanted, configuration.connections)]
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
      const found = (level: 'problem' | 'warning'): string => count(all.filter(finding => finding.level === level).length, level)
      out(`${count(connections.length, 'connection')}: ${found('problem')}, ${found('warning')}\n`)
    }
    return hasProblem ? 1 : 0
  }
}
