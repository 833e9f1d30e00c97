import { z } from 'zod'
import { httpUrl } from '../addresses.ts'
import { words } from '../values.ts'
import { claims, client, common, scope } from './common.ts'

/** An OpenID Connect or OAuth 2.0 provider without discovery. */
export const manual = z.strictObject({
  connector: z.literal('manual'),
  ...common,
  ...client,
  authorization_url: httpUrl.describe('Authorization endpoint.'),
  token_url: httpUrl.describe('Token endpoint.'),
  userinfo_url: httpUrl.optional().describe('Userinfo endpoint.'),
  jwks_url: httpUrl.optional().describe('Where the provider\'s signing keys are; with it the ID token is verified.'),
  end_session_url: httpUrl.optional().describe('Where people who sign out are taken (`end_session_endpoint`).'),
  issuer: words.optional().describe('The `iss` that its ID tokens carry.'),
  scopes: z.array(scope).optional().describe('Scopes to ask for; `openid email profile` when left out.'),
  token_endpoint_auth_method: z.enum(['client_secret_basic', 'client_secret_post']).default('client_secret_basic')
    .describe('How the client secret is sent.'),
  claims: claims.extend({
    subject: words.default('sub').describe('Claim that names the person and never changes.')
  }).prefault({}).describe('Which claims carry the identity.'),
  dangerously_trust_token_endpoint: z.boolean().default(false)
    .describe('Believe an ID token without a verified signature, because it came from the token endpoint.')
})
