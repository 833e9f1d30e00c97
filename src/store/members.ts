/** A person of an organization, recorded at first sign-in. `id` is minted once and never changes. */
export interface Member {
  readonly id: string
  readonly organization: string
  readonly connection: string
  /**
   * The subject at the identity provider, as the connector's rule made it: `iss` + `sub`, never an e-mail.
   * Undefined once an operator has freed it (`members move`): the next sign-in with the address takes it.
   */
  readonly subject: string | undefined
  /** The invited address where it differs from `email` (product R20). */
  readonly invited: string | undefined
  /** Canonical, as it was at the latest sign-in. */
  readonly email: string
  readonly name: string | undefined
  readonly groups: readonly string[]
  /** Seconds since the epoch, as all times here. */
  readonly createdAt: number
  /** The latest sign-in. */
  readonly signedInAt: number
  /** Since when nobody may sign in as this member, by an operator's command. */
  readonly blockedAt: number | undefined
}

/**
 * Who has signed in, as the organization knows them. A member is found by organization, connection,
 * subject and invited address; the e-mail is an attribute that belongs to one organization (N1, V38).
 */
export interface MemberClaim extends Pick<Member, 'organization' | 'connection' | 'invited' | 'email' | 'name' | 'groups'> {
  readonly subject: string
}

export interface ClaimTerms {
  /** Connections of the same organization that this one has taken over from: their members move here by address. */
  readonly takesOver: readonly string[]
}

/** How a claim ends. `known`: as before; `moved`: a member that was another subject's; `created`: a new one. */
export interface Claimed {
  readonly kind: 'known' | 'moved' | 'created'
  readonly member: Member
}

/** Why there is none: `member` is blocked, or has the e-mail already, maybe in another organization. */
export interface ClaimRefused {
  readonly kind: 'blocked' | 'conflict'
  readonly member: Member
  /** Of a conflict: whom the subject was recorded as before, by another e-mail. */
  readonly known?: Member
}

/** The address that a member is invited, and unique, by. */
export const addressOf = ({ invited, email }: Pick<Member, 'invited' | 'email'>): string => invited ?? email

/** What becomes of a claim, by the members that it touches. `member` is the one concerned; none is there yet for `created`. */
export type Verdict =
  | { readonly kind: 'known' | 'moved', readonly member: Member }
  | ClaimRefused
  | { readonly kind: 'created', readonly member: undefined }

/**
 * Judges a claim. `known` is the member that it names by organization, connection, subject and invited
 * address; `namesakes` are all, of any organization, whose e-mail or invited address is one of its two.
 */
export const judgeClaim = (claim: MemberClaim, { takesOver }: ClaimTerms, known: Member | undefined, namesakes: readonly Member[]): Verdict => {
  if (known?.blockedAt !== undefined) return { kind: 'blocked', member: known }
  // recorded with this very e-mail: whoever else has it since has not got it from here
  if (known?.email === claim.email) return { kind: 'known', member: known }
  const others = namesakes.filter(({ id }) => id !== known?.id)
  const elsewhere = others.find(({ organization }) => organization !== claim.organization)
  const conflict = (member: Member): Verdict => ({ kind: 'conflict', member, ...known !== undefined && { known } })
  if (elsewhere !== undefined) return conflict(elsewhere)
  const holder = others.find(other => addressOf(other) === addressOf(claim))
  if (holder === undefined) return known === undefined ? { kind: 'created', member: undefined } : { kind: 'known', member: known }
  if (holder.blockedAt !== undefined) return { kind: 'blocked', member: holder }
  const isFree = holder.subject === undefined || takesOver.includes(holder.connection)
  return known === undefined && isFree ? { kind: 'moved', member: holder } : conflict(holder)
}

export interface MemberPage {
  readonly organization?: string | undefined
  /** The last member of the page before. */
  readonly after?: Member | undefined
  readonly limit: number
}

/** The members' part of the store. Every look-up takes the same time however many members there are. */
export interface MemberStore {
  /**
   * The member of whoever has signed in, as `judgeClaim` has it: recorded with the id that `mint` makes
   * where there is none, brought up to date otherwise. Atomic over all organizations: of two first
   * sign-ins of one person both get one id, and an e-mail never ends up in two organizations. A blocked
   * or conflicting member is left as it is.
   */
  claimMember (claim: MemberClaim, terms: ClaimTerms & { readonly mint: () => string, readonly now: number }): Promise<Claimed | ClaimRefused>
  /** What `claimMember` would answer now; writes nothing. */
  foreseeClaim (claim: MemberClaim, terms: ClaimTerms): Promise<Verdict>
  memberById (id: string): Promise<Member | undefined>
  /** Members whose e-mail or invited address this is: several of one person, of one organization. */
  membersByEmail (email: string): Promise<readonly Member[]>
  /** Members of this subject: several of one person who is invited by several addresses. */
  membersBySubject (organization: string, connection: string, subject: string): Promise<readonly Member[]>
  /** At most `limit` members, by organization and address. */
  listMembers (page: MemberPage): Promise<readonly Member[]>
  /** The member as it then is; undefined for an unknown id, as below. */
  blockMember (id: string, now: number): Promise<Member | undefined>
  unblockMember (id: string): Promise<Member | undefined>
  /** Puts a member into `organization` without a subject: the next sign-in there with its address takes it. */
  freeSubject (id: string, organization: string): Promise<Member | undefined>
  /** Removes the record; tells whether there was one. */
  eraseMember (id: string): Promise<boolean>
}
