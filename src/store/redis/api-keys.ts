import { z } from 'zod'
import { expiredKept, type ApiKey, type ApiKeyStore } from '../api-keys.ts'
import { text } from '../text.ts'
import { readAs, type RecordReader, type StoredRecord } from './record.ts'
import { inBatches, type Records, type Transaction } from './records.ts'

/** Keys that one look reads. */
const batch = 500

const apiKey = z.object({
  id: z.string(),
  hash: z.string(),
  member: z.string(),
  organization: z.string(),
  label: z.string(),
  apps: z.array(z.string()),
  createdAt: z.number(),
  expiresAt: z.number(),
  lastUsedAt: z.number().optional()
})

const owner = z.object({ id: z.string(), connection: z.string() })

const everything = 'everything'
const byHash = (hash: string): string => `hash ${text(hash)}`
const ofMember = (member: string): string => `member ${text(member)}`

const read = ({ value }: StoredRecord): ApiKey => {
  const { lastUsedAt, ...rest } = readAs(apiKey, 'an API key', value)
  return { ...rest, lastUsedAt }
}

/** So that texts of times are in the order of the times. */
const sortOf = ({ createdAt }: ApiKey): string => String(Math.max(0, createdAt)).padStart(12, '0')

const stored = (value: ApiKey): StoredRecord => {
  const sort = sortOf(value)
  return {
    kind: 'api_key',
    key: value.id,
    value,
    expiresAt: value.expiresAt + expiredKept,
    indexes: [{ name: everything, sort }, { name: ofMember(value.member), sort }, { name: byHash(value.hash), sort: '' }]
  }
}

/** Removes, as part of a decision, the API keys of a member that goes. */
export const removeApiKeysOf = async ({ find, remove }: Transaction, member: string): Promise<void> => {
  (await find('api_key', [ofMember(member)])).forEach(remove)
}

/** API keys in the Redis store. `reader` answers what is only read. */
export const createRedisApiKeys = ({ records, reader }: { readonly records: Records, readonly reader: RecordReader }): ApiKeyStore => {
  const all = async (): Promise<readonly ApiKey[]> => {
    const keys: ApiKey[] = []
    for (;;) {
      const last = keys.at(-1)
      const some = await reader.page('api_key', { name: everything, limit: batch, after: last && { sort: sortOf(last), key: last.id } })
      keys.push(...some.map(read))
      if (some.length < batch) return keys
    }
  }

  /** The owners' connections, by member id. */
  const connections = async (keys: readonly ApiKey[]): Promise<ReadonlyMap<string, string>> => {
    const members = await reader.get('member', [...new Set(keys.map(({ member }) => member))])
    return new Map(members.map(({ value }) => readAs(owner, 'a member', value)).map(({ id, connection }) => [id, connection]))
  }

  /** Changes the keys of these ids that are there. */
  const change = async (ids: readonly string[], changed: (key: ApiKey) => ApiKey): Promise<void> => {
    for (const some of inBatches(ids)) {
      await records.transact(async ({ get, put }) => {
        for (const key of (await get('api_key', some)).map(read)) put(stored(changed(key)))
      })
    }
  }

  return {
    async addApiKey (key, most) {
      return records.transact(async ({ get, find, put }) => {
        const [owner] = await get('member', [key.member])
        const held = await find('api_key', [ofMember(key.member)])
        if (owner === undefined || held.length >= most) return false
        put(stored({
          ...key,
          createdAt: Math.floor(key.createdAt),
          expiresAt: Math.floor(key.expiresAt),
          lastUsedAt: key.lastUsedAt === undefined ? undefined : Math.floor(key.lastUsedAt)
        }))
        return true
      })
    },

    async findApiKey (hashes) {
      const found = (await reader.find('api_key', hashes.map(byHash)))[0]
      return found === undefined ? undefined : read(found)
    },

    async apiKeyById (id) {
      return (await reader.get('api_key', [id])).map(read)[0]
    },

    async apiKeys (member) {
      return member === undefined ? all() : (await reader.find('api_key', [ofMember(member)])).map(read)
    },

    async rehashApiKey (id, hash) {
      await change([id], key => ({ ...key, hash }))
    },

    async recordApiKeyUse (used) {
      await change([...used.keys()], key => ({ ...key, lastUsedAt: Math.max(key.lastUsedAt ?? 0, Math.floor(used.get(key.id) ?? 0)) }))
    },

    async removeApiKeys (ids) {
      const removed: ApiKey[] = []
      for (const some of inBatches(ids)) {
        removed.push(...await records.transact(async ({ get, remove }) => {
          const there = await get('api_key', some)
          there.forEach(remove)
          return there.map(read)
        }))
      }
      return removed
    },

    async apiKeyConnections () {
      return [...new Set((await connections(await all())).values())]
    },

    async apiKeysThrough (connection) {
      const keys = await all()
      const owners = await connections(keys)
      return keys.filter(({ member }) => owners.get(member) === connection)
    }
  }
}
