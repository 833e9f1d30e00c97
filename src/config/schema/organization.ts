import { z } from 'zod'
import { httpUrl, origin } from './addresses.ts'
import { entra } from './connectors/entra.ts'
import { google } from './connectors/google.ts'
import { manual } from './connectors/manual.ts'
import { oidc } from './connectors/oidc.ts'
import { okta } from './connectors/okta.ts'
import { saml } from './connectors/saml.ts'
import { emailAddress } from './email.ts'
import { duration, path, snakeCaseId, words } from './values.ts'

export const connection = z.discriminatedUnion('connector', [oidc, google, entra, okta, manual, saml])

/** One customer company: a file in the `organizations` folder; its name is the organization's id. */
export const organization = z.strictObject({
  name: words.describe('The company\'s name, as people read it.'),
  apps: z.array(snakeCaseId).optional().describe('The apps its members may use; all of them when left out.'),
  members: z.union([
    z.literal('anyone'),
    z.strictObject({ blocked: z.array(emailAddress).describe('E-mails that are refused; everybody else of the domains may come in.') }),
    z.strictObject({
      invited: z.array(emailAddress).describe('Only these e-mails.'),
      blocked: z.array(emailAddress).optional().describe('E-mails that are refused, invited or not.')
    }),
    z.strictObject({
      invited_file: path.describe('Only the e-mails in this file: one a line; empty lines and those that begin with `#` are passed over.'),
      blocked: z.array(emailAddress).optional().describe('E-mails that are refused, invited or not.')
    })
  ]).meta({ wanted: '`anyone`, or who is invited', example: 'anyone' }).default('anyone').describe('Whom its connections may sign in: `anyone` of the domains, or those invited.'),
  blocked: z.array(emailAddress).default([]).describe('E-mails that are refused whatever `members` says; the same as `blocked` below it.'),
  default_role: words.optional().describe('Sent to apps as `X-Auth-Role`.'),
  login_hosts: z.array(origin).default([]).describe('Origins of the organization\'s own sign-in page, with a button for each of its connections.'),
  logout_url: httpUrl.optional().describe('Where its members go after signing out.'),
  session: z.strictObject({
    idle: duration.optional().describe('Idle time after which a session ends; only shorter than the gateway\'s.'),
    absolute: duration.optional().describe('Lifetime of a session; only shorter than the gateway\'s.'),
    concurrent: z.int().min(1).meta({ wanted: 'a whole number, 1 or more', example: 5 }).optional().describe('Sessions that one person may have at once; only fewer than the gateway\'s.')
  }).optional().describe('Shorter sessions for this organization.'),
  connections: z.record(snakeCaseId, connection).describe('Its ways to sign in, by connection id (unique over all organizations).')
})

export type OrganizationSettings = z.infer<typeof organization>
export type ConnectionSettings = z.infer<typeof connection>
export type SamlSettings = Extract<ConnectionSettings, { connector: 'saml' }>
/** Settings of the connectors that speak OpenID Connect, or OAuth 2.0 alone. */
export type OidcSettings = Exclude<ConnectionSettings, { connector: 'saml' }>

/** How its e-mails are compared with invited ones, where nothing is written too (R20). */
export const matchingOf = ({ connector, matching }: ConnectionSettings): 'exact' | 'plus_alias' =>
  matching ?? (connector === 'google' ? 'plus_alias' : 'exact')
