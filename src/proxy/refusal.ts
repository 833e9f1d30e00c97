import type { IncomingMessage, ServerResponse } from 'node:http'
import { publicText, retryAfterOf, type PorticoError } from '../errors.ts'
import { errorPage } from '../pages/error-page.ts'
import { contentSecurityPolicy } from '../pages/layout.ts'
import type { Log } from '../telemetry/log.ts'
import type { Exchange } from './exchange.ts'

/** Members of the problem beside the usual ones, and further headers. */
export interface RefusalExtras {
  readonly members?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Answers with an error: a page where HTML is asked for, else `application/problem+json` (RFC 9457),
 * both with the code and the request id and nothing else of what happened (behaviours.md K3). Never
 * cached nor framed, and X-Portico-Intercepted says that the app did not answer.
 */
export const refuse = (request: IncomingMessage, response: ServerResponse, error: PorticoError, requestId: string, extras: RefusalExtras = {}): void => {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const wantsPage = request.headers.accept?.toLowerCase().includes('text/html') === true && extras.members === undefined
  const seconds = retryAfterOf(error.code)
  // what was posted is not posted again by itself
  const refresh = seconds === undefined || request.method === 'POST' ? undefined : { seconds }
  const body = Buffer.from(wantsPage ? errorPage({ code: error.code, requestId, refresh }) : problem(error, requestId, extras.members))
  response.writeHead(error.status, {
    'Content-Type': wantsPage ? 'text/html; charset=utf-8' : 'application/problem+json',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': contentSecurityPolicy,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Portico-Intercepted': 'true',
    'X-Request-Id': requestId,
    ...seconds !== undefined && { 'Retry-After': String(seconds) },
    ...extras.headers
  })
  response.end(body)
}

const problem = (error: PorticoError, requestId: string, members: Readonly<Record<string, string>> = {}): string => {
  const { title, text } = publicText(error.code)
  return JSON.stringify({ type: 'about:blank', title, status: error.status, detail: text, code: error.code, ...members, request_id: requestId })
}

/** How a program is to show who it is (RFC 9110 §11.6.1). */
export const bearerChallenge = Object.freeze({ 'WWW-Authenticate': 'Bearer' })

/** Ends an exchange with an error, and tells the operator why, once. */
export type Decline = (exchange: Exchange, error: PorticoError) => void

/** See Decline. */
export const createDecline = (log: Log): Decline => ({ request, response, requestId, place, consumed }, error) => {
  log[error.status >= 500 ? 'warn' : 'info']({ err: error, request_id: requestId, app: place.app.id }, 'not forwarded')
  // what shows a credential is a program
  const extras = consumed === undefined ? {} : { members: {}, headers: { ...error.status === 401 && bearerChallenge, ...error.status === 429 && { 'Retry-After': '60' } } }
  refuse(request, response, error, requestId, extras)
}
