import type { Connection } from '../../config/configuration.ts'
import type { Outbound } from '../outbound/http.ts'
import type { Dialect } from './dialect.ts'
import type { Metadata } from './metadata.ts'
import type { Provider } from './provider.ts'

/** What a provider's endpoints are asked with. `clock` tells seconds. */
export interface ProviderRequest {
  readonly connection: Connection
  readonly dialect: Dialect
  readonly provider: Provider
  readonly metadata: Metadata
  readonly outbound: Outbound
  readonly clock: () => number
}
