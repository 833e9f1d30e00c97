import type { Socket } from 'node:net'
import { PorticoError } from '../errors.ts'
import type { Session } from '../sessions/session.ts'
import type { Exchange } from './exchange.ts'
import type { Forward } from './forward.ts'
import type { HeaderKinds } from './header-kinds.ts'
import type { Decline } from './refusal.ts'
import { browserHeaders } from './response-headers.ts'
import type { Tunnels } from './tunnels.ts'

/** Bytes that are kept of a client that talks before its WebSocket stands. */
const earlyLimit = 64 * 1024

export interface UpgradeDeps {
  readonly forward: Forward
  readonly tunnels: Tunnels
  readonly kinds: HeaderKinds
  readonly decline: Decline
}

/** Opens a WebSocket for somebody who is signed in; `head` is what came behind the request. */
export type Upgrade = (exchange: Exchange, session: Session, identity: readonly string[], socket: Socket, head: Buffer) => void

/**
 * WebSockets (ecosystem.md F8; behaviours.md K5): from pages of the app or of `websocket_origins`
 * only. Every browser sends Origin with a handshake (RFC 6455 §4.1, 8), so a request without one
 * comes from a program that was given the cookie, and no page can make it; nor can a page send an API key
 * or a token with one. 101 goes out only after
 * the upstream's, with the upstream's headers; any other answer is passed on as it is.
 */
export const createUpgrade = ({ forward, tunnels, kinds, decline }: UpgradeDeps): Upgrade => (exchange, session, identity, socket, head) => {
  const { request, response, place } = exchange
  const { origin, 'content-length': length, 'transfer-encoding': encoding } = request.headers

  const isByBrowser = exchange.consumed === undefined || exchange.consumed.size === 0
  if (isByBrowser && origin !== undefined && origin !== place.origin && !place.app.websocketOrigins.has(origin)) {
    decline(exchange, new PorticoError('PORTICO_WEBSOCKET_ORIGIN', { wanted: place.origin, got: origin }))
    return
  }
  if (encoding !== undefined || (length !== undefined && length !== '0')) {
    decline(exchange, new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a handshake without a body', got: 'a body' }))
    return
  }

  // Read while waiting, or a client that leaves would not be noticed.
  const early: Buffer[] = head.length === 0 ? [] : [head]
  let bytes = head.length
  const keep = (chunk: Buffer) => {
    early.push(chunk)
    bytes += chunk.length
    if (bytes > earlyLimit) socket.pause()
  }
  const leave = () => socket.destroy()
  socket.on('data', keep).once('end', leave)

  forward(exchange, identity, (rawHeaders, upstream) => {
    const protocol = browserHeaders(kinds, rawHeaders)
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket']
    for (let i = 0; i < protocol.length; i += 2) lines.push(`${protocol[i]}: ${protocol[i + 1]}`)
    socket.pause()
    socket.off('data', keep).off('end', leave)
    if (early.length > 0) socket.unshift(Buffer.concat(early))
    // the answer goes out raw, and the socket's end is no longer this response's
    response.detachSocket(socket)
    exchange.settle(101)
    socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    tunnels.open(session, socket, upstream)
  })
  response.once('finish', () => socket.off('data', keep).resume())
}
