/** Seconds for which an expired API key is still told from one that never was. */
export const expiredKept = 30 * 86_400

/** An API key of a member, as the store has it: everything but the key. Times in seconds since the epoch. */
export interface ApiKey {
  readonly id: string
  /** Of the key, under one of the configured keys. */
  readonly hash: string
  /** Member id. It goes when the member does. */
  readonly member: string
  readonly organization: string
  readonly label: string
  /** Ids of the apps that it opens. */
  readonly apps: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  /** Undefined before its first use; up to a minute behind. */
  readonly lastUsedAt: number | undefined
}

/** API keys of members (product.md R13). A change is on the disk when its promise resolves, but for uses. */
export interface ApiKeyStore {
  /** Records a key unless its member has `most` already, or is no more; tells whether it did. Atomic. */
  addApiKey (key: ApiKey, most: number): Promise<boolean>
  /** The key with one of these hashes. Takes the same time however many keys there are. */
  findApiKey (hashes: readonly string[]): Promise<ApiKey | undefined>
  apiKeyById (id: string): Promise<ApiKey | undefined>
  /** A member's keys, or everybody's, oldest first. */
  apiKeys (member?: string): Promise<readonly ApiKey[]>
  /** The same key under a newer hash. */
  rehashApiKey (id: string, hash: string): Promise<void>
  /** When keys were last used, by id; an older time never replaces a newer one. */
  recordApiKeyUse (used: ReadonlyMap<string, number>): Promise<void>
  /** Removes keys for good; answers with those that were there. */
  removeApiKeys (ids: readonly string[]): Promise<readonly ApiKey[]>
  /** Ids of the connections that owners of keys sign in through. */
  apiKeyConnections (): Promise<readonly string[]>
  /** The keys whose owners sign in through this connection. */
  apiKeysThrough (connection: string): Promise<readonly ApiKey[]>
}
