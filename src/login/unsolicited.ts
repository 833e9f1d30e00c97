import type { Connection } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import { samlSettings } from '../connections/saml/settings.ts'
import type { Answer } from './answer.ts'
import { circling, isCircling, keepAttempt } from './attempt.ts'
import type { LoginDeps } from './deps.ts'
import type { Entry } from './enter.ts'
import type { Refusal } from './failure.ts'
import type { KeptResponse, KeptResponses } from './kept-responses.ts'
import { returnAddressOf, type Arrival } from './returning.ts'
import { randomName, type Attempt } from './sealed.ts'
import { isServed } from './step-up.ts'
import type { Visit } from './visit.ts'
import { otherAccountLink, startAgainLink } from './wanted.ts'

/**
 * A SAML response that nobody here had asked for, at a connection that accepts such ones (product R23); undefined
 * where nothing of the kind was kept, or its connection is no longer what it was.
 */
export type Unsolicited = (arrival: Arrival, handle: string, visit: Visit) => Promise<Answer | undefined>

type Kept = Extract<KeptResponse, { kind: 'unsolicited' }>

/**
 * Signs in whom such a response names: by an attempt that is made here and now, so that all that follows is
 * as for any other. It is used once like every response, and asks before it replaces anybody.
 */
export const createUnsolicited = (deps: LoginDeps, steps: { readonly kept: KeptResponses, readonly entry: Entry, readonly refuse: Refusal }): Unsolicited => {
  const { configuration, sealer, sessions, connectors, now } = deps
  const { kept, entry, refuse } = steps

  /** Whether the connection is trusted as it was when the response was verified, and still accepts such ones. */
  const trusted = ({ connection: id, generation, received: { assertion } }: Kept): Connection | undefined => {
    // a store that began later does not know whether it was used before
    if (assertion.issueInstant < sessions.storeSince()) return undefined
    const connection = configuration().connections.get(id)
    return connection?.connector === 'saml' && isActive(connection, now()) && samlSettings(connection).idp_initiated === 'accept' &&
      sessions.trust.generation(id) === generation
      ? connection
      : undefined
  }

  const enter = async ({ received, generation, wanted, iat }: Kept, connection: Connection, visit: Visit): Promise<Answer> => {
    const attempt: Attempt = { id: randomName(), connection: connection.id, generation, nonce: '', codeVerifier: '', wanted, iat }
    try {
      const identity = await connectors.saml.authenticate(connection, {
        parameters: new URLSearchParams(),
        redirectUri: returnAddressOf(configuration().authOrigin, connection),
        state: '',
        secrets: { nonce: '', codeVerifier: '' },
        received
      }, now())
      const insider = { ...identity, organization: connection.organization.id }
      if (!isServed(configuration(), insider, wanted, now()) && isCircling(sealer(), connection.id, visit, now())) throw circling(connection.id)
      const answer = await entry.enter(identity, connection, attempt, visit)
      // a question is bound to this browser by the attempt; whatever ends it comes behind
      return { ...answer, cookies: [...keepAttempt(sealer(), attempt, visit, now()), ...answer.cookies] }
    } catch (error) {
      return refuse(error, visit, {
        connection: connection.id,
        organization: connection.organization.id,
        app: wanted?.app,
        startAgain: startAgainLink(configuration(), wanted),
        otherAccount: otherAccountLink(configuration(), wanted)
      })
    }
  }

  return async (arrival, handle, visit) => {
    try {
      const response = await kept.take(handle)
      if (response?.kind !== 'unsolicited' || response.connection !== arrival) return undefined
      const connection = trusted(response)
      return connection === undefined ? undefined : await enter(response, connection, visit)
    } catch (error) {
      return refuse(error, visit, { connection: arrival, startAgain: startAgainLink(configuration(), undefined) })
    }
  }
}
