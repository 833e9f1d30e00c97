import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { createHash, timingSafeEqual } from 'node:crypto'
import { METHODS } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Configuration } from '../config/configuration.ts'
import { isLoopback } from '../config/schema/addresses.ts'
import { PorticoError } from '../errors.ts'
import { requestId } from '../proxy/client.ts'
import { contentSecurityPolicy } from '../pages/layout.ts'
import { statusPage, type Status } from '../pages/status-page.ts'
import { requestHost } from '../proxy/host.ts'
import { bearerChallenge, refuse } from '../proxy/refusal.ts'
import { chosenBy, readSelection, type Chosen } from '../sessions/selection.ts'
import type { AuditedRequest } from '../telemetry/audit.ts'
import { readBody } from './form.ts'

export interface OpsDeps {
  readonly configuration: () => Configuration
  /** Prometheus text. */
  readonly metrics: () => Promise<string>
  /** Throws while requests should go elsewhere. */
  readonly ready: () => Promise<void>
  readonly status: () => Promise<Status>
  /** Ends sessions. Throws PORTICO_STORE_UNAVAILABLE while only this process knows of it. */
  readonly revoke: (chosen: Chosen, request: AuditedRequest) => Promise<void>
}

/** Of the text format of Prometheus. */
const metricsType = 'text/plain; version=0.0.4; charset=utf-8'
/** Bytes of what says whose sessions are to end. */
const longestSelection = 8 * 1024

export interface OpsHost {
  listen (): Promise<AddressInfo>
  close (): Promise<void>
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * The ops listener (product.md, "The auth host", below the table): health, metrics and status, apart
 * from every public host (behaviours.md V5). It checks Host, so that no web page can be pointed at it.
 */
export const createOpsHost = async ({ configuration, metrics, ready, status, revoke }: OpsDeps): Promise<OpsHost> => {
  const { ops } = configuration()
  const explainTo = (request: FastifyRequest, reply: FastifyReply, error: PorticoError) => {
    reply.hijack()
    refuse(request.raw, reply.raw, error, requestId(undefined, false), error.code === 'PORTICO_OPS_TOKEN' ? { headers: bearerChallenge } : {})
  }

  const app = fastify({
    forceCloseConnections: true,
    requestTimeout: 15_000,
    frameworkErrors: (error, request, reply) => { explainTo(request, reply, new PorticoError('PORTICO_NOT_FOUND', { cause: error })) }
  })
  // No parser complains of a body with none declared; what is sent with a revocation is read by hand.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })

  const isKnown = (host: string): boolean =>
    isLoopback(host) || host === ops.host || configuration().ops.allowedHosts.has(host)

  /** The token is compared in constant time, by digests of equal length. */
  const hasToken = (authorization: string | undefined): boolean => {
    const { token } = configuration().ops
    const given = /^bearer (.+)$/i.exec(authorization ?? '')?.[1]
    return token !== undefined && given !== undefined && timingSafeEqual(digest(given), digest(token))
  }

  app.setErrorHandler((error, request, reply) => {
    explainTo(request, reply, error instanceof PorticoError ? error : new PorticoError('PORTICO_INTERNAL', { cause: error }))
  })
  app.setNotFoundHandler(request => {
    throw new PorticoError(request.method === 'GET' || request.method === 'HEAD' ? 'PORTICO_NOT_FOUND' : 'PORTICO_METHOD_NOT_ALLOWED')
  })
  app.addHook('onRequest', async (request, reply) => {
    const host = requestHost(request.raw.rawHeaders)
    if (host === undefined || !isKnown(host)) throw new PorticoError('PORTICO_UNKNOWN_HOST', { wanted: 'a name of the ops listener', got: host })
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
  })

  app.get('/livez', async () => ({ status: 'ok' }))

  app.get('/readyz', async (_request, reply) => {
    try {
      await ready()
      return { status: 'ok' }
    } catch (error) {
      reply.code(503)
      return { status: 'unavailable', code: error instanceof PorticoError ? error.code : 'PORTICO_INTERNAL' }
    }
  })

  app.get('/metrics', async (_request, reply) => {
    reply.type(metricsType)
    return await metrics()
  })

  app.get('/status', async (request, reply) => {
    if (!isLoopback(ops.host) && !hasToken(request.headers.authorization)) throw new PorticoError('PORTICO_OPS_TOKEN')
    const report = await status()
    if (request.headers.accept?.includes('text/html') !== true) return report
    reply.type('text/html; charset=utf-8').header('Content-Security-Policy', contentSecurityPolicy)
    return statusPage(report)
  })

  app.post('/sessions/revoke', async (request, reply) => {
    if (!hasToken(request.headers.authorization)) throw new PorticoError('PORTICO_OPS_TOKEN')
    const id = requestId(undefined, false)
    try {
      const chosen = chosenBy(readSelection(String(await readBody(request.raw, longestSelection)), configuration()))
      await revoke(chosen, { requestId: id, client: request.socket.remoteAddress ?? '' })
      return { revoked: chosen, request_id: id }
    } catch (error) {
      if (!(error instanceof PorticoError)) throw error
      // whoever has the token may know what is wrong
      const { code, status, wanted, got, remedy } = error
      reply.code(status).header('Connection', 'close')
      return { code, wanted, got, remedy, request_id: id }
    }
  })

  return {
    listen: async () => {
      await app.listen({ host: ops.host, port: ops.port })
      const address = app.server.address()
      if (address === null || typeof address === 'string') throw new TypeError('the ops listener has no address')
      return address
    },
    close: () => app.close()
  }
}
