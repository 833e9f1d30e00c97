import httpProxy from '@fastify/http-proxy'
import fastify, { LogController } from 'fastify'
import { pino } from 'pino'
import type { AddressInfo } from 'node:net'
import { serveSubject } from '../subject.ts'
import { forwarded } from './forwarded.ts'

/**
 * Fastify with @fastify/http-proxy as its documentation has it, and nothing else: no session, no
 * stripping, no verified target. It adds the headers that an upstream of Portico gets. With `log` it
 * writes one line for each request, as Portico does, through the same kind of stream.
 */
const [upstream = '', log] = process.argv.slice(2)
const added: Record<string, string> = {}
for (let i = 0; i < forwarded.length; i += 2) added[forwarded[i] ?? ''] = forwarded[i + 1] ?? ''

const app = fastify({
  logger: log === 'log' ? { stream: pino.destination({ dest: 1, sync: false, minLength: 4096 }) } : false,
  logController: new LogController({ disableRequestLogging: true })
})
if (log === 'log') {
  app.addHook('onResponse', async (request, reply) => {
    request.log.info({
      method: request.method,
      host: request.host,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      duration_ms: Math.round(reply.elapsedTime * 10) / 10,
      client: request.ip
    }, 'request')
  })
}
await app.register(httpProxy, {
  upstream,
  disableRequestLogging: true,
  replyOptions: { rewriteRequestHeaders: (_request, headers) => ({ ...headers, ...added }) }
})
await app.listen({ host: '127.0.0.1', port: 0 })
const { port } = app.server.address() as AddressInfo
serveSubject({ port })
