import { createCache } from '../sessions/cache.ts'
import { clientNetwork } from './client-network.ts'

/** Wrong keys and tokens by where they came from. */
export interface WrongKeys {
  /** Counts one of this client's; the seconds to wait where there were too many, else undefined. */
  count (address: string): number | undefined
}

/** Wrong ones that one client network may send in a window of seconds. */
export const mostWrongKeys = 100
const window = 60
/** Networks that are remembered: whoever has more of them is not stopped by counting. */
const room = 20_000

/**
 * Counts what was wrong, never what was right: guessing is hopeless and stays cheap, and nobody's good
 * key stops working because of a neighbour's bad one. `now` is in seconds.
 */
export const createWrongKeys = (now: () => number): WrongKeys => {
  const counted = createCache<{ count: number, readonly until: number }>(room)
  return {
    count: address => {
      const network = clientNetwork(address)
      const moment = now()
      const known = counted.get(network)
      if (known === undefined || moment >= known.until || moment < known.until - window) {
        counted.set(network, { count: 1, until: moment + window }, 1)
        return undefined
      }
      known.count++
      return known.count > mostWrongKeys ? Math.ceil(known.until - moment) : undefined
    }
  }
}
