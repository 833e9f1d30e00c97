import { foreignText } from '../foreign.ts'

/** Seconds that the provider's clock may be off, either way (behaviours O11, F18). */
export const skew = 300

/** A value of a token for people: bounded, on one line. */
export const show = (value: unknown): string =>
  value === undefined ? 'nothing' : foreignText(typeof value === 'string' ? value : JSON.stringify(value) ?? 'nothing')

/** O2: `alg` is one of those that the provider lists and Portico accepts; never `none` or HS*. */
export const isAlgorithm = (alg: unknown, algorithms: readonly string[]): boolean => typeof alg === 'string' && algorithms.includes(alg)

/** O5, G1: `aud` is this audience, or a list of texts with it. */
export const isAudience = (aud: unknown, wanted: string): boolean =>
  Array.isArray(aud) ? aud.every(each => typeof each === 'string') && aud.includes(wanted) : aud === wanted

/** Whether a claim is a moment, in seconds since the epoch (RFC 7519 §2). */
export const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** G3: a moment that has come by the clock of `now`, or by one that is ahead of it. */
export const hasCome = (time: unknown, now: number): time is number => isTime(time) && time <= now + skew
