import type { Connection } from '../../config/configuration.ts'
import type { Connector } from '../connector.ts'
import type { ProviderHealth } from '../health.ts'
import type { Trace } from '../trace.ts'
import type { IdpDescription } from './description.ts'
import type { SamlLogout } from './logout.ts'
import type { Received } from './received.ts'

/** The connector `saml`: the return is a POST that no cookie comes with, so it is judged in two steps. */
export interface SamlConnector extends Connector {
  /**
   * First step: everything that can be judged without knowing the browser: signature, issuer, destination,
   * recipient, audience, confirmation, status, version, times, algorithms. `message` is `SAMLResponse` as it
   * came. `now` in seconds. Throws PORTICO_SAML_*, PORTICO_IDP_*. Spends nothing.
   * `authenticate` is the second: the request that it answers, the replay cache, the identity.
   */
  receive (connection: Connection, message: string, now: number, trace?: Trace): Promise<Received>
}

/** All of SAML that the rest of the house knows. */
export interface Saml {
  readonly connector: SamlConnector
  readonly logout: SamlLogout
  /** Fetches what the first sign-in would wait for. Never rejects. */
  warm (connection: Connection): Promise<void>
  health (connection: Connection): ProviderHealth
  /** The provider's entityID once known; before, what is configured, or the address of its metadata. */
  issuer (connection: Connection): string
  /** What is known of the provider now. Throws PORTICO_IDP_*, PORTICO_SAML_METADATA. */
  describe (connection: Connection): Promise<IdpDescription>
  /** Our own metadata for this connection's provider: XML. */
  metadata (connection: Connection): Promise<string>
  close (): Promise<void>
}
