import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { METHODS, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Configuration } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { accessTokenHeaders } from '../identity/access-token.ts'
import type { IdentityHeaders } from '../identity/headers.ts'
import type { AccessTokens } from '../login/access-tokens.ts'
import type { Refresher } from '../login/refresher.ts'
import { requestId, type Clients } from '../proxy/client.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Forward } from '../proxy/forward.ts'
import { requestHost } from '../proxy/host.ts'
import { refuse, type Decline } from '../proxy/refusal.ts'
import { isForwardable, isPublic, pathOf, readsAsOwn } from '../proxy/target.ts'
import type { Upgrade } from '../proxy/upgrade.ts'
import { isFreshFor } from '../sessions/freshness.ts'
import type { Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { RequestLine } from '../telemetry/request-log.ts'
import type { AppLogin } from './app-login.ts'
import type { Credentials } from './credentials.ts'
import { createUpgradeResponse } from './upgrade-response.ts'

export interface AppsDeps {
  readonly configuration: () => Configuration
  readonly sessions: Pick<Sessions, 'find'>
  readonly credentials: Credentials
  readonly identityHeaders: IdentityHeaders
  readonly refresher: Pick<Refresher, 'seen'>
  readonly accessTokens: AccessTokens
  readonly clients: Clients
  readonly login: AppLogin
  readonly forward: Forward
  readonly upgrade: Upgrade
  readonly decline: Decline
  readonly requestLog: (line: RequestLine) => void
  /** Seconds since the epoch. */
  readonly now: () => number
  readonly observe: (app: string, seconds: number) => void
}

/** What the gateway hands requests of app hosts to. */
export interface AppsHost {
  receive (request: IncomingMessage, response: ServerResponse): void
  upgrade (request: IncomingMessage, socket: Socket, head: Buffer): void
  close (): Promise<void>
}

const nobody: readonly string[] = []

/**
 * The app hosts (product.md, "How a request flows" 1 and 2): `/.portico/` is Portico's, everything
 * else is forwarded. Fastify routes a constant path: its router, parsers and http-proxy's own checks
 * would refuse targets, methods and content types that belong to the app.
 */
export const createAppsHost = async (deps: AppsDeps): Promise<AppsHost> => {
  const { configuration, sessions, credentials, identityHeaders, refresher, accessTokens, clients, login, forward, decline } = deps

  const open = (request: IncomingMessage, response: ServerResponse, target: string): Exchange | undefined => {
    const began = performance.now()
    const peer = request.socket.remoteAddress
    const client = clients.identify(peer, request.headers['x-forwarded-for']?.toString())
    const id = requestId(request.headers['x-request-id'], client.trusted)
    const host = requestHost(request.rawHeaders)
    if (host === undefined) return turnAway(new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'one well-formed Host' }))
    const place = configuration().places.get(host)
    if (place === undefined) return turnAway(new PorticoError('PORTICO_UNKNOWN_HOST', { wanted: 'a host of an app', got: host }))
    if (!isForwardable(target)) return turnAway(new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a path without # and control characters' }))

    const exchange: Exchange = {
      request,
      response,
      target,
      place,
      client,
      requestId: id,
      session: undefined,
      consumed: undefined,
      cancel: undefined,
      settle: status => settle(exchange, began, status)
    }
    response.once('close', () => {
      exchange.cancel?.()
      exchange.settle(response.writableFinished ? response.statusCode : 499)
    })
    return exchange

    function turnAway (error: PorticoError): undefined {
      response.once('close', () => deps.requestLog({
        requestId: id,
        method: request.method ?? '',
        host: host ?? '',
        path: pathOf(target),
        status: response.statusCode,
        milliseconds: performance.now() - began,
        client: client.address
      }))
      refuse(request, response, error, id)
      return undefined
    }
  }

  const settle = ({ request, target, place, client, requestId, session }: Exchange, began: number, status: number) => {
    const milliseconds = performance.now() - began
    deps.observe(place.app.id, milliseconds / 1000)
    if (!configuration().logs.requests) return
    deps.requestLog({
      requestId,
      method: request.method ?? '',
      host: place.host,
      path: pathOf(target),
      status,
      milliseconds,
      app: place.app.id,
      member: session?.member,
      client: client.address
    })
  }

  const fail = (exchange: Exchange, error: unknown) =>
    decline(exchange, error instanceof PorticoError ? error : new PorticoError('PORTICO_INTERNAL', { cause: error }))

  const run = (exchange: Exchange, step: (exchange: Exchange) => void | Promise<void>) => {
    try {
      step(exchange)?.catch((error: unknown) => fail(exchange, error))
    } catch (error) {
      fail(exchange, error)
    }
  }

  type Next = (session: Session | undefined) => void | Promise<void>

  /** Goes on with who is signed in: at once where the session is known, which is nearly always. */
  const recognise = (exchange: Exchange, next: Next) => {
    const found = sessions.find(exchange.request.headers.cookie, exchange.place.host)
    return found instanceof Promise ? found.then(next) : next(found)
  }

  /** A key or token decides alone; the cookie only where there is none (behaviours.md G10). */
  const identify = (exchange: Exchange, next: Next) => {
    const shown = credentials.identify(exchange)
    if (shown === undefined) return recognise(exchange, next)
    return shown instanceof Promise ? shown.then(next) : next(shown)
  }

  /** A key or token speaks for itself: nobody is asked to authenticate anew, and nothing is known of their provider's. */
  const isByProgram = ({ consumed }: Exchange): boolean => (consumed?.size ?? 0) > 0

  const isFresh = (exchange: Exchange, session: Session): boolean =>
    isByProgram(exchange) || isFreshFor(exchange.place.app, session, deps.now())

  /** Goes on with the headers that tell the app who is there: at once where they are known, which is nearly always. */
  const introduce = (exchange: Exchange, session: Session, next: (headers: readonly string[]) => void): void | Promise<void> => {
    const { place: { app }, place } = exchange
    const identity = identityHeaders.for(session, place)
    if (isByProgram(exchange)) return next(identity)
    refresher.seen(session)
    if (app.forwardAccessToken === false) return next(identity)
    const go = (token: string | undefined): void => next(token === undefined ? identity : [...identity, ...accessTokenHeaders(app, token)])
    const token = accessTokens.of(session)
    return token instanceof Promise ? token.then(go) : go(token)
  }

  const pass = (exchange: Exchange) => identify(exchange, session => {
    exchange.session = session
    if (session !== undefined && isFresh(exchange, session)) return introduce(exchange, session, headers => forward(exchange, headers))
    if (!isOpen(exchange)) return login.challenge(exchange)
    exchange.session = undefined
    return forward(exchange, nobody)
  })

  const unknown = () => { throw new PorticoError('PORTICO_NOT_FOUND') }

  const app = fastify({
    rewriteUrl: () => '/',
    genReqId: () => '',
    // the gateway ends connections itself; Fastify's server never listens
    return503OnClosing: false
  })
  // A body is the upstream's: with none declared, no parser looks at any content type.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  await app.register(httpProxy, {
    upstream: 'http://upstream.invalid',
    httpMethods: METHODS,
    handler: (request, reply) => {
      reply.hijack()
      const exchange = open(request.raw, reply.raw, request.originalUrl)
      if (exchange !== undefined) run(exchange, stepFor(exchange.target))
    }
  })
  await app.ready()

  const stepFor = (target: string) => {
    const own = login.steps[pathOf(target)]
    if (own === undefined) return readsAsOwn(target) ? unknown : pass
    return (exchange: Exchange) => recognise(exchange, session => {
      exchange.session = session
      return own(exchange)
    })
  }

  return {
    receive: (request, response) => app.routing(request, response),

    upgrade: (request, socket, head) => {
      const response = createUpgradeResponse(request, socket)
      const exchange = open(request, response, request.url ?? '')
      if (exchange === undefined) return
      run(exchange, () => readsAsOwn(exchange.target)
        ? unknown()
        : identify(exchange, session => {
          exchange.session = session
          if (session === undefined || !isFresh(exchange, session)) login.turnAway(exchange)
          else return introduce(exchange, session, headers => deps.upgrade(exchange, session, headers, socket, head))
        }))
    },

    close: () => app.close()
  }
}

/** Whether nobody needs to be signed in for it (behaviours.md B, A5). */
const isOpen = ({ request: { method = '', headers }, place: { app }, target }: Exchange): boolean =>
  isPublic(app, method, target) ||
  (app.preflight === 'pass' && method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined)
