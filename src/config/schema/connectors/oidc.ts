import { z } from 'zod'
import { httpUrl } from '../addresses.ts'
import { claims, client, common, scope } from './common.ts'

/** Any OpenID Connect provider with discovery. */
export const oidc = z.strictObject({
  connector: z.literal('oidc'),
  ...common,
  ...client,
  discovery_url: httpUrl.describe('The issuer, or its `/.well-known/openid-configuration`; the issuer is checked either way.'),
  token_endpoint_auth_method: z.enum(['client_secret_basic', 'client_secret_post']).optional()
    .describe('How the client secret is sent; taken from discovery when left out.'),
  scopes: z.array(scope).optional()
    .describe('Scopes to ask for; `openid email profile` when left out, and `groups` where discovery lists it.'),
  claims: claims.prefault({}).describe('Which claims carry the identity.')
})
