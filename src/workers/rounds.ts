import type { WorkerProcess } from './crew.ts'
import type { Topic } from './messages.ts'

/** Milliseconds that a worker is waited for: one that is busy is left out. */
const patience = 2_000

interface Round {
  readonly arrived: (place: number, answer: unknown) => void
  readonly answers: Map<number, unknown>
  readonly places: ReadonlySet<number>
  readonly done: () => void
}

/** Questions to all workers. */
export interface Rounds {
  /** What each of those that listen answers, by its place; `arrived` is called with each answer at once. */
  ask (topic: Topic, arrived?: (place: number, answer: unknown) => void): Promise<ReadonlyMap<number, unknown>>
  heard (place: number, number: number, answer: unknown): void
}

/** Asks all workers the same, and waits for their answers. */
export const createRounds = (present: () => ReadonlyMap<number, WorkerProcess>): Rounds => {
  const rounds = new Map<number, Round>()
  let last = 0

  return {
    async ask (topic, arrived = () => {}) {
      const workers = present()
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const number = ++last
      const round: Round = { arrived, answers: new Map(), places: new Set(workers.keys()), done: () => resolve(undefined) }
      rounds.set(number, round)
      const late = setTimeout(round.done, patience)
      for (const worker of workers.values()) worker.send({ portico: 'question', number, topic })
      if (workers.size === 0) round.done()
      await promise
      clearTimeout(late)
      rounds.delete(number)
      return round.answers
    },

    heard (place, number, answer) {
      const round = rounds.get(number)
      if (round === undefined || !round.places.has(place)) return
      round.answers.set(place, answer)
      round.arrived(place, answer)
      if (round.answers.size === round.places.size) round.done()
    }
  }
}
