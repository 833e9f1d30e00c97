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

/**
 * The dates that a connection's standing hangs on, as text; undefined where it has none. Two files that
 * differ in nothing else differ in this.
 */
export const datesOf = ({ activateAt, replacedBy }: Connection): string | undefined =>
  activateAt === undefined && replacedBy?.activateAt === undefined
    ? undefined
    : `${activateAt ?? ''} ${replacedBy?.id ?? ''} ${replacedBy?.activateAt ?? ''}`

/** A stretch of time, in seconds: its beginning, and what comes after its end. */
export interface Stretch {
  readonly from: number
  readonly until: number
}

/** The stretch around `now` (seconds) in which no date of the configuration passes: all stands as it does now. */
export const stretchAt = ({ dates }: Pick<Configuration, 'dates'>, now: number): Stretch => {
  const next = dates.findIndex(date => date > now)
  const passed = next === -1 ? dates.length : next
  return { from: dates[passed - 1] ?? -Infinity, until: dates[passed] ?? Infinity }
}

/** Clocks are also set back. */
export const isWithinStretch = ({ from, until }: Stretch, now: number): boolean => now >= from && now < until

/**
 * The active connection that `connection` has come to at `now` (seconds): itself, or what has taken over
 * from it, or from that; undefined when there is none.
 */
export const successorOf = (configuration: Configuration, connection: Connection, now: number): Connection | undefined => {
  let current: Connection | undefined = connection
  // a load refuses circles
  while (current !== undefined && !isActive(current, now)) {
    const heir: Connection['replacedBy'] = current.replacedBy
    current = heir === undefined || !hasBegun(heir, now) ? undefined : configuration.connections.get(heir.id)
  }
  return current
}

/** The connection that signs people of a canonical e-mail domain in at `now` (seconds), if there is one. */
export const ownerOf = (configuration: Configuration, domain: string, now: number): Connection | undefined =>
  configuration.domains.get(domain)?.find(connection => isActive(connection, now))
