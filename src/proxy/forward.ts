import { PassThrough, type Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import type { Dispatcher } from 'undici'
import { PorticoError } from '../errors.ts'
import type { Attendance, Attended } from './attendance.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderKinds } from './header-kinds.ts'
import type { Decline } from './refusal.ts'
import { upstreamHeaders } from './request-headers.ts'
import { browserHeaders } from './response-headers.ts'
import { upstreamFailure } from './upstream-failure.ts'
import type { Upstreams } from './upstreams.ts'

/** Milliseconds of silence after which whoever should send or take a body is given up (behaviours.md K12). */
const usualPatience = 60_000

/** What an upstream's agreement to an upgrade is handed to. */
export type OnUpgrade = (rawHeaders: readonly (Buffer | string)[], upstream: Duplex) => void

export interface ForwardDeps {
  readonly upstreams: Upstreams
  readonly kinds: HeaderKinds
  /** Ends what goes on for a session that has ended. */
  readonly attendance: Attendance
  /** Answers in the upstream's stead. */
  readonly decline: Decline
  /** Another patience than the usual one, in milliseconds. */
  readonly patience?: number
}

/** Forwards an exchange with these identity headers; with `onUpgrade` it asks for a WebSocket. */
export type Forward = (exchange: Exchange, identity: readonly string[], onUpgrade?: OnUpgrade) => void

const clientLeft = new Error('the client left')
const noBody: readonly string[] = []

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0')

/** A reason phrase that Node writes; nobody needs it (RFC 9112 §4), and some upstreams translate it. */
const printable = (message: string | undefined): string => message?.replace(/[^\t\x20-\x7e]/g, '?') ?? ''

const rawOf = (raw: unknown): readonly (Buffer | string)[] => Array.isArray(raw) ? raw : noBody

/** Ends a request whose body is still on its way. */
const breakOff = (exchange: Exchange, decline: Decline, error: PorticoError): void => {
  const { response } = exchange
  exchange.cancel?.()
  response.shouldKeepAlive = false
  if (response.headersSent) response.destroy()
  else decline(exchange, error)
}

/**
 * The request's body for undici, which destroys what it is given when an upstream answers early;
 * destroying the request itself would take the client's connection, and the answer, with it.
 */
const upload = (exchange: Exchange, decline: Decline, patience: number): PassThrough => {
  const { request, response } = exchange
  const body = new PassThrough({ highWaterMark: 64 * 1024 })
  request.pipe(body)
  body.once('close', () => { if (!request.complete) request.resume() })
  request.setTimeout(patience, () => {
    // paused: it is the upstream that does not take more
    if (request.complete || request.isPaused()) return
    breakOff(exchange, decline, new PorticoError('PORTICO_REQUEST_TIMEOUT', { wanted: 'the rest of the body', got: 'silence' }))
  })
  request.once('end', () => { if (!response.writableFinished) request.setTimeout(0) })
  // no answer before this point: whoever is refused is not invited to send
  if (request.headers.expect !== undefined) response.writeContinue()
  return body
}

/**
 * The way of a request to its upstream and of the answer back, streaming, with back-pressure, in one
 * attempt (ecosystem.md F1–F7; behaviours.md K). Headers and target go over byte for byte. A client
 * that leaves ends the upstream request; an upstream that breaks off ends the client's connection, and so does
 * the end of its session, for whatever still goes on then.
 */
export const createForward = ({ upstreams, kinds, attendance, decline, patience = usualPatience }: ForwardDeps): Forward => (exchange, identity, onUpgrade) => {
  const { request, response, place: { upstream }, target } = exchange
  let controller: Dispatcher.DispatchController | undefined
  let gone = false
  let ended = false
  let held: Buffer | undefined
  let flowing = false
  let attended: Attended | undefined

  exchange.cancel = () => {
    gone = true
    if (attended !== undefined) attendance.release(attended)
    if (!ended) controller?.abort(clientLeft)
  }

  /** From here on this takes longer than most do: only then is it worth a look whether the session lives on. */
  const attend = () => {
    if (exchange.session === undefined || attended !== undefined) return
    attended = {
      session: exchange.session,
      end: () => {
        if (response.headersSent) response.destroy()
        else if (!request.complete) breakOff(exchange, decline, new PorticoError('PORTICO_SIGN_IN_REQUIRED', { wanted: 'a session that lives on', got: 'one that ended during the upload' }))
      }
    }
    attendance.hold(attended)
  }

  // Headers and a body that came in one piece leave in one piece; whatever comes later does not wait.
  const flow = () => {
    flowing = true
    if (ended || gone) return
    attend()
    if (held === undefined) response.flushHeaders()
    else send(held)
    held = undefined
  }

  const send = (chunk: Buffer) => {
    if (response.write(chunk) || controller === undefined) return
    controller.pause()
    response.setTimeout(patience)
    if (response.listenerCount('timeout') === 0) response.on('timeout', () => response.destroy())
    response.once('drain', () => {
      response.setTimeout(0)
      controller?.resume()
    })
  }

  const options = {
    path: target,
    method: request.method ?? 'GET',
    headers: upstreamHeaders(kinds, exchange, identity),
    body: hasBody(request) ? upload(exchange, decline, patience) : null,
    headersTimeout: upstream.headersTimeout,
    ...upstream.tls !== undefined && { servername: upstream.tls.serverName },
    ...onUpgrade !== undefined && { upgrade: 'websocket' }
  }

  if (options.body !== null) attend()
  upstreams.pool(upstream).dispatch(options, {
    onRequestStart (started) {
      controller = started
      if (gone) started.abort(clientLeft)
    },

    onRequestUpgrade (started, _status, _headers, socket) {
      ended = true
      if (gone) socket.destroy()
      else onUpgrade?.(rawOf(started.rawHeaders), socket)
    },

    onResponseStart (started, status, _headers, message) {
      if (status < 200) return
      try {
        response.writeHead(status, printable(message), browserHeaders(kinds, rawOf(started.rawHeaders)))
      } catch (error) {
        // thrown to undici, it would be heard by nobody: the client would wait for ever
        started.abort(error instanceof Error ? error : new Error('an answer that cannot be passed on'))
        return
      }
      queueMicrotask(flow)
    },

    onResponseData (_controller, chunk) {
      if (flowing) send(chunk)
      else if (held === undefined) held = chunk
      else {
        flow()
        send(chunk)
      }
    },

    onResponseEnd () {
      ended = true
      if (held === undefined) response.end()
      else response.end(held)
    },

    onResponseError (_controller, error) {
      // undici leaves a body alone that it never began to send
      options.body?.destroy()
      if (gone || ended) return
      ended = true
      // a short body must never look like a whole one
      if (response.headersSent) response.destroy()
      else decline(exchange, upstreamFailure(error, upstream.socketPath ?? upstream.origin))
    }
  })
}
