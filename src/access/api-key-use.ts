import type { ApiKey, ApiKeyStore } from '../store/api-keys.ts'
import type { Log } from '../telemetry/log.ts'

/** When keys were last used: in memory, and told to the store every now and then. */
export interface ApiKeyUse {
  touch (key: ApiKey, now: number): void
  /** Tells the store. Never rejects: what it does not take is told again, and a failure is logged when it begins. */
  flush (): Promise<void>
}

/** Seconds by which the store may lag behind. */
const grain = 60
/** Keys in one transaction: it blocks this thread, and every writer. */
const batch = 250
/** Keys whose last telling is remembered; the others are told about once more than needed. */
const room = 100_000

/** See ApiKeyUse. Times are in seconds. */
export const createApiKeyUse = ({ store, log }: { readonly store: Pick<ApiKeyStore, 'recordApiKeyUse'>, readonly log: Log }): ApiKeyUse => {
  /** What the store was told, by id. */
  const told = new Map<string, number>()
  let waiting = new Map<string, number>()
  let failing = false

  return {
    touch: ({ id, lastUsedAt = 0 }, now) => {
      if (now >= (told.get(id) ?? lastUsedAt) + grain) waiting.set(id, now)
    },

    flush: async () => {
      const entries = [...waiting]
      waiting = new Map()
      for (let from = 0; from < entries.length; from += batch) {
        const part = entries.slice(from, from + batch)
        try {
          await store.recordApiKeyUse(new Map(part))
        } catch (error) {
          for (const [id, at] of entries.slice(from)) if (!waiting.has(id)) waiting.set(id, at)
          if (!failing) log.error({ err: error }, 'the store does not take when API keys were used: tried again until it does')
          failing = true
          return
        }
        failing = false
        if (told.size > room) told.clear()
        for (const [id, at] of part) told.set(id, at)
      }
    }
  }
}
