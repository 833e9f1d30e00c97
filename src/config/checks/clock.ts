/** The time at which something is judged, and what tells it when the judgement may be another one. In seconds. */
export interface Clock {
  readonly now: number
  /** From this date on the judgement may be another one. */
  turns (date: number): void
}

/** A clock that stands still at `now`, and knows until when all that was judged by it holds. */
export const createClock = (now: number): Clock & { readonly until: () => number } => {
  let until = Infinity
  return {
    now,
    turns (date) {
      // one that is no date at all holds nothing
      if (!(date < now)) until = Math.min(until, date)
    },
    until: () => until
  }
}
