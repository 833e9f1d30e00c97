import { PorticoError, type ErrorCode } from '../../errors.ts'
import { isObject, parseObject } from '../outbound/answer.ts'

/** An ID token, read and not yet believed. */
export interface IdToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

const part = (text: string | undefined): Record<string, unknown> | undefined =>
  text === undefined || !/^[A-Za-z0-9_-]+$/.test(text) ? undefined : parseObject(Buffer.from(text, 'base64url').toString('utf8'))

/** Reads a compact JWS (RFC 7515 §3.1). Throws PORTICO_ID_TOKEN_MALFORMED. */
export const readIdToken = (text: string): IdToken => {
  const parts = text.split('.')
  const header = part(parts[0])
  const claims = part(parts[1])
  if (parts.length !== 3 || !isObject(header) || !isObject(claims)) {
    const got = parts.length === 5 ? 'an encrypted token' : `${parts.length} parts that are not those of a JWT`
    throw new PorticoError('PORTICO_ID_TOKEN_MALFORMED', { wanted: 'a signed JWT', got })
  }
  // RFC 7515 §4.1.11: an extension that is not understood must not be ignored
  if (header.crit !== undefined) throw new PorticoError('PORTICO_ID_TOKEN_MALFORMED', { wanted: 'a JWT without crit', got: 'crit' })
  return { header, claims }
}

/** As `readIdToken`, of another kind of token, of bounded length in characters. Throws `code`. */
export const readToken = (text: string, longest: number, code: ErrorCode): IdToken => {
  if (text.length > longest) throw new PorticoError(code, { wanted: `at most ${longest} characters`, got: String(text.length) })
  try {
    return readIdToken(text)
  } catch (error) {
    throw error instanceof PorticoError ? new PorticoError(code, { wanted: error.wanted ?? 'a JWT', got: error.got ?? 'something else' }) : error
  }
}
