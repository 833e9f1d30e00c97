import type { IncomingMessage, ServerResponse } from 'node:http'
import { PorticoError } from '../errors.ts'
import { readFields } from './form-fields.ts'

/** Bytes that a form of sign-in may have; an authorization response by POST is the longest. */
const longestForm = 64 * 1024
/** Bytes of a form with a SAML message: several times an assertion with hundreds of groups, encrypted (behaviours S12). */
export const longestSamlForm = 256 * 1024
/** Milliseconds in which it must have come. */
const patience = 10_000

const isForm = (type: string | undefined): boolean => type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'

/**
 * A request's body, of at most `longest` bytes. Throws PORTICO_BODY_TOO_LARGE, PORTICO_BAD_REQUEST or PORTICO_REQUEST_TIMEOUT;
 * the connection is then to be closed, since what is still to come is nobody's next request.
 */
export const readBody = (request: IncomingMessage, longest: number): Promise<Buffer> => new Promise((resolve, reject) => {
  const chunks: Buffer[] = []
  let bytes = 0
  const late = setTimeout(() => reject(new PorticoError('PORTICO_REQUEST_TIMEOUT', { wanted: `a body within ${patience} ms`, got: `${bytes} bytes of it` })), patience)
  // not `for await`, which ends the connection before anything can be said
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= longest) chunks.push(chunk)
    else reject(new PorticoError('PORTICO_BODY_TOO_LARGE', { wanted: `at most ${longest} bytes`, got: 'more' }))
  })
  request.once('end', () => resolve(Buffer.concat(chunks)))
  request.once('error', error => reject(new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a whole body', got: 'part of one', cause: error })))
  request.once('close', () => {
    clearTimeout(late)
    reject(new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a whole body', got: 'part of one' }))
  })
})

/**
 * The form that a request carries, of at most `longest` bytes; empty without a body. Throws PORTICO_MEDIA_TYPE,
 * PORTICO_BODY_TOO_LARGE, PORTICO_BAD_REQUEST or PORTICO_REQUEST_TIMEOUT.
 */
export const readForm = async (request: IncomingMessage, response: ServerResponse, longest = longestForm): Promise<URLSearchParams> => {
  const { 'content-length': length, 'transfer-encoding': encoding, 'content-type': type, expect } = request.headers
  if ((length === undefined || length === '0') && encoding === undefined) return new URLSearchParams()
  if (!isForm(type)) throw new PorticoError('PORTICO_MEDIA_TYPE', { wanted: 'application/x-www-form-urlencoded', got: type?.slice(0, 100) ?? 'none' })
  if (expect !== undefined) response.writeContinue()
  try {
    return readFields(await readBody(request, longest))
  } catch (error) {
    // what is still to come is nobody's next request
    response.shouldKeepAlive = false
    throw error
  }
}
