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
