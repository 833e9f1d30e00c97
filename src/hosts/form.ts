import type { IncomingMessage } from 'node:http'
import { PorticoError } from '../errors.ts'

/** Bytes that a form of sign-in may have; an authorization response by POST is the longest. */
export const longestForm = 64 * 1024

const isForm = (type: string | undefined): boolean => type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'

/** The form that a request carries; empty without a body. Throws PORTICO_MEDIA_TYPE or PORTICO_BODY_TOO_LARGE. */
export const readForm = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const { 'content-length': length, 'transfer-encoding': encoding, 'content-type': type } = request.headers
  if ((length === undefined || length === '0') && encoding === undefined) return new URLSearchParams()
  if (!isForm(type)) throw new PorticoError('PORTICO_MEDIA_TYPE', { wanted: 'application/x-www-form-urlencoded', got: type?.slice(0, 100) ?? 'none' })
  const chunks: Buffer[] = []
  let bytes = 0
  const parts: AsyncIterable<Buffer> = request
  for await (const chunk of parts) {
    bytes += chunk.length
    if (bytes > longestForm) throw new PorticoError('PORTICO_BODY_TOO_LARGE', { wanted: `at most ${longestForm} bytes`, got: 'more' })
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}
