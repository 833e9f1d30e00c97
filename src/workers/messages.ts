import { z } from 'zod'

/** What a worker can be asked. */
export const topics = ['metrics', 'status'] as const

export type Topic = typeof topics[number]

const number = z.number()
const topic = z.enum(topics)

/** From a worker to the process that started it. */
const upwards = z.discriminatedUnion('portico', [
  /** It listens, and logs at this level. */
  z.object({ portico: z.literal('up'), level: z.string() }),
  /** What do all of us have to say about this? */
  z.object({ portico: z.literal('ask'), number, topic }),
  z.object({ portico: z.literal('answer'), number, answer: z.unknown() })
])

/** From the process that started the workers to one of them. */
const downwards = z.discriminatedUnion('portico', [
  z.object({ portico: z.literal('question'), number, topic }),
  /** What all said, to whoever asked. */
  z.object({ portico: z.literal('told'), number, answer: z.unknown() }),
  z.object({ portico: z.literal('close') })
])

export type Upwards = z.infer<typeof upwards>
export type Downwards = z.infer<typeof downwards>

/** The message if it is one of a worker: Node's own and others' pass through the same channel. */
export const readUpwards = (message: unknown): Upwards | undefined => upwards.safeParse(message).data

/** The message if it is one to a worker. */
export const readDownwards = (message: unknown): Downwards | undefined => downwards.safeParse(message).data
