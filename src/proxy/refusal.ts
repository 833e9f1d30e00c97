import type { IncomingMessage, ServerResponse } from 'node:http'
import { publicText, type ErrorCode, type PorticoError } from '../errors.ts'

/** A page that Portico shows in an app's stead, and the policy that lets it be shown. */
export interface RefusalPage {
  readonly html: string
  readonly contentSecurityPolicy: string
}

export interface RefusalDeps {
  readonly page: (code: ErrorCode, status: number, requestId: string) => RefusalPage
}

/** Members of the problem beside the usual ones, and further headers. */
export interface RefusalExtras {
  readonly members?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Answers with an error: a page where HTML is asked for, else `application/problem+json` (RFC 9457),
 * both with the code and the request id and nothing else of what happened (behaviours.md K3).
 */
export type Refuse = (request: IncomingMessage, response: ServerResponse, error: PorticoError, requestId: string, extras?: RefusalExtras) => void

/** See Refuse. Never caches, never frames, and says by X-Portico-Intercepted that the app did not answer. */
export const createRefusal = ({ page }: RefusalDeps): Refuse => (request, response, error, requestId, extras = {}) => {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const wantsPage = request.headers.accept?.toLowerCase().includes('text/html') === true && extras.members === undefined
  const rendered = wantsPage ? page(error.code, error.status, requestId) : undefined
  const body = Buffer.from(rendered?.html ?? problem(error, requestId, extras.members))
  response.writeHead(error.status, {
    'Content-Type': rendered === undefined ? 'application/problem+json' : 'text/html; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': rendered?.contentSecurityPolicy ?? "default-src 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Portico-Intercepted': 'true',
    'X-Request-Id': requestId,
    ...extras.headers
  })
  response.end(body)
}

const problem = (error: PorticoError, requestId: string, members: Readonly<Record<string, string>> = {}): string => {
  const { title, text } = publicText(error.code)
  return JSON.stringify({ type: 'about:blank', title, status: error.status, detail: text, code: error.code, ...members, request_id: requestId })
}
