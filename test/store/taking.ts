import type { Store } from '../../src/store/store.ts'

/** What one of several processes over one store got: items taken, ids of the members that it saw, in order. */
export interface Taken {
  readonly taken: readonly string[]
  readonly created: number
  readonly members: string
  readonly keys: number
  readonly generation: number | undefined
}

/** Writes, takes and mints what other processes do at the same time, `count` of each, and closes the store. */
export const takeAll = async (store: Store, count: number): Promise<Taken> => {
  const expiresAt = Date.now() / 1000 + 600
  const taken: string[] = []
  const members: string[] = []
  let created = 0
  let keys = 0

  for (let i = 0; i < count; i++) {
    if (await store.putIfAbsent('attempt', `claim${i}`, '', expiresAt)) await store.put('ticket', `t${i}`, `v${i}`, expiresAt)
    const claim = { organization: 'acme', connection: 'okta', subject: `s${i}`, invited: undefined, email: `s${i}@acme.com`, name: undefined, groups: [] }
    const { kind, member } = await store.claimMember(claim, { takesOver: [], mint: () => `mbr_${process.pid}_${i}`, now: 1 })
    members.push(member.id)
    if (kind === 'created') created++
    const id = `key_${process.pid}_${i}`
    const key = { id, hash: id, member: members[0] ?? '', organization: 'acme', label: '', apps: [], createdAt: 1, expiresAt, lastUsedAt: undefined }
    if (await store.addApiKey(key, 7)) keys++
  }
  // what this process put, it takes, unless another was faster: together they find everything
  for (let i = 0; i < count; i++) {
    const value = await store.take('ticket', `t${i}`)
    if (value !== undefined) taken.push(value)
  }
  const [trust] = await store.adoptTrust(new Map([['okta', 'f']]))
  await store.close()
  return { taken, created, members: members.join(), keys, generation: trust?.generation }
}
