import { randomBytes } from 'node:crypto'
import type { Configuration, Connection, Organization } from '../config/configuration.ts'
import type { Identity } from '../connections/connector.ts'
import { PorticoError } from '../errors.ts'
import { addressOf, type ClaimRefused, type Member, type MemberClaim, type MemberStore } from '../store/members.ts'

/** A member's id: minted once, unguessable, and never an identity provider's value (product.md, "Headers to the app"). */
export const mintMemberId = (): string => `mbr_${randomBytes(16).toString('base64url')}`

/**
 * The addresses as which this connection lets a canonical e-mail in (product R19, R20): the e-mail itself,
 * or with `matching: plus_alias` the invited ones that are it without their tag. More than one is a
 * question to the person. Throws PORTICO_MEMBER_BLOCKED or PORTICO_NOT_INVITED where there is none.
 */
export const addressesFor = ({ id, organization, matching }: Connection, email: string): readonly string[] => {
  const { members, blocked } = organization
  const refused = (code: 'PORTICO_MEMBER_BLOCKED' | 'PORTICO_NOT_INVITED', wanted: string): PorticoError =>
    new PorticoError(code, { wanted, got: email, connection: id })
  if (blocked.has(email)) throw refused('PORTICO_MEMBER_BLOCKED', `an e-mail that ${organization.id} does not block`)
  if (members.kind === 'anyone') return [email]
  const { exact, tagged } = members.list
  const invited = exact.has(email) ? [email] : matching === 'plus_alias' ? tagged.get(email) ?? [] : []
  if (invited.length === 0) throw refused('PORTICO_NOT_INVITED', `an e-mail that is invited to ${organization.id}`)
  const open = invited.filter(address => !blocked.has(address))
  if (open.length === 0) throw refused('PORTICO_MEMBER_BLOCKED', `an invited address that ${organization.id} does not block`)
  return open
}

/** Whether the organization, as it is configured now, lets somebody in who signed in before. */
export const isAdmitted = ({ members, blocked }: Organization, { email, invited }: { readonly email: string, readonly invited?: string | undefined }): boolean =>
  !blocked.has(email) && (invited === undefined || !blocked.has(invited)) &&
  (members.kind === 'anyone' ? invited === undefined : members.list.exact.has(invited ?? email))

/** The connections of its organization whose members this one takes over: what it replaces, what that replaced, and so on (R10). */
export const takenOver = ({ connections }: Configuration, { id, organization, replaces }: Connection): readonly string[] => {
  const ids = new Set<string>()
  for (let next = replaces; next !== undefined && next !== id && !ids.has(next);) {
    ids.add(next)
    const connection = connections.get(next)
    next = connection?.organization === organization ? connection.replaces : undefined
  }
  return [...ids]
}

/** What the store is asked with: who has signed in, and as which of the `addressesFor` them. */
const claimOf = ({ id, organization }: Connection, { subject, email, name, groups }: Identity, address: string): MemberClaim =>
  ({ organization: organization.id, connection: id, subject, invited: address === email ? undefined : address, email, name, groups })

/** What an operator can do about a conflict, so that the next sign-in is the one that was meant. */
const wayOut = ({ connections }: Configuration, { member, known }: ClaimRefused, { organization, connection }: MemberClaim): string => {
  const move = `portico members move --id ${member.id}${member.organization === organization ? '' : ` --to ${organization}`}`
  // a subject that is a member already takes no other one over
  if (known !== undefined) {
    return `They are ${known.id} (${addressOf(known)}) so far. To stay that: portico members erase --id ${member.id}. To become ${member.id}: portico members erase --id ${known.id}, then ${move}.`
  }
  if (member.organization !== organization) return `If they have moved: ${move}; to forget the earlier one: portico members erase --id ${member.id}.`
  if (member.connection === connection) return `If it is the same person (the account was made anew): ${move}, and they sign in again.`
  const kept = connections.has(member.connection) ? '' : `, and keep ${member.connection} in the file, disabled`
  return `If ${connection} takes over from ${member.connection}, say replaces: ${member.connection}${kept}; for this person alone: ${move}.`
}

