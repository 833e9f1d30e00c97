import type { Configuration, Connection } from '../config/configuration.ts'
import type { Outbound } from '../connections/outbound/http.ts'
import type { Reach } from '../connections/outbound/reach.ts'
import type { Reached } from './network.ts'

/** What a probe works with: the connection, and the ways to the world that the gateway itself would take. */
export interface Examination {
  readonly connection: Connection
  readonly configuration: Configuration
  readonly reach: Reach
  readonly outbound: Outbound
  /** How far one gets towards an address; asked once for each origin of a run. */
  readonly reached: (url: URL, reach: Reach) => Promise<Reached>
  /** As node:dns. */
  readonly resolveTxt: (name: string) => Promise<readonly (readonly string[])[]>
  /** Seconds since the epoch. */
  readonly now: () => number
}
