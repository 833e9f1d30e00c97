import type { Connection } from '../config/configuration.ts'
import type { Received } from './saml/received.ts'
import type { Trace } from './trace.ts'

/** Who signed in, as the connector's rule mapped it from verified claims. */
export interface Identity {
  /** Stable key at the identity provider: `iss` + `sub`, for Entra `tid` + `oid`; never an e-mail. */
  readonly subject: string
  /** Canonical: as `parseEmail` returns it. Its domain is already known to be one that the connection may assert. */
  readonly email: string
  readonly name: string | undefined
  readonly groups: readonly string[]
  readonly idpSession: string | undefined
  readonly amr: readonly string[] | undefined
  readonly acr: string | undefined
  /** Seconds since the epoch. */
  readonly authTime: number
  /** The provider did not say when they authenticated: `authTime` is when it spoke. */
  readonly authTimeAssumed?: true | undefined
  /** Of SAML alone: what a logout of this person has to say, and what their assertion was signed with. */
  readonly saml?: SamlOrigin | undefined
  /** What the provider gave along, as far as the connection keeps any of it: for the store alone, sealed. */
  readonly tokens?: Tokens | undefined
}

/** What an OpenID provider gave beside who it is. Never in a cookie, never in a log. */
export interface Tokens {
  /** As it came: shows the provider who leaves it (OpenID Connect RP-Initiated Logout §2, `id_token_hint`). */
  readonly idToken?: string | undefined
  readonly accessToken?: string | undefined
  readonly refreshToken?: string | undefined
  /** Seconds since the epoch: when the access token is of no use any more. */
  readonly accessTokenExpires?: number | undefined
  /** What the ID token of the sign-in said of that itself, once another one may stand in its place. */
  readonly ofSignIn?: Readonly<Record<string, unknown>> | undefined
}

/** What a session that began by SAML keeps of its assertion. */
export interface SamlOrigin {
  /** SHA-256 of the certificate that verified it (base64url): when the provider no longer has it, the session ends. */
  readonly certificate: string
  /** As the provider wrote it (SAML Core §2.2.3): its logout names it. Undefined where there was none. */
  readonly nameId: NameId | undefined
}

export interface NameId {
  readonly value: string
  readonly format?: string | undefined
  readonly nameQualifier?: string | undefined
  readonly spNameQualifier?: string | undefined
}

/** Whom an access token speaks for. */
export interface BearerIdentity extends Omit<Identity, 'email'> {
  /** Undefined where the token names none: then the subject alone says which member it is. */
  readonly email: string | undefined
}

/** An access token of a connection's own provider, verified. */
export interface VerifiedToken {
  readonly identity: BearerIdentity
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/** What the attempt must keep secret in its sealed cookie until the return. */
export interface AttemptSecrets {
  /** Of the ID token; of SAML the ID of the AuthnRequest, which the assertion must name. */
  readonly nonce: string
  /** Empty for SAML, which has no such thing. */
  readonly codeVerifier: string
}

/** Where to send the browser, and how. */
export interface Authorization {
  readonly url: string
  /** Fields of a form to POST there, where the provider wants no redirect. */
  readonly form?: Readonly<Record<string, string>> | undefined
  readonly secrets: AttemptSecrets
}

export interface AuthorizationRequest {
  /** The redirect URI, or the ACS URL. Absolute; built from the configured public origin, never from Host. */
  readonly redirectUri: string
  /** What the provider gives back as it is: `state`, or RelayState. */
  readonly state: string
  readonly loginHint: string | undefined
  /** `select_account` for "use another account". */
  readonly prompt: string | undefined
  /** Seconds since the person authenticated, at most: asked for beside what the connection asks for. */
  readonly maxAge?: number | undefined
}

export interface AuthorizationResponse {
  /** The parameters of the return, each known to be there at most once. */
  readonly parameters: URLSearchParams
  readonly redirectUri: string
  readonly state: string
  readonly secrets: AttemptSecrets
  /** Of SAML: what came by POST before, and was verified there. */
  readonly received?: Received | undefined
}

/** One kind of connection. Both functions throw PorticoError with a stable code. */
export interface Connector {
  /** Where to send the browser, and what the attempt must remember. */
  authorize (connection: Connection, request: AuthorizationRequest): Promise<Authorization>
  /** Validates the return in full and maps claims to an identity. `now` in seconds. `trace` is told of every check. */
  authenticate (connection: Connection, response: AuthorizationResponse, now: number, trace?: Trace): Promise<Identity>
}

/** Sign-ins that go on without their person (OpenID Connect Core §12). */
export interface Refreshing {
  /**
   * New tokens for those that have a refresh token, which this may use up: whoever gets them keeps them before
   * anything else. What the answer leaves out is as before. `now` in seconds. Throws
   * PORTICO_IDP_REFRESH_REFUSED, and PORTICO_IDP_*.
   */
  refresh (connection: Connection, tokens: Tokens, now: number): Promise<Tokens>
  /**
   * Whom the provider now says this is: from the ID token, where there is another one than `before`, judged in
   * full, and from userinfo. What is true of the sign-in alone (acr, amr, auth_time) is as before, where nothing
   * else is said. Throws PORTICO_IDP_* and what a sign-in of that person would.
   */
  identify (connection: Connection, tokens: Tokens, before: Tokens, now: number): Promise<Identity>
}
