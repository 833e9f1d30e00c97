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
import { refuse } from '../proxy/refusal.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export interface OpsDeps {
  readonly configuration: () => Configuration
  readonly metrics: Metrics
  /** Throws while requests should go elsewhere. */
  readonly ready: () => Promise<void>
  readonly status: () => Promise<Status>
}

export interface OpsHost {
  listen (): Promise<AddressInfo>
  close (): Promise<void>
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * The ops listener (product.md, "The auth host", below the table): health, metrics and status, apart
 * from every public host (behaviours.md V5). It checks Host, so that no web page can be pointed at it.
 */
export const createOpsHost = async ({ configuration, metrics, ready, status }: OpsDeps): Promise<OpsHost> => {
  const { ops } = configuration()
  const explainTo = (request: FastifyRequest, reply: FastifyReply, error: PorticoError) => {
    reply.hijack()
    refuse(request.raw, reply.raw, error, requestId(undefined, false))
  }

  const app = fastify({
    forceCloseConnections: true,
    requestTimeout: 15_000,
    frameworkErrors: (error, request, reply) => { explainTo(request, reply, new PorticoError('PORTICO_NOT_FOUND', { cause: error })) }
  })
  // Nothing here reads a body: with none declared, no parser complains of one.
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
    reply.type(metrics.registry.contentType)
    return await metrics.registry.metrics()
  })

  app.get('/status', async (request, reply) => {
    if (!isLoopback(ops.host) && !hasToken(request.headers.authorization)) throw new PorticoError('PORTICO_OPS_TOKEN')
    const report = await status()
    if (request.headers.accept?.includes('text/html') !== true) return report
    reply.type('text/html; charset=utf-8').header('Content-Security-Policy', contentSecurityPolicy)
    return statusPage(report)
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
