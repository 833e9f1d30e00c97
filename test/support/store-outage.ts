import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { codeOf, origins, type World } from './gateway.ts'

/**
 * While `act` runs, the store cannot be written. Afterwards waits until the gateway lets people sign in again:
 * whoever waits for a SQLite file blocks its thread, and then it is very busy for a moment.
 */
export const withoutStore = async <T>(world: Pick<World, 'browser' | 'configuration'>, act: () => Promise<T>): Promise<T> => {
  const lock = new DatabaseSync(world.configuration.store.path)
  lock.exec('BEGIN EXCLUSIVE')
  try {
    return await act()
  } finally {
    lock.exec('ROLLBACK')
    lock.close()
    while (codeOf(await world.browser().send(`${origins.auth}/login`)) === 'PORTICO_OVERLOADED') await wait(100)
  }
}
