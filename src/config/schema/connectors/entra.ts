import { z } from 'zod'
import { httpUrl } from '../addresses.ts'
import { domain } from '../domain.ts'
import { path, secret, words } from '../values.ts'
import { claims, client, common } from './common.ts'

/** Microsoft Entra ID. */
export const entra = z.strictObject({
  connector: z.literal('entra'),
  ...common,
  ...client,
  client_secret: client.client_secret.optional(),
  client_certificate: z.strictObject({ certificate: path.describe('PEM file.'), key: secret.describe('Its private key.') }).optional()
    .describe('Certificate and key that authenticate the client instead of a secret (`private_key_jwt`).'),
  tenant_id: z.uuid().optional().describe('Directory (tenant) id, with `tenancy: single`.'),
  tenancy: z.enum(['single', 'multiple']).default('single').describe('Whether one tenant signs in here, or those that `tenants` lists.'),
  tenants: z.record(z.string(), z.array(domain).min(1)).optional()
    .describe('With `tenancy: multiple`: tenant id to the domains that this tenant may assert.'),
  allow_guests: z.boolean().default(false).describe('Let guests (`#EXT#`) of the tenant in.'),
  claims: claims.extend({
    email: words.optional().describe('Claim that carries the e-mail; `email`, and where it is missing `preferred_username`, when left out.')
  }).prefault({}).describe('Which claims carry the identity.'),
  discovery_url: httpUrl.optional().describe('Instead of the public cloud\'s, for sovereign clouds and tests.')
})
