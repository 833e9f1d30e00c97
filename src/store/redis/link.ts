import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import type { RedisStoreSettings } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Log } from '../../telemetry/log.ts'
import { connectRedis, whereOf } from './connect.ts'
import { isOfTheWay, isSilence, redisFailure, refusesWrites, silence } from './failure.ts'
import { listen } from './listen.ts'
import { createNames } from './names.ts'

/** A Lua script, sent once and then named by its SHA-1. */
export interface Script {
  readonly name: string
  readonly lua: string
}

/** One Redis command: its name and arguments. */
export type RedisCommand = readonly [name: string, ...args: readonly (string | number)[]]

/**
 * The way to Redis: one server, the master that Sentinel names, or a Cluster. Everything throws
 * PORTICO_STORE_UNAVAILABLE at once while it is down or closed, and soon when Redis is silent or refuses.
 */
export interface RedisLink {
  send (...command: RedisCommand): Promise<unknown>
  /** Several commands in one round trip; answers in order. Not atomic. The first failure is thrown. */
  sendAll (commands: readonly RedisCommand[]): Promise<readonly unknown[]>
  /** Runs a script atomically. `keys` are all of one slot. */
  run (script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  /** Calls `listener` as soon as something is added to the stream behind `key`, by a connection of its own; and whenever the link comes back. Answers with what stops it. */
  follow (key: string, listener: () => void): () => void
  /** Whether commands are being taken now. */
  isUp (): boolean
  close (): Promise<void>
}

export interface OpenedLink extends RedisLink {
  /** Resolves as soon as commands are taken, and after so many milliseconds in any case. */
  arrival (patience: number): Promise<void>
}

export interface RedisLinkOptions {
  readonly settings: RedisStoreSettings
  readonly log: Log
  /** Told what stands under the epoch's key whenever the way to Redis opens, before anything else may go there. */
  readonly arrived?: (mark: unknown) => void
  /** Milliseconds after which an answer is not waited for any more. */
  readonly patience?: number
}

/** Milliseconds for which a connection listens to the stream before it asks again. */
const listening = 5_000
/** Milliseconds between questions whether Redis takes commands again. */
const glance = 100

/**
 * Begins to connect to the Redis that is configured, and goes on until it is closed. What goes down and comes
 * back is logged once.
 */
export const createRedisLink = ({ settings, log, arrived = () => {}, patience = 2_000 }: RedisLinkOptions): OpenedLink => {
  const where = whereOf(settings)
  // the link's own patience comes first: this one is for what ioredis says and asks by itself
  const client = connectRedis(settings, 2 * patience)
  const followed = new Map<string, { readonly followers: Set<() => void>, readonly stop: () => void }>()
  const digests = new Map<string, string>()
  const { epoch, ping } = createNames(settings.prefix)
  let isUp = false
  /** It has refused what is written, and has not taken any since. */
  let isRefusing = false
  const closing = new AbortController()
  const { signal } = closing
  let isRising = false
  let failure = new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: `Redis at ${where}`, got: 'no connection yet' })

  const fail = (error: unknown): PorticoError => {
    if (signal.aborted) return failure
    const next = redisFailure(error, where)
    if (isUp || next.got !== failure.got) log.warn({ err: next }, 'Redis is away')
    isUp = false
    isRefusing ||= refusesWrites(error)
    failure = next
    return next
  }

  /** What is under way, as long as patience lasts. */
  const answered = async <T>(work: Promise<T>): Promise<T> => {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => setImmediate(() => {
      // an answer that this process has been too busy to read comes first
      reject(silence())
    }), patience)
    try {
      return await Promise.race([work, promise])
    } catch (error) {
      if (!isOfTheWay(error)) throw redisFailure(error, where)
      const failed = fail(error)
      // what else is waited for on this connection is not coming either
      if (isSilence(error) && client.status === 'ready') client.disconnect(true)
      rise()
      throw failed
    } finally {
      clearTimeout(timer)
    }
  }

  const call = ([name, ...args]: RedisCommand): Promise<unknown> => client.call(name, ...args)

  /** Asks until Redis answers. */
  const rise = async (): Promise<void> => {
    if (isRising) return
    isRising = true
    while (!link.isUp() && !signal.aborted && client.status === 'ready') {
      try {
        const mark = await answered(call(['GET', epoch]))
        // it still answers what is read
        if (isRefusing) await answered(call(['SET', ping, '', 'PX', 1_000]))
        isRefusing = false
        if (signal.aborted || client.status !== 'ready') break
        arrived(mark)
        isUp = true
        log.info({ redis: where }, 'Redis answers')
        for (const { followers } of followed.values()) for (const follower of followers) follower()
      } catch (error) {
        fail(error)
        await wait(glance)
      }
    }
    isRising = false
  }

  const sure = (): void => {
    if (!isUp) throw failure
  }

  client.on('ready', rise)
  client.on('error', (error: unknown) => { if (!isUp) fail(error) })
  client.on('close', () => { if (isUp) fail(new Error('Connection is closed.')) })
  // ioredis gives up when it is told to reconnect while it looks for a server
  client.on('end', () => {
    if (!signal.aborted) setTimeout(() => { if (!signal.aborted && client.status === 'end') client.connect().catch(() => {}) }, glance)
  })

  const sha1 = ({ lua }: Script): string => {
    const digest = digests.get(lua) ?? createHash('sha1').update(lua).digest('hex')
    digests.set(lua, digest)
    return digest
  }

  const link: OpenedLink = {
    async send (...command) {
      sure()
      return answered(call(command))
    },

    async sendAll (commands) {
      sure()
      // a pipeline is of one node
      if (client instanceof Cluster) return answered(Promise.all(commands.map(call)))
      const pipeline = client.pipeline()
      for (const [name, ...args] of commands) pipeline.call(name, ...args)
      return answered(pipeline.exec().then(results => (results ?? []).map(([error, result]) => {
        if (error !== null) throw error
        return result
      })))
    },

    async run (script, keys, args) {
      sure()
      const rest = [keys.length, ...keys, ...args]
      return answered(client.call('EVALSHA', sha1(script), ...rest).catch((error: unknown) => {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return client.call('EVAL', script.lua, ...rest)
      }))
    },

    follow (key, listener) {
      const tell = (): void => { for (const follower of followers) follower() }
      // one connection waits for all that follow the same
      const followers = followed.get(key)?.followers ?? new Set()
      const stop = followed.get(key)?.stop ?? listen({ connect: () => connectRedis(settings, listening + patience), key, listening, listener: tell })
      followers.add(listener)
      followed.set(key, { followers, stop })
      return () => {
        followers.delete(listener)
        if (followers.size > 0 || !followed.delete(key)) return
        stop()
      }
    },

    isUp: () => isUp,

    async arrival (patience) {
      const until = Date.now() + patience
      while (!link.isUp() && !signal.aborted && Date.now() < until) await wait(glance / 5)
    },

    async close () {
      closing.abort()
      isUp = false
      failure = new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted: `Redis at ${where}`, got: 'a store that is closed' })
      for (const { stop } of followed.values()) stop()
      followed.clear()
      client.disconnect()
    }
  }
  return link
}
