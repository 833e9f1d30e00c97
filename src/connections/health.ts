import type { ErrorCode } from '../errors.ts'

/** How a connection's provider is doing, for the status page. Times in seconds since the epoch. */
export interface ProviderHealth {
  /** When its discovery document was last fetched well, by whichever process. */
  readonly lastGood: number | undefined
  /**
   * What the latest fetch of the document or of the keys failed with, or why our client was refused when a
   * code was exchanged; undefined once all went well again.
   */
  readonly lastError: ErrorCode | undefined
  readonly lastErrorAt: number | undefined
}
