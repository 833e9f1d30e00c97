import { changesAfter } from '../store/changes.ts'
import type { Store } from '../store/store.ts'
import type { Activities } from './activity.ts'
import type { Identities } from './identities.ts'
import type { Revoker } from './revoking.ts'
import type { TrustKeeper } from './trust.ts'

/** What every process has written to the store, as this one learns of it. */
export interface Following {
  /** Learns what was written before the call. Throws PORTICO_STORE_UNAVAILABLE. */
  follow (): Promise<void>
  /** Seconds: when the store began; 0 before the first `follow`. */
  since (): number
}

/** Follows the store, and tells one that has lost its memory everything again. `now` in seconds. */
export const createFollowing = ({ store, revoker, trust, activities, identities, now }: {
  readonly store: Store
  readonly revoker: Revoker
  readonly trust: TrustKeeper
  readonly activities: Activities
  readonly identities: Identities
  readonly now: () => number
}): Following => {
  let cursor = ''
  let since = 0
  let following: Promise<void> | undefined

  const learn = async (): Promise<void> => {
    for await (const changes of changesAfter(store, cursor)) {
      if (changes.isLost) {
        await store.restore({ revocations: revoker.all(), learn: revoker.learn })
        await activities.tellAgain(now())
        identities.learn()
        return
      }
      cursor = changes.cursor
      since = changes.since
      revoker.learn(changes.revocations)
      trust.learn(changes.trust)
      identities.learn(changes.identities)
    }
  }

  return {
    async follow () {
      await following?.catch(() => {})
      // never twice at once, and one look for all who wait
      following ??= (async () => {
        await learn()
        // nobody waits for it: what is known counts until then
        identities.reread().catch(() => {})
      })().finally(() => { following = undefined })
      await following
    },
    since: () => since
  }
}
