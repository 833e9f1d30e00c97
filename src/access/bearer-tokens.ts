import { hash } from 'node:crypto'
import type { AppPlace, Configuration, Connection } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'
import type { BearerIdentity } from '../connections/connector.ts'
import type { Connectors } from '../connections/connectors.ts'
import { PorticoError } from '../errors.ts'
import { createCache } from '../sessions/cache.ts'
import { freezeSession, type Session } from '../sessions/session.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Member, MemberStore } from '../store/members.ts'
import { mayUse } from './apps.ts'
import { askAddresses, foreseeMember, isAdmitted, recordMember } from './members.ts'
import { claimedBy, type TokenClaims } from './token-claims.ts'

/** JWT access tokens on the path of requests. */
export interface BearerTokens {
  /** Whether a bearer token is a JWT of a provider whose tokens count: then it is Portico's to judge. */
  isOurs (token: string): boolean
  /** Whom such a token speaks for at this place; the same object each time. Throws, or rejects with, PORTICO_BEARER_… or what a sign-in would. */
  find (token: string, place: AppPlace): Session | Promise<Session>
  /** Whether what `find` gave still holds; undefined for a session that it did not give. */
  isLive (session: Session): boolean | undefined
}

interface Entry {
  readonly connection: string
  /** For which it was verified. */
  readonly audience: string | undefined
  readonly generation: number
  readonly member: Member
  readonly identity: BearerIdentity
  readonly sid: string
  /** When the provider issued it, never later than it was seen here: what was revoked since ends it. Seconds; 0 where it does not say. */
  readonly issuedAt: number
  readonly verifiedAt: number
  readonly expiresAt: number
  readonly sessions: Map<string, Session>
}

/** Tokens that are remembered, and for how many seconds. */
const room = 20_000
const longest = 300
/** Few access tokens name groups: then those of the last sign-in hold, as for API keys. */
const groupsOf = ({ identity, member }: Entry): readonly string[] => identity.groups.length > 0 ? identity.groups : member.groups

/**
 * Access tokens of a connection with `bearer:` (product.md, issue 3 part 6). What was verified is
 * remembered by connection and hash of the token (behaviours.md V20), and judged anew at each use:
 * standing, trust, revocations, membership, app (V21, V33). `now` is in seconds.
 */