/** The refusal that a blocked or conflicting member is. The public text names neither. */
const refusalOf = (configuration: Configuration, refused: ClaimRefused, claim: MemberClaim): PorticoError => {
  const { kind, member } = refused
  const { connection } = claim
  if (kind === 'blocked') {
    return new PorticoError('PORTICO_MEMBER_BLOCKED', {
      wanted: `a member of ${claim.organization} that is not blocked`, got: `${member.id}, blocked by command`, connection, remedy: `portico members unblock --id ${member.id} lets them in again.`
    })
  }
  const remedy = wayOut(configuration, refused, claim)
  if (member.organization !== claim.organization) {
    return new PorticoError('PORTICO_OTHER_ORGANIZATION', {
      wanted: `an e-mail that belongs to no other organization than ${claim.organization}`,
      got: `${claim.email}, of member ${member.id} of ${member.organization}`,
      connection,
      remedy
    })
  }
  return new PorticoError('PORTICO_MEMBER_CONFLICT', {
    wanted: `the subject at ${member.connection} that ${member.id} was recorded with`,
    got: `another subject with the e-mail ${claim.email} at ${connection}`,
    connection,
    remedy
  })
}

/**
 * Records whoever has signed in as a member of the connection's organization, or finds them again.
 * `address` is one of `addressesFor` them; `now` in seconds. `isNew` at first sight. Throws
 * PORTICO_MEMBER_BLOCKED, PORTICO_OTHER_ORGANIZATION, PORTICO_MEMBER_CONFLICT or PORTICO_STORE_UNAVAILABLE.
 */
export const recordMember = async (store: MemberStore, configuration: Configuration, connection: Connection, identity: Identity, address: string, now: number): Promise<{ member: Member, isNew: boolean }> => {
  const claim = claimOf(connection, identity, address)
  const claimed = await store.claimMember(claim, { takesOver: takenOver(configuration, connection), mint: mintMemberId, now })
  if (claimed.kind === 'blocked' || claimed.kind === 'conflict') throw refusalOf(configuration, claimed, claim)
  return { member: claimed.member, isNew: claimed.kind === 'created' }
}

/** As `recordMember`, but writes nothing: `member` is undefined for somebody who would be new. */
export const foreseeMember = async (store: MemberStore, configuration: Configuration, connection: Connection, identity: Identity, address: string): Promise<Member | undefined> => {
  const claim = claimOf(connection, identity, address)
  const foreseen = await store.foreseeClaim(claim, { takesOver: takenOver(configuration, connection) })
  if (foreseen.kind === 'blocked' || foreseen.kind === 'conflict') throw refusalOf(configuration, foreseen, claim)
  return foreseen.member
}

/**
 * As `addressesFor`, but where nobody of this organization knows the e-mail, tells whether another one
 * does: PORTICO_OTHER_ORGANIZATION rather than PORTICO_NOT_INVITED (product R14).
 */
export const askAddresses = async (store: MemberStore, connection: Connection, email: string): Promise<readonly string[]> => {
  try {
    return addressesFor(connection, email)
  } catch (error) {
    if (!(error instanceof PorticoError) || error.code !== 'PORTICO_NOT_INVITED') throw error
    const elsewhere = (await store.membersByEmail(email)).find(({ organization }) => organization !== connection.organization.id)
    if (elsewhere === undefined) throw error
    throw new PorticoError('PORTICO_OTHER_ORGANIZATION', {
      wanted: `an e-mail that is invited to ${connection.organization.id}`,
      got: `${email}, not invited, of member ${elsewhere.id} of ${elsewhere.organization}`,
      connection: connection.id,
      remedy: `Have them sign in through a connection of ${elsewhere.organization}; or invite them here and run portico members move --id ${elsewhere.id} --to ${connection.organization.id}.`
    })
  }
}
