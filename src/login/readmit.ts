import { askAddresses, recordMember } from '../access/members.ts'
import type { Connection } from '../config/configuration.ts'
import type { Identity } from '../connections/connector.ts'
import { PorticoError } from '../errors.ts'
import type { Session } from '../sessions/session.ts'
import type { LoginDeps } from './deps.ts'

/**
 * The session of somebody who is signed in, with what their provider now says of them. They must be whom they were,
 * and would be let in as whom they were let in. Throws what a sign-in would be refused with, and
 * PORTICO_STORE_UNAVAILABLE.
 */
export type Readmit = (session: Session, identity: Identity, connection: Connection) => Promise<Session>

/** Membership once more (product.md, flow 4), for a session that lives. */
export const createReadmit = ({ configuration, store, now }: Pick<LoginDeps, 'configuration' | 'store' | 'now'>): Readmit => async (session, identity, connection) => {
  if (identity.subject !== session.subject) {
    throw new PorticoError('PORTICO_ID_TOKEN_SUBJECT', { wanted: session.subject, got: identity.subject, connection: connection.id })
  }
  const addresses = await askAddresses(store, connection, identity.email)
  const [only] = addresses
  const address = addresses.find(address => address === (session.invited ?? session.email)) ?? (addresses.length === 1 ? only : undefined)
  if (address === undefined) {
    throw new PorticoError('PORTICO_NOT_INVITED', { wanted: 'the invited address that was chosen', got: 'several others', connection: connection.id })
  }
  const { member } = await recordMember(store, configuration(), connection, identity, address, now())
  if (member.id !== session.member) {
    throw new PorticoError('PORTICO_MEMBER_CONFLICT', { wanted: session.member, got: member.id, connection: connection.id })
  }
  return {
    ...session,
    email: identity.email,
    invited: member.invited,
    name: identity.name,
    groups: [...identity.groups],
    amr: identity.amr === undefined ? undefined : [...identity.amr],
    acr: identity.acr
  }
}
