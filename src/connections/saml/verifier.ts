import type { ErrorCode } from '../../errors.ts'
import type { NameId } from '../connector.ts'
import type { TracedCheck } from '../trace.ts'
import type { IdpDescription } from './description.ts'
import type { LogoutExpectations, ResponseExpectations } from './expectations.ts'
import type { Received } from './received.ts'

/** A LogoutRequest or LogoutResponse that was signed by the provider (SAML Core §3.7). */
export interface LogoutMessage {
  readonly kind: 'request' | 'response'
  readonly id: string
  readonly inResponseTo: string | undefined
  /** Of a request. */
  readonly nameId: NameId | undefined
  readonly sessionIndexes: readonly string[]
  /** Seconds since the epoch. */
  readonly notOnOrAfter: number | undefined
  /** Of a response: the last part of its top-level status code, `Success`. */
  readonly status: string | undefined
  /** Of a response: its second-level status code is `PartialLogout` (SAML Core §3.7.3.1), whatever the first is. */
  readonly isPartial: boolean
}

/** XML from outside, never judged on the thread that serves requests (behaviours S12). Plain data. */
export type Task =
  | { readonly kind: 'response', /** Base64, as it came. */ readonly message: string, readonly expectations: ResponseExpectations, readonly now: number }
  | { readonly kind: 'logout', /** Base64 of a POST; of a redirect the raw query, whose signature is over its octets. */ readonly message: string, readonly binding: 'post' | 'redirect', readonly expectations: LogoutExpectations, readonly now: number }
  | { readonly kind: 'metadata', readonly xml: string, readonly entityId: string | undefined, /** PEM: of which one must have signed it; empty where nobody asks. */ readonly certificates: readonly string[], readonly now: number }

/** What a refusal tells; becomes a PorticoError on the other side. */
export interface RefusalData {
  readonly code: ErrorCode
  readonly wanted: string | undefined
  readonly got: string | undefined
  readonly remedy: string | undefined
}

/** How a task came out, with every check that was made. */
export type Outcome =
  | { readonly kind: 'received', readonly received: Received, readonly checks: readonly TracedCheck[] }
  | { readonly kind: 'logout', readonly logout: LogoutMessage, readonly checks: readonly TracedCheck[] }
  | { readonly kind: 'metadata', readonly description: IdpDescription, readonly checks: readonly TracedCheck[] }
  | { readonly kind: 'refused', readonly refusal: RefusalData, readonly checks: readonly TracedCheck[] }

/** Judges XML in a thread of its own, with a deadline. */
export interface Verifier {
  /**
   * Never rejects for what stands in the message: that is `refused`. Rejects with PORTICO_SAML_TIMEOUT when
   * it took too long, and PORTICO_OVERLOADED when too many wait.
   */
  judge (task: Task): Promise<Outcome>
  close (): Promise<void>
}
