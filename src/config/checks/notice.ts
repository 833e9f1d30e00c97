import type { Clock } from './clock.ts'

const day = 86_400
/** Days ahead at which an expiry is worth a warning (product R11). */
const noticeDays = 60

/** `expires in 7 days`, `expired on …`; undefined while it is more than 60 days away. `date` as people wrote it, `now` in seconds. */
export const expiryNotice = (date: string, now: number): string | undefined => {
  const left = Math.floor((Date.parse(date) / 1000 - now) / day)
  if (left > noticeDays) return undefined
  return left < 0 ? `expired on ${date}` : `expires in ${left} day${left === 1 ? '' : 's'}`
}

/** `expiryNotice` at the clock's time; the clock is told when it will be another one. */
export const noticeAt = (date: string, clock: Clock): string | undefined => {
  const expires = Date.parse(date) / 1000
  const left = Math.floor((expires - clock.now) / day)
  if (!(left < 0)) clock.turns(expires - Math.min(left, noticeDays + 1) * day)
  return expiryNotice(date, clock.now)
}
