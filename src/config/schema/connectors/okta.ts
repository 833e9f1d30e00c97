import { z } from 'zod'
import { authority, httpUrl } from '../addresses.ts'
import { words } from '../values.ts'
import { client, common } from './common.ts'

/** Okta Workforce. */
export const okta = z.strictObject({
  connector: z.literal('okta'),
  ...common,
  ...client,
  okta_domain: authority.describe('The organization\'s Okta domain or custom domain.'),
  authorization_server: words.optional().describe('Id of a custom authorization server; the organization\'s own when left out.'),
  discovery_url: httpUrl.optional().describe('Instead of the one derived from `okta_domain`, for tests and private deployments.')
})
