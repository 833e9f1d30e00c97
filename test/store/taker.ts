/**
 * One of several processes over one store file: writes, takes and mints what the others do at the
 * same time, and reports what it got. Arguments: the file and how many items.
 */
import { createSqliteStore } from '../../src/store/sqlite.ts'

const [path = '', count = '0'] = process.argv.slice(2)
const store = createSqliteStore({ path })
const expiresAt = Date.now() / 1000 + 600
const taken: string[] = []
const members: string[] = []
let created = 0

for (let i = 0; i < Number(count); i++) {
  if (await store.putIfAbsent('attempt', `claim${i}`, '', expiresAt)) await store.put('ticket', `t${i}`, `v${i}`, expiresAt)
  const claim = { organization: 'acme', connection: 'okta', subject: `s${i}`, invited: undefined, email: `s${i}@acme.com`, name: undefined, groups: [] }
  const { kind, member } = await store.claimMember(claim, { takesOver: [], mint: () => `mbr_${process.pid}_${i}`, now: 1 })
  members.push(member.id)
  if (kind === 'created') created++
}
// what this process put, it takes, unless another was faster: together they find everything
for (let i = 0; i < Number(count); i++) {
  const value = await store.take('ticket', `t${i}`)
  if (value !== undefined) taken.push(value)
}
const [trust] = await store.adoptTrust(new Map([['okta', 'f']]))
await store.close()
process.send?.({ taken, created, members: members.join(), generation: trust?.generation })
