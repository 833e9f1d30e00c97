import type { Connection } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import type { Answer } from './answer.ts'
import { keepAttempt } from './attempt.ts'
import type { LoginDeps } from './deps.ts'
import type { Refusal } from './failure.ts'
import { relayStateOf } from './relay-state.ts'
import { longestHint } from './return-target.ts'
import { returnAddressOf } from './returning.ts'
import { randomName, type State, type TestStanding, type Wanted } from './sealed.ts'
import { toProvider } from './to-provider.ts'
import type { Visit } from './visit.ts'
import { startAgainLink } from './wanted.ts'

export interface AuthorizeOptions {
  readonly loginHint: string | undefined
  readonly prompt?: string | undefined
  /** For whoever is signed in and must authenticate anew: the app's `max_age`, in seconds. */
  readonly stepUp?: number | undefined
}

/** To the identity provider, and a login attempt for this tab. Throws what the provider cannot do now. */
export type Attempting = (connection: Connection, wanted: Wanted | undefined, visit: Visit, options: AuthorizeOptions & {
  /** For a test sign-in alone. */
  readonly test?: TestStanding
}) => Promise<Answer>

/** As `Attempting`; what the provider cannot do now is said on a page with a way back. */
export type Authorize = (connection: Connection, wanted: Wanted | undefined, visit: Visit, options: AuthorizeOptions) => Promise<Answer>

/** Begins login attempts (flow 3). */
export const createAttempting = ({ configuration, sealer, sessions, connectors, now }: LoginDeps): Attempting => async (connection, wanted, visit, { loginHint, prompt, stepUp, test }) => {
  const generation = await sessions.trust.settled(connection.id)
  if (generation === undefined) {
    throw new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'the trust generation of this connection', got: 'none: the store has not taken the last change, or another instance has a newer configuration', connection: connection.id })
  }
  const id = randomName()
  const iat = now()
  const told = wanted === undefined ? undefined : withoutBinding(wanted)
  const shared = connection.callback === 'shared' ? true : undefined
  const named: State = { id, connection: connection.id, wanted: told, shared, test: test === undefined ? undefined : true, iat }
  const isSaml = connection.connector === 'saml'
  const { url, form, secrets } = await connectors[connection.connector].authorize(connection, {
    redirectUri: returnAddressOf(configuration().authOrigin, connection),
    state: isSaml ? relayStateOf(configuration().keys, named) : sealer().seal('state', named),
    loginHint,
    prompt: stepUp === undefined ? prompt : 'login',
    maxAge: stepUp ?? configuration().apps.get(wanted?.app ?? '')?.maxAge
  })
  return toProvider({ url, form }, keepAttempt(sealer(), {
    id,
    connection: connection.id,
    generation,
    nonce: secrets.nonce,
    codeVerifier: secrets.codeVerifier,
    loginHint,
    shared,
    test,
    stepUp,
    iat,
    // what comes back with the state needs no room in a cookie: ten tabs must fit
    wanted: isSaml || wanted === undefined || told?.page === undefined ? wanted : { ...wanted, page: undefined }
  }, visit, iat))
}

/** Begins sign-ins. */
export const createAuthorize = ({ configuration }: LoginDeps, steps: { readonly attempting: Attempting, readonly refuse: Refusal }): Authorize => async (connection, wanted, visit, options) => {
  const { loginHint } = options
  try {
    return await steps.attempting(connection, wanted, visit, options)
  } catch (error) {
    return steps.refuse(error, visit, {
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
