import { z } from 'zod'
import type { Connection } from '../config/configuration.ts'
import { redirectUriOf, samlAddressesOf } from '../config/links.ts'
import type { Identity } from '../connections/connector.ts'
import type { Received } from '../connections/saml/received.ts'
import type { Trace } from '../connections/trace.ts'
import { PorticoError } from '../errors.ts'
import { redirect, type Answer } from './answer.ts'
import { readAttempt } from './attempt.ts'
import type { LoginDeps } from './deps.ts'
import { isHandle, type KeptResponses } from './kept-responses.ts'
import { readRelayState } from './relay-state.ts'
import { attemptLifetime, isFresh, openSealed, postedSchema, stateSchema, wantedSchema, type Attempt, type State, type Wanted } from './sealed.ts'
import { only, type Visit } from './visit.ts'

/** Parameters of an authorization response that may be there once (RFC 6749 §3.1; behaviours.md O10, F19). */
const protocolParameters = ['code', 'state', 'iss', 'error', 'error_description', 'session_state', 'response']
/** Seconds between a POST and the GET that it is answered with. */
const postedLifetime = 60
/** Characters of a response that came by POST: it goes on in an address. */
const longestPosted = 6_000

/** What the store remembers of an attempt that was used: where it was to lead. */
const usedSchema = z.object({ wanted: wantedSchema.optional() })

/** Where a return arrived: the id of the connection whose own redirect URI it is; undefined at the shared one. */
export type Arrival = string | undefined

/** A return whose attempt this browser holds, at the address that the attempt returns to. */
export interface Held {
  readonly kind: 'held'
  readonly state: State
  readonly attempt: Attempt
  readonly parameters: URLSearchParams
  /** As the provider gave it back. */
  readonly given: string
}

/** What a return is, before anybody is asked about it. `state` is undefined where it is none of ours. */
export type Returned = Held |
  { readonly kind: 'lost', readonly state: State | undefined, readonly why: string } |
  { readonly kind: 'refused', readonly state: State | undefined, readonly error: PorticoError } |
  /** Of SAML: what a provider sent that nobody here had asked for, perhaps, by this handle. */
  { readonly kind: 'unsolicited', readonly state: undefined, readonly handle: string }

export interface Returning {
  /** Reads a return and finds its attempt (product.md, flow 4). Asks nobody, and spends nothing. */
  read (arrival: Arrival, visit: Visit): Returned
  /** Marks the attempt as used; tells whether it was not before (F3). Throws PORTICO_STORE_UNAVAILABLE. */
  use (attempt: Attempt): Promise<boolean>
  /** Where a sign-in was to lead whose return comes again; undefined where nobody knows. Never rejects. */
  wantedOf (state: State | undefined): Promise<Wanted | undefined>
  /** Validates the response and maps it to an identity. Throws the refusal. */
  authenticate (connection: Connection, held: Held, trace?: Trace): Promise<Identity>
  /** A return that came by POST goes on as a GET, since no `Lax` cookie comes with it. Throws PORTICO_RESPONSE_INVALID. */
  forward (arrival: Arrival, visit: Visit): Answer
}

/** The address that answers are for. */
export const returnAddressOf = (authOrigin: string, connection: Pick<Connection, 'id' | 'callback' | 'connector'>): string =>
  connection.connector === 'saml' ? samlAddressesOf(authOrigin, connection.id).acs : redirectUriOf(authOrigin, connection)

const nameOf = (arrival: Arrival): string => arrival === undefined ? 'the shared callback' : `the callback of ${arrival}`

