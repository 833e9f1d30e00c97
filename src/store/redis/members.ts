import { z } from 'zod'
import { addressOf, judgeClaim, type Member, type MemberClaim, type MemberStore } from '../members.ts'
import { text } from '../text.ts'
import { removeApiKeysOf } from './api-keys.ts'
import { readAs, type RecordReader, type StoredRecord } from './record.ts'
import type { Records } from './records.ts'

const member = z.object({
  id: z.string(),
  organization: z.string(),
  connection: z.string(),
  subject: z.string().optional(),
  invited: z.string().optional(),
  email: z.string(),
  name: z.string().optional(),
  groups: z.array(z.string()),
  createdAt: z.number(),
  signedInAt: z.number(),
  blockedAt: z.number().optional()
})

const everybody = 'everybody'
const byAddress = (address: string): string => `address ${text(address)}`
const ofOrganization = (organization: string): string => `organization ${text(organization)}`
const bySubject = (organization: string, connection: string, subject: string): string => `subject ${JSON.stringify([organization, connection, subject].map(text))}`

/** The member that is stored so. Throws PORTICO_STORE_UNAVAILABLE for what only another version can read. */
export const memberOf = ({ value }: StoredRecord): Member => {
  const { subject, invited, name, blockedAt, ...rest } = readAs(member, 'a member', value)
  return { ...rest, subject, invited, name, blockedAt }
}

const sortOf = (member: Member): string => `${member.organization}\0${addressOf(member)}`

const stored = (value: Member): StoredRecord => {
  const { id, organization, connection, subject, email } = value
  return {
    kind: 'member',
    key: id,
    value,
    expiresAt: undefined,
    indexes: [
      { name: everybody, sort: sortOf(value) },
      { name: ofOrganization(organization), sort: addressOf(value) },
      ...[...new Set([email, addressOf(value)])].map(address => ({ name: byAddress(address), sort: organization })),
      ...subject === undefined ? [] : [{ name: bySubject(organization, connection, subject), sort: '' }]
    ]
  }
}

const byPlace = (one: Member, other: Member): number => {
  const [a, b] = [`${one.organization}\0${one.id}`, `${other.organization}\0${other.id}`]
  return a < b ? -1 : Number(a > b)
}

/** Everybody that a claim touches, as far as it was `found` by them: whom it names, and who has one of its addresses. */
const touched = (claim: MemberClaim, found: readonly StoredRecord[]) => {
  const members = found.map(memberOf)
  const addresses = [claim.email, addressOf(claim)]
  return {
    known: members.find(({ organization, connection, subject, invited }) =>
      organization === claim.organization && connection === claim.connection && subject === claim.subject && invited === claim.invited),
    namesakes: members.filter(({ email, invited }) => addresses.includes(email) || (invited !== undefined && addresses.includes(invited))).sort(byPlace)
  }
}

const names = ({ organization, connection, subject, ...claim }: MemberClaim): readonly string[] =>
  [...new Set([bySubject(organization, connection, subject), byAddress(claim.email), byAddress(addressOf(claim))])]

/** Members in the Redis store. `reader` answers what is only read. */
export const createRedisMembers = ({ records, reader }: { readonly records: Records, readonly reader: RecordReader }): MemberStore => {
  /** Changes a member; answers with what it then is. */
  const change = async (id: string, changed: (member: Member) => Member): Promise<Member | undefined> =>
    records.transact(async ({ get, put }) => {
      const [before] = (await get('member', [id])).map(memberOf)
      if (before === undefined) return undefined
      const after = changed(before)
      put(stored(after))
      return after
    })

  return {
    async claimMember (claim, { takesOver, mint, now }) {
      const { organization, connection, subject, invited, email, name, groups } = claim
      const seconds = Math.floor(now)
      return records.transact(async ({ find, put }) => {
        const { known, namesakes } = touched(claim, await find('member', names(claim)))
        const verdict = judgeClaim(claim, { takesOver }, known, namesakes)
        const { kind, member } = verdict
        if (kind === 'blocked' || kind === 'conflict') return verdict
        const profile = { connection, subject, invited, email, name, groups }
        const claimed: Member = kind === 'created'
          ? { id: mint(), organization, ...profile, createdAt: seconds, signedInAt: seconds, blockedAt: undefined }
          : { ...member, ...profile, signedInAt: Math.max(member.signedInAt, seconds) }
        put(stored(claimed))
        return { kind, member: claimed }
      })
    },

    async foreseeClaim (claim, terms) {
      const { known, namesakes } = touched(claim, await reader.find('member', names(claim)))
      return judgeClaim(claim, terms, known, namesakes)
    },

    async memberById (id) {
      return (await reader.get('member', [id])).map(memberOf)[0]
    },

    async membersByEmail (email) {
      return (await reader.find('member', [byAddress(email)])).map(memberOf)
    },

    async membersBySubject (organization, connection, subject) {
      return (await reader.find('member', [bySubject(organization, connection, subject)])).map(memberOf)
    },

    async listMembers ({ organization, after, limit }) {
      const sort = after && (organization === undefined ? sortOf(after) : addressOf(after))
      return (await reader.page('member', {
        name: organization === undefined ? everybody : ofOrganization(organization),
        limit,
        after: after && sort !== undefined ? { sort, key: after.id } : undefined
      })).map(memberOf)
    },

    async blockMember (id, now) {
      return change(id, member => ({ ...member, blockedAt: member.blockedAt ?? Math.floor(now) }))
    },

    async unblockMember (id) {
      return change(id, member => ({ ...member, blockedAt: undefined }))
    },

    async freeSubject (id, organization) {
      return change(id, member => ({ ...member, organization, subject: undefined }))
    },

    async eraseMember (id) {
      return records.transact(async transaction => {
        const [there] = await transaction.get('member', [id])
        if (there === undefined) return false
        await removeApiKeysOf(transaction, id)
        transaction.remove(there)
        return true
      })
    }
  }
}
