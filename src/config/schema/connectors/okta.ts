import { z } from 'zod'
import { httpUrl } from '../values.ts'
import { client, common } from './common.ts'

/** Okta Workforce. */
export const okta = z.strictObject({
  connector: z.literal('okta').meta({ notBuilt: true }),
  ...common,
  ...client,
  okta_domain: z.string().min(1).describe('The organization\'s Okta domain or custom domain.'),
  authorization_server: z.string().min(1).optional().describe('Id of a custom authorization server; the organization\'s own when left out.'),
  discovery_url: httpUrl.optional().describe('Instead of the one derived from `okta_domain`, for tests and private deployments.')
})
