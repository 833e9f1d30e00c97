import type { Configuration, Organization } from '../config/configuration.ts'

/** Seconds. */
export interface Limits {
  readonly idle: number
  readonly absolute: number
}

/** Seconds that another machine's clock may be ahead of ours (F18, E8). */
const skew = 300

/** What applies to a person of this organization today: a stricter organization wins. */
export const limitsFor = (configuration: Configuration, organization: Organization): Limits => ({
  idle: Math.min(configuration.session.idle, organization.session.idle),
  absolute: Math.min(configuration.session.absolute, organization.session.absolute)
})

/** How many sessions a person of this organization may have at once today; undefined for any number. */
export const concurrentFor = (configuration: Configuration, organization: Organization): number | undefined => {
  const most = Math.min(configuration.session.concurrent ?? Infinity, organization.session.concurrent ?? Infinity)
  return most === Infinity ? undefined : most
}

/** Whether a session has begun, and begun less than the absolute lifetime ago. Seconds since the epoch. */
export const isWithin = (times: { startedAt: number, authTime: number }, limits: Limits, now: number): boolean =>
  now < times.startedAt + limits.absolute && times.startedAt <= now + skew && times.authTime <= now + skew

/**
 * Seconds for which an ending must be remembered: longer than any session lives today, and than one
 * would live that a shorter absolute lifetime has ended and a longer one of next week lets in again.
 */
export const retention = (configuration: Configuration): number =>
  Math.max(configuration.session.absolute, 7 * 24 * 60 * 60) + skew
