import type { Connection } from '../config/configuration.ts'
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
  readonly nonce: string
  readonly codeVerifier: string
}

export interface AuthorizationRequest {
  /** Absolute; built from the configured public origin, never from Host. */
  readonly redirectUri: string
  readonly state: string
  readonly loginHint: string | undefined
  /** `select_account` for "use another account". */
  readonly prompt: string | undefined
}

export interface AuthorizationResponse {
  /** The parameters of the return, each known to be there at most once. */
  readonly parameters: URLSearchParams
  readonly redirectUri: string
  readonly state: string
  readonly secrets: AttemptSecrets
}

/** One kind of connection. Both functions throw PorticoError with a stable code. */
export interface Connector {
  /** Where to send the browser, and what the attempt must remember. */
  authorize (connection: Connection, request: AuthorizationRequest): Promise<{ url: string, secrets: AttemptSecrets }>
  /** Validates the return in full and maps claims to an identity. `now` in seconds. `trace` is told of every check. */
  authenticate (connection: Connection, response: AuthorizationResponse, now: number, trace?: Trace): Promise<Identity>
}