export const createBearerTokens = (deps: {
  readonly store: MemberStore
  readonly configuration: () => Configuration
  readonly sessions: Pick<Sessions, 'isRevoked' | 'trust'>
  readonly connectors: Pick<Connectors, 'verifyAccessToken' | 'bearerConnectionsOf'>
  readonly now?: () => number
}): BearerTokens => {
  const { store, configuration, sessions, connectors, now = () => Math.floor(Date.now() / 1_000) } = deps
  const known = createCache<Entry>(room)
  const verifying = new Map<string, Promise<Entry>>()
  const given = new WeakMap<Session, Entry>()

  const refused = (connection: string, wanted: string, got: string): PorticoError => new PorticoError('PORTICO_BEARER_INVALID', { wanted, got, connection })

  /** Why an entry does not hold any more, whatever the place; undefined while it does. */
  const objection = (entry: Entry): PorticoError | undefined => {
    const { connection: id, member } = entry
    const connection = configuration().connections.get(id)
    if (connection === undefined || connection.bearer?.audience !== entry.audience || !isActive(connection, now())) {
      return refused(id, 'an active connection with this audience', 'one that is not')
    }
    if (sessions.trust.generation(id) !== entry.generation) return refused(id, 'the trust as it was when the token was verified', 'another')
    if (now() >= entry.expiresAt) return refused(id, 'a token that has not expired', 'one that has')
    if (sessions.isRevoked({ sid: entry.sid, member: member.id, organization: member.organization, connection: id, subject: entry.identity.subject, idpSession: entry.identity.idpSession, startedAt: entry.issuedAt })) {
      return refused(id, 'a token that was issued after the last revocation', 'an older one')
    }
    return isAdmitted(connection.organization, member) ? undefined : new PorticoError('PORTICO_NOT_INVITED', { wanted: `an e-mail that ${member.organization} lets in`, got: member.email, connection: id })
  }

  const isOpen = (entry: Entry, { app }: AppPlace): boolean => {
    const organization = configuration().organizations.get(entry.member.organization)
    return organization !== undefined && mayUse(organization, app, groupsOf(entry))
  }

  const settle = (entry: Entry, place: AppPlace): Session => {
    const error = objection(entry)
    if (error !== undefined) throw error
    if (!isOpen(entry, place)) {
      throw new PorticoError('PORTICO_APP_NOT_ALLOWED', { wanted: `an organization whose apps include ${place.app.id}`, got: entry.member.organization, connection: entry.connection })
    }
    const made = entry.sessions.get(place.host)
    if (made !== undefined) return made
    const { member, identity } = entry
    const session = freezeSession({
      sid: entry.sid,
      host: place.host,
      member: member.id,
      organization: member.organization,
      connection: entry.connection,
      generation: entry.generation,
      subject: identity.subject,
      idpSession: identity.idpSession,
      // as recorded: what a token calls them no sign-in has compared with anybody else's
      email: member.email,
      invited: member.invited,
      name: identity.name ?? member.name,
      groups: [...groupsOf(entry)],
      newUser: false,
      amr: identity.amr === undefined ? undefined : [...identity.amr],
      acr: identity.acr,
      authTime: identity.authTime,
      startedAt: entry.issuedAt
    })
    entry.sessions.set(place.host, session)
    given.set(session, entry)
    return session
  }

  const only = (connection: Connection, members: readonly Member[]): Member | undefined => {
    if (members.length > 1) throw refused(connection.id, 'a person of one invited address', `one of ${members.length}: only a sign-in can ask which is meant`)
    return members[0]
  }

  /** Whose token it is without an e-mail: somebody who has signed in before. */
  const memberBySubject = async (connection: Connection, subject: string): Promise<Member> => {
    const members = await store.membersBySubject(connection.organization.id, connection.id, subject)
    const member = only(connection, members.filter(({ blockedAt }) => blockedAt === undefined))
    if (member === undefined) throw refused(connection.id, 'the token of somebody who has signed in before, or one with an e-mail', 'neither')
    return member
  }

  /** Whose token it is: as at a sign-in, but that somebody known is not recorded anew by it. */
  const memberOf = async (connection: Connection, { email, ...rest }: BearerIdentity): Promise<Member> => {
    if (email === undefined) return await memberBySubject(connection, rest.subject)
    const identity = { ...rest, email }
    const addresses = await askAddresses(store, connection, email)
    const members = await Promise.all(addresses.map(address => foreseeMember(store, configuration(), connection, identity, address)))
    const member = only(connection, members.filter(member => member !== undefined))
    const [address = email, ...others] = addresses
    if (member === undefined && others.length > 0) throw refused(connection.id, 'somebody who has said as which invited address', 'somebody of several who has not signed in yet')
    const isKnown = member !== undefined && member.connection === connection.id && member.subject === identity.subject
    return isKnown ? member : (await recordMember(store, configuration(), connection, identity, address, now())).member
  }

  const verify = async (token: string, key: string, connection: Connection, issuedAt: number): Promise<Entry> => {
    if (!isActive(connection, now())) throw refused(connection.id, 'an active connection', 'one that is not')
    const generation = sessions.trust.generation(connection.id)
    if (generation === undefined) throw new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: 'the trust generation of this connection', got: 'none', connection: connection.id })
    const verifiedAt = now()
    const { identity, expiresAt } = await connectors.verifyAccessToken(connection, token, verifiedAt)
    const entry: Entry = {
      connection: connection.id,
      audience: connection.bearer?.audience,
      generation,
      member: await memberOf(connection, identity),
      identity,
      sid: `tok_${key.slice(-32)}`,
      // a provider's clock that is ahead must not outlast a revocation
      issuedAt: Math.min(issuedAt, verifiedAt),
      verifiedAt,
      expiresAt,
      sessions: new Map()
    }
    known.set(key, entry, 1)
    return entry
  }

  /** The connections that a token can be meant for: by its issuer, and of several by its audience. */
  const candidatesFor = ({ iss, aud }: TokenClaims): readonly Connection[] => {
    const connections = connectors.bearerConnectionsOf(iss)
    const meant = connections.filter(({ bearer }) => bearer !== undefined && [aud].flat().includes(bearer.audience))
    return meant.length === 0 ? connections : meant
  }

  const keyOf = ({ id }: Connection, digest: string): string => `${id} ${digest}`

  const isFresh = (entry: Entry, moment: number): boolean =>
    moment >= entry.verifiedAt && moment < Math.min(entry.expiresAt, entry.verifiedAt + longest) && sessions.trust.generation(entry.connection) === entry.generation

  const verifyAny = async (token: string, digest: string, connections: readonly Connection[], issuedAt: number, place: AppPlace): Promise<Session> => {
    let last: unknown = refused(connections[0]?.id ?? '', 'a connection with bearer', 'none')
    for (const connection of connections) {
      const key = keyOf(connection, digest)
      const running = verifying.get(key) ?? verify(token, key, connection, issuedAt).finally(() => { verifying.delete(key) })
      verifying.set(key, running)
      try {
        return settle(await running, place)
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  return {
    isOurs: token => {
      const said = claimedBy(token)
      return said !== undefined && connectors.bearerConnectionsOf(said.iss).length > 0
    },

    find: (token, place) => {
      const said = claimedBy(token)
      const connections = said === undefined ? [] : candidatesFor(said)
      const digest = hash('sha256', token, 'base64url')
      const moment = now()
      for (const connection of connections) {
        const entry = known.get(keyOf(connection, digest))
        if (entry !== undefined && isFresh(entry, moment)) return settle(entry, place)
      }
      return verifyAny(token, digest, connections, said?.iat ?? 0, place)
    },

    isLive: session => {
      const entry = given.get(session)
      if (entry === undefined) return undefined
      const place = configuration().places.get(session.host)
      return place !== undefined && objection(entry) === undefined && isOpen(entry, place)
    }
  }
}
