import type { Connection } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import type { LogoutStatus } from '../connections/saml/logout-xml.ts'
import type { LogoutMessage } from '../connections/saml/verifier.ts'
import { PorticoError } from '../errors.ts'
import { signedOutPage } from '../pages/sign-out-page.ts'
import { nameIdValue } from '../sessions/name-id.ts'
import { page, redirect, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { asPorticoError, explain } from './failure.ts'
import type { Farewells } from './farewell.ts'
import { awaitedSchema, openSealed, type Leaving } from './sealed.ts'
import { toProvider } from './to-provider.ts'
import { only, type Visit } from './visit.ts'

/** Seconds that an identity provider may take to answer: it may ask the person, and every other application. */
const patience = 15 * 60
/** Seconds for which a LogoutRequest is remembered at least, and behind its own time: clocks differ. */
const memory = { shortest: 24 * 60 * 60, skew: 300 }
/** SessionIndexes of one request that are ended one by one; of more, all that the person has. */
const mostSessions = 20
/** Characters of a RelayState that are given back; 80 is what SAML allows (Bindings §3.4.3). */
const longestRelayState = 1_000

export interface SamlLogoutSteps {
  /**
   * Somebody's sessions here have ended: on to their identity provider. Undefined where it cannot be told
   * of that at all. Never rejects: what cannot be done now is said at the page that it leads to.
   */
  leave (leaving: Leaving, returnTo: string | undefined, visit: Visit): Promise<Answer | undefined>
  /** `GET·POST /saml/{connection}/slo`. `query` is the raw one, over whose octets a redirect is signed. */
  receive (connection: string, visit: Visit, query: string): Promise<Answer>
}

/** Of a LogoutRequest of ours until its answer names it, and of one of theirs once it was used. */
const keyOf = (connection: string, id: string): string => `logout|${connection}|${id}`

/** Single logout by SAML, in both directions (SAML Profiles §4.4; behaviours.md S23, S24). */
export const createSamlLogoutSteps = ({ configuration, sealer, sessions, store, connectors, audit, log, now }: LoginDeps, farewells: Farewells): SamlLogoutSteps => {
  const speaking = (id: string): Connection | undefined => {
    const connection = configuration().connections.get(id)
    return connection?.connector === 'saml' ? connection : undefined
  }

  const judged = async (connection: Connection, { method, form, query: parameters }: Visit, query: string): Promise<LogoutMessage> => {
    const isPost = method === 'POST'
    const given = isPost ? form : parameters
    const names = ['SAMLRequest', 'SAMLResponse'].flatMap(name => given.getAll(name).map(() => name))
    const [name] = names
    const message = name === undefined ? undefined : only(given, name)
    if (message === undefined || names.length > 1) {
      throw new PorticoError('PORTICO_SAML_MESSAGE', { wanted: 'SAMLRequest or SAMLResponse, once', got: names.join(' and ') || 'neither' })
    }
    const logout = await connectors.samlLogout.receive(connection, isPost ? message : query, isPost ? 'post' : 'redirect', now())
    const wanted = name === 'SAMLRequest' ? 'request' : 'response'
    if (logout.kind !== wanted) throw new PorticoError('PORTICO_SAML_MESSAGE', { wanted: `a ${wanted} as ${name}`, got: `a ${logout.kind}` })
    return logout
  }

  const relayStateOf = ({ method, form, query }: Visit): string | undefined => {
    const relayState = only(method === 'POST' ? form : query, 'RelayState')
    if (relayState !== undefined && relayState.length > longestRelayState) {
      throw new PorticoError('PORTICO_SAML_MESSAGE', { wanted: `RelayState of at most ${longestRelayState} characters`, got: String(relayState.length) })
    }
    return relayState
  }

  /** Ends what the request names, once; how that came out is for the provider to know. */
  const comply = async (connection: Connection, { id, nameId, sessionIndexes, notOnOrAfter }: LogoutMessage, visit: Visit): Promise<{ status: LogoutStatus, reason?: string }> => {
    if (nameId === undefined) throw new PorticoError('PORTICO_SAML_LOGOUT', { wanted: 'a NameID', got: 'none' })
    const until = Math.max(now() + memory.shortest, (notOnOrAfter ?? 0) + memory.skew)
    try {
      if (!await store.putIfAbsent('assertion', keyOf(connection.id, id), 'used', until)) {
        throw new PorticoError('PORTICO_SAML_REPLAYED', { wanted: 'a LogoutRequest that was not used before', got: 'one that was' })
      }
    } catch (error) {
      if (!(error instanceof PorticoError) || error.code !== 'PORTICO_STORE_UNAVAILABLE') throw error
      // it may be an old one: nobody is signed out by that
      log.error({ err: error, request_id: visit.requestId, connection: connection.id }, 'a LogoutRequest is declined: nobody knows whether it was used before')
      return { status: 'responder', reason: 'not now' }
    }
    const indexes = sessionIndexes.length === 0 || sessionIndexes.length > mostSessions ? [undefined] : sessionIndexes
    await Promise.all(indexes.map(index =>
      sessions.revoke({ kind: 'name_id', value: nameIdValue(connection.id, nameId, index), issuedBefore: now(), expiresAt: 0 })))
    audit.providerSignOut({
      requestId: visit.requestId, client: visit.client, connection: connection.id, organization: connection.organization.id, by: 'saml', nameId: nameId.value, sessions: sessionIndexes.length
    })
    return { status: 'success' }
  }

  const answerRequest = async (connection: Connection, visit: Visit, query: string): Promise<Answer> => {
    const message = await judged(connection, visit, query)
    const relayState = relayStateOf(visit)
    const outcome = await comply(connection, message, visit)
    const reply = await connectors.samlLogout.respond(connection, { ...outcome, inResponseTo: message.id, relayState })
    return reply === undefined ? page(200, signedOutPage()) : toProvider(reply, [], 303)
  }

  const takeAnswer = async (connection: Connection, visit: Visit, query: string): Promise<Answer> => {
    const { inResponseTo, status, isPartial } = await judged(connection, visit, query)
    const kept = inResponseTo === undefined ? undefined : await store.take('handle', keyOf(connection.id, inResponseTo))
    const awaited = openSealed(sealer(), 'awaited', awaitedSchema, kept)
    if (awaited === undefined) throw new PorticoError('PORTICO_SAML_IN_RESPONSE_TO', { wanted: 'the answer to a LogoutRequest of ours', got: 'another, or one that was used before' })
    const provider = isPartial ? 'partial' : status === 'Success' ? 'ended' : 'unconfirmed'
    if (provider === 'unconfirmed') log.info({ request_id: visit.requestId, connection: connection.id, status }, 'the identity provider did not sign its person out')
    return redirect(farewells.link({ organization: connection.organization.id, provider }, awaited.returnTo), [], 303)
  }

  return {
    leave: async ({ connection: id, organization, saml, idpSession }, returnTo, { requestId }) => {
      const connection = speaking(id)
      if (connection === undefined || saml?.nameId === undefined) return undefined
      try {
        const asked = await connectors.samlLogout.request(connection, { nameId: saml.nameId, sessionIndex: idpSession })
        if (asked === undefined) return undefined
        await store.put('handle', keyOf(id, asked.id), sealer().seal('awaited', { returnTo }), now() + patience)
        return toProvider(asked.outgoing, [], 303)
      } catch (error) {
        log.warn({ err: asPorticoError(error), request_id: requestId, connection: id }, 'the identity provider of somebody who signed out cannot be told')
        return redirect(farewells.link({ organization, provider: 'not_told' }, returnTo), [], 303)
      }
    },

    receive: async (id, visit, query) => {
      const connection = speaking(id)
      if (connection === undefined || !isActive(connection, now())) return explain(new PorticoError('PORTICO_NOT_FOUND'), visit)
      const given = visit.method === 'POST' ? visit.form : visit.query
      const isAnswer = given.has('SAMLResponse') && !given.has('SAMLRequest')
      try {
        return await (isAnswer ? takeAnswer : answerRequest)(connection, visit, query)
      } catch (thrown) {
        const error = asPorticoError(thrown)
        log[error.status >= 500 ? 'error' : 'info']({ err: error, request_id: visit.requestId, connection: id }, isAnswer ? 'an answer to a LogoutRequest was refused' : 'a LogoutRequest was refused')
        // whoever asked is signed out here already
        if (isAnswer) return redirect(farewells.link({ organization: connection.organization.id, provider: 'unconfirmed' }, undefined), [], 303)
        const { wanted, got, remedy } = error
        return explain(error.status >= 500 ? error : new PorticoError('PORTICO_SAML_LOGOUT', { wanted, got, remedy, cause: error, connection: id }), visit)
      }
    }
  }
}
