import { z } from 'zod'
import { revocationKinds, type Revocation, type Store } from '../store.ts'
import { text } from '../text.ts'
import type { Commit } from './commit.ts'
import type { RedisCommand, RedisLink } from './link.ts'
import type { Names } from './names.ts'
import { readAs } from './record.ts'
import { revocationAddition } from './stream.ts'

/** Revocations that one look reads: some ten milliseconds' work. */
const batch = 5_000

const listed = z.array(z.string())
const member = z.tuple([z.enum(revocationKinds), z.string(), z.number()])

/** What keeps a revocation, until the latest expiry that it was ever given; nothing of it tells the stream. */
export const keeping = (names: Names, { kind, value, issuedBefore, expiresAt }: Revocation): RedisCommand =>
  ['ZADD', names.revocations, 'GT', expiresAt, JSON.stringify([kind, value, issuedBefore])]

/**
 * Some of the revocations that have not expired by `now`, past the first `told` of them; `isAll` with the last of them. What is
 * added meanwhile may be among them, or come twice. Throws PORTICO_STORE_UNAVAILABLE.
 */
export const revocationsFrom = async (link: RedisLink, names: Names, now: number, told: number): Promise<{ readonly revocations: readonly Revocation[], readonly isAll: boolean }> => {
  // the latest first: what is swept, at the other end, or added meanwhile moves none of the rest out of sight
  const list = readAs(listed, 'revocations', await link.send('ZRANGE', names.revocations, told, told + batch - 1, 'REV', 'WITHSCORES'))
  const revocations = list.flatMap((text, i) => {
    const expiresAt = Number(list[i + 1])
    if (i % 2 === 1 || expiresAt <= now) return []
    const [kind, value, issuedBefore] = readAs(member, 'a revocation', JSON.parse(text))
    return [{ kind, value, issuedBefore, expiresAt }]
  })
  return { revocations, isAll: revocations.length < batch }
}

/** How revocations come into the Redis store. */
export const createRedisRevocations = ({ names, commit }: { readonly names: Names, readonly commit: Commit }): Pick<Store, 'addRevocation'> => ({
  async addRevocation ({ kind, value, issuedBefore, expiresAt }) {
    const revocation = { kind, value: text(value), issuedBefore: Math.floor(issuedBefore), expiresAt: Math.ceil(expiresAt) }
    await commit({ records: [], indexes: [], commands: [keeping(names, revocation), revocationAddition(names, revocation)] })
  }
})
