import { Session } from 'node:inspector/promises'

/**
 * Collects garbage now and gives the memory back to the system: reading thousands of files leaves more than
 * what is kept of them, and an idle thread would hold it for ever. Blocks this thread: to be called once, after
 * the first load, when nobody waits.
 */
export const giveBack = async (): Promise<void> => {
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.collectGarbage')
  session.disconnect()
}
