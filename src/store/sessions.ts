/** A session that has begun, as lists show it: nothing in it signs anybody in. Times in seconds since the epoch. */
export interface SessionRecord {
  readonly sid: string
  readonly member: string
  readonly organization: string
  readonly connection: string
  readonly email: string
  /** Browser and system in words (`Firefox on Linux`), as the browser named itself; undefined where it did not. */
  readonly browser: string | undefined
  /** The client's address at sign-in. */
  readonly client: string
  /** What else a revocation or a change of trust ends it by, as sessions/records.ts writes it. */
  readonly basis: string
  readonly startedAt: number
  /** When it is over whatever happens. */
  readonly expiresAt: number
}

export interface SessionPage {
  readonly organization?: string | undefined
  /** The last session of the page before. */
  readonly after?: Pick<SessionRecord, 'startedAt' | 'sid'> | undefined
  readonly limit: number
}

/** The sessions' part of the store. */
export interface SessionStore {
  /** Records a session that begins. */
  addSession (record: SessionRecord): Promise<void>
  /** A member's sessions that have not expired, oldest first. Takes the same time however many sessions there are. */
  sessionsOf (member: string): Promise<readonly SessionRecord[]>
  sessionById (sid: string): Promise<SessionRecord | undefined>
  /** At most `limit` sessions that have not expired, by when they began and then by sid. */
  listSessions (page: SessionPage): Promise<readonly SessionRecord[]>
  /** Removes records; those that are not there are passed over. */
  removeSessions (sids: readonly string[]): Promise<void>

  /**
   * Keeps what does not fit a cookie, or changes while a session lives: the session of this sid, sealed. Every
   * process is told (`Changes.identities`), and reads it anew.
   */
  putIdentity (sid: string, value: string, expiresAt: number): Promise<void>
  identity (sid: string): Promise<string | undefined>
}
