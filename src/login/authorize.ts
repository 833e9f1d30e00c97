import type { Connection } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { redirect, type Answer } from './answer.ts'
import { keepAttempt } from './attempt.ts'
import type { LoginDeps } from './deps.ts'
import type { Refusal } from './failure.ts'
import { longestHint } from './return-target.ts'
import { randomName, type Wanted } from './sealed.ts'
import type { Visit } from './visit.ts'
import { startAgainLink } from './wanted.ts'

export interface AuthorizeOptions {
  readonly loginHint: string | undefined
  readonly prompt?: string | undefined
}

/** To the identity provider, and a login attempt for this tab. */
export type Authorize = (connection: Connection, wanted: Wanted | undefined, visit: Visit, options: AuthorizeOptions) => Promise<Answer>

/** The connection's own redirect URI, from configuration alone (behaviours.md O9). */
export const redirectUriOf = (authOrigin: string, connection: string): string => `${authOrigin}/login/${connection}/callback`

/** Begins a login attempt (flow 3). What the provider cannot do now is said on a page with a way back. */
export const createAuthorize = (deps: LoginDeps, refuse: Refusal): Authorize => async (connection, wanted, visit, { loginHint, prompt }) => {
  const { configuration, sealer, sessions, connectors, now } = deps
  try {
    const generation = sessions.trust.generation(connection.id)
    if (generation === undefined) {
      throw new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'the trust generation of this connection', got: 'none: the store has not taken the last change, or another instance has a newer configuration', connection: connection.id })
    }
    const id = randomName()
    const iat = now()
    const told = wanted === undefined ? undefined : withoutBinding(wanted)
    const state = sealer().seal('state', { id, connection: connection.id, wanted: told, iat })
    const { url, secrets } = await connectors[connection.connector].authorize(connection, {
      redirectUri: redirectUriOf(configuration().authOrigin, connection.id), state, loginHint, prompt
    })
    return redirect(url, keepAttempt(sealer(), {
      id,
      connection: connection.id,
      generation,
      nonce: secrets.nonce,
      codeVerifier: secrets.codeVerifier,
      loginHint,
      iat,
      // what comes back with the state needs no room in a cookie: ten tabs must fit
      wanted: wanted === undefined || told?.page === undefined ? wanted : { ...wanted, page: undefined }
    }, visit, iat))
  } catch (error) {
    return refuse(error, visit, {
      connection: connection.id,
      organization: connection.organization.id,
      app: wanted?.app,
      startAgain: startAgainLink(configuration(), wanted, loginHint === undefined ? {} : { email: loginHint })
    })
  }
}

/** `state` goes through many hands: what only this browser should use stays in its cookie, and so does a long address. */
const withoutBinding = ({ app, region, page, round }: Wanted): Wanted =>
  ({ app, region, page: page !== undefined && page.length <= longestHint ? page : undefined, round })
