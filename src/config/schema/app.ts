import { z } from 'zod'
import { authority, httpUrl, origin, upstreamUrl } from './addresses.ts'
import { home, publicRule } from './paths.ts'
import { duration, later, path, secret, snakeCaseId, words } from './values.ts'

/** The HTTP server of an app: a URL, `unix:` and a path, or an object with either and more. */
export const upstream = z.union([
  upstreamUrl,
  z.strictObject({
    url: upstreamUrl.describe('Where the app listens: an origin, or `unix:/path/to.sock`.'),
    host_header: authority.default('public')
      .describe('The Host that the app sees: `public` (as the browser sent it), `upstream`, or a name of its own.'),
    tls: z.strictObject({
      ca: path.optional().describe('PEM file with the authorities that may have signed the upstream\'s certificate.'),
      certificate: path.optional().describe('PEM file: the client certificate that Portico presents.'),
      key: secret.optional().describe('The client certificate\'s key.'),
      server_name: authority.optional().describe('The name that its certificate must be for; the URL\'s host when left out.')
    }).optional().describe('TLS towards this upstream.'),
    timeout: duration.default('60s').describe('How long to wait for response headers.')
  })
]).meta({ wanted: 'an upstream', example: 'http://127.0.0.1:9101' })

const place = {
  url: origin.describe('The public origin that browsers use.'),
  upstream: upstream.describe('The HTTP server that requests are forwarded to.')
}

const builtPresets = ['portico', 'oauth2-proxy', 'authelia', 'authentik', 'pomerium', 'google-iap'] as const

/** RS256, ES384 and padded segments with settings of their own: keys that HKDF gives cannot sign these. */
const laterPresets = ['cloudflare', 'aws-alb', 'aws-ava'] as const

export const headerPresets = [...builtPresets, ...laterPresets] as const

/** A product behind the gateway. */
export const app = z.strictObject({
  name: words.optional().describe('What people read; the app\'s id when left out.'),
  url: place.url.optional(),
  upstream: place.upstream.optional(),
  regions: z.record(snakeCaseId, z.strictObject(place)).optional()
    .describe('Several hosts of the same app, instead of `url` and `upstream`.'),
  home: home.default('/').describe('Path where the app opens when nobody said where.'),
  public: z.array(publicRule).default([])
    .describe('Paths that need no sign-in: exact, or a prefix ending in `/*`; optionally with methods in front (`GET,HEAD /assets/*`; any method without). Identity headers are stripped all the same.'),
  preflight: z.enum(['refuse', 'pass']).default('refuse').describe('`pass` forwards CORS preflights (OPTIONS with Origin and Access-Control-Request-Method) without sign-in.'),
  websocket_origins: z.array(origin).default([]).describe('Further origins whose pages may open WebSockets; the app\'s own always may.'),
  headers: z.union([z.enum(builtPresets), later(z.enum(laterPresets), 'Dialects that need keys of another kind.')]).default('portico').describe('The dialect of identity headers that the app reads.'),
  groups: z.record(snakeCaseId, z.array(words).min(1)).default({})
    .describe('By organization: its groups of which a member needs one for this app, as they are after renaming. Organizations that are not named need none.'),
  max_age: z.int().min(1).meta({ wanted: 'a whole number of seconds, 1 or more', example: 3_600 }).optional()
    .describe('Seconds since the person last signed in at their identity provider, at most; whoever did so longer ago is asked there once more.'),
  no_connection: z.strictObject({
    app_login: httpUrl.describe('The app\'s own login page.')
  }).optional().describe('Where people go whose e-mail has no active connection; without it they are told that there is none.'),
  embed: later(z.record(z.string(), z.unknown()).optional(), 'Use inside frames of other sites.'),
  forward_access_token: z.union([z.boolean(), z.literal('authorization')]).default(false)
    .describe('`true` sends the app the access token that the person\'s identity provider gave, while it is good, as `X-Auth-Access-Token`; `authorization` also as `Authorization: Bearer`.')
})

export type AppSettings = z.infer<typeof app>
