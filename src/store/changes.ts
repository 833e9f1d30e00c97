import type { Changes, Store } from './store.ts'

/**
 * Everything that was written after `cursor` by the time it is called, in as many parts as the store tells it in, so that a million
 * revocations are never one list. Whoever stops early goes on from the cursor of the last part. Throws as `changesSince`.
 */
export const changesAfter = async function * (store: Pick<Store, 'changesSince'>, cursor: string): AsyncGenerator<Changes> {
  for (let from = cursor; ;) {
    const changes = await store.changesSince(from)
    yield changes
    if (changes.isLost || !changes.isMore) return
    from = changes.cursor
  }
}
