import type { Connection } from '../config/configuration.ts'
import { standingOf } from '../config/standing.ts'
import type { Sealer } from '../sessions/seal.ts'
import { openSealed, testTokenSchema, type TestStanding, type TestToken } from './sealed.ts'

/** The token of a link to this connection's test sign-in; `expires` in seconds since the epoch. */
export const sealTestToken = (sealer: Sealer, { id, organization }: Connection, standing: TestStanding, expires: number): string => {
  const token: TestToken = { connection: id, organization: organization.id, standing, expires }
  return sealer.seal('test', token)
}

/**
 * How the connection stands, if this token opens its test sign-in at `now` (seconds): made for this
 * connection of this organization, while it stood as it does now, and not expired. A disabled one is not
 * tested. Undefined for everything else, and not told why.
 */
export const openTestToken = (sealer: Sealer, text: string | undefined, connection: Connection, now: number): TestStanding | undefined => {
  const token = openSealed(sealer, 'test', testTokenSchema, text)
  if (token === undefined || token.connection !== connection.id || token.organization !== connection.organization.id) return undefined
  return now < token.expires && standingOf(connection, now) === token.standing ? token.standing : undefined
}
