import { createServer as createPlainServer, ServerResponse, STATUS_CODES, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Configuration } from '../config/configuration.ts'
import { definitions, PorticoError, publicText, type ErrorCode } from '../errors.ts'
import { requestId } from '../proxy/client.ts'
import { refuse } from '../proxy/refusal.ts'

export interface DoorDeps {
  readonly listen: Configuration['listen']
  readonly receive: (request: IncomingMessage, response: ServerResponse) => void
  readonly upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void
  /** Other limits than the usual ones, in milliseconds. */
  readonly limits?: Pick<ServerOptions, 'headersTimeout' | 'connectionsCheckingInterval'> & { readonly leftover?: number }
}

/** Milliseconds in which the rest of a body must come whose request was answered already: nobody waits for it (behaviours.md K12). */
const usualLeftover = 30_000

/** The one public server. */
export interface Door {
  listen (): Promise<AddressInfo>
  /** Puts another certificate in place for new connections. */
  replaceCertificate (tls: NonNullable<Configuration['listen']['tls']>): void
  /** Takes no more connections and resolves when the last one has ended, at the latest after `patience` milliseconds. */
  close (patience: number): Promise<void>
}

const usual = {
  // slow headers are not waited for (behaviours.md K12)
  headersTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
  // a gibibyte over a slow line is no attack: bodies are judged by silence, where they are read
  requestTimeout: 0,
  keepAliveTimeout: 72_000,
  maxHeaderSize: 32 * 1024,
  insecureHTTPParser: false,
  // answered by hand, in the form of all other refusals
  requireHostHeader: false,
  noDelay: true,
  // `Upgrade: h2c` and the like are an offer that may be passed over (RFC 9110 §7.8)
  shouldUpgradeCallback: (request: IncomingMessage) => request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket'
} satisfies ServerOptions

/** The server with its limits, and what is said to whoever does not speak HTTP. Routes nothing. */
export const createDoor = ({ listen, receive, upgrade, limits = {} }: DoorDeps): Door => {
  const { leftover = usualLeftover, ...times } = limits
  const options = { ...usual, ...times }
  const server: Server = listen.tls === undefined
    ? createPlainServer(options)
    : createTlsServer({ ...options, cert: listen.tls.certificate, key: listen.tls.key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] })
  const sockets = new Set<Socket>()
  server.on(listen.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const take = (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined) {
      response.once('finish', () => {
        if (!request.complete) setTimeout(() => { if (!request.complete) request.socket.destroy() }, leftover).unref()
      })
    }
    receive(request, response)
  }
  server.on('request', take)
  // Whoever forwards the body invites it; a refusal does without (K2).
  server.on('checkContinue', take)
  server.on('checkExpectation', (request, response) => {
    refuse(request, response, new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'Expect: 100-continue or none', got: 'another one' }), requestId(undefined, false), { headers: { Connection: 'close' } })
  })
  server.on('upgrade', (request, socket: Socket, head: Buffer) => {
    // Node takes its own listener off with the parser, and an error nobody listens to ends the process
    socket.on('error', () => socket.destroy())
    upgrade(request, socket, head)
  })
  server.on('connect', (_request, socket: Duplex) => dismiss(socket, 'PORTICO_METHOD_NOT_ALLOWED'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const code = error.code === 'HPE_HEADER_OVERFLOW'
      ? 'PORTICO_HEADERS_TOO_LARGE'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'PORTICO_REQUEST_TIMEOUT' : 'PORTICO_BAD_REQUEST'
    if (error.code === 'ECONNRESET' || !socket.writable || answering(socket)?.headersSent === true) socket.destroy()
    else dismiss(socket, code)
  })

  return {
    listen: () => new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(listen.port, listen.host, () => {
        server.off('error', reject)
        const address = server.address()
        if (address === null || typeof address === 'string') reject(new TypeError('the server has no address'))
        else resolve(address)
      })
    }),

    replaceCertificate: ({ certificate, key }) => {
      if (server instanceof TlsServer) server.setSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' })
    },

    close: patience => new Promise(resolve => {
      const limit = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
        resolve()
      }, patience)
      // http's own close would cut off answers that have ended and are not yet written out
      NetServer.prototype.close.call(server, () => {
        clearTimeout(limit)
        resolve()
      })
      for (const socket of sockets) retire(socket)
    })
  }
}

/** What Node is answering on this socket, if anything. It asks itself the same way. */
const answering = (socket: Duplex): ServerResponse | undefined => {
  const message: unknown = Reflect.get(socket, '_httpMessage')
  return message instanceof ServerResponse ? message : undefined
}

/** Ends a connection after what it has under way: at once when that is nothing. */
const retire = (socket: Socket) => {
  const response = answering(socket)
  if (response === undefined || response.writableFinished) {
    socket.destroySoon()
    return
  }
  response.shouldKeepAlive = false
  response.once('finish', () => socket.destroySoon())
}

/** A refusal where there is no request to speak of. */
const dismiss = (socket: Duplex, code: ErrorCode) => {
  const { status } = definitions[code]
  const { title, text } = publicText(code)
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: text, code })
  socket.end([
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Portico-Intercepted: true',
    'Connection: close',
    '',
    body
  ].join('\r\n'), () => socket.destroy())
}
