import type { Configuration, Connection } from '../config/configuration.ts'
import { isActive, isWithinStretch, stretchAt, type Stretch } from '../config/standing.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { createUpkeep } from '../sessions/upkeep.ts'
import type { ApiKeyStore } from '../store/api-keys.ts'
import type { Audit } from '../telemetry/audit.ts'
import type { Log } from '../telemetry/log.ts'
import type { ApiKeyUse } from './api-key-use.ts'

/** What happens to API keys while nobody asks. */
export interface ApiKeyUpkeep {
  /** To be called with each new configuration that has come into force. Never rejects. */
  adopt (): Promise<void>
  start (): void
  /** Stops, and tells the store when keys were last used. */
  stop (): Promise<void>
}

/** Milliseconds. */
const pace = 1_000

/**
 * Those of `ids` that are over: a connection that is off or no longer configured, and
 * that nothing takes over from, now or later (product.md R10, R17).
 */
const goneAmong = (ids: readonly string[], { connections }: Configuration, isActive: (connection: Connection) => boolean): string[] => {
  if (ids.length === 0) return []
  const inherited = new Set([...connections.values()].filter(({ status }) => status !== 'disabled').map(({ replaces }) => replaces))
  return ids.filter(id => {
    const connection = connections.get(id)
    return !inherited.has(id) && (connection === undefined || !isActive(connection))
  })
}

/**
 * Ends the keys of connections that are no more, for good: switching one off and on again revives
 * nothing, for keys as for sessions. And tells the store of uses, in batches.
 */
export const createApiKeyUpkeep = (deps: {
  readonly store: ApiKeyStore
  readonly configuration: () => Configuration
  readonly sessions: Pick<Sessions, 'revoke'>
  readonly use: ApiKeyUse
  readonly audit: Audit
  readonly log: Log
  readonly now?: () => number
}): ApiKeyUpkeep => {
  const { store, configuration, sessions, use, audit, log, now = () => Math.floor(Date.now() / 1_000) } = deps
  let stretch: Stretch | undefined
  /** Connections whose keys are to end, whatever becomes of them before the store takes it. */
  const owed = new Set<string>()

  const end = async (connection: string): Promise<void> => {
    const keys = await store.removeApiKeys((await store.apiKeysThrough(connection)).map(({ id }) => id))
    for (const key of keys) {
      await sessions.revoke({ kind: 'api_key', value: key.id, issuedBefore: now(), expiresAt: 0 })
      audit.apiKey({ event: 'api_key_revoked', by: 'connection', key })
    }
  }

  const settle = async (): Promise<void> => {
    const inForce = configuration()
    const moment = now()
    stretch = stretchAt(inForce, moment)
    const gone = goneAmong(await store.apiKeyConnections(), inForce, connection => isActive(connection, moment))
    for (const connection of gone) owed.add(connection)
    for (const connection of owed) {
      await end(connection)
      owed.delete(connection)
    }
  }

  const upkeep = createUpkeep({
    interval: pace,
    log,
    what: 'looking after API keys',
    async work () {
      await use.flush()
      if (owed.size > 0 || stretch === undefined || !isWithinStretch(stretch, now())) await settle()
    }
  })

  return {
    adopt: async () => {
      stretch = undefined
      await settle().catch((error: unknown) => log.error({ err: error }, 'the store does not say whose API keys there are: asked again shortly'))
    },
    start: upkeep.start,
    stop: async () => {
      await upkeep.stop()
      await use.flush()
    }
  }
}