/** The return from an identity provider, the same for sign-ins and for tests of them. */
export const createReturning = ({ configuration, sealer, store, connectors, now }: Pick<LoginDeps, 'configuration' | 'sealer' | 'store' | 'connectors' | 'now'>, { kept }: { readonly kept: KeptResponses }): Returning => {
  /** What was judged when it came by POST; shows its checks to `trace`. Throws the refusal that it was. */
  const received = async (connection: Connection, { attempt, parameters }: Held, trace: Trace | undefined): Promise<Received> => {
    const handle = only(parameters, 'response')
    const response = isHandle(handle) ? await kept.take(handle) : undefined
    if (response === undefined || response.kind === 'unsolicited' || response.connection !== connection.id || response.attempt !== attempt.id) {
      throw new PorticoError('PORTICO_ATTEMPT_LOST', { wanted: 'a response of this attempt that came within the last minute', got: 'none', connection: connection.id })
    }
    for (const check of response.checks) trace?.check(check)
    if (response.kind === 'answer') return response.received
    const { code, wanted, got, remedy } = response
    throw new PorticoError(code, { wanted, got, remedy, connection: connection.id })
  }

  return {
    read: (arrival, visit) => {
      const posted = openSealed(sealer(), 'handle', postedSchema, only(visit.query, 'response'))
      const parameters = posted === undefined ? visit.query : new URLSearchParams(posted.parameters)
      const given = only(parameters, 'state') ?? ''
      const state: State | undefined = openSealed(sealer(), 'state', stateSchema, given) ??
        (arrival === undefined ? undefined : readRelayState(configuration().keys, arrival, given, now()))

      const repeated = protocolParameters.find(name => parameters.getAll(name).length > 1)
      if (repeated !== undefined) {
        return { kind: 'refused', state, error: new PorticoError('PORTICO_RESPONSE_INVALID', { wanted: `${repeated} at most once`, got: 'it more than once', connection: state?.connection ?? arrival }) }
      }
      if (state === undefined) {
        const handle = only(parameters, 'response')
        return given === '' && isHandle(handle) ? { kind: 'unsolicited', state, handle } : { kind: 'lost', state, why: 'no state of ours' }
      }
      if (posted !== undefined && !isFresh(posted.iat, now(), postedLifetime)) return { kind: 'lost', state, why: 'a response that was sent long ago' }
      const { connection } = state
      const expected: Arrival = state.shared === true ? undefined : connection
      if (arrival !== expected) {
        return { kind: 'refused', state, error: new PorticoError('PORTICO_RESPONSE_STATE', { wanted: nameOf(expected), got: nameOf(arrival), connection: arrival ?? connection }) }
      }
      const held = readAttempt(sealer(), state.id, visit, now())
      if (held === undefined || held.connection !== connection || held.shared !== state.shared || (held.test !== undefined) !== (state.test === true)) {
        return { kind: 'lost', state, why: 'no such attempt in this browser' }
      }
      const wanted = held.wanted === undefined ? undefined : { ...held.wanted, page: held.wanted.page ?? state.wanted?.page }
      return { kind: 'held', state, attempt: { ...held, wanted }, parameters, given }
    },

    use: async ({ id, iat, wanted }) => {
      // RelayState has no room for it: whoever goes back in the browser finds the page by this
      const told = wanted === undefined ? undefined : { app: wanted.app, region: wanted.region, page: wanted.page }
      return await store.putIfAbsent('attempt', id, sealer().seal('handle', { wanted: told }), iat + attemptLifetime + 60)
    },

    wantedOf: async state => {
      if (state === undefined || state.wanted !== undefined) return state?.wanted
      try {
        return openSealed(sealer(), 'handle', usedSchema, await store.get('attempt', state.id))?.wanted
      } catch {
        // said where it failed; what is asked for then is the first app
        return undefined
      }
    },

    authenticate: async (connection, held, trace) => {
      const { attempt, parameters, given } = held
      return await connectors[connection.connector].authenticate(connection, {
        parameters,
        redirectUri: returnAddressOf(configuration().authOrigin, { ...connection, callback: attempt.shared === true ? 'shared' : 'own' }),
        state: given,
        secrets: { nonce: attempt.nonce, codeVerifier: attempt.codeVerifier },
        received: connection.connector === 'saml' ? await received(connection, held, trace) : undefined
      }, now(), trace)
    },

    forward: (arrival, visit) => {
      const parameters = visit.form.toString()
      if (parameters.length > longestPosted) {
        throw new PorticoError('PORTICO_RESPONSE_INVALID', { wanted: `at most ${longestPosted} characters`, got: String(parameters.length), connection: arrival })
      }
      const response = sealer().seal('handle', { parameters, iat: now() })
      const here = redirectUriOf(configuration().authOrigin, { id: encodeURIComponent(arrival ?? ''), callback: arrival === undefined ? 'shared' : 'own' })
      return redirect(`${here}?response=${response}`, [], 303)
    }
  }
}
