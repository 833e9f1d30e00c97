import type { DatabaseSync } from 'node:sqlite'

/** What an open database lends to each part of the store: see sqlite.ts. */
export interface SqliteTools {
  readonly database: DatabaseSync
  /** Runs work, and turns what SQLite throws into PORTICO_STORE_UNAVAILABLE. */
  readonly guarded: <T>(work: () => T) => T
  readonly transaction: <T>(work: () => T) => T
  /** Runs one statement together with others of the same moment: see sqlite-batch.ts. */
  readonly batched: <T>(work: () => T) => Promise<T>
  readonly durably: <T>(work: () => T) => T
  /** Refuses what SQLite cannot keep as it is. */
  readonly text: (value: string) => string
}
