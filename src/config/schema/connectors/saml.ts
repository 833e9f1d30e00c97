import { z } from 'zod'
import { httpUrl } from '../addresses.ts'
import { path, words } from '../values.ts'
import { common } from './common.ts'

/** A SAML 2.0 identity provider. */
export const saml = z.strictObject({
  connector: z.literal('saml').meta({ notBuilt: true }),
  ...common,
  metadata_url: httpUrl.optional().describe('Where the identity provider publishes its metadata.'),
  metadata_file: path.optional().describe('The metadata as a file.'),
  entity_id: words.optional().describe('The identity provider\'s entityID.'),
  sso_url: httpUrl.optional().describe('Where AuthnRequests go (Redirect binding).'),
  certificates: z.array(words).optional().describe('Signing certificates: PEM, or paths of PEM files.'),
  attributes: z.record(z.string(), z.string()).optional().describe('Which attributes carry the identity.'),
  idp_initiated: z.enum(['off', 'restart', 'accept']).default('off').describe('What an unsolicited response does.'),
  sp_entity_id: words.optional().describe('Our entityID, for customers who move over; the metadata URL when left out.'),
  acs_urls: z.array(httpUrl).optional().describe('Further ACS addresses, for customers who move over.')
})
