import type { Connection } from '../config/configuration.ts'
import { dialectOf } from '../connections/dialects.ts'
import { clientAuthentication } from '../connections/oidc/client-authentication.ts'
import type { Metadata } from '../connections/oidc/metadata.ts'
import { oidcSettings } from '../connections/oidc/settings.ts'

/** Adds to a request of a token or revocation endpoint what authenticates the client, as a sign-in does. Throws PORTICO_IDP_METADATA as it does. */
export const authenticateClient = async (connection: Connection, metadata: Metadata, body: URLSearchParams, headers: Headers): Promise<void> => {
  const client = { client_id: oidcSettings(connection).client_id }
  const authenticate = clientAuthentication(connection, dialectOf(connection), metadata)
  // Its type says void; one that signs answers with a promise
  const done: unknown = authenticate({ issuer: metadata.issuer, token_endpoint: metadata.token_endpoint }, client, body, headers)
  await done
  body.set('client_id', client.client_id)
}
