import { ClientSecretPost, type ClientAuth } from 'openid-client'
import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import { foreignText } from './foreign.ts'
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
 * How the client secret is sent: as configured, else as the provider lists, Basic where it lists
 * nothing or both (OpenID Connect Discovery §3). Throws PORTICO_IDP_METADATA where it takes neither.
 */
export const clientAuthentication = (connection: Connection, metadata: Metadata): ClientAuth => {
  const listed = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const method = oidcSettings(connection).token_endpoint_auth_method ??
    ['client_secret_basic', 'client_secret_post'].find(each => listed.includes(each))
  if (method === 'client_secret_basic') return clientSecretBasic(connection.clientSecret ?? '')
  if (method === 'client_secret_post') return ClientSecretPost(connection.clientSecret ?? '')
  throw new PorticoError('PORTICO_IDP_METADATA', {
    wanted: 'client_secret_basic or client_secret_post', got: foreignText(listed.join(', ')), remedy: 'Set token_endpoint_auth_method if the provider takes one of them all the same.'
  })
}
