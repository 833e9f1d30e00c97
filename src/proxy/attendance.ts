import type { Session } from '../sessions/session.ts'

/** Milliseconds between two looks at whether the sessions of what is open still live. */
const interval = 1_000
/** Milliseconds in which several sessions may end before that is looked at. */
const gathering = 100

/** Something that is open for a session, and must not outlive it. */
export interface Attended {
  readonly session: Session
  /** The session has ended. Called again at the next look, until it is released. */
  end (): void
}

/** What is open for sessions: WebSockets, event streams, long answers and uploads. */
export interface Attendance {
  hold (open: Attended): void
  release (open: Attended): void
  /** Ends what belongs to sessions that no longer live. */
  sweep (): void
  /** As `sweep`, in a moment: sessions end in dozens, and to look costs something for each that is open. */
  sweepSoon (): void
  /** Looks no more. */
  stop (): void
}

/**
 * Looks every second, for who has been idle for too long, and shortly after a session has ended, so that nothing
 * outlives its session by two (product.md, flow 6).
 */
export const createAttendance = (isLive: (session: Session) => boolean): Attendance => {
  const all = new Set<Attended>()
  let soon: NodeJS.Timeout | undefined

  const sweep = () => {
    clearTimeout(soon)
    soon = undefined
    for (const open of all) if (!isLive(open.session)) open.end()
  }
  const timer = setInterval(sweep, interval).unref()

  return {
    hold: open => { all.add(open) },
    release: open => { all.delete(open) },
    sweep,
    sweepSoon: () => { soon ??= setTimeout(sweep, gathering).unref() },
    stop: () => {
      clearInterval(timer)
      clearTimeout(soon)
    }
  }
}
