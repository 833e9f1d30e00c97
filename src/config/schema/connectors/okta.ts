import { z } from 'zod'
import { httpUrl } from '../addresses.ts'
import { domain } from '../domain.ts'
import { words } from '../values.ts'
import { client, common } from './common.ts'

/** Okta Workforce. */
export const okta = z.strictObject({
  connector: z.literal('okta').meta({ notBuilt: true }),
  ...common,
  ...client,
  okta_domain: domain.describe('The organization\'s Okta domain or custom domain.'),
  authorization_server: words.optional().describe('Id of a custom authorization server; the organization\'s own when left out.'),
  discovery_url: httpUrl.optional().describe('Instead of the one derived from `okta_domain`, for tests and private deployments.')
})
