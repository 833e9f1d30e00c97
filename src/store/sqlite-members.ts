import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { addressOf, judgeClaim, type Claimed, type ClaimTerms, type Member, type MemberClaim, type MemberStore, type Verdict } from './members.ts'
import type { SqliteTools } from './sqlite-tools.ts'

const absent = z.null().transform(() => undefined)
const names = z.array(z.string())

const memberRow = z.object({
  id: z.string(),
  organization: z.string(),
  connection: z.string(),
  subject: z.union([z.string(), absent]),
  invited: z.string().transform(invited => invited === '' ? undefined : invited),
  email: z.string(),
  name: z.union([z.string(), absent]),
  groups: z.string().transform(text => names.parse(JSON.parse(text))),
  createdAt: z.number(),
  signedInAt: z.number(),
  blockedAt: z.union([z.number(), absent])
})

const read = (row: unknown): Member | undefined => row === undefined ? undefined : memberRow.parse(row)

const columns = `id, organization, connection, subject, invited, email, name, group_names AS groups,
  created_at AS createdAt, signed_in_at AS signedInAt, blocked_at AS blockedAt`

const statements = (database: DatabaseSync) => ({
  refresh: database.prepare(`UPDATE member SET name = ?, group_names = ?, signed_in_at = max(signed_in_at, ?)
    WHERE organization = ? AND connection = ? AND subject = ? AND invited = ? AND email = ? AND blocked_at IS NULL RETURNING ${columns}`),
  bySubject: database.prepare(`SELECT ${columns} FROM member WHERE organization = ? AND connection = ? AND subject = ? AND invited = ?`),
  allBySubject: database.prepare(`SELECT ${columns} FROM member WHERE organization = ? AND connection = ? AND subject = ? ORDER BY id`),
  byEmail: database.prepare(`SELECT ${columns} FROM member WHERE email IN (?1, ?2)
    UNION SELECT ${columns} FROM member WHERE invited IN (?1, ?2) ORDER BY organization, id`),
  byId: database.prepare(`SELECT ${columns} FROM member WHERE id = ?`),
  create: database.prepare(`INSERT INTO member (id, organization, connection, subject, invited, email, name, group_names, created_at, signed_in_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?9, ?9) RETURNING ${columns}`),
  update: database.prepare(`UPDATE member SET connection = ?, subject = ?, invited = ?, email = ?, name = ?, group_names = ?, signed_in_at = max(signed_in_at, ?)
    WHERE id = ? RETURNING ${columns}`),
  list: database.prepare(`SELECT ${columns} FROM member WHERE (organization, address, id) > (?, ?, ?) ORDER BY organization, address, id LIMIT ?`),
  listOne: database.prepare(`SELECT ${columns} FROM member WHERE organization = ? AND (address, id) > (?, ?) ORDER BY address, id LIMIT ?`),
  block: database.prepare(`UPDATE member SET blocked_at = coalesce(blocked_at, ?) WHERE id = ? RETURNING ${columns}`),
  unblock: database.prepare(`UPDATE member SET blocked_at = NULL WHERE id = ? RETURNING ${columns}`),
  free: database.prepare(`UPDATE member SET subject = NULL, organization = ? WHERE id = ? RETURNING ${columns}`),
  erase: database.prepare('DELETE FROM member WHERE id = ?')
})

/** Members in SQLite; the table is made by sqlite-schema.ts. */
export const createSqliteMembers = ({ database, guarded, transaction, batched, durably, text }: SqliteTools): MemberStore => {
  const sql = guarded(() => statements(database))

  const key = ({ organization, connection, subject, invited }: MemberClaim) => [text(organization), text(connection), text(subject), text(invited ?? '')] as const
  const profile = ({ name, groups }: MemberClaim) => [name === undefined ? null : text(name), text(JSON.stringify(groups))] as const

  const judge = (claim: MemberClaim, terms: ClaimTerms): Verdict => judgeClaim(
    claim, terms, read(sql.bySubject.get(...key(claim))), sql.byEmail.all(text(claim.email), text(addressOf(claim))).map(row => memberRow.parse(row)))

  return {
    async claimMember (claim, { takesOver, mint, now }) {
      const seconds = Math.floor(now)
      // nearly every sign-in is one of somebody who was here before: one statement, atomic as it is
      const known = await batched(() => read(sql.refresh.get(...profile(claim), seconds, ...key(claim), text(claim.email))))
      if (known !== undefined) return { kind: 'known', member: known }
      return guarded(() => durably(() => transaction(() => {
        const verdict = judge(claim, { takesOver })
        const { kind, member } = verdict
        if (kind === 'created') {
          return { kind, member: memberRow.parse(sql.create.get(mint(), ...key(claim), text(claim.email), ...profile(claim), seconds)) } satisfies Claimed
        }
        if (kind === 'blocked' || kind === 'conflict') return verdict
        const [, connection, subject, invited] = key(claim)
        return { kind, member: memberRow.parse(sql.update.get(connection, subject, invited, text(claim.email), ...profile(claim), seconds, member.id)) } satisfies Claimed
      })))
    },

    async foreseeClaim (claim, terms) {
      return guarded(() => judge(claim, terms))
    },

    async memberById (id) {
      return guarded(() => read(sql.byId.get(text(id))))
    },

    async membersByEmail (email) {
      return guarded(() => sql.byEmail.all(text(email), text(email)).map(row => memberRow.parse(row)))
    },

    async membersBySubject (organization, connection, subject) {
      return guarded(() => sql.allBySubject.all(text(organization), text(connection), text(subject)).map(row => memberRow.parse(row)))
    },

    async listMembers ({ organization, after, limit }) {
      const from = after === undefined ? ['', ''] as const : [addressOf(after), after.id] as const
      return guarded(() => (organization === undefined
        ? sql.list.all(after?.organization ?? '', ...from, limit)
        : sql.listOne.all(text(organization), ...from, limit)).map(row => memberRow.parse(row)))
    },

    async blockMember (id, now) {
      return guarded(() => durably(() => read(sql.block.get(Math.floor(now), text(id)))))
    },

    async unblockMember (id) {
      return guarded(() => durably(() => read(sql.unblock.get(text(id)))))
    },

    async freeSubject (id, organization) {
      return guarded(() => durably(() => read(sql.free.get(text(organization), text(id)))))
    },

    async eraseMember (id) {
      return guarded(() => durably(() => sql.erase.run(text(id)).changes === 1))
    }
  }
}
