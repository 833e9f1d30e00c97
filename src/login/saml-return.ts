import type { Connection } from '../config/configuration.ts'
import { initiateLoginUriOf, redirectUriOf } from '../config/links.ts'
import { isActive, standingOf } from '../config/standing.ts'
import { hintFrom } from '../connections/saml/email.ts'
import type { Received } from '../connections/saml/received.ts'
import { samlSettings } from '../connections/saml/settings.ts'
import { PorticoError } from '../errors.ts'
import { data, redirect, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { asPorticoError, explain, type Refusal } from './failure.ts'
import type { KeptResponse, KeptResponses } from './kept-responses.ts'
import { readRelayState, type Relay } from './relay-state.ts'
import { placeOfUrl } from './return-target.ts'
import type { Wanted } from './sealed.ts'
import { createRecorder } from './test-recorder.ts'
import { only, type Visit } from './visit.ts'

export interface SamlReturn {
  /**
   * `POST /saml/{connection}/acs`: a response, from another site and so without cookies. Judged in all that
   * needs no browser, kept, and answered with 303 to the callback, where the attempt's cookie comes along.
   */
  post (connection: string, visit: Visit): Promise<Answer>
  /** `GET /saml/{connection}/metadata`: ours, for this connection's provider. */
  metadata (connection: string, visit: Visit): Promise<Answer>
}

/** When a response came, and under which trust. */
interface Came {
  readonly generation: number | undefined
  /** Seconds since the epoch. */
  readonly iat: number
}

/** The SAML side of the auth host that no browser's cookies come to. */
export const createSamlReturn = (deps: LoginDeps, steps: { readonly kept: KeptResponses, readonly refuse: Refusal }): SamlReturn => {
  const { configuration, sessions, connectors, log, now } = deps
  const { kept, refuse } = steps

  /** Unknown, disabled, and of another protocol are not told apart (behaviours N9). */
  const find = (id: string): Connection | undefined => {
    const connection = configuration().connections.get(id)
    return connection?.connector === 'saml' && standingOf(connection, now()) !== 'disabled' ? connection : undefined
  }

  const notFound = (visit: Visit): Answer => explain(new PorticoError('PORTICO_NOT_FOUND'), visit)

  const startLink = ({ id }: Connection, parameters: Readonly<Record<string, string>> = {}): string => {
    const query = new URLSearchParams(parameters)
    return `${initiateLoginUriOf(configuration().authOrigin, id)}${query.size === 0 ? '' : `?${query}`}`
  }

  /** On as a GET of the same browser. */
  const onward = (connection: Connection, parameters: Readonly<Record<string, string>>): Answer => {
    const query = new URLSearchParams(parameters)
    return redirect(`${redirectUriOf(configuration().authOrigin, connection)}${query.size === 0 ? '' : `?${query}`}`, [], 303)
  }

  /** The message, each parameter at most once (behaviours O10). */
  const read = (connection: Connection, { form }: Visit): { readonly message: string, readonly relayState: string | undefined } => {
    const repeated = ['SAMLResponse', 'RelayState'].find(name => form.getAll(name).length > 1)
    const message = only(form, 'SAMLResponse')
    if (repeated === undefined && message !== undefined) return { message, relayState: only(form, 'RelayState') }
    throw new PorticoError('PORTICO_RESPONSE_INVALID', {
      wanted: repeated === undefined ? 'SAMLResponse' : `${repeated} at most once`,
      got: repeated === undefined ? 'none' : 'it more than once',
      connection: connection.id,
      remedy: 'A form that an identity provider sends to the ACS URL carries SAMLResponse, once.'
    })
  }

  /** How a test came out is for its page alone: kept, with every check, good or bad. */
  const receiveTest = async (connection: Connection, visit: Visit, { id }: Relay, relayState: string): Promise<Answer> => {
    const { trace, recorded } = createRecorder()
    const judge = async (): Promise<KeptResponse> => {
      const named = { connection: connection.id, attempt: id }
      try {
        const received = await connectors.saml.receive(connection, read(connection, visit).message, now(), trace)
        return { kind: 'answer', ...named, received, checks: [...recorded().checks] }
      } catch (error) {
        const { code, wanted, got, remedy } = asPorticoError(error)
        return { kind: 'refusal', ...named, code, wanted, got, remedy, checks: [...recorded().checks] }
      }
    }
    try {
      return onward(connection, { response: await kept.keep(await judge()), state: relayState })
    } catch (error) {
      const known = asPorticoError(error)
      log.error({ err: known, request_id: visit.requestId, connection: connection.id }, 'a response of a test cannot be kept')
      return explain(known, visit)
    }
  }

  /** An address of an app, whatever else RelayState may say (behaviours N5, S25). */
  const wantedBy = (relayState: string | undefined): Wanted & { readonly page: string } | undefined => {
    const found = placeOfUrl(configuration(), relayState ?? '')
    return found === undefined ? undefined : { app: found.place.app.id, region: found.place.region, page: found.page }
  }

  /** Nobody here had asked for it (product R23). */
  const unsolicited = async (connection: Connection, received: Received, relayState: string | undefined, { generation, iat }: Came): Promise<Answer> => {
    const { idp_initiated: mode } = samlSettings(connection)
    if (mode === 'off' || !isActive(connection, now())) {
      throw new PorticoError('PORTICO_SAML_UNSOLICITED', { wanted: 'an answer to a request of ours', got: 'a response without InResponseTo', connection: connection.id })
    }
    const wanted = wantedBy(relayState)
    if (mode === 'restart') {
      // the hint, so that somebody else than who is signed in here is asked about
      const hint = hintFrom(received, connection)
      return redirect(startLink(connection, { restart: '1', ...hint !== undefined && { login_hint: hint }, ...wanted !== undefined && { target_link_uri: wanted.page } }), [], 303)
    }
    if (generation === undefined) throw new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'the trust generation of this connection', got: 'none', connection: connection.id })
    return onward(connection, { response: await kept.keep({ kind: 'unsolicited', connection: connection.id, generation, received, wanted, iat }) })
  }

  return {
    post: async (id, visit) => {
      const connection = find(id)
      if (connection === undefined) return notFound(visit)
      // before it is judged, which takes its time
      const came = { generation: sessions.trust.generation(connection.id), iat: now() }
      const relayed = only(visit.form, 'RelayState')
      const relay = readRelayState(configuration().keys, connection.id, relayed, now())
      if (relay?.test === true) return await receiveTest(connection, visit, relay, relayed ?? '')
      try {
        const { message, relayState } = read(connection, visit)
        const received = await connectors.saml.receive(connection, message, now())
        if (relay !== undefined) {
          const response = await kept.keep({ kind: 'answer', connection: connection.id, attempt: relay.id, received, checks: [] })
          return onward(connection, { response, state: relayState ?? '' })
        }
        // it answers a request, and says no more whose
        if (received.inResponseTo !== undefined) return onward(connection, {})
        return await unsolicited(connection, received, relayState, came)
      } catch (error) {
        // where this was to lead is in a cookie, which no link loses
        const again = relay === undefined ? {} : { attempt: relayed ?? '' }
        return refuse(error, visit, {
          connection: connection.id,
          organization: connection.organization.id,
          startAgain: startLink(connection, again),
          otherAccount: startLink(connection, { ...again, prompt: 'select_account' })
        })
      }
    },

    metadata: async (id, visit) => {
      const connection = find(id)
      if (connection === undefined) return notFound(visit)
      try {
        return data(200, await connectors.samlMetadata(connection), 'application/samlmetadata+xml')
      } catch (error) {
        const known = asPorticoError(error)
        log.error({ err: known, request_id: visit.requestId, connection: connection.id }, 'our SAML metadata cannot be shown')
        return explain(known, visit)
      }
    }
  }
}
