import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Configuration } from '../config/configuration.ts'
import { createGuard } from '../store/sqlite-failure.ts'
import { createSqliteMembers } from '../store/sqlite-members.ts'
import type { MemberStore } from '../store/members.ts'

/** What can be had of the store's members without writing a byte. */
export type Records =
  | { readonly kind: 'open', readonly members: MemberStore, readonly close: () => void }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable', readonly why: string }

/**
 * Opens the store's members for reading alone: a database that is not there is not made, one of another
 * version is left as it is. Never throws.
 */
export const openRecords = ({ store }: Pick<Configuration, 'store'>): Records => {
  if (store.kind !== 'sqlite') return { kind: 'unreadable', why: 'explain does not read Redis' }
  const { path } = store
  if (!existsSync(path)) return { kind: 'none' }
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 3_000 })
    const once = <T>(work: () => T): T => work()
    try {
      return {
        kind: 'open',
        members: createSqliteMembers({ database, guarded: createGuard(path), transaction: once, durably: once, text: value => value }),
        close: () => database.close()
      }
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    return { kind: 'unreadable', why: error instanceof Error ? error.message : String(error) }
  }
}
