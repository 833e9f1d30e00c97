import type { Configuration, Connection } from './configuration.ts'

/** What a connection may do at a moment: `testing` signs nobody in but for the test sign-in. */
export type Standing = 'testing' | 'active' | 'disabled'

type Dated = Pick<Connection, 'status' | 'activateAt'>

/** Whether it has become active by `now` (seconds), whatever has replaced it since. */
const hasBegun = ({ status, activateAt }: Dated, now: number): boolean =>
  status !== 'disabled' && (activateAt === undefined ? status === 'active' : now >= activateAt)

/**
 * How a connection stands at `now` (seconds): by its status and date, and off from the moment that one
 * which replaces it has begun. Compared whenever it matters, never slept on: timers beyond 24.8 days
 * fire at once.
 */
export const standingOf = (connection: Dated & { readonly replacedBy: Dated | undefined }, now: number): Standing => {
  if (connection.status === 'disabled') return 'disabled'
  if (connection.replacedBy !== undefined && hasBegun(connection.replacedBy, now)) return 'disabled'
  return hasBegun(connection, now) ? 'active' : 'testing'
}

/** Whether people can sign in through it at `now` (seconds). */
export const isActive = (connection: Connection, now: number): boolean => standingOf(connection, now) === 'active'

/** What the store remembers of a connection's trust: all it rests on, and how it stands at `now` (seconds). */
export const trustOf = (connection: Connection, now: number): string => `${connection.fingerprint}.${standingOf(connection, now)}`

/** The connection that signs people of a canonical e-mail domain in at `now` (seconds), if there is one. */
export const ownerOf = (configuration: Configuration, domain: string, now: number): Connection | undefined =>
  configuration.domains.get(domain)?.find(connection => isActive(connection, now))
