import type { AuthorizationRequest } from '../connector.ts'
import type { Email } from '../../config/schema/email.ts'
import type { DiscoveryAddress, Metadata } from './metadata.ts'
import type { Verdict } from '../verdict.ts'

export type Claims = Readonly<Record<string, unknown>>

/** Which claims carry the identity. */
export interface ClaimNames {
  /** The first of them that is there. */
  readonly email: readonly string[]
  readonly name: string
  readonly groups: string
}

/**
 * What makes claims believable: the provider's signature; or, where an operator said so, that its token
 * endpoint or its userinfo endpoint gave them.
 */
export type Proof = 'signature' | 'token endpoint' | 'userinfo'

/** A claim, or what was made of several, and where it came from. */
export interface Subject {
  readonly value: string
  readonly from: string
}

/**
 * How one connection's provider speaks OpenID Connect: all that sets a connector apart from the others.
 * The protocol itself, its checks among them, is the same for all (`flow.ts`).
 */
export interface Dialect {
  /** Where the provider describes itself, or what the operator wrote in its place. */
  readonly source: { readonly discovery: DiscoveryAddress } | { readonly fixed: Metadata }
  /** The issuers of its tokens as far as configuration alone tells, up to a slash at the end. */
  readonly issuers: readonly string[]
  /** Where several tenants share an issuer's document: lower-case tenant ids, each with the domains it may assert. */
  readonly tenants: ReadonlyMap<string, ReadonlySet<string>> | undefined
  /** The `iss` that its ID tokens must have; undefined where the operator knows none. */
  readonly issuerOf: (metadata: Metadata, claims: Claims) => string | undefined
  /** Whether its ID tokens tell its issuer from every other's, so that a shared redirect URI needs no `iss` (RFC 9207). */
  readonly isItself: boolean
  readonly proof: Proof
  readonly authentication: 'client_secret_basic' | 'client_secret_post' | undefined
  /** Undefined: `openid email profile`, and `groups` where the provider lists it. */
  readonly scopes: readonly string[] | undefined
  /** What is sent of a request's hints, in the provider's own words. */
  readonly parameters: (request: Pick<AuthorizationRequest, 'loginHint' | 'prompt'>) => Readonly<Record<string, string>>
  /** Who leaves, in the provider's own words, from their ID token and e-mail (RP-Initiated Logout §2, `logout_hint`). */
  readonly logoutHint: (claims: Claims, email: string) => string | undefined
  /** What an error of its authorization endpoint means, where its words tell. */
  readonly explain: (description: string) => Pick<Verdict, 'code' | 'remedy'> | undefined
  /** Judge an ID token before the protocol's checks: they explain more. */
  readonly tokenChecks: readonly ((claims: Claims) => Verdict | undefined)[]
  /** Judge the whole, userinfo included. */
  readonly identityChecks: readonly ((claims: Claims) => Verdict | undefined)[]
  readonly claims: ClaimNames
  /**
   * Claims that userinfo may complete, and is asked for where the ID token lacks them: of each group one
   * suffices. All others are the ID token's alone.
   */
  readonly completed: readonly (readonly string[])[]
  /** Stable key at the provider, never an e-mail; undefined where a claim is missing or unfit. */
  readonly subject: (claims: Claims, issuer: string) => Subject | undefined
  /** The same from an access token. */
  readonly tokenSubject: (claims: Claims, issuer: string) => Subject | undefined
  /** Whether the e-mail is believed. */
  readonly vouched: (claims: Claims, email: Email) => Verdict
  /** The domains that may be asserted (behaviours N1). */
  readonly assertable: (claims: Claims) => ReadonlySet<string>
}
