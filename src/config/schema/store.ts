import { z } from 'zod'
import { withoutBrackets } from './addresses.ts'
import { path, secret, text, words, type Fault } from './values.ts'

/** What a Redis URL says. */
export interface RedisAddress {
  readonly host: string
  readonly port: number | undefined
  readonly isEncrypted: boolean
  readonly database: number
  readonly username: string | undefined
  readonly password: string | undefined
}

const form = { message: 'is not a Redis URL', remedy: 'write redis://host:6379, or rediss:// for TLS' }

const decoded = (part: string): string | undefined => part === '' ? undefined : decodeURIComponent(part)

/** Reads `redis://user:password@host:6379/0`, or `rediss://` for TLS; a {@link Fault} for anything else. */
export const parseRedisUrl = (value: string): RedisAddress | Fault => {
  const url = /^rediss?:\/\/[^\s\\]+$/i.test(value) ? URL.parse(value) : null
  if (url === null || !/^[a-z0-9_.-]+$|^\[[0-9a-f:.]+\]$/i.test(url.hostname)) return form
  if (url.search !== '' || url.hash !== '') return { message: 'has a query or a fragment', remedy: 'remove what follows the ? or #' }
  const [, database] = /^\/?([0-9]{1,5})?$/.exec(url.pathname) ?? ['', 'none']
  if (database === 'none') return { message: 'has a path that is not the number of a database', remedy: 'write redis://host:6379/0' }
  try {
    return {
      host: withoutBrackets(url.hostname),
      port: url.port === '' ? undefined : Number(url.port),
      isEncrypted: url.protocol === 'rediss:',
      database: Number(database ?? 0),
      username: decoded(url.username),
      password: decoded(url.password)
    }
  } catch {
    return { message: 'has a user or password that is not percent-encoded', remedy: 'encode % as %25, @ as %40, : as %3A, / as %2F; or set store.password' }
  }
}

/** Whether a Redis URL as it was written holds a secret. */
export const hasPassword = (value: string): boolean => {
  const address = parseRedisUrl(value)
  return 'message' in address || address.password !== undefined
}

/** One of several: what holds for all of them stands beside them. */
const node = text('a Redis URL', 'redis://10.0.0.7:26379', value => {
  const address = parseRedisUrl(value)
  if ('message' in address) return address
  if (address.username !== undefined || address.password !== undefined) return { message: 'carries a user name or password', remedy: 'set store.username and store.password' }
  return address.database === 0 ? undefined : { message: 'names a database', remedy: 'remove the path: it is database 0 here' }
})

const prefix = text('a prefix', 'portico', value => /^[a-z0-9][a-z0-9_.-]{0,62}$/i.test(value)
  ? undefined
  : { message: 'is not a prefix', remedy: 'use letters, digits, and _ . - between them, 63 at most' })

/** `store:` of one machine. */
export const sqlite = z.strictObject({
  kind: z.literal('sqlite').describe('The engine: `sqlite` for one machine, `redis` for many.'),
  path: path.describe('The database file; its folder is created.')
})

/** `store:` of many machines. */
export const redis = z.strictObject({
  kind: z.literal('redis'),
  url: secret.optional().describe('The one server: `redis://user:password@host:6379/0`, or `rediss://` for TLS. A literal is fine without a password.'),
  username: words.optional().describe('ACL user, where the URL names none.'),
  password: secret.optional().describe('Its password, where the URL has none.'),
  tls: z.strictObject({
    ca: path.optional().describe('PEM file with the authorities of the servers, in place of the public ones.'),
    certificate: path.optional().describe('PEM file with the client certificate (chain).'),
    key: secret.optional().describe('The client certificate\'s private key.'),
    server_name: words.optional().describe('The name that every server\'s certificate must have, where they are found by addresses.')
  }).optional().describe('For `rediss://`.'),
  sentinels: z.array(node).min(1).optional().describe('In place of `url`: Sentinels, port 26379 where none is given. All `redis://`, or all `rediss://`; then the master speaks TLS too.'),
  master: words.optional().describe('The name that the Sentinels know the master by.'),
  sentinel_username: words.optional().describe('ACL user at the Sentinels.'),
  sentinel_password: secret.optional().describe('Password at the Sentinels.'),
  cluster: z.array(node).min(1).optional().describe('In place of `url`: some nodes of a Cluster; they tell the others. All `redis://`, or all `rediss://`.'),
  prefix: prefix.default('portico').describe('What every key begins with: another one for each Portico of the same Redis.')
})

export type RedisSettings = z.infer<typeof redis>
