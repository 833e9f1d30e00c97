import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Configuration } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import type { Login } from '../login/login.ts'
import { requestId, type Clients } from '../proxy/client.ts'
import { requestHost } from '../proxy/host.ts'
import { refuse, type RefusalExtras } from '../proxy/refusal.ts'
import { isForwardable, pathOf } from '../proxy/target.ts'
import type { RequestLine } from '../telemetry/request-log.ts'
import { createUpgradeResponse } from './upgrade-response.ts'
import { writeAnswer } from './write-answer.ts'

export interface TenantDeps {
  readonly configuration: () => Configuration
  readonly clients: Clients
  readonly login: Pick<Login, 'tenant'>
  readonly requestLog: (line: RequestLine) => void
}

/** What the gateway hands requests of `login_hosts` to. */
export interface TenantHost {
  receive (request: IncomingMessage, response: ServerResponse): void
  upgrade (request: IncomingMessage, socket: Socket): void
}

const allowed = ['GET', 'HEAD']

/** Organizations' own sign-in pages (product R28): one page that keeps nothing and asks nobody, and nothing else. */
export const createTenantHost = ({ configuration, clients, login, requestLog }: TenantDeps): TenantHost => {
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    const began = performance.now()
    const { headers, url: target = '', method = '' } = request
    const client = clients.identify(request.socket.remoteAddress, headers['x-forwarded-for']?.toString())
    const id = requestId(headers['x-request-id'], client.trusted)
    const host = requestHost(request.rawHeaders) ?? ''
    const path = pathOf(target)
    const { authOrigin, loginHosts, logs } = configuration()
    const organization = loginHosts.get(host)
    response.once('close', () => {
      if (logs.requests) requestLog({ requestId: id, method, host, path, status: response.statusCode, milliseconds: performance.now() - began, client: client.address })
    })
    if (authOrigin.startsWith('https:')) response.setHeader('Strict-Transport-Security', 'max-age=31536000')

    const turnAway = (error: PorticoError, extras?: RefusalExtras): void => refuse(request, response, error, id, extras)
    if (!isForwardable(target)) return turnAway(new PorticoError('PORTICO_BAD_REQUEST', { wanted: 'a path without # and control characters' }))
    // a reload may have taken the host away since it was chosen
    if (organization === undefined || (path !== '/' && path !== '/login')) return turnAway(new PorticoError('PORTICO_NOT_FOUND'))
    if (!allowed.includes(method)) {
      return turnAway(new PorticoError('PORTICO_METHOD_NOT_ALLOWED', { wanted: allowed.join(', '), got: method }), { headers: { Allow: allowed.join(', ') } })
    }
    writeAnswer(request, response, id, login.tenant(organization, {
      method, query: new URLSearchParams(target.slice(path.length + 1)), form: new URLSearchParams(), headers, requestId: id, client: client.address, session: undefined
    }))
  }

  return {
    receive,
    // there is nothing here to speak WebSocket with
    upgrade: (request, socket) => receive(request, createUpgradeResponse(request, socket))
  }
}
