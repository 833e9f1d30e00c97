import { z } from 'zod'
import { authority, httpUrl, network, origin } from './addresses.ts'
import { app } from './app.ts'
import { redis, sqlite } from './store.ts'
import { duration, later, path, port, secret, snakeCaseId, words } from './values.ts'

/** The main file: `config/portico.yaml`. */
export const portico = z.strictObject({
  auth_url: origin.describe('The auth host\'s public origin.'),
  listen: z.strictObject({
    host: words.default('127.0.0.1').describe('Address to listen on.'),
    port: port.default(8080).describe('Port to listen on.'),
    tls: z.strictObject({
      certificate: path.describe('PEM file with the certificate chain.'),
      key: secret.describe('The certificate\'s private key.')
    }).optional().describe('Serve https; without it, plain http behind a TLS-terminating proxy or on loopback.')
  }).prefault({}).describe('Where browsers (or the proxy in front) reach Portico.'),
  ops: z.strictObject({
    host: words.default('127.0.0.1').describe('Address to listen on: never a public one.'),
    port: port.default(9090).describe('Port to listen on.'),
    token: secret.optional().describe('Bearer token for whatever changes something, and for `/status` beyond loopback.'),
    allowed_hosts: z.array(authority).default([]).describe('Further Host names that the ops listener answers to.')
  }).prefault({}).describe('Health, metrics and status.'),
  trusted_proxies: z.array(network).default([])
    .describe('Addresses and networks (CIDR) whose `X-Forwarded-*` are believed; nobody\'s when left out.'),
  keys: z.array(secret).min(1)
    .describe('Base64 of 32 bytes each. The first seals and signs; all of them open, and are published in the JWKS.'),
  session: z.strictObject({
    idle: duration.default('8h').describe('Idle time after which a session ends, counted over all hosts.'),
    absolute: duration.default('24h').describe('Lifetime of a session, however busy.'),
    concurrent: z.int().min(1).meta({ wanted: 'a whole number, 1 or more', example: 5 }).optional().describe('Sessions that one person may have at once; the oldest ends when there are more. Any number when left out.')
  }).prefault({}).describe('How long sessions live.'),
  store: z.discriminatedUnion('kind', [sqlite, redis])
    .prefault({ kind: 'sqlite', path: '../data/portico.db' }).describe('Where what must survive or be shared lives.'),
  api_keys: z.strictObject({
    lifetime: duration.default('90d').describe('How long a key works, unless it is made with a date of its own.'),
    pause_after: duration.default('30d').describe('A key stops working while its owner has not signed in for this long, and works again afterwards.')
  }).prefault({}).describe('API keys of members.'),
  organizations: path.default('./organizations').describe('Folder with one YAML file per organization (`*.yaml`).'),
  outbound: z.strictObject({
    http_proxy: httpUrl.optional().describe('Proxy for plain-http requests to identity providers; `HTTP_PROXY` when left out.'),
    https_proxy: httpUrl.optional().describe('Proxy for https requests to identity providers; `HTTPS_PROXY` when left out.'),
    no_proxy: z.string().optional().describe('Hosts that are reached directly; `NO_PROXY` when left out.'),
    ca: path.optional().describe('PEM file with further authorities for identity providers.')
  }).prefault({}).describe('How Portico reaches identity providers.'),
  logs: z.strictObject({
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info').describe('Least severe level that is written.'),
    requests: z.boolean().default(true).describe('One line for each request.')
  }).prefault({}).describe('The JSON log on standard output.'),
  dangerously_allow_http: z.boolean().default(false)
    .describe('Accept plain-http public origins and upstreams beyond loopback. Cookies and identities then travel in the clear.'),
  apps: z.record(snakeCaseId, app).describe('The apps, by id.'),
  tracing: later(z.strictObject({ otlp_endpoint: httpUrl }).optional(), 'OpenTelemetry.')
})

export type PorticoSettings = z.infer<typeof portico>
