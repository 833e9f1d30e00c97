import type { Configuration, Connection } from '../config/configuration.ts'
import { byPlace } from '../config/order.ts'
import { dialectOf } from './dialects.ts'
import { withoutSlash } from './oidc/issuer.ts'

/** In an order that does not hang on which reloads there were: the first that a token is good for takes it. */
const indexOf = ({ connections }: Configuration): ReadonlyMap<string, readonly Connection[]> => {
  const index = new Map<string, Connection[]>()
  const taking = [...connections.values()].filter(({ bearer }) => bearer !== undefined).sort(byPlace)
  for (const connection of taking) {
    for (const issuer of new Set(dialectOf(connection).issuers.map(withoutSlash))) {
      const others = index.get(issuer)
      if (others === undefined) index.set(issuer, [connection])
      else others.push(connection)
    }
  }
  return index
}

/**
 * Finds the connections with `bearer:` whose provider could have issued a token, by its `iss`, however
 * many connections there are. What `iss` says is verified afterwards.
 */
export const createBearerIndex = (configuration: () => Configuration): (iss: string) => readonly Connection[] => {
  const indexes = new WeakMap<Configuration, ReadonlyMap<string, readonly Connection[]>>()
  return iss => {
    const current = configuration()
    const index = indexes.get(current) ?? indexOf(current)
    indexes.set(current, index)
    return index.get(withoutSlash(iss)) ?? []
  }
}
