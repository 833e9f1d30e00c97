import type { Configuration, Connection } from './configuration.ts'
import { ownerOf, standingOf, type Standing } from './standing.ts'

/** What is different from a date on. */
export interface Coming {
  /** Seconds since the epoch. */
  readonly at: number
  /** Connections that stand otherwise from then on, in the order of their files. */
  readonly connections: readonly { readonly id: string, readonly becomes: Standing }[]
  /** Domains that somebody else signs in from then on; undefined for nobody. */
  readonly domains: readonly { readonly domain: string, readonly from: string | undefined, readonly to: string | undefined }[]
}

/** By date after `now`: the connections that it may concern. */
const concerned = ({ connections }: Configuration, now: number): Map<number, Connection[]> => {
  const dates = new Map<number, Connection[]>()
  for (const connection of connections.values()) {
    for (const date of new Set([connection.activateAt, connection.replacedBy?.activateAt])) {
      if (date === undefined || date <= now) continue
      const others = dates.get(date)
      if (others === undefined) dates.set(date, [connection])
      else others.push(connection)
    }
  }
  return dates
}

/** What the dates of a configuration bring after `now` (seconds), in their order; dates that change nothing are left out. */
export const outlook = (configuration: Configuration, now: number): Coming[] => {
  const dates = [...concerned(configuration, now)].sort(([one], [other]) => one - other)
  return dates.flatMap(([at, candidates], index): Coming[] => {
    const before = dates[index - 1]?.[0] ?? now
    const changed = candidates.filter(connection => standingOf(connection, before) !== standingOf(connection, at))
    const domains = [...new Set(changed.flatMap(connection => [...connection.domains]))].flatMap(domain => {
      const from = ownerOf(configuration, domain, before)?.id
      const to = ownerOf(configuration, domain, at)?.id
      return from === to ? [] : [{ domain, from, to }]
    })
    return changed.length === 0 ? [] : [{ at, connections: changed.map(connection => ({ id: connection.id, becomes: standingOf(connection, at) })), domains }]
  })
}
