import { createHash } from 'node:crypto'
import type { ItemKind } from '../store.ts'
import type { RecordKind } from './record.ts'

/** The keys in Redis. All but those of items are of one slot, so that one script can have several. */
export interface Names {
  /** String: see epoch.ts. */
  readonly epoch: string
  /** Strings: whoever has the lock brings everything back; and what it knew. See restore.ts. */
  readonly lock: string
  readonly restored: string
  /** Stream of everything that was written: see stream.ts. */
  readonly stream: string
  /** Zset by expiry: see revocations.ts. */
  readonly revocations: string
  /** Zset of sids by when they were last seen, and one by until when that is of use. */
  readonly seen: string
  readonly seenUntil: string
  /** String that tells whether Redis takes writes. */
  readonly ping: string
  /** Hash of records by key. */
  records (kind: RecordKind): string
  /** Zset of keys by when they are swept, of those that ever are. */
  expiries (kind: RecordKind): string
  /** Lexical zset; of bounded size, whatever its name holds. */
  index (kind: RecordKind, name: string): string
  /** One item, in a slot of its own. */
  item (kind: ItemKind, key: string): string
}

/** Names under a prefix: several gateways may share a Redis, each under its own. */
export const createNames = (prefix: string): Names => {
  const name = (rest: string): string => `{${prefix}}:${rest}`
  return {
    epoch: name('epoch'),
    lock: name('lock'),
    restored: name('restored'),
    stream: name('stream'),
    revocations: name('revocations'),
    seen: name('seen'),
    seenUntil: name('seen-until'),
    ping: name('ping'),
    records: kind => name(`records:${kind}`),
    expiries: kind => name(`expiries:${kind}`),
    index: (kind, index) => name(`index:${kind}:${createHash('sha256').update(index).digest('base64url')}`),
    item: (kind, key) => `${prefix}:item:${kind}:${key}`
  }
}
