import { createHmac, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { deriveKeys } from '../sessions/keyring.ts'

/** 192 random bits, and a checksum that tells a mistyped key from a wrong one without the store. */
const shape = /^ptk_[0-9a-f]{56}$/
const checksumLength = 8

const checksum = (text: string): string => crc32(text).toString(16).padStart(checksumLength, '0')

/** What every key begins with, whatever else is wrong with it. */
export const apiKeyPrefix = 'ptk_'

/** A new key: `ptk_`, 48 random hexadecimal digits, 8 of checksum. Letters and digits only, so that a double click takes it whole. */
export const newApiKey = (): string => {
  const text = apiKeyPrefix + randomBytes(24).toString('hex')
  return text + checksum(text)
}

/** The name of a key in lists, logs and `revoke`; says nothing of the key. */
export const newApiKeyId = (): string => `key_${randomBytes(12).toString('base64url')}`

/** Whether this is a key that somebody made once: no answer of the store is worth waiting for otherwise. */
export const isApiKey = (text: string): boolean =>
  shape.test(text) && text.endsWith(checksum(text.slice(0, -checksumLength)))

/** What the store keeps in place of a key, under each configured key: the first for new ones, all to look up by. */
export interface ApiKeyHashes {
  /** The hash under the first configured key. */
  first (key: string): string
  /** One for each configured key, the first one first. */
  all (key: string): readonly string[]
}

/**
 * HMAC-SHA256 under keys derived for this purpose alone (behaviours.md V4): the store's contents open
 * nothing, not even together with a guess. Derived anew only when `keys` were read anew.
 */
export const createApiKeyHashes = (keys: () => readonly Buffer[]): ApiKeyHashes => {
  let ring: readonly Buffer[] = []
  let derived: readonly Buffer[] = []
  const current = (): readonly Buffer[] => {
    if (ring !== keys()) {
      ring = keys()
      derived = deriveKeys(ring, 'api-key')
    }
    return derived
  }
  const hash = (secret: Buffer, key: string): string => createHmac('sha256', secret).update(key).digest('base64url')
  return {
    first: key => {
      const [secret] = current()
      if (secret === undefined) throw new TypeError('no keys are configured')
      return hash(secret, key)
    },
    all: key => current().map(secret => hash(secret, key))
  }
}
