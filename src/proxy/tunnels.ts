import { pipeline, type Duplex } from 'node:stream'
import type { Session } from '../sessions/session.ts'
import { createFrameBoundary } from './frame-boundary.ts'

/** Milliseconds between two looks at whether the sessions of open tunnels still live. */
const sweepInterval = 1_000
/** Milliseconds that an end has to close after the other one did. */
const farewell = 2_000

/** RFC 6455 §7.4.1. */
const goingAway = 1001
const policyViolation = 1008

/** Open WebSockets, each bound to the session that opened it. */
export interface Tunnels {
  open (session: Session, client: Duplex, upstream: Duplex): void
  /** Closes the tunnels of sessions that no longer live. */
  sweep (): void
  /** Closes all of them and takes no more. */
  close (): void
  readonly size: number
}

interface Tunnel {
  readonly session: Session
  end (code: number): void
}

/** An unmasked close frame, as a server sends it. */
const closeFrame = (code: number): Buffer => Buffer.from([0x88, 2, code >> 8, code & 0xff])

/**
 * Raw tunnels with back-pressure both ways; when one end closes, so does the other. Looked at every
 * second and whenever a session ends, so that none outlives its session by two (product.md, flow 6).
 */
export const createTunnels = (isLive: (session: Session) => boolean): Tunnels => {
  const tunnels = new Set<Tunnel>()
  let closed = false

  const sweep = () => {
    for (const tunnel of tunnels) if (!isLive(tunnel.session)) tunnel.end(policyViolation)
  }
  const timer = setInterval(sweep, sweepInterval).unref()

  return {
    open: (session, client, upstream) => {
      const boundary = createFrameBoundary()
      const finish = () => {
        tunnels.delete(tunnel)
        setTimeout(() => {
          client.destroy()
          upstream.destroy()
        }, farewell).unref()
      }
      const tunnel: Tunnel = {
        session,
        end: code => {
          tunnels.delete(tunnel)
          upstream.unpipe(client)
          if (boundary.isBetweenFrames()) client.end(closeFrame(code))
          else client.end()
          upstream.destroy()
          setTimeout(() => client.destroy(), farewell).unref()
        }
      }
      tunnels.add(tunnel)
      upstream.on('data', boundary.follow)
      pipeline(upstream, client, finish)
      pipeline(client, upstream, finish)
      if (closed) tunnel.end(goingAway)
    },
    sweep,
    close: () => {
      closed = true
      clearInterval(timer)
      for (const tunnel of tunnels) tunnel.end(goingAway)
    },
    get size () { return tunnels.size }
  }
}
