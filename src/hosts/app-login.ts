import { PorticoError } from '../errors.ts'
import type { Answer } from '../login/answer.ts'
import { isNavigation } from '../login/navigation.ts'
import type { Login } from '../login/login.ts'
import type { Visit } from '../login/visit.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { bearerChallenge, refuse } from '../proxy/refusal.ts'
import type { Configuration } from '../config/configuration.ts'
import { readForm } from './form.ts'
import { writeAnswer } from './write-answer.ts'

export interface AppLoginDeps {
  readonly configuration: () => Configuration
  readonly login: Login
}

type Step = (exchange: Exchange) => void | Promise<void>

/** The steps of sign-in that happen on app hosts; each answers the exchange's response itself. */
export interface AppLogin {
  /** Nobody is signed in, or not lately enough: to the auth host where a person opens a page, else as `turnAway`. */
  readonly challenge: Step
  /** 401, and where to sign in. */
  readonly turnAway: Step
  /** By path; `exchange.session` is known already. */
  readonly steps: Readonly<Record<string, Step>>
}

const nothing = new URLSearchParams()

const queryOf = (target: string): URLSearchParams => {
  const query = target.indexOf('?')
  return query === -1 ? nothing : new URLSearchParams(target.slice(query + 1))
}

/** The steps of sign-in on app hosts, between raw requests and the plain data that the steps work with. */
export const createAppLogin = ({ configuration, login }: AppLoginDeps): AppLogin => {
  const visitOf = async ({ request, response, target, client, requestId, session }: Exchange): Promise<Visit> => ({
    method: request.method ?? 'GET',
    query: queryOf(target),
    form: request.method === 'POST' ? await readForm(request, response) : nothing,
    headers: request.headers,
    requestId,
    client: client.address,
    session
  })

  const step = (methods: readonly string[], answer: (exchange: Exchange, visit: Visit) => Answer | Promise<Answer>): Step => async exchange => {
    const { request, response, requestId } = exchange
    if (!methods.includes(request.method ?? '')) {
      refuse(request, response, new PorticoError('PORTICO_METHOD_NOT_ALLOWED', { wanted: methods.join(', '), got: request.method }), requestId, { headers: { Allow: methods.join(', ') } })
      return
    }
    writeAnswer(request, response, requestId, await answer(exchange, await visitOf(exchange)))
  }

  const turnAway: Step = ({ request, response, place: { app, region }, requestId, consumed, session }) => {
    const query = new URLSearchParams({ app: app.id, ...region !== undefined && { region } })
    refuse(request, response, new PorticoError(session === undefined ? 'PORTICO_SIGN_IN_REQUIRED' : 'PORTICO_STEP_UP_REQUIRED'), requestId, {
      members: { login_url: `${configuration().authOrigin}/login?${query}` },
      ...consumed !== undefined && { headers: bearerChallenge }
    })
  }

  return {
    turnAway,

    challenge: exchange => {
      const { request, response, target, place, client, requestId } = exchange
      if (exchange.consumed !== undefined || !isNavigation(request)) return turnAway(exchange)
      const { method = 'GET', headers } = request
      writeAnswer(request, response, requestId, login.begins.challenge(place, target, {
        method, query: nothing, form: nothing, headers, requestId, client: client.address, session: undefined
      }))
    },

    steps: {
      '/.portico/begin': step(['GET', 'HEAD'], ({ place }, visit) => login.begins.begin(place, visit)),
      '/.portico/ticket': step(['GET', 'HEAD', 'POST'], ({ place }, visit) => login.redeem(place, visit)),
      '/.portico/logout': step(['GET', 'HEAD', 'POST'], ({ place }, visit) => login.signOut.signOutOfApp(place, visit))
    }
  }
}
