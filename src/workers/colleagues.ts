import { z } from 'zod'
import { PorticoError } from '../errors.ts'
import { statusSchema, type Status } from '../pages/status-page.ts'
import { readDownwards, type Topic, type Upwards } from './messages.ts'

/** Milliseconds that the process which started us is waited for. */
const patience = 4_000

/** A worker's side of `serve --workers`: the others, by way of the process that started all of them. */
export interface Colleagues {
  /** Whether this one says what all would say alike, such as that a configuration is in force. */
  readonly speaks: boolean
  /** The metrics of all of them, as Prometheus reads them. Throws PORTICO_OVERLOADED while they cannot be had: part of them would be a fall. */
  metrics (): Promise<string>
  /** What each says on `/status`, by its place; none while they cannot be had. */
  statuses (): Promise<readonly { readonly worker: number, readonly status: Status }[]>
  /** How this one answers when all are asked. */
  answer (answers: Readonly<Record<Topic, () => Promise<unknown>>>): void
  /** Tells that this one listens, and at which level it logs. */
  up (level: string): void
  /** Calls `close` when this one is told to end; Node ends it by itself when nobody is left to tell. */
  onClose (close: () => void): void
}

/** The channel to the process that started this one: `process`, where it has one. */
export interface Channel {
  send (message: Upwards): void
  on (event: 'message', listener: (message: unknown) => void): unknown
}

const statuses = z.array(z.object({ worker: z.number(), status: statusSchema }))

/** Makes it for the worker in this place (1 for the one that speaks). */
export const createColleagues = (place: number, channel: Channel): Colleagues => {
  const waiting = new Map<number, (answer: unknown) => void>()
  let answers: Parameters<Colleagues['answer']>[0] | undefined
  let close: (() => void) | undefined
  let last = 0

  const ask = async (topic: Topic): Promise<unknown> => {
    const number = ++last
    const { promise, resolve } = Promise.withResolvers<unknown>()
    waiting.set(number, resolve)
    const late = setTimeout(() => { resolve(undefined) }, patience)
    channel.send({ portico: 'ask', number, topic })
    const answer = await promise
    clearTimeout(late)
    waiting.delete(number)
    return answer
  }

  channel.on('message', message => {
    const read = readDownwards(message)
    if (read?.portico === 'close') close?.()
    if (read?.portico === 'told') waiting.get(read.number)?.(read.answer)
    if (read?.portico === 'question') {
      answers?.[read.topic]().then(answer => { channel.send({ portico: 'answer', number: read.number, answer }) }, () => {})
    }
  })

  return {
    speaks: place === 1,
    metrics: async () => {
      const { data } = z.string().safeParse(await ask('metrics'))
      if (data === undefined) throw new PorticoError('PORTICO_OVERLOADED', { wanted: 'the metrics of all workers', got: `none within ${patience} ms` })
      return data
    },
    statuses: async () => statuses.safeParse(await ask('status')).data ?? [],
    answer (given) { answers = given },
    up (level) { channel.send({ portico: 'up', level }) },
    onClose (given) { close = given }
  }
}
