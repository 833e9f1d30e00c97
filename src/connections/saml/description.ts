/** Where a kind of message goes, by binding (SAML Bindings §3.4, §3.5). */
export interface Endpoints {
  readonly redirect?: string | undefined
  readonly post?: string | undefined
}

/** An identity provider as its metadata, or the operator, describes it (SAML Metadata §2.4.3). Plain data. */
export interface IdpDescription {
  readonly entityId: string
  readonly sso: Endpoints
  readonly slo: Endpoints
  /** Where LogoutResponses go, where that is elsewhere (`ResponseLocation`). */
  readonly sloResponse: Endpoints
  /** What it signs with: PEM, one each. Never empty. */
  readonly certificates: readonly string[]
  readonly wantsSignedRequests: boolean
  /** Seconds since the epoch; the document must not be used afterwards. */
  readonly validUntil: number | undefined
  /** Seconds. */
  readonly cacheDuration: number | undefined
}
