import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { ClientSecretPost, clockSkew, modifyAssertion, PrivateKeyJwt, type ClientAuth } from 'openid-client'
import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Dialect } from './dialect.ts'
import { foreignText } from '../foreign.ts'
import type { Metadata } from './metadata.ts'
import { oidcSettings } from './settings.ts'

/** `application/x-www-form-urlencoded` (RFC 6749 §2.3.1, appendix B), which leaves `-`, `_`, `.` and `*` alone. */
const formEncode = (text: string): string => new URLSearchParams({ v: text }).toString().slice(2)

/**
 * `client_secret_basic` as most servers read it. openid-client also escapes `-`, `_` and `.`, which a
 * server that does not decode takes for another client id.
 */
const clientSecretBasic = (secret: string): ClientAuth => (_server, client, _body, headers) => {
  const credentials = `${formEncode(client.client_id)}:${formEncode(secret)}`
  headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
}

/**
 * `private_key_jwt` (OpenID Connect Core §9) as Entra reads it: PS256, the certificate named by its
 * SHA-256, and the token endpoint as audience, since a document of many tenants has no issuer to name.
 */
const certificate = ({ certificate: pem, key }: NonNullable<Connection['clientCertificate']>, metadata: Pick<Metadata, 'token_endpoint'>): ClientAuth => {
  const thumbprint = createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url')
  // A cast, since the types of browsers, which the XML parser brings along, know fewer usages of keys than Node.
  const signer = createPrivateKey(key).toCryptoKey({ name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign']) as CryptoKey
  return PrivateKeyJwt(signer, {
    [modifyAssertion]: (header, payload) => {
      header['x5t#S256'] = thumbprint
      payload.aud = metadata.token_endpoint
    }
  })
}

/**
 * How the client says who it is: by its certificate; else by its secret, as configured, else as the
 * provider lists, Basic where it lists nothing or both (OpenID Connect Discovery §3). Throws
 * PORTICO_IDP_METADATA where it takes neither.
 */
export const clientAuthentication = ({ clientSecret, clientCertificate }: Connection, dialect: Pick<Dialect, 'authentication'>, metadata: Pick<Metadata, 'token_endpoint' | 'token_endpoint_auth_methods_supported'>): ClientAuth => {
  if (clientCertificate !== undefined) return certificate(clientCertificate, metadata)
  if (clientSecret === undefined) throw new PorticoError('PORTICO_INTERNAL', { wanted: 'a client secret or certificate', got: 'neither' })
  const listed = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const method = dialect.authentication ?? ['client_secret_basic', 'client_secret_post'].find(each => listed.includes(each))
  if (method === 'client_secret_basic') return clientSecretBasic(clientSecret)
  if (method === 'client_secret_post') return ClientSecretPost(clientSecret)
  throw new PorticoError('PORTICO_IDP_METADATA', {
    wanted: 'client_secret_basic or client_secret_post', got: foreignText(listed.join(', ')), remedy: 'Set token_endpoint_auth_method if the provider takes one of them all the same.'
  })
}

/**
 * Adds to a request of a token or revocation endpoint what authenticates the client at `now`, in seconds.
 * Throws as `clientAuthentication`.
 */
export const authenticateClient = async (connection: Connection, dialect: Dialect, metadata: Metadata, now: number, body: URLSearchParams, headers: Headers): Promise<void> => {
  const client = { client_id: oidcSettings(connection).client_id, [clockSkew]: Math.round(now - Date.now() / 1_000) }
  const authenticate = clientAuthentication(connection, dialect, metadata)
  // Its type says void; one that signs answers with a promise
  const done: unknown = authenticate({ issuer: metadata.issuer, token_endpoint: metadata.token_endpoint }, client, body, headers)
  await done
}
