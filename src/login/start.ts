import { initiateLoginUriOf } from '../config/links.ts'
import { parseEmail } from '../config/schema/email.ts'
import { successorOf } from '../config/standing.ts'
import { PorticoError } from '../errors.ts'
import { emailPage } from '../pages/email-page.ts'
import { page, redirect, wantsHtml, type Answer } from './answer.ts'
import { circling, isCircling, readAttempt } from './attempt.ts'
import type { Authorize } from './authorize.ts'
import type { LoginDeps } from './deps.ts'
import type { Refusal } from './failure.ts'
import { connectionForEmail, findConnection, hintOf } from './find-connection.ts'
import type { HandOff } from './hand-off.ts'
import { initiation } from './initiation.ts'
import { readRelayState } from './relay-state.ts'
import type { Wanted } from './sealed.ts'
import { isServed } from './step-up.ts'
import { only, type Visit } from './visit.ts'
import { destinationOf, readWanted, startAgainLink } from './wanted.ts'

/** Parameters of a link that go on with the e-mail form. */
const kept = ['request', 'app', 'region', 'return_to', 'target_link_uri', 'round', 'prompt']

export interface StartSteps {
  /** `GET /login` */
  login (visit: Visit): Promise<Answer>
  /** `GET /login/{connection}` */
  loginWith (connection: string, visit: Visit): Promise<Answer>
  /** `POST /login/{connection}`: a third-party-initiated sign-in by a form (OpenID Connect Core §4), sent on as a GET, since no `Lax` cookie comes with it. */
  post (connection: string, visit: Visit): Answer
}

/** What the operator may read of a typed e-mail: people type passwords into the wrong field. */
const emailIn = (text: string): string => parseEmail(text.trim())?.email ?? 'no e-mail address'

/** `select_account` for "use another account", `login` for a fresh sign-in; no link decides more than that (behaviours.md F17). */
const promptOf = ({ query }: Visit): string | undefined => ['select_account', 'login'].find(prompt => only(query, 'prompt') === prompt)

/** Where sign-in starts at the auth host (flow 3). */
export const createStart = (deps: LoginDeps, steps: { readonly authorize: Authorize, readonly handOff: HandOff, readonly refuse: Refusal }): StartSteps => {
  const { configuration, sealer, connectors, now } = deps
  const { authorize, handOff, refuse } = steps

  /** Where an app takes everybody who has no connection: unknown, testing and disabled alike (product R18; behaviours.md H8). */
  const appLogin = (wanted: Wanted | undefined): Answer | undefined => {
    const destination = destinationOf(configuration(), wanted)
    const login = destination?.place.app.appLogin
    if (destination === undefined || login === undefined) return undefined
    const url = new URL(login)
    url.searchParams.set('return_to', destination.page)
    return redirect(url.href, [], 303)
  }

  const ask = (visit: Visit, wanted: Wanted | undefined, email: string, isRefused: boolean): Answer => {
    if (isRefused) {
      const elsewhere = wantsHtml(visit.headers.accept) ? appLogin(wanted) : undefined
      if (elsewhere !== undefined) return elsewhere
      const refusal = refuse(new PorticoError('PORTICO_NO_CONNECTION', { wanted: 'an e-mail of a domain with an active connection', got: emailIn(email) }), visit, {
        app: wanted?.app, startAgain: startAgainLink(configuration(), wanted)
      })
      if (!wantsHtml(visit.headers.accept) && visit.headers.accept?.includes('json') === true) return refusal
    }
    return page(isRefused ? 422 : 200, emailPage({
      email: email.slice(0, 320),
      kept: new Map(kept.flatMap(name => {
        const value = only(visit.query, name)
        return value === undefined ? [] : [[name, value] as const]
      })),
      appName: wanted === undefined ? undefined : configuration().apps.get(wanted.app)?.name,
      isRefused,
      requestId: visit.requestId
    }))
  }

  const wantedBy = (visit: Visit): Wanted | undefined => readWanted(configuration(), sealer(), visit.query, now())

  /** Where the attempt was to lead that a refused SAML response answered: `attempt` is its RelayState, and this browser holds the rest. */
  const wantedBefore = (connection: string, visit: Visit): Wanted | undefined => {
    const relay = readRelayState(configuration().keys, connection, only(visit.query, 'attempt'), now())
    return relay === undefined ? undefined : readAttempt(sealer(), relay.id, visit, now())?.wanted
  }

  /** The person has said, or a link says, that it is for somebody else than who is signed in. */
  const isForAnother = (visit: Visit): boolean => {
    if (visit.query.has('email')) {
      const email = only(visit.query, 'email')
      return email === undefined || connectionForEmail(configuration(), email, now())?.email !== visit.session?.email
    }
    // a hint may be anything: one that leads nowhere is no reason to ask
    const hinted = connectionForEmail(configuration(), hintOf(visit) ?? '', now())
    return hinted !== undefined && hinted.email !== visit.session?.email
  }

  return {
    login: async visit => {
      const wanted = wantedBy(visit)
      const app = only(visit.query, 'app')
      if (app !== undefined && !configuration().apps.has(app)) {
        return refuse(new PorticoError('PORTICO_NOT_FOUND', { wanted: 'an app of the configuration', got: app.slice(0, 64) }), visit, {
          startAgain: startAgainLink(configuration(), undefined)
        })
      }
      if (visit.session !== undefined && !isForAnother(visit)) return await handOff(visit.session, wanted, visit)
      const found = findConnection(configuration(), sealer(), wanted, visit, now())
      return found.kind === 'connection'
        ? await authorize(found.connection, wanted, visit, { loginHint: found.loginHint, prompt: promptOf(visit) })
        : ask(visit, wanted, found.email, found.kind === 'refused')
    },

    loginWith: async (id, visit) => {
      const wanted = wantedBy(visit) ?? wantedBefore(id, visit)
      const named = configuration().connections.get(id)
      // links outlive what they name: one that was replaced goes on at the one that took over
      const connection = named === undefined ? undefined : successorOf(configuration(), named, now())
      // one that is not active is not told apart from one that does not exist (H8, N9)
      if (connection === undefined) return ask(visit, wanted, '', true)
      const iss = visit.query.getAll('iss')
      if (iss.length > 0 && (iss.length > 1 || !connectors.isIssuer(connection, iss[0] ?? ''))) {
        return refuse(new PorticoError('PORTICO_RESPONSE_ISSUER', {
          wanted: connectors.issuer(connection), got: iss.join(', ').slice(0, 200), connection: connection.id
        }), visit, { startAgain: startAgainLink(configuration(), wanted) })
      }
      const isCircle = visit.query.has('restart') && isCircling(sealer(), connection.id, visit, now())
      if (visit.session?.connection === connection.id && !isForAnother(visit) && !(isCircle && !isServed(configuration(), visit.session, wanted, now()))) {
        return await handOff(visit.session, wanted, visit)
      }
      if (isCircle) return refuse(circling(connection.id), visit, { connection: connection.id, startAgain: startAgainLink(configuration(), wanted) })
      return await authorize(connection, wanted, visit, { loginHint: hintOf(visit) ?? parseEmail(only(visit.query, 'email') ?? '')?.email, prompt: promptOf(visit) })
    },

    post: (id, visit) => redirect(`${initiateLoginUriOf(configuration().authOrigin, encodeURIComponent(id))}?${initiation(visit)}`, [], 303)
  }
}
