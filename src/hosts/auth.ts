import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import helmet from 'helmet'
import { METHODS, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Configuration } from '../config/configuration.ts'
import { isLoopback } from '../config/schema/addresses.ts'
import { PorticoError } from '../errors.ts'
import type { PublishedDocument, PublishedKeys } from '../identity/published-keys.ts'
import { redirect, type Answer } from '../login/answer.ts'
import { explain } from '../login/failure.ts'
import type { Login } from '../login/login.ts'
import type { Visit } from '../login/visit.ts'
import { requestId, type Client, type Clients } from '../proxy/client.ts'
import { isForwardable, pathOf } from '../proxy/target.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Log } from '../telemetry/log.ts'
import type { RequestLine } from '../telemetry/request-log.ts'
import { clientNetwork } from './client-network.ts'
import { longestSamlForm, readForm } from './form.ts'
import { createUpgradeResponse } from './upgrade-response.ts'

export interface AuthDeps {
  readonly configuration: () => Configuration
  readonly sessions: Pick<Sessions, 'find'>
  readonly clients: Clients
  readonly login: Login
  readonly keys: PublishedKeys
  readonly requestLog: (line: RequestLine) => void
  readonly log: Log
}

/** What the gateway hands requests of the auth host to. */
export interface AuthHost {
  receive (request: IncomingMessage, response: ServerResponse): void
  upgrade (request: IncomingMessage, socket: Socket): void
  close (): Promise<void>
}

/** Requests that begin or finish sign-ins, for one client address in a minute. */
const mostPerMinute = 600
/** Milliseconds by which the event loop may be late before new sign-ins wait, so that signed-in requests need not. */
const latest = 2_000

const reading = ['GET', 'HEAD']
const readingAndPosting = [...reading, 'POST']

/** What each path is for; anything else is 405. */
const methods: Readonly<Record<string, readonly string[]>> = {
  '/login': reading,
  '/login/:connection': readingAndPosting,
  '/login/:connection/callback': readingAndPosting,
  '/login/callback': readingAndPosting,
  '/login/replace': readingAndPosting,
  '/login/choose': readingAndPosting,
  '/saml/:connection/acs': ['POST'],
  '/saml/:connection/metadata': reading,
  '/test/:connection': reading,
  '/saml/:connection/slo': readingAndPosting,
  '/logout': readingAndPosting,
  '/logout/done': reading,
  '/logout/:connection/backchannel': ['POST'],
  '/logout/:connection/frontchannel': reading,
  '/account': reading,
  '/account/sign-in': reading,
  '/account/keys': ['POST'],
  '/account/keys/revoke': ['POST'],
  '/account/sessions/end': ['POST'],
  '/': reading,
  '/.well-known/jwks.json': reading
}

interface Arrival {
  readonly began: number
  readonly client: Client
  readonly id: string
}

