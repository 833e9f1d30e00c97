import { pipeline, type Duplex } from 'node:stream'
import type { Session } from '../sessions/session.ts'
import type { Attendance, Attended } from './attendance.ts'
import { createFrameBoundary } from './frame-boundary.ts'

/** Milliseconds that an end has to close after the other one did. */
const farewell = 2_000

/** RFC 6455 §7.4.1. */
const goingAway = 1001
const policyViolation = 1008

/** Open WebSockets, each bound to the session that opened it. */
export interface Tunnels {
  open (session: Session, client: Duplex, upstream: Duplex): void
  /** Closes all of them and takes no more. */
  close (): void
  readonly size: number
}

interface Tunnel extends Attended {
  end (code?: number): void
}

/** An unmasked close frame, as a server sends it. */
const closeFrame = (code: number): Buffer => Buffer.from([0x88, 2, code >> 8, code & 0xff])

/** Raw tunnels with back-pressure both ways; when one end closes, or the session ends, so does the other. */
export const createTunnels = (attendance: Attendance): Tunnels => {
  const tunnels = new Set<Tunnel>()
  let closed = false

  const drop = (tunnel: Tunnel) => {
    tunnels.delete(tunnel)
    attendance.release(tunnel)
  }

  return {
    open: (session, client, upstream) => {
      const boundary = createFrameBoundary()
      const finish = () => {
        drop(tunnel)
        setTimeout(() => {
          client.destroy()
          upstream.destroy()
        }, farewell).unref()
      }
      const tunnel: Tunnel = {
        session,
        end: (code = policyViolation) => {
          drop(tunnel)
          upstream.unpipe(client)
          if (boundary.isBetweenFrames()) client.end(closeFrame(code))
          else client.end()
          upstream.destroy()
          setTimeout(() => client.destroy(), farewell).unref()
        }
      }
      tunnels.add(tunnel)
      attendance.hold(tunnel)
      upstream.on('data', boundary.follow)
      pipeline(upstream, client, finish)
      pipeline(client, upstream, finish)
      if (closed) tunnel.end(goingAway)
    },
    close: () => {
      closed = true
      for (const tunnel of tunnels) tunnel.end(goingAway)
    },
    get size () { return tunnels.size }
  }
}
