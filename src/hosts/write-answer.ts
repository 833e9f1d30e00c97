import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from '../login/answer.ts'

/** Writes what a step of sign-in answers as the response to a raw request. */
export const writeAnswer = (request: IncomingMessage, response: ServerResponse, requestId: string, { status, headers, cookies, body }: Answer): void => {
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    ...headers,
    ...cookies.length > 0 && { 'set-cookie': [...cookies] },
    'content-length': bytes.length,
    'x-portico-intercepted': 'true',
    'x-request-id': requestId
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}
