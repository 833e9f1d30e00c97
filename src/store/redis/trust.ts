import { z } from 'zod'
import type { Store, TrustRecord } from '../store.ts'
import { readAs, type RecordReader, type StoredRecord } from './record.ts'
import { inBatches, type Records } from './records.ts'

const trust = z.object({ connection: z.string(), fingerprint: z.string(), generation: z.number() })

/** The record of trust that is stored so. Throws PORTICO_STORE_UNAVAILABLE for what only another version can read. */
export const readTrust = ({ value }: StoredRecord): TrustRecord => readAs(trust, 'a record of trust', value)

const stored = (value: TrustRecord): StoredRecord => ({ kind: 'trust', key: value.connection, value, expiresAt: undefined, indexes: [] })

/** The trust of each connection once. */
export const allTrust = async (reader: RecordReader): Promise<readonly TrustRecord[]> => {
  const all = new Map<string, TrustRecord>()
  for await (const some of reader.all('trust')) for (const record of some) all.set(record.key, readTrust(record))
  return [...all.values()]
}

/** Trust in the Redis store. `now` in seconds. */
export const createRedisTrust = ({ records, now }: { readonly records: Records, readonly now: () => number }): Pick<Store, 'adoptTrust'> => ({
  async adoptTrust (fingerprints) {
    const adopted: TrustRecord[] = []
    for (const some of inBatches([...fingerprints])) {
      adopted.push(...await records.transact(async ({ get, put }) => {
        const known = new Map((await get('trust', some.map(([connection]) => connection))).map(record => [record.key, readTrust(record)]))
        return some.map(([connection, fingerprint]) => {
          const before = known.get(connection)
          if (before?.fingerprint === fingerprint) return before
          const generation = before === undefined ? Math.floor(now()) : before.generation + 1
          const after = { connection, fingerprint, generation }
          put(stored(after))
          return after
        })
      }))
    }
    return adopted
  }
})
