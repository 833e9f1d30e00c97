import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { readOrganizationPart } from './part.ts'
import type { OrganizationPart } from './part.ts'
import type { FileRead } from './read.ts'

/** Below so many files another thread is not worth its start. */
const fewest = 1_000
/** Files that are handed over at once, and that this thread parses before it looks whether more are wanted. */
const handful = 100
/** Threads beside this one, at most. */
const most = 3

/**
 * Parses organizations' files: a few here, thousands (at start) on the other processors too, by threads
 * that end with the work. What such a thread does not finish is done here.
 */
export const parseInThreads = async (files: readonly FileRead[]): Promise<readonly OrganizationPart[]> => {
  const parts: OrganizationPart[] = []
  let next = 0
  const take = (): { from: number, chunk: readonly FileRead[] } => {
    const from = next
    next = Math.min(files.length, from + handful)
    return { from, chunk: files.slice(from, next) }
  }
  const keep = (from: number, done: readonly OrganizationPart[]): void => {
    for (const [index, part] of done.entries()) parts[from + index] = part
  }
  const parseHere = ({ from, chunk }: ReturnType<typeof take>): void => {
    keep(from, chunk.map(({ file, content }) => readOrganizationPart(file, content)))
  }

  const here = async (): Promise<void> => {
    while (next < files.length) {
      parseHere(take())
      await setImmediate()
    }
  }

  const elsewhere = async (): Promise<void> => {
    const worker = new Worker(new URL('./parsing-worker.ts', import.meta.url))
    worker.on('error', () => { /* whoever waits for it is told too */ })
    while (next < files.length) {
      const taken = take()
      try {
        const answer = once(worker, 'message')
        worker.postMessage(taken.chunk)
        const [done] = await answer
        keep(taken.from, done)
      } catch {
        parseHere(taken)
        break
      }
    }
    await worker.terminate()
  }

  const helpers = files.length < fewest ? 0 : Math.min(most, availableParallelism() - 1)
  await Promise.all([here(), ...Array.from({ length: helpers }, elsewhere)])
  return parts
}
