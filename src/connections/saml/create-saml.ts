import type { Configuration } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Outbound } from '../oidc/http.ts'
import type { Saml } from './saml.ts'

export interface SamlDeps {
  readonly store: Store
  readonly configuration: () => Configuration
  readonly outbound: Outbound
  readonly log: Log
  /** Seconds since the epoch. */
  readonly clock: () => number
}

/** SAML 2.0 for every connection that speaks it. */
export const createSaml = (_deps: SamlDeps): Saml => {
  const missing = async () => { throw new PorticoError('PORTICO_SAML_METADATA', { got: 'nothing yet' }) }
  return {
    connector: { authorize: missing, receive: missing, authenticate: missing },
    logout: { request: missing, receive: missing, respond: missing },
    warm: async () => undefined,
    health: () => ({ lastGood: undefined, lastError: undefined, lastErrorAt: undefined }),
    issuer: connection => connection.id,
    describe: missing,
    metadata: missing,
    close: async () => undefined
  }
}
