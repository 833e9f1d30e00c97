import type { ConnectionStatus, Status } from '../pages/status-page.ts'

type Health = ConnectionStatus['health']

/** The later of two times as ISO 8601 writes them. */
const later = (one: string | null, other: string | null): string | null => (one ?? '') > (other ?? '') ? one : other

/** Read last by any, failed last at any: one worker's sign-ins do not tell how the others' came out. */
const mergedHealth = (one: Health, other: Health): Health => {
  const { last_error: lastError, last_error_at: lastErrorAt } = (one.last_error_at ?? '') > (other.last_error_at ?? '') ? one : other
  return { last_good: later(one.last_good, other.last_good), last_error: lastError, last_error_at: lastErrorAt }
}

/** What was done last, but rather what failed: a worker that has not the others' configuration is what to look at. */
const mergedReload = (one: Status, other: Status): Status => {
  const failed = [one, other].filter(({ last_reload: { result } }) => result === 'failure')
  if (failed.length === 1 && failed[0] !== undefined) return failed[0]
  return one.last_reload.at > other.last_reload.at ? one : other
}

/**
 * What all workers of one `serve` say on `/status`, as one: `own` is that of whoever was asked, `all` has each by its
 * place. `own` itself where there are none.
 */
export const mergedStatus = (own: Status, all: readonly { readonly worker: number, readonly status: Status }[]): Status => {
  if (all.length === 0) return own
  const healths = new Map<string, Health>()
  for (const { status } of all) {
    for (const { id, health } of status.connections) {
      const known = healths.get(id)
      healths.set(id, known === undefined ? health : mergedHealth(known, health))
    }
  }
  const [restored] = all.flatMap(({ status }) => status.store_restored ?? []).sort((one, other) => one.at < other.at ? 1 : -1)
  const { configuration, last_reload: lastReload } = all.map(({ status }) => status).reduce(mergedReload)
  return {
    ...own,
    ready: all.every(({ status }) => status.ready),
    configuration,
    last_reload: lastReload,
    ...restored !== undefined && { store_restored: restored },
    websockets: all.reduce((sum, { status }) => sum + status.websockets, 0),
    workers: all.map(({ worker, status }) => ({ worker, ready: status.ready, configuration: status.configuration.version, websockets: status.websockets })),
    connections: own.connections.map(connection => ({ ...connection, health: healths.get(connection.id) ?? connection.health }))
  }
}
