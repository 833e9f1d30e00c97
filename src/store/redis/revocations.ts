import { z } from 'zod'
import { revocationKinds, type Revocation, type Store } from '../store.ts'
import { text } from '../text.ts'
import type { Commit } from './commit.ts'
import type { RedisCommand, RedisLink } from './link.ts'
import type { Names } from './names.ts'
import { readAs } from './record.ts'
import { revocationAddition } from './stream.ts'

/** Revocations that one command reads. */
const batch = 2_000

const listed = z.array(z.string())
const member = z.tuple([z.enum(revocationKinds), z.string(), z.number()])

/** What keeps a revocation, until the latest expiry that it was ever given; nothing of it tells the stream. */
export const keeping = (names: Names, { kind, value, issuedBefore, expiresAt }: Revocation): RedisCommand =>
  ['ZADD', names.revocations, 'GT', expiresAt, JSON.stringify([kind, value, issuedBefore])]

/** Every revocation that has not expired by `now`. What is added meanwhile may be among them. Throws PORTICO_STORE_UNAVAILABLE. */
export const allRevocations = async (link: RedisLink, names: Names, now: number): Promise<readonly Revocation[]> => {
  const all: Revocation[] = []
  // the latest first: what is swept, at the other end, or added meanwhile moves none of the rest out of sight
  for (let from = 0; ; from += batch) {
    const list = readAs(listed, 'revocations', await link.send('ZRANGE', names.revocations, from, from + batch - 1, 'REV', 'WITHSCORES'))
    for (let i = 0; i + 1 < list.length; i += 2) {
      const expiresAt = Number(list[i + 1])
      if (expiresAt <= now) return all
      const [kind, value, issuedBefore] = readAs(member, 'a revocation', JSON.parse(list[i] ?? ''))
      all.push({ kind, value, issuedBefore, expiresAt })
    }
    if (list.length < 2 * batch) return all
  }
}

/** How revocations come into the Redis store. */
export const createRedisRevocations = ({ names, commit }: { readonly names: Names, readonly commit: Commit }): Pick<Store, 'addRevocation'> => ({
  async addRevocation ({ kind, value, issuedBefore, expiresAt }) {
    const revocation = { kind, value: text(value), issuedBefore: Math.floor(issuedBefore), expiresAt: Math.ceil(expiresAt) }
    await commit({ records: [], indexes: [], commands: [keeping(names, revocation), revocationAddition(names, revocation)] })
  }
})
