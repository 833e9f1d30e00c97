import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Configuration } from '../../config/configuration.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { parseObject } from './answer.ts'

/** Seconds that a copy outlives its last fetch: longer than any outage. */
const lifetime = 90 * 86_400

const stored = z.object({ mac: z.string(), fetchedAt: z.number(), content: z.string() })

/** The last good documents by which the provider of one connection described itself, in the store. */
export interface ProviderCopies {
  /** Never throws: without a store, a sign-in fetches. */
  keep (issuer: string, content: unknown, fetchedAt: number): Promise<void>
  find (issuer: string): Promise<{ content: unknown, fetchedAt: number } | undefined>
}

/**
 * Copies are keyed by connection and issuer (behaviours V20) and authenticated with the gateway's
 * keys: a document decides whose signatures are believed, so writing to the store must not suffice
 * to change one.
 */
export const createProviderCopies = (connection: string, deps: {
  kind: 'discovery' | 'metadata'
  store: Store
  configuration: () => Configuration
  log: Log
}): ProviderCopies => {
  const { kind, store, configuration, log } = deps
  const storeKey = (issuer: string): string => `${connection} ${issuer}`
  const mac = (key: Buffer, issuer: string, fetchedAt: number, content: string): Buffer => {
    const derived = Buffer.from(hkdfSync('sha256', key, '', `portico ${kind} document`, 32))
    return createHmac('sha256', derived).update(JSON.stringify([connection, issuer, fetchedAt, content])).digest()
  }
  const complain = (error: unknown): void => {
    log.warn({ err: error, connection }, `the copy of a ${kind} document is out of reach`)
  }
  return {
    keep: async (issuer, content, fetchedAt) => {
      const text = JSON.stringify(content)
      const [key] = configuration().keys
      if (key === undefined) return
      const value = JSON.stringify({ mac: mac(key, issuer, fetchedAt, text).toString('base64url'), fetchedAt, content: text })
      await store.put(kind, storeKey(issuer), value, fetchedAt + lifetime).catch(complain)
    },
    find: async issuer => {
      const value = await store.get(kind, storeKey(issuer)).catch(complain)
      const copy = value === undefined ? undefined : stored.safeParse(parseObject(value)).data
      if (copy === undefined) return undefined
      const given = Buffer.from(copy.mac, 'base64url')
      const genuine = configuration().keys.some(key => {
        const right = mac(key, issuer, copy.fetchedAt, copy.content)
        return given.length === right.length && timingSafeEqual(given, right)
      })
      const content = genuine ? parseObject(copy.content) : undefined
      return content === undefined ? undefined : { content, fetchedAt: copy.fetchedAt }
    }
  }
}
