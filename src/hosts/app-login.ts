import type { IncomingMessage, ServerResponse } from 'node:http'
import { PorticoError } from '../errors.ts'
import type { Answer } from '../login/answer.ts'
import { isNavigation } from '../login/navigation.ts'
import type { Login } from '../login/login.ts'
import type { Visit } from '../login/visit.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { refuse } from '../proxy/refusal.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Configuration } from '../config/configuration.ts'
import { readForm } from './form.ts'

export interface AppLoginDeps {
  readonly configuration: () => Configuration
  readonly sessions: Pick<Sessions, 'find'>
  readonly login: Login
}

/** The steps of sign-in that happen on app hosts; each answers the exchange's response itself. */
export interface AppLogin {
  /** Nobody is signed in: to the auth host, or 401. */
  challenge (exchange: Exchange): void | Promise<void>
  /** `/.portico/begin`, `/.portico/ticket`, `/.portico/logout`. */
  begin (exchange: Exchange): void | Promise<void>
  redeem (exchange: Exchange): void | Promise<void>
  signOut (exchange: Exchange): void | Promise<void>
}

const nothing = new URLSearchParams()

const queryOf = (target: string): URLSearchParams => {
  const query = target.indexOf('?')
  return query === -1 ? nothing : new URLSearchParams(target.slice(query + 1))
}

/** The steps of sign-in on app hosts, between raw requests and the plain data that the steps work with. */
export const createAppLogin = ({ configuration, sessions, login }: AppLoginDeps): AppLogin => {
  const visitOf = async ({ request, target, place, client, requestId }: Exchange): Promise<Visit> => ({
    method: request.method ?? 'GET',
    query: queryOf(target),
    form: request.method === 'POST' ? await readForm(request) : nothing,
    headers: request.headers,
    requestId,
    client: client.address,
    session: await sessions.find(request.headers.cookie, place.host)
  })

  const step = (methods: readonly string[], answer: (exchange: Exchange, visit: Visit) => Answer | Promise<Answer>) => async (exchange: Exchange) => {
    const { request, response, requestId } = exchange
    if (!methods.includes(request.method ?? '')) {
      refuse(request, response, new PorticoError('PORTICO_METHOD_NOT_ALLOWED', { wanted: methods.join(', '), got: request.method }), requestId, { headers: { Allow: methods.join(', ') } })
      return
    }
    const visit = await visitOf(exchange)
    exchange.session = visit.session
    write(request, response, requestId, await answer(exchange, visit))
  }

  return {
    challenge: exchange => {
      const { request, response, target, place, client, requestId } = exchange
      if (isNavigation(request)) {
        write(request, response, requestId, login.begins.challenge(place, target, {
          method: request.method ?? 'GET', query: nothing, form: nothing, headers: request.headers, requestId, client: client.address, session: undefined
        }))
        return
      }
      refuse(request, response, new PorticoError('PORTICO_SIGN_IN_REQUIRED'), requestId, {
        members: { login_url: `${configuration().authOrigin}/login?${new URLSearchParams({ app: place.app.id, ...place.region !== undefined && { region: place.region } })}` }
      })
    },
    begin: step(['GET', 'HEAD'], ({ place }, visit) => login.begins.begin(place, visit)),
    redeem: step(['GET', 'HEAD', 'POST'], ({ place }, visit) => login.redeem(place, visit)),
    signOut: step(['GET', 'HEAD', 'POST'], ({ place }, visit) => login.signOut.signOutOfApp(place, visit))
  }
}

const write = (request: IncomingMessage, response: ServerResponse, requestId: string, { status, headers, cookies, body }: Answer) => {
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    ...headers,
    ...cookies.length > 0 && { 'set-cookie': [...cookies] },
    'content-length': bytes.length,
    'x-portico-intercepted': 'true',
    'x-request-id': requestId
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}
