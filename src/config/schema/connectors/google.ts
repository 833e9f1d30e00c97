import { z } from 'zod'
import { httpUrl } from '../addresses.ts'
import { domain } from '../domain.ts'
import { client, common } from './common.ts'

/** Google Workspace. */
export const google = z.strictObject({
  connector: z.literal('google'),
  ...common,
  ...client,
  workspace_domain: domain.describe('The Workspace domain; the `hd` claim must name it.'),
  discovery_url: httpUrl.optional().describe('Instead of Google\'s own, for tests and private deployments.')
})
