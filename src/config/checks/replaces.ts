import { dateText } from '../dates.ts'
import type { Report } from '../reporter.ts'
import { canonicalDomain } from '../schema/domain.ts'
import type { Path } from '../source.ts'
import { didYouMean } from '../suggest.ts'
import { beginOf, endOf, heirsOf, type ConnectionDraft, type OrganizationDraft } from './tenure.ts'

const canonical = ({ domains = [] }: ConnectionDraft): string[] =>
  domains.flatMap(domain => domain === undefined ? [] : canonicalDomain(domain) ?? [])

/** Whether following `replaces` from `id` comes back to it. */
const isCircle = (connections: Readonly<Record<string, ConnectionDraft | undefined>>, id: string): boolean => {
  const passed = new Set<string>()
  for (let next = connections[id]?.replaces; next !== undefined && !passed.has(next); next = connections[next]?.replaces) {
    if (next === id) return true
    passed.add(next)
  }
  return false
}

/** What takes over from what, at every date from `now` (seconds) on (product R10). */
export const checkReplaces = (organization: OrganizationDraft, now: number, report: Report): void => {
  const { file, settings: { connections = {} } } = organization
  const heirs = heirsOf(organization)

  /** Domains of `old` that nobody of this organization signs in at `date`. */
  const orphans = (old: string, date: number): string[] => {
    const owned = new Set(Object.entries(connections).flatMap(([id, connection]) =>
      connection !== undefined && beginOf(connection) <= date && date < endOf(organization, heirs.get(id)) ? canonical(connection) : []))
    return canonical(connections[old] ?? {}).filter(domain => !owned.has(domain)).map(domain => `'${domain}'`)
  }

  const checkTakeover = (id: string, connection: ConnectionDraft, old: string, path: Path): void => {
    const replaced = connections[old]
    if (replaced === undefined) return
    const begin = beginOf(connection)
    const before = beginOf(replaced)
    if (connection.status === 'disabled') {
      if (before < Infinity) report({ file, path, severity: 'warning', message: `is disabled, so '${old}' stays in force`, remedy: `disable '${old}' as well, or remove replaces` })
      return
    }
    if (begin === Infinity) return
    const date = Math.max(begin, now)
    const since = begin > now ? `from ${dateText(begin)} on` : 'already'
    if (before !== Infinity && before > now && before >= date) {
      report({ file, path, message: `takes over from '${old}' ${since}, which is not active before ${dateText(before)}`, remedy: 'put the dates in order: each connection is active before the one that replaces it' })
      return
    }
    const without = before === Infinity ? [] : orphans(old, date)
    if (without.length > 0) {
      report({ file, path, severity: 'warning', message: `${begin > now ? since : 'now'} nobody signs in people of ${without.join(', ')}, as '${old}' did`, remedy: `list them under domains of '${id}' as well, or remove them from '${old}'` })
    }
  }

  for (const [id, connection] of Object.entries(connections)) {
    if (connection === undefined) continue
    if (connection.status === 'disabled' && connection.activate_at !== undefined) {
      report({ file, path: ['connections', id, 'activate_at'], severity: 'warning', message: 'does nothing: the connection is disabled', remedy: 'set status to testing, which becomes active at that moment' })
    }
    const old = connection.replaces
    if (old === undefined) continue
    const path = ['connections', id, 'replaces']
    if (old === id) {
      report({ file, path, message: 'a connection cannot replace itself', remedy: 'name the one that it takes over from, or remove replaces' })
    } else if (!Object.hasOwn(connections, old)) {
      const others = Object.keys(connections).filter(other => other !== id)
      report({ file, path, message: `this organization has no connection '${old}'`, remedy: didYouMean(old, others, 'name one of this file: what it took over from stays there, disabled, for as long as members still come from it; then remove both') })
    } else if (isCircle(connections, id)) {
      report({ file, path, message: `'${old}' itself takes over from '${id}', by one way or another`, remedy: 'let the newer one replace the older one only' })
    } else if (heirs.get(old)?.[0] !== id) {
      report({ file, path, message: `'${old}' is replaced by '${heirs.get(old)?.[0] ?? ''}' already`, remedy: `one takes over from one: replace '${heirs.get(old)?.[0] ?? ''}' instead, or remove replaces` })
    } else checkTakeover(id, connection, old, path)
  }
}
