import type { Configuration, Connection } from '../config/configuration.ts'
import type { Connectors } from './connectors.ts'

/** Providers that are asked at once. */
const breadth = 4

/** Asks the providers of connections that nobody asked yet. */
export interface Warming {
  /** Begins in the background; a later call goes on where this one is. */
  begin (configuration: Configuration): void
  stop (): void
}

/**
 * Fetches discovery documents and keys ahead of the first sign-in, few at a time, so that `/status`
 * knows at start what is wrong and the first person of a company does not wait for it. What fails
 * here is asked again when somebody signs in, and touches nobody else.
 */
export const createWarming = (connectors: Pick<Connectors, 'warm' | 'health'>): Warming => {
  let waiting: Connection[] = []
  let busy = 0

  const isUntried = (connection: Connection): boolean => {
    const { lastGood, lastError } = connectors.health(connection)
    return connection.status !== 'disabled' && lastGood === undefined && lastError === undefined
  }

  const next = () => {
    while (busy < breadth) {
      const connection = waiting.shift()
      if (connection === undefined) return
      busy++
      connectors.warm(connection).finally(() => {
        busy--
        next()
      })
    }
  }

  return {
    begin: configuration => {
      waiting = [...configuration.connections.values()].filter(isUntried)
      next()
    },
    stop: () => { waiting = [] }
  }
}
