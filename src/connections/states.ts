import type { Configuration, Connection } from '../config/configuration.ts'

/** What this process holds of each connection's provider. */
export interface States<T> {
  /** The one state of this connection, as long as nothing that matters to it changes. */
  of (connection: Connection): T
  /** The same, where there is one already. */
  find (connection: Connection): T | undefined
  /** Every one that there is. */
  all (): Iterable<T>
}

/**
 * States survive a reload that does not concern them, and leave with their connections. `keyOf` tells
 * apart what must not share one (behaviours V20).
 */
export const createStates = <T> (deps: {
  configuration: () => Configuration
  keyOf: (connection: Connection) => string
  create: (connection: Connection) => T
}): States<T> => {
  /** By connection id; of one whose settings have just changed, what goes on under the old ones as well. */
  const states = new Map<string, Map<string, T>>()
  /** A connection that no reload changed is the same object: thousands are hashed once, and only when asked for. */
  const keys = new WeakMap<Connection, string>()
  let seen: Configuration | undefined

  const keyOf = (connection: Connection): string => {
    const known = keys.get(connection)
    if (known !== undefined) return known
    const key = deps.keyOf(connection)
    keys.set(connection, key)
    return key
  }

  const forget = (): void => {
    const configuration = deps.configuration()
    if (configuration === seen) return
    seen = configuration
    for (const [id, own] of states) {
      const connection = configuration.connections.get(id)
      if (connection === undefined) states.delete(id)
      else for (const key of own.keys()) if (key !== keyOf(connection)) own.delete(key)
    }
  }

  const find = (connection: Connection): T | undefined => {
    forget()
    return states.get(connection.id)?.get(keyOf(connection))
  }

  return {
    of: connection => {
      const known = find(connection)
      if (known !== undefined) return known
      const made = deps.create(connection)
      const own = states.get(connection.id) ?? new Map<string, T>()
      states.set(connection.id, own.set(keyOf(connection), made))
      return made
    },
    find,
    * all () {
      forget()
      for (const own of states.values()) yield * own.values()
    }
  }
}
