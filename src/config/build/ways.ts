import type { Breather } from '../breather.ts'
import type { Connection } from '../configuration.ts'

/** Of each app the connections that could be its only way in; none where two are active whatever the date. */
export const waysInto = async (apps: readonly string[], connections: Iterable<Connection>, breathe: Breather): Promise<Map<string, readonly Connection[]>> => {
  const ways = new Map(apps.map(app => [app, { candidates: [] as Connection[], steady: 0 }]))
  const open = new Set(apps)
  for (const connection of connections) {
    if (open.size === 0) break
    await breathe()
    if (connection.status === 'disabled' || (connection.status === 'testing' && connection.activateAt === undefined)) continue
    const isSteady = connection.activateAt === undefined && connection.replacedBy === undefined
    for (const app of open) {
      const way = ways.get(app)
      if (way === undefined || connection.organization.apps?.has(app) === false) continue
      way.candidates.push(connection)
      if (isSteady && ++way.steady > 1) open.delete(app)
    }
  }
  return new Map([...ways].map(([app, { candidates, steady }]) => [app, Object.freeze(steady > 1 ? [] : candidates)]))
}
