/** One thing that a sign-in was judged by. */
export interface TracedCheck {
  /** What is checked, as its specification calls it: `aud`, `nonce`, `hd`, `email_verified`. */
  readonly name: string
  readonly passed: boolean
  readonly wanted: string
  readonly got: string
}

/** Where a part of the identity came from. */
export interface TracedField {
  readonly field: 'subject' | 'email' | 'name' | 'groups' | 'acr' | 'amr' | 'auth_time'
  readonly value: string | readonly string[] | undefined
  /** In words: `claim preferred_username of the ID token`, `renamed from 0ab1… by groups.rename`. */
  readonly from: string
}

/**
 * Records how a return was judged, for the test sign-in (product R9). Each call is made before what it
 * records could throw, so that the last failed check is the one that refused. Never given a token, code
 * or secret.
 */
export interface Trace {
  check (check: TracedCheck): void
  /** Everything that the provider said, as it said it. */
  claims (source: 'ID token' | 'userinfo' | 'assertion', claims: Readonly<Record<string, unknown>>): void
  field (field: TracedField): void
}

/** As much of a trace as checks need. */
export type CheckTrace = Pick<Trace, 'check'>
