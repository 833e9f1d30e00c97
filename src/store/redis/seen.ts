import type { Store } from '../store.ts'
import { text } from '../text.ts'
import type { RedisLink } from './link.ts'
import type { Names } from './names.ts'

/** Sessions that one command writes. */
const batch = 1_000

/** When sessions were last seen, in the Redis store. Nobody is told; whoever has seen them tells a store that was emptied. */
export const createRedisSeen = ({ link, names }: { readonly link: Pick<RedisLink, 'send' | 'sendAll'>, readonly names: Names }): Pick<Store, 'recordLastSeen' | 'lastSeen'> => ({
  async recordLastSeen (seen, expiresAt) {
    const all = [...seen]
    for (let i = 0; i < all.length; i += batch) {
      const some = all.slice(i, i + batch)
      await link.sendAll([
        // first until when: what is cut off after that is swept
        ['ZADD', names.seenUntil, 'GT', ...some.flatMap(([sid]) => [Math.floor(expiresAt), text(sid)])],
        ['ZADD', names.seen, 'GT', ...some.flatMap(([sid, at]) => [Math.floor(at), sid])]
      ])
    }
  },

  async lastSeen (sid) {
    const at = await link.send('ZSCORE', names.seen, text(sid))
    return at === null ? undefined : Number(at)
  }
})
