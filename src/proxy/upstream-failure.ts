import { PorticoError } from '../errors.ts'

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'

const timeouts: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

/**
 * What went wrong between Portico and an upstream, in Portico's words. The cause, with addresses
 * and the like, is for the log alone (ecosystem.md F6; behaviours.md K3).
 */
export const upstreamFailure = (error: unknown, upstream: string): PorticoError => {
  const code = codeOf(error)
  // what undici itself refuses to send was never the upstream's fault
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a request that can be forwarded', got: code, cause: error })
  }
  return timeouts.has(code)
    ? new PorticoError('PORTICO_UPSTREAM_TIMEOUT', { wanted: `an answer of ${upstream} in time`, got: code, cause: error })
    : new PorticoError('PORTICO_UPSTREAM_UNREACHABLE', { wanted: `an answer of ${upstream}`, got: code, cause: error })
}
