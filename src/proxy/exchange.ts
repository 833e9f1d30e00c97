import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AppPlace } from '../config/configuration.ts'
import type { Session } from '../sessions/session.ts'
import type { Client } from './client.ts'

/** One request of an app host on its way, with everything about it that was decided at the door. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The request target as it came, byte for byte. */
  readonly target: string
  /** Chosen once; nothing behind the door looks at Host again (behaviours.md V1). */
  readonly place: AppPlace
  readonly client: Client
  readonly requestId: string
  session: Session | undefined
  /**
   * Names of headers, lower-case, that carried a credential of Portico's and that the app therefore does
   * not get; empty for a program that shows one of the app's own, undefined where nothing was shown.
   */
  consumed: ReadonlySet<string> | undefined
  /** Called when the client has gone or has everything: stops what is still under way for it. */
  cancel: (() => void) | undefined
  /** The request is answered with this status: logged and counted, once. */
  settle (status: number): void
}
