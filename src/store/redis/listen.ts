import { setTimeout as wait } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { z } from 'zod'

/** Milliseconds before the next attempt where one failed. */
const pause = 100

const found = z.array(z.tuple([z.string()]).rest(z.unknown()))

/**
 * Calls `listener` as soon as something is added to the stream behind `key`, on a connection of its own, since it
 * waits there; `listening` milliseconds at a time. May call for nothing. Answers with what stops it.
 */
export const listen = ({ connect, key, listening, listener }: {
  readonly connect: () => Redis | Cluster
  readonly key: string
  readonly listening: number
  readonly listener: () => void
}): () => void => {
  const client = connect()
  const stopping = new AbortController()
  const { signal } = stopping
  // what is wrong is told by the link, which has a connection to the same Redis
  client.on('error', () => {})

  const newest = async (): Promise<string> => found.parse(await client.call('XREVRANGE', key, '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0'

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        // the place first, so that nothing comes between what the listener reads and what is waited for
        const id = await newest()
        listener()
        await client.call('XREAD', 'COUNT', 1, 'BLOCK', listening, 'STREAMS', key, id)
      } catch {
        await wait(pause, undefined, { ref: false })
        if (client.status === 'end' && !signal.aborted) client.connect().catch(() => {})
      }
    }
  }

  follow()
  return () => {
    stopping.abort()
    client.disconnect()
  }
}
