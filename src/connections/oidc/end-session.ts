import type { Connection } from '../../config/configuration.ts'
import type { Authorization } from '../connector.ts'
import type { Dialect } from './dialect.ts'
import { readIdToken } from './id-token.ts'
import type { Metadata } from './metadata.ts'
import { oidcSettings } from './settings.ts'

/** Characters of an address that servers and proxies take; a request line has 8 kB at many. */
const longestAddress = 4_000

/** Somebody who has signed out here. */
export interface Leaver {
  /** As it came at sign-in; undefined where it was not kept or cannot be had. */
  readonly idToken: string | undefined
  readonly email: string
  /** What the provider gives back as it is. */
  readonly state: string
  /** The registered `post_logout_redirect_uri`. */
  readonly returnAddress: string
}

/** Where people of this connection sign out at their provider; undefined where it names no such address, or nobody is to be taken there. */
export const endSessionEndpoint = (connection: Connection, { end_session_endpoint: endpoint }: Metadata): string | undefined =>
  oidcSettings(connection).provider_sign_out ? endpoint : undefined

/**
 * A logout request (OpenID Connect RP-Initiated Logout §2). The ID token tells the provider whose session is meant,
 * so that nobody is asked; `client_id` stands for it where there is none. By redirect, which brings along the
 * provider's cookies; as a form where it would be too long for an address: a provider takes both.
 */
export const endSessionRequest = (connection: Connection, dialect: Dialect, endpoint: string, { idToken, email, state, returnAddress }: Leaver): Pick<Authorization, 'url' | 'form'> => {
  const hint = dialect.logoutHint(idToken === undefined ? {} : readIdToken(idToken).claims, email)
  const parameters = {
    ...idToken !== undefined && { id_token_hint: idToken },
    ...hint !== undefined && { logout_hint: hint },
    client_id: oidcSettings(connection).client_id,
    post_logout_redirect_uri: returnAddress,
    state
  }
  const url = new URL(endpoint)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href.length <= longestAddress ? { url: url.href } : { url: endpoint, form: parameters }
}
