import type { App, AppPlace, Configuration } from '../../src/config/configuration.ts'
import type { Session } from '../../src/sessions/session.ts'
import { configurationOf, organizationOf, placeOf } from '../support/configuration.ts'

/** A key that is all one byte. */
export const key = (byte: number): Buffer => Buffer.alloc(32, byte)

/** A place of one app, in the given dialect. */
export const place = (headers: App['headers'] = 'portico'): AppPlace => placeOf('analytics', { name: 'Analytics', headers })

/** A configuration with one organization, `acme`, and nothing else that matters here. */
export const configuration = (given: { keys?: readonly Buffer[], defaultRole?: string } = {}): Configuration => configurationOf({
  keys: given.keys ?? [key(1)],
  organizations: new Map([['acme', organizationOf('acme', { name: 'Acme', defaultRole: given.defaultRole })]])
})

/** Ada's session at `analytics.localhost`. */
export const session = (changed: Partial<Session> = {}): Session => ({
  sid: 'sid-1',
  host: 'analytics.localhost',
  member: 'mem_ada',
  organization: 'acme',
  connection: 'okta_acme',
  generation: 1,
  subject: 'https://idp.example|7',
  email: 'ada@acme.com',
  newUser: false,
  authTime: 1_000,
  startedAt: 1_000,
  ...changed
})
