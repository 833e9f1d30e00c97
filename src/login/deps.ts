import type { AppPlace, Configuration } from '../config/configuration.ts'
import type { Connectors } from '../connections/connectors.ts'
import type { HeaderPreview } from '../identity/preview.ts'
import type { SessionRecords } from '../sessions/records.ts'
import type { Sealer } from '../sessions/seal.ts'
import type { Session } from '../sessions/session.ts'
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
  readonly records: SessionRecords
  readonly store: Store
  readonly connectors: Connectors
  readonly audit: Audit
  readonly metrics: Metrics
  readonly log: Log
  /** What an app would be told of a session. Signs nothing. */
  readonly preview: (session: Session, place: AppPlace) => HeaderPreview
  /** Seconds since the epoch. */
  readonly now: () => number
}
