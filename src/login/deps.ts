import type { Configuration } from '../config/configuration.ts'
import type { Connectors } from '../connections/connectors.ts'
import type { Sealer } from '../sessions/seal.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Audit } from '../telemetry/audit.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** What the steps of sign-in work with. */
export interface LoginDeps {
  readonly configuration: () => Configuration
  readonly sealer: () => Sealer
  readonly sessions: Sessions
  readonly store: Store
  readonly connectors: Connectors
  readonly audit: Audit
  readonly metrics: Metrics
  readonly log: Log
  /** Seconds since the epoch. */
  readonly now: () => number
}
