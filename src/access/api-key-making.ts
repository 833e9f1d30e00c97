import type { Configuration } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import type { ApiKey, ApiKeyStore } from '../store/api-keys.ts'
import type { Member } from '../store/members.ts'
import { createApiKeyHashes, newApiKey, newApiKeyId } from './api-key.ts'
import { connectionOfMember, isStillMember } from './api-key-state.ts'
import { usableApps } from './apps.ts'

/** Keys that one member may have. */
const mostApiKeys = 50
/** Characters of a label. */
export const longestLabel = 100
const day = 86_400
/** Days that a key may live; a longer `api_keys.lifetime` is the operator's word. */
const mostDays = 365

/** What somebody wants a key for. */
export interface ApiKeyWish {
  readonly label: string
  /** App ids. */
  readonly apps: readonly string[]
  /** Seconds; the configured lifetime when left out. */
  readonly lifetime?: number | undefined
}

/** Seconds that a key may live at most. */
export const longestLifetime = ({ apiKeys }: Configuration): number => Math.max(mostDays * day, apiKeys.lifetime)

const isLabel = (label: string): boolean =>
  label !== '' && label.length <= longestLabel && label.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(label)

const refused = (wanted: string, got: string): PorticoError => new PorticoError('PORTICO_API_KEY_REQUEST', { wanted, got })

/**
 * Makes a key for a member: the text, which nobody sees again, and what the store has of it. `now` in
 * seconds. Throws PORTICO_API_KEY_REQUEST, PORTICO_API_KEY_LIMIT or PORTICO_STORE_UNAVAILABLE.
 */
export const makeApiKey = async (store: ApiKeyStore, configuration: Configuration, member: Member, wish: ApiKeyWish, now: number): Promise<{ readonly text: string, readonly key: ApiKey }> => {
  const connection = connectionOfMember(configuration, member, now)
  if (connection === undefined || !isStillMember(member, connection)) {
    throw refused('an owner who may sign in', `${member.id}, whose connection is not active, or who is blocked or no longer invited`)
  }
  const label = wish.label.trim()
  if (!isLabel(label)) throw refused(`a name of 1 to ${longestLabel} characters on one line`, `one of ${label.length}`)
  const apps = [...new Set(wish.apps)]
  const usable = new Set(usableApps(configuration, connection.organization, member.groups).map(({ id }) => id))
  const stray = apps.find(app => !usable.has(app))
  if (apps.length === 0 || stray !== undefined) throw refused(`apps of ${[...usable].join(', ')}`, stray?.slice(0, 64) ?? 'none')
  const { lifetime = configuration.apiKeys.lifetime } = wish
  const longest = longestLifetime(configuration)
  if (!Number.isFinite(lifetime) || lifetime <= 0 || lifetime > longest) throw refused(`a lifetime of at most ${Math.floor(longest / day)} days`, `${lifetime / day} days`)

  const text = newApiKey()
  const key: ApiKey = {
    id: newApiKeyId(),
    hash: createApiKeyHashes(() => configuration.keys).first(text),
    member: member.id,
    organization: member.organization,
    label,
    apps,
    createdAt: now,
    expiresAt: Math.floor(now + lifetime),
    lastUsedAt: undefined
  }
  if (!await store.addApiKey(key, mostApiKeys)) throw new PorticoError('PORTICO_API_KEY_LIMIT', { wanted: `fewer than ${mostApiKeys} keys of ${member.id}`, got: String(mostApiKeys) })
  return { text, key }
}
