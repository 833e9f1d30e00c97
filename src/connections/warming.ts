import type { Configuration, Connection } from '../config/configuration.ts'
import { standingOf } from '../config/standing.ts'
import { differing } from '../config/table.ts'
import type { Connectors } from './connectors.ts'

/** Providers that are asked at once. */
const breadth = 4

/**
 * Providers that are asked ahead at most, after a start and after a reload: thousands at once would be
 * rude to the few companies that most of them belong to, and the documents of all would fill the memory.
 */
const most = 200

/** Asks the providers of connections that nobody asked yet. */
export interface Warming {
  /** Begins in the background; a later call goes on where this one is. */
  begin (configuration: Configuration): void
  stop (): void
}

/**
 * Fetches discovery documents and keys ahead of the first sign-in, few at a time, so that `/status`
 * knows at start what is wrong and the first person of a company does not wait for it: of connections
 * that are new or changed, active ones first. What is not asked here, or fails, is asked when somebody
 * signs in. `now` in seconds; `pace` in milliseconds, between two that are asked in turn: people come first.
 */
export const createWarming = (connectors: Pick<Connectors, 'warm' | 'health'>, { now = () => Date.now() / 1_000, pace = 100 } = {}): Warming => {
  let seen: Configuration | undefined
  let waiting: Connection[] = []
  let busy = 0

  const isUntried = (connection: Connection): boolean => {
    const { lastGood, lastError } = connectors.health(connection)
    return lastGood === undefined && lastError === undefined
  }

  const next = () => {
    while (busy < breadth) {
      const connection = waiting.shift()
      if (connection === undefined) return
      busy++
      connectors.warm(connection).finally(() => {
        setTimeout(() => {
          busy--
          next()
        }, pace).unref()
      })
    }
  }

  return {
    begin: configuration => {
      const moment = now()
      const left = waiting.filter(connection => configuration.connections.get(connection.id) === connection)
      const active: Connection[] = []
      const testing: Connection[] = []
      for (const id of differing(seen?.connections, configuration.connections)) {
        // Also without a reload before this one, no more than can be taken.
        if (active.length === most) break
        const connection = configuration.connections.get(id)
        if (connection === undefined) continue
        const standing = standingOf(connection, moment)
        if (standing !== 'disabled' && isUntried(connection)) (standing === 'active' ? active : testing).push(connection)
      }
      waiting = [...left, ...active, ...testing].slice(0, most)
      seen = configuration
      next()
    },
    stop: () => { waiting = [] }
  }
}
