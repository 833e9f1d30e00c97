import { askAddresses, foreseeMember } from '../access/members.ts'
import type { Configuration, Connection } from '../config/configuration.ts'
import { dayText } from '../config/dates.ts'
import type { Identity } from '../connections/connector.ts'
import { parseEmail } from '../config/schema/email.ts'
import { ownerOf, standingOf } from '../config/standing.ts'
import { PorticoError } from '../errors.ts'
import type { Session } from '../sessions/session.ts'
import type { MemberStore } from '../store/members.ts'

/** What a first sign-in would mint, in the words of the page. */
const unknown = { member: '(an id, minted at the first sign-in)', sid: '(the id of the session)' } as const

/** What membership would decide, and the session that would begin: for reading, never to be issued. */
export interface Foreseen {
  /** In words. */
  readonly membership: string
  readonly session: Session
}

/**
 * Whoever tries a testing connection learns nothing of another organization's members (behaviours.md N9): a
 * domain that is active there is refused whether or not it knows the person, as `check` would at the activation.
 */
const ownDomain = (configuration: Configuration, connection: Connection, email: string, now: number): void => {
  const domain = parseEmail(email)?.domain ?? ''
  const owner = standingOf(connection, now) === 'testing' ? ownerOf(configuration, domain, now) : undefined
  if (owner === undefined || owner.organization.id === connection.organization.id) return
  throw new PorticoError('PORTICO_OTHER_ORGANIZATION', {
    wanted: `an e-mail of a domain that is active in no other organization than ${connection.organization.id}`,
    got: `${domain}, active in ${owner.id} of ${owner.organization.id}`,
    connection: connection.id,
    remedy: 'A domain has one active owner: take it out of one of the two before this connection becomes active.'
  })
}

/**
 * Foresees what membership would decide of an identity, and records nothing (product R9). Throws the
 * refusal that it would be, or PORTICO_STORE_UNAVAILABLE.
 */
export const foresee = async (store: MemberStore, configuration: Configuration, connection: Connection, identity: Identity, now: number): Promise<Foreseen> => {
  const { organization } = connection
  ownDomain(configuration, connection, identity.email, now)
  const addresses = await askAddresses(store, connection, identity.email)
  const [address = identity.email] = addresses
  const member = await foreseeMember(store, configuration, connection, identity, address)
  const how = organization.members.kind === 'anyone'
    ? `Anyone of its domains may sign in to ${organization.id}.`
    : addresses.length === 1
      ? `Invited to ${organization.id} as ${address}.`
      : `Invited to ${organization.id} several times: the person is asked which of ${addresses.join(', ')} they mean. What follows is for the first.`
  const who = member === undefined
    ? 'Nobody was recorded with this address yet: the first sign-in makes a new member.'
    : `Known as ${member.id} since ${dayText(member.createdAt)}.`
  return {
    membership: `${how} ${who}`,
    session: {
      sid: unknown.sid,
      host: configuration.authHost,
      member: member?.id ?? unknown.member,
      organization: organization.id,
      connection: connection.id,
      generation: 0,
      subject: identity.subject,
      email: identity.email,
      invited: address === identity.email ? undefined : address,
      name: identity.name,
      groups: [...identity.groups],
      newUser: member === undefined,
      amr: identity.amr === undefined ? undefined : [...identity.amr],
      acr: identity.acr,
      authTime: identity.authTime,
      startedAt: now
    }
  }
}
