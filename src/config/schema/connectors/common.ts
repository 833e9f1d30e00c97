import { z } from 'zod'
import { domain } from '../domain.ts'
import { date, duration, secret, snakeCaseId, text, words } from '../values.ts'

/** What every connection has, whatever its connector. */
export const common = {
  status: z.enum(['testing', 'active', 'disabled']).default('testing')
    .describe('`active` signs people in; `testing` only lets the test sign-in through; `disabled` is off.'),
  name: words.optional().describe('What people see on a button; the connection id when left out.'),
  activate_at: date.optional().describe('Testing until this moment, active from then on, unless `status` is `disabled`.'),
  replaces: snakeCaseId.optional()
    .describe('The connection of the same organization that this one takes over from: it is off, and its sessions end, from the moment that this one is active. Its members keep their ids by exact e-mail.'),
  domains: z.array(domain).min(1)
    .describe('E-mail domains that are routed to this connection and that it may assert. Exact match; no public mail domains; one active owner each.'),
  accepts: z.array(domain).default([]).describe('Further domains of the same organization that it may assert, without being routed here.'),
  matching: z.enum(['exact', 'plus_alias']).optional()
    .describe('How an e-mail is compared with an invited one: `plus_alias` lets `ami@` reach `ami+cio@`. Left out: `plus_alias` for `google`, `exact` for all others.'),
  require_acr: z.array(words).min(1).optional().describe('Authentication context classes of which the provider must assert one; asked for and checked.'),
  require_amr: z.array(words).min(1).optional().describe('Authentication methods of which the provider must assert one.'),
  groups: z.strictObject({
    filter: z.array(words).min(1).optional().describe('Only these groups go on, as the provider names them; a `*` at the end stands for anything.'),
    rename: z.record(z.string(), words).optional().describe('What apps read instead: the provider\'s name of a group to another.')
  }).optional().describe('Which groups are kept, and under which names.'),
  max_age: z.int().min(0).optional().describe('Seconds since the person last authenticated, at most; asked of the provider and checked (`auth_time`).')
}

/** What every OAuth 2.0 client has beside. */
export const client = {
  client_id: words.describe('The client id that the identity provider issued.'),
  client_secret: secret.describe('The client secret: `{ env: NAME }` or `{ file: path }`; a literal is accepted with a warning.'),
  client_secret_expires: date.optional().describe('When the client secret stops working; warned about ahead.'),
  callback: z.enum(['own', 'shared']).default('own')
    .describe('The redirect URI: `own` is `/login/{connection}/callback`, `shared` is `/login/callback`, for providers that return `iss` (RFC 9207), and for `google` and `entra`.'),
  bearer: z.strictObject({
    audience: words.describe('The `aud` that such a token must have.')
  }).optional().describe('Accept JWT access tokens of this identity provider on app hosts (`Authorization: Bearer`).'),
  refresh: z.union([z.boolean(), duration]).default(false)
    .describe('`true` keeps tokens sealed in the store while a session lives, refreshes them ahead of their expiry and at least hourly, and judges their person anew each time; a duration does so that often (`15m`).'),
  provider_sign_out: z.boolean().default(true)
    .describe('Whoever signs out here is taken on to sign out at the identity provider, where it has an address for that (`end_session_endpoint`).'),
  dangerously_trust_unverified_email: z.boolean().default(false)
    .describe('Believe an e-mail that the provider does not call verified. Whoever can edit a profile there can then be anybody of these domains.'),
  dangerously_allow_http: z.boolean().default(false)
    .describe('Accept plain-http endpoints of this identity provider beyond loopback. Anybody on the way can then sign in as anybody.')
}

/** What is asked for at the authorization endpoint. */
export const scope = text('a scope', 'openid', value =>
  /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
    ? undefined
    : { message: 'is not one scope', remedy: 'write each scope as an item of its own: [openid, email, profile]' })

/** Which claims carry the identity. */
export const claims = z.strictObject({
  email: words.default('email').describe('Claim that carries the e-mail.'),
  name: words.default('name').describe('Claim that carries the display name.'),
  groups: words.default('groups').describe('Claim that carries the groups.')
})
