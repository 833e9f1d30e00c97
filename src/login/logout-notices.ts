import type { Connection } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import type { LogoutNotice } from '../connections/oidc/logout.ts'
import { PorticoError, publicText } from '../errors.ts'
import { framedPolicy, signedOutFrame } from '../pages/sign-out-page.ts'
import type { Revocation } from '../store/store.ts'
import { createAllowance } from './allowance.ts'
import { data, json, page, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { asPorticoError, explain } from './failure.ts'
import { providerKey, type IdpSessions } from './idp-sessions.ts'
import { only, type Visit } from './visit.ts'

/** Seconds for which a logout token is remembered, from when it was issued: several times as long as it is believed. */
const memory = 60 * 60
/**
 * Names in one day, for one connection, that nobody is known to have come with and that are remembered all the same: a
 * sign-in under way may bring one. A provider can make up as many as it likes, for every instance to keep for a week.
 */
const mostStrangers = 1_000
/** Characters of a session's name at a provider. */
const longestSid = 1_024

export interface LogoutNotices {
  /** `POST /logout/{connection}/backchannel`: the provider itself says who is signed out. */
  backChannel (connection: string, visit: Visit): Promise<Answer>
  /** `GET /logout/{connection}/frontchannel`: the same by a frame in the browser, which brings no cookie. */
  frontChannel (connection: string, visit: Visit): Promise<Answer>
}

/** Sign-outs that an OpenID provider tells of (OpenID Connect Back-Channel Logout, Front-Channel Logout; behaviours.md L5, O17). */
export const createLogoutNotices = ({ configuration, sessions, store, connectors, audit, log, now }: LoginDeps, { idpSessions }: { readonly idpSessions: IdpSessions }): LogoutNotices => {
  /** Unknown, disabled, and of another protocol are not told apart (behaviours N9). */
  const find = (id: string): Connection | undefined => {
    const connection = configuration().connections.get(id)
    return connection !== undefined && connection.connector !== 'saml' && isActive(connection, now()) ? connection : undefined
  }

  const isAllowed = createAllowance(mostStrangers, now)

  /** Whether to remember what the back channel names; a store that does not answer knows nobody. */
  const isWorth = async (connection: Connection, known: Promise<boolean>): Promise<boolean> => {
    if (await known.catch(() => false) || isAllowed(connection.id)) return true
    log.warn({ connection: connection.id }, 'a logout token names what nobody came with, as more than a thousand others did today: passed over')
    return false
  }

  const isMember = async ({ id, organization }: Connection, subject: string): Promise<boolean> =>
    (await store.membersBySubject(organization.id, id, subject)).length > 0

  const notFound = (visit: Visit): Answer => explain(new PorticoError('PORTICO_NOT_FOUND'), visit)

  const end = async ({ id, organization }: Connection, by: 'back_channel' | 'front_channel', kind: 'idp_session' | 'subject' | 'nameless_subject', name: string, visit: Visit): Promise<void> => {
    const revocation: Revocation = { kind, value: `${id}|${name}`, issuedBefore: now(), expiresAt: 0 }
    await sessions.revoke(revocation)
    audit.providerSignOut({
      requestId: visit.requestId,
      client: visit.client,
      connection: id,
      organization: organization.id,
      by,
      subject: kind === 'idp_session' ? undefined : name,
      sessions: kind === 'subject' ? 0 : 1
    })
  }

  /**
   * Back-Channel Logout §2.7: that session, or all that the person has where none is named. A provider that named
   * none at sign-in, and does now, may mean any of those that have no name here.
   */
  const comply = async (connection: Connection, { sid, subject }: LogoutNotice, visit: Visit): Promise<void> => {
    const isNamed = sid !== undefined && await isWorth(connection, idpSessions.isKnown(connection.id, sid))
    if (isNamed) await end(connection, 'back_channel', 'idp_session', sid, visit)
    // where that was passed over, rather too much of a member's than too little
    if (subject !== undefined && await isWorth(connection, isMember(connection, subject))) await end(connection, 'back_channel', isNamed ? 'nameless_subject' : 'subject', subject, visit)
  }

  /** Each token once, on whatever instance (§2.6). Throws PORTICO_STORE_UNAVAILABLE. */
  const spend = async ({ id }: Connection, { jti, issuedAt }: LogoutNotice): Promise<void> => {
    if (await store.putIfAbsent('logout_token', providerKey(id, jti), '', issuedAt + memory)) return
    throw new PorticoError('PORTICO_LOGOUT_TOKEN', { wanted: 'a logout token that was not used before', got: 'one that was', connection: id })
  }

  const receive = async (connection: Connection, visit: Visit): Promise<void> => {
    const token = only(visit.form, 'logout_token')
    if (token === undefined) throw new PorticoError('PORTICO_LOGOUT_TOKEN', { wanted: 'logout_token, once', got: visit.form.has('logout_token') ? 'an empty one, or several' : 'none', connection: connection.id })
    const notice = await connectors.oidcLogout.receive(connection, token, now())
    try {
      await spend(connection, notice)
    } catch (error) {
      // nobody knows whether it is new; it is good and of now, so that it holds here, and the provider is to ask again
      if (error instanceof PorticoError && error.code === 'PORTICO_STORE_UNAVAILABLE') await comply(connection, notice, visit)
      throw error
    }
    await comply(connection, notice, visit)
  }

  /** §2.8. */
  const refusal = (error: PorticoError, visit: Visit): Answer => {
    const { code, status } = error
    return json(status, { error: status >= 500 ? 'temporarily_unavailable' : 'invalid_request', error_description: publicText(code).text, code, request_id: visit.requestId })
  }

  /** Whom the query names (Front-Channel Logout §2); the origin is the issuer's. */
  const named = (connection: Connection, { query }: Visit): { readonly sid: string, readonly origin: string } => {
    const [iss, sid] = [only(query, 'iss'), only(query, 'sid')]
    const refuse = (wanted: string, got: string): PorticoError => new PorticoError('PORTICO_FRONT_CHANNEL_LOGOUT', { wanted, got, connection: connection.id })
    if (iss === undefined || sid === undefined || sid.length > longestSid) throw refuse('iss and sid, once each', iss === undefined ? 'no iss' : sid === undefined ? 'no sid' : `sid of ${sid.length} characters`)
    if (!connectors.isIssuer(connection, iss)) throw refuse(connectors.issuer(connection), 'another iss')
    const issuer = URL.parse(iss)
    // an issuer without a discovery document may be called anything
    return { sid, origin: issuer?.protocol === 'https:' || issuer?.protocol === 'http:' ? issuer.origin : "'none'" }
  }

  return {
    backChannel: async (id, visit) => {
      const connection = find(id)
      if (connection === undefined) return notFound(visit)
      try {
        await receive(connection, visit)
        return data(200, '', 'text/plain; charset=utf-8')
      } catch (thrown) {
        const error = asPorticoError(thrown)
        log[error.status >= 500 ? 'error' : 'info']({ err: error, request_id: visit.requestId, connection: id }, 'a logout token was refused')
        return refusal(error, visit)
      }
    },

    frontChannel: async (id, visit) => {
      const connection = find(id)
      if (connection === undefined) return notFound(visit)
      try {
        const { sid, origin } = named(connection, visit)
        if (await idpSessions.isKnown(id, sid)) await end(connection, 'front_channel', 'idp_session', sid, visit)
        // the same whether anybody was signed in
        const { headers: { 'x-frame-options': _, ...headers }, ...answer } = page(200, signedOutFrame())
        return { ...answer, headers: { ...headers, 'content-security-policy': framedPolicy(origin) } }
      } catch (thrown) {
        const error = asPorticoError(thrown)
        log[error.status >= 500 ? 'error' : 'info']({ err: error, request_id: visit.requestId, connection: id }, 'a sign-out by a frame was refused')
        return explain(error, visit)
      }
    }
  }
}
