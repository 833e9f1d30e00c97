import { createHash, createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Connection } from '../config/configuration.ts'
import type { Metadata } from '../connections/oidc/metadata.ts'

/** Where credentials are judged. */
export interface ClientEndpoints {
  readonly metadata: Pick<Metadata, 'issuer' | 'token_endpoint' | 'token_endpoint_auth_methods_supported'>
  readonly revocation: string | undefined
}

const formEncode = (text: string): string => new URLSearchParams({ v: text }).toString().slice(2)

/** Adds to a request what authenticates the client, as a sign-in would. */
export const authenticateClient = async (connection: Connection, { metadata }: ClientEndpoints, body: URLSearchParams, headers: Headers): Promise<void> => {
  const { settings, clientCertificate, clientSecret = '' } = connection
  body.set('client_id', settings.client_id)
  if (clientCertificate !== undefined) {
    const key = createPrivateKey(clientCertificate.key)
    const alg = key.asymmetricKeyType === 'ec' ? 'ES256' : 'PS256'
    const thumbprint = createHash('sha256').update(new X509Certificate(clientCertificate.certificate).raw).digest('base64url')
    const assertion = await new SignJWT({}).setProtectedHeader({ alg, typ: 'JWT', 'x5t#S256': thumbprint })
      .setIssuer(settings.client_id).setSubject(settings.client_id).setAudience(metadata.token_endpoint).setJti(randomUUID()).setIssuedAt().setExpirationTime('2m').sign(key)
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    body.set('client_assertion', assertion)
    return
  }
  const listed = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const method = ('token_endpoint_auth_method' in settings ? settings.token_endpoint_auth_method : undefined) ?? ['client_secret_basic', 'client_secret_post'].find(each => listed.includes(each))
  if (method === 'client_secret_post') body.set('client_secret', clientSecret)
  else headers.set('authorization', `Basic ${Buffer.from(`${formEncode(settings.client_id)}:${formEncode(clientSecret)}`).toString('base64')}`)
}