/** The auth host (product.md, "The auth host"): routes and nothing else. */
export const createAuthHost = async (deps: AuthDeps): Promise<AuthHost> => {
  const { configuration, sessions, clients, login, keys, log } = deps
  const arrivals = new WeakMap<IncomingMessage, Arrival>()

  const arrivalOf = (request: IncomingMessage): Arrival => {
    const known = arrivals.get(request)
    if (known !== undefined) return known
    const client = clients.identify(request.socket.remoteAddress, request.headers['x-forwarded-for']?.toString())
    const arrival = { began: performance.now(), client, id: requestId(request.headers['x-request-id'], client.trusted) }
    arrivals.set(request, arrival)
    return arrival
  }

  const queryOf = ({ url = '' }: IncomingMessage): string => url.slice(pathOf(url).length + 1)

  const visitOf = async ({ raw, method }: FastifyRequest, response: ServerResponse, longest?: number): Promise<Visit> => {
    const { client, id } = arrivalOf(raw)
    const target = raw.url ?? ''
    return {
      method,
      query: new URLSearchParams(target.slice(pathOf(target).length + 1)),
      form: method === 'POST' ? await readForm(raw, response, longest) : new URLSearchParams(),
      headers: raw.headers,
      requestId: id,
      client: client.address,
      session: await sessions.find(raw.headers.cookie, configuration().authHost)
    }
  }

  const send = (reply: FastifyReply, { status, headers, cookies, body }: Answer) => {
    if (cookies.length > 0) reply.header('set-cookie', [...cookies])
    // as bytes: the framework would add a charset to types that have none
    return reply.code(status).headers(headers).send(Buffer.from(body))
  }

  const explainTo = (request: FastifyRequest, reply: FastifyReply, error: PorticoError) => {
    const { client, id } = arrivalOf(request.raw)
    if (error.status < 500) log.info({ request_id: id, code: error.code, wanted: error.wanted, got: error.got }, 'refused')
    return send(reply, explain(error, {
      method: request.method, query: new URLSearchParams(), form: new URLSearchParams(), headers: request.raw.headers, requestId: id, client: client.address, session: undefined
    }))
  }

  const step = (answer: (visit: Visit, connection: string) => Answer | Promise<Answer>, longest?: number) =>
    async (request: FastifyRequest<{ Params: { connection?: string } }>, reply: FastifyReply) =>
      await send(reply, await answer(await visitOf(request, reply.raw, longest), request.params.connection ?? ''))

  /** A redirect of SAML is signed over the octets of its query. */
  const slo = async (request: FastifyRequest<{ Params: { connection: string } }>, reply: FastifyReply) =>
    await send(reply, await login.samlLogout.receive(request.params.connection, await visitOf(request, reply.raw), queryOf(request.raw)))

  const publish = (document: () => PublishedDocument) => async (_: FastifyRequest, reply: FastifyReply) => {
    const { headers, body } = document()
    return await reply.headers(headers).send(body)
  }

  const app = fastify({
    return503OnClosing: false,
    routerOptions: { maxParamLength: 100 },
    exposeHeadRoutes: true,
    // answered in the form of all other refusals
    frameworkErrors: (error, request, reply) => { explainTo(request, reply, new PorticoError('PORTICO_NOT_FOUND', { cause: error })) }
  })
  // Forms are read by hand, with duplicates and limits in view: no parser of the framework looks at a body.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })

  // The policies of pages come with each answer; these are for whatever else is sent. Made once: @fastify/helmet does it for each request.
  const protect = helmet({
    contentSecurityPolicy: false,
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    hsts: configuration().authOrigin.startsWith('https:') ? { maxAge: 31_536_000, includeSubDomains: false } : false
  })
  app.addHook('onRequest', ({ raw }, reply, done) => { protect(raw, reply.raw, error => done(error instanceof Error ? error : undefined)) })
  await app.register(rateLimit, {
    global: false,
    max: mostPerMinute,
    timeWindow: 60_000,
    cache: 20_000,
    keyGenerator: request => clientNetwork(arrivalOf(request.raw).client.address),
    // behind a proxy that is not listed as trusted everybody would be one client
    allowList: ({ raw }) => {
      const { address } = arrivalOf(raw).client
      return isLoopback(address) || address === 'unknown'
    },
    errorResponseBuilder: (_request, { after }) => new PorticoError('PORTICO_TOO_MANY_REQUESTS', { wanted: `at most ${mostPerMinute} a minute`, got: 'more', remedy: `Wait ${after}.` })
  })
  await app.register(underPressure, { maxEventLoopDelay: latest, pressureHandler: () => { throw new PorticoError('PORTICO_OVERLOADED') } })

  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', arrivalOf(request.raw).id)
    done(isForwardable(request.raw.url ?? '') ? undefined : new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a path without # and control characters' }))
  })
  app.addHook('onResponse', ({ raw, method }, reply, done) => {
    const { began, client, id } = arrivalOf(raw)
    if (configuration().logs.requests) {
      deps.requestLog({
        requestId: id, method, host: configuration().authHost, path: raw.url ?? '', status: reply.statusCode, milliseconds: performance.now() - began, client: client.address
      })
    }
    done()
  })
  app.setErrorHandler((error, request, reply) => {
    const known = error instanceof PorticoError ? error : new PorticoError('PORTICO_INTERNAL', { cause: error })
    if (known.status >= 500) log.error({ err: known, request_id: arrivalOf(request.raw).id }, 'request failed')
    return explainTo(request, reply, known)
  })
  app.setNotFoundHandler((request, reply) => explainTo(request, reply, new PorticoError('PORTICO_NOT_FOUND')))

  const limited = { config: { rateLimit: {} } }
  app.get('/login', limited, step(visit => login.start.login(visit)))
  app.get('/login/:connection', limited, step((visit, connection) => login.start.loginWith(connection, visit)))
  app.post('/login/:connection', limited, step((visit, connection) => login.start.post(connection, visit)))
  app.get('/login/:connection/callback', limited, step((visit, connection) => login.callback.receive(connection, visit)))
  app.post('/login/:connection/callback', limited, step((visit, connection) => login.callback.post(connection, visit)))
  app.get('/login/callback', limited, step(visit => login.callback.receive(undefined, visit)))
  app.post('/login/callback', limited, step(visit => login.callback.post(undefined, visit)))
  app.post('/login/replace', limited, step(visit => login.replacement.confirm(visit)))
  app.post('/login/choose', limited, step(visit => login.entry.choose(visit)))
  app.post('/saml/:connection/acs', limited, step((visit, connection) => login.samlReturn.post(connection, visit), longestSamlForm))
  app.get('/saml/:connection/metadata', limited, step((visit, connection) => login.samlReturn.metadata(connection, visit)))
  app.get('/test/:connection', limited, step((visit, connection) => login.test.begin(connection, visit)))
  app.route<{ Params: { connection: string } }>({ url: '/saml/:connection/slo', method: ['GET', 'POST'], ...limited, handler: slo })
  app.get('/logout', step(visit => login.signOut.signOut(visit)))
  app.post('/logout', step(visit => login.signOut.signOut(visit)))
  app.get('/logout/done', step(visit => login.signOut.done(visit)))
  // a provider tells of all its people from one address
  app.post('/logout/:connection/backchannel', step((visit, connection) => login.logoutNotices.backChannel(connection, visit)))
  // the policy of its answer says who may frame it
  const framed = (_request: unknown, reply: FastifyReply, done: () => void): void => {
    reply.raw.removeHeader('x-frame-options')
    done()
  }
  app.get<{ Params: { connection: string } }>('/logout/:connection/frontchannel', { ...limited, onRequest: framed }, step((visit, connection) => login.logoutNotices.frontChannel(connection, visit)))
  app.get('/account', step(visit => login.account.view(visit)))
  app.get('/account/sign-in', limited, step(visit => login.account.signInAgain(visit)))
  app.post('/account/keys', limited, step(visit => login.accountKeys.make(visit)))
  app.post('/account/keys/revoke', limited, step(visit => login.accountKeys.revoke(visit)))
  app.post('/account/sessions/end', limited, step(visit => login.accountSessions.end(visit)))
  app.get('/', step(() => redirect(`${configuration().authOrigin}/account`, [], 303)))
  app.get('/.well-known/jwks.json', publish(keys.jwks))
  app.get('/iap/verify/public_key', publish(keys.pem))
  app.get('/iap/verify/public_key-jwk', publish(keys.jwks))
  app.get('/robots.txt', async (_, reply) => await reply.type('text/plain; charset=utf-8').send('User-agent: *\nDisallow: /\n'))
  for (const [url, allowed] of Object.entries(methods)) {
    app.route({
      url,
      method: METHODS.filter(method => !allowed.includes(method)),
      handler: (request, reply) => explainTo(request, reply.header('allow', allowed.join(', ')), new PorticoError('PORTICO_METHOD_NOT_ALLOWED', { wanted: allowed.join(', '), got: request.method }))
    })
  }
  await app.ready()

  return {
    receive: (request, response) => app.routing(request, response),

    // there is nothing here to speak WebSocket with
    upgrade: (request, socket) => {
      app.routing(request, createUpgradeResponse(request, socket))
    },

    close: () => app.close()
  }
}
