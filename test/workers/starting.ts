import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Serving } from '../support/serving.ts'
import { ask } from '../proxy/harness.ts'

export const local = 'Host: 127.0.0.1'

/** Waits until it is so, for as long as it takes. */
export const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!await isSo()) await wait(50)
}

/** Waits until so many workers answer, by the port of their ops listener. */
export const present = (ops: number, size: number): Promise<void> => until(async () => {
  const answer = await ask(ops, 'GET /metrics', [local]).catch(() => '')
  return answer.includes(`\nportico_workers ${size}\n`)
})

/** Process ids of the workers, from the operating system. */
export const workersOf = async (gateway: Serving): Promise<number[]> =>
  (await readFile(`/proc/${gateway.child.pid}/task/${gateway.child.pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number)
