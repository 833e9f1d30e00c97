import { PorticoError, type ErrorCode } from '../errors.ts'
import type { CheckTrace } from './trace.ts'

/** How one check came out. */
export interface Verdict {
  /** As its specification calls it: `aud`, `nonce`, `hd`. */
  readonly name: string
  readonly passed: boolean
  /** What it refuses with. */
  readonly code: ErrorCode
  readonly wanted: string
  /** Never a token, code or secret. */
  readonly got: string
  readonly remedy?: string | undefined
}

/**
 * Tells `trace` of a verdict, and throws the PorticoError that it is where it did not pass; undefined
 * stands for a check that did not apply.
 */
export const enforce = (verdict: Verdict | undefined, trace: CheckTrace | undefined): void => {
  if (verdict === undefined) return
  const { name, passed, code, wanted, got, remedy } = verdict
  trace?.check({ name, passed, wanted, got })
  if (!passed) throw new PorticoError(code, { wanted, got, remedy })
}
