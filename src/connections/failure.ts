import { PorticoError, type ErrorCode } from '../errors.ts'

/** The PorticoError that a fetch of ours threw below openid-client, which wraps it. */
const ours = (error: unknown, depth = 0): PorticoError | undefined => {
  if (error instanceof PorticoError) return error
  return error instanceof Error && depth < 4 ? ours(error.cause, depth + 1) : undefined
}

/** Where a defect showed, without its message, which may quote a token. */
const place = (error: Error): string => `${error.name} ${error.stack?.split('\n').find(line => /^\s+at /.test(line))?.trim() ?? ''}`

/**
 * Whatever was thrown on the way as a PorticoError that names the connection. Errors of openid-client
 * hold claims and tokens: none is attached; `known` gives their codes a meaning at the place they arose.
 */
export const asPorticoError = (error: unknown, connection: string, known: Readonly<Record<string, ErrorCode>> = {}): PorticoError => {
  const own = ours(error)
  if (own !== undefined) {
    const { wanted, got, remedy, exact } = own
    return own.connection === undefined ? new PorticoError(own.code, { wanted, got, remedy, exact, connection }) : own
  }
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'string' && code.startsWith('OAUTH_')) {
    return new PorticoError(known[code] ?? 'PORTICO_IDP_ANSWER', { wanted: 'an answer that follows the protocol', got: code, connection })
  }
  return new PorticoError('PORTICO_INTERNAL', { got: error instanceof Error ? place(error) : typeof error, connection })
}
