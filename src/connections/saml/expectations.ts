/** What a response is judged by, beside the time. Plain data: it goes to another thread. */
export interface ResponseExpectations {
  /** The identity provider's. */
  readonly entityId: string
  /** PEM, one each: what the provider signs with. */
  readonly certificates: readonly string[]
  /** Where a response may be for: our ACS URL first, then those of `acs_urls`. */
  readonly acsUrls: readonly string[]
  /** Our own entityID. */
  readonly audience: string
  readonly wantSigned: 'either' | 'assertion' | 'response' | 'both'
  readonly allowSha1: boolean
  readonly allowCbc: boolean
  /** PEM: each may open an encrypted assertion. */
  readonly decryptionKeys: readonly string[]
  /** Seconds since the person authenticated, at most. */
  readonly maxAge: number | undefined
}

/** What a LogoutRequest or LogoutResponse is judged by. */
export interface LogoutExpectations {
  readonly entityId: string
  readonly certificates: readonly string[]
  /** Our SLO URL. */
  readonly destination: string
  readonly allowSha1: boolean
  readonly decryptionKeys: readonly string[]
  readonly allowCbc: boolean
}
