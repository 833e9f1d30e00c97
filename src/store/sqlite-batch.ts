import type { SqliteTools } from './sqlite-tools.ts'

export interface Batch {
  /** Runs `work`, a single statement, in one transaction with whatever else is asked for in the same turn of the event loop. Settles once that is committed. */
  batched <T>(work: () => T): Promise<T>
  /** Does now what is waiting. */
  flush (): void
}

type Outcome = () => void

interface Job {
  /** Runs it, and answers with what tells its caller, which is not before the commit. */
  run (): Outcome
  reject (error: unknown): void
}

/**
 * Writes of sign-ins that go on side by side share a commit, and the pages that it writes: at the load at which that
 * counts, a third of what the store costs. Each stands or falls on its own: SQLite undoes a statement that fails, and
 * goes on with the transaction. Where the transaction itself fails, none has happened.
 */
export const createBatch = ({ database, guarded, transaction }: Pick<SqliteTools, 'database' | 'guarded' | 'transaction'>): Batch => {
  let waiting: Job[] = []

  const attempt = ({ run, reject }: Job): Outcome => {
    try {
      return guarded(run)
    } catch (error) {
      // a full disk undoes the transaction, and with it whatever else is in it
      if (!database.isTransaction) throw error
      return () => reject(error)
    }
  }

  const flush = (): void => {
    const jobs = waiting
    waiting = []
    const [only, ...others] = jobs
    if (only === undefined) return
    try {
      const outcomes = guarded(() => others.length === 0 ? [only.run()] : transaction(() => jobs.map(attempt)))
      for (const tell of outcomes) tell()
    } catch (error) {
      for (const { reject } of jobs) reject(error)
    }
  }

  return {
    batched: async work => await new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({
        run: () => {
          const result = work()
          return () => resolve(result)
        },
        reject
      })
    }),
    flush
  }
}
