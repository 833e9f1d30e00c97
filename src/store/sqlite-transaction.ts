import type { DatabaseSync } from 'node:sqlite'

/** Runs work in a transaction that holds the write lock from its beginning on: all of it happens, or nothing. Throws what the work or SQLite throws. */
export const createTransaction = (database: DatabaseSync) => <T>(work: () => T): T => {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
