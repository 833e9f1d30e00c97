import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { readOrganizationPart } from './part.ts'
import type { OrganizationPart } from './part.ts'
import type { FileRead } from './read.ts'

/** Below so many files another thread is not worth its start. */
const fewest = 1_000
/** Files that are handed over at once. */
const handful = 100
/** In MiB: what is parsed is sent away at once. */
const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 }
/** Threads, at most. */
const most = 4

/**
 * Parses organizations' files: a few here; thousands (at start) on all processors, by threads that end
 * with the work and take with them what it leaves behind. What such a thread does not finish is done here.
 */
export const parseInThreads = async (files: readonly FileRead[]): Promise<readonly OrganizationPart[]> => {
  const parseHere = (chunk: readonly FileRead[]): readonly OrganizationPart[] => chunk.map(({ file, content }) => readOrganizationPart(file, content))
  if (files.length < fewest) return parseHere(files)
  const chunks = Array.from({ length: Math.ceil(files.length / handful) }, (_, index) => files.slice(index * handful, (index + 1) * handful))
  const parts: (readonly OrganizationPart[])[] = []
  let next = 0

  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./parsing-worker.ts', import.meta.url), { resourceLimits })
    // Whoever waits for an answer is told too.
    worker.on('error', () => { next = chunks.length })
    for (let index = next++; index < chunks.length; index = next++) {
      const answer = once(worker, 'message')
      worker.postMessage(chunks[index])
      parts[index] = await answer.then(([done]) => done, () => undefined) ?? []
    }
    await worker.terminate()
  }

  await Promise.all(Array.from({ length: Math.min(most, availableParallelism()) }, work))
  return chunks.flatMap((chunk, index) => parts[index]?.length === chunk.length ? parts[index] : parseHere(chunk))
}
