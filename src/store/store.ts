import type { ApiKeyStore } from './api-keys.ts'
import type { MemberStore } from './members.ts'
import type { SessionStore } from './sessions.ts'

/** What may be kept for a while and used once: see each kind's owner for its value. */
export type ItemKind = 'ticket' | 'attempt' | 'handle' | 'discovery' | 'notice' | 'assertion' | 'metadata' | 'certificates' | 'tokens' | 'logout_token' | 'idp_session' | 'lease'

export const revocationKinds = ['session', 'api_key', 'member', 'subject', 'nameless_subject', 'idp_session', 'name_id', 'certificate', 'connection', 'organization', 'everybody'] as const

/** A predicate over what a sealed session says of itself. */
export interface Revocation {
  readonly kind: typeof revocationKinds[number]
  /** The sid, API key id, member id, `connection|subject` (`nameless_subject`: only where the provider gave their session no name), `connection|idp sid`, what `nameIdValue` makes, `connection|SHA-256 of its certificate`, connection id or organization id; '' for everybody. */
  readonly value: string
  /** Seconds: what began at or before this moment is ended. A `session` or `api_key` is ended whenever it began. */
  readonly issuedBefore: number
  /** Seconds: when no session that it could match can still be alive. */
  readonly expiresAt: number
}

/** What the store remembers of a connection's trust. */
export interface TrustRecord {
  readonly connection: string
  readonly fingerprint: string
  /**
   * Grows each time the fingerprint changes; sessions carry it. The first one is the time of day, so
   * that an emptied store, which has forgotten its revocations, does not revive what it once ended.
   */
  readonly generation: number
}

/** What was revoked, whose trust changed, and which identities were written anew, by any process since a cursor; in the order it happened. */
export interface Changes {
  readonly cursor: string
  readonly revocations: readonly Revocation[]
  readonly trust: readonly TrustRecord[]
  /** Sids whose stored identity was written since; none of those from before where the cursor is ''. */
  readonly identities: readonly string[]
  /**
   * Seconds: when this store began. What was used up before then (attempts, assertions) is forgotten, so
   * whatever is older starts again.
   */
  readonly since: number
  /**
   * The store has lost what it had at the cursor: it was emptied, or put back. Whoever reads this tells it
   * everything again (`restore`); until somebody has, it answers nothing else.
   */
  readonly isLost: boolean
  /** Only the first part was told. */
  readonly isMore: boolean
}

/** What a process knows that a store which has lost its memory must be told again. What else it needs, it has kept itself. */
export interface Remembered {
  readonly revocations: Iterable<Revocation>
  /** Told what others have revoked, in parts, before what takes long: nobody goes on here whom it ends. */
  learn (revocations: readonly Revocation[]): void
}

/**
 * What must be shared or survive. Every value that could sign somebody in arrives here sealed.
 * Times are seconds since the epoch. A store that cannot answer throws PORTICO_STORE_UNAVAILABLE;
 * text that is ill-formed or over a million characters is refused with PORTICO_VALUE_REFUSED.
 * Revocations, trust and members are on the disk when their promise resolves.
 */
export interface Store extends MemberStore, ApiKeyStore, SessionStore {
  put (kind: ItemKind, key: string, value: string, expiresAt: number): Promise<void>
  /** Atomically writes unless a live item has the key; tells whether it wrote. */
  putIfAbsent (kind: ItemKind, key: string, value: string, expiresAt: number): Promise<boolean>
  get (kind: ItemKind, key: string): Promise<string | undefined>
  /** Atomically reads and deletes: of many callers exactly one gets the value. */
  take (kind: ItemKind, key: string): Promise<string | undefined>

  /** When each session was last seen, over all hosts; an older time never replaces a newer one. */
  recordLastSeen (seen: ReadonlyMap<string, number>, expiresAt: number): Promise<void>
  lastSeen (sid: string): Promise<number | undefined>

  addRevocation (revocation: Revocation): Promise<void>
  /**
   * Records fingerprints by connection; answers with their records as they now are (a greater generation
   * where one changed). Atomic for each.
   */
  adoptTrust (fingerprints: ReadonlyMap<string, string>): Promise<readonly TrustRecord[]>
  /**
   * What is unexpired and was written after `cursor` ('' for all), and the cursor to go on from. Cheap when nothing was.
   * Of many thousands of revocations it may be only the first (`isMore`, `changesAfter`).
   */
  changesSince (cursor: string): Promise<Changes>
  /**
   * Calls `listener` soon (a few hundredths of a second) after any process has written something that
   * `changesSince` tells; it may call for nothing. Answers with what stops it.
   */
  watch (listener: () => void): () => void
  /** Brings back what a store has lost (`Changes.isLost`); of several processes one does, and the others add what it did not know. */
  restore (remembered: Remembered): Promise<void>

  /** Throws when the store cannot answer or be written now. */
  ping (): Promise<void>
  /** Deletes what has expired by `now`. */
  sweep (now: number): Promise<void>
  close (): Promise<void>
}
