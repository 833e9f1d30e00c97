import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Configuration, SqliteStoreSettings } from '../config/configuration.ts'
import { createGuard } from '../store/sqlite-failure.ts'
import { createSqliteMembers } from '../store/sqlite-members.ts'
import type { MemberStore } from '../store/members.ts'

/** What can be had of the store's members without writing a byte. */
export type Records =
  | { readonly kind: 'open', readonly members: MemberStore, readonly close: () => unknown }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable', readonly why: string }

const unreadable = (error: unknown): Records => ({ kind: 'unreadable', why: error instanceof Error ? error.message : String(error) })

const openFile = ({ path }: SqliteStoreSettings): Records => {
  if (!existsSync(path)) return { kind: 'none' }
  const database = new DatabaseSync(path, { readOnly: true, timeout: 3_000 })
  const once = <T>(work: () => T): T => work()
  try {
    return {
      kind: 'open',
      members: createSqliteMembers({ database, guarded: createGuard(path), transaction: once, batched: async work => work(), durably: once, text: value => value }),
      close: () => database.close()
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Opens the store's members for reading alone: a database that is not there is not made, one of another
 * version is left as it is, and no Redis is taken for the first time. Never throws.
 */
export const openRecords = async ({ store }: Pick<Configuration, 'store'>): Promise<Records> => {
  try {
    if (store.kind === 'sqlite') return openFile(store)
    const { openRedisMembers } = await import('../store/redis/open.ts')
    const opened = await openRedisMembers(store)
    return opened === undefined ? { kind: 'none' } : { kind: 'open', ...opened }
  } catch (error) {
    return unreadable(error)
  }
}
