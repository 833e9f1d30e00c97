import { setTimeout } from 'node:timers/promises'
import type { Connection } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import type { Session } from '../sessions/session.ts'
import type { LoginDeps } from './deps.ts'
import { asPorticoError } from './failure.ts'
import type { Kept, KeptTokens } from './kept-tokens.ts'
import type { Readmit } from './readmit.ts'

/** How a refresh came out: when to look again, in seconds since the epoch, or that there is nothing more to do. */
export type Outcome =
  | { readonly kind: 'renewed', readonly at: number, readonly session: Session }
  | { readonly kind: 'later', readonly at: number, readonly isUnreachable: boolean }
  | { readonly kind: 'over' }

/** Refreshes one session, if it is due and nobody else does. Never rejects. */
export type Refresh = (session: Session) => Promise<Outcome>

/**
 * Seconds that one process has a session's tokens for itself, longer than any request to a provider takes. A
 * failure leaves the lease to run out, so that nobody tries again before; so does a process that dies.
 */
const lease = 30
/** Seconds after which to look at what somebody else refreshes. */
const glance = 3
/** Seconds, at least, between two refreshes of a session, however short its tokens live. */
const shortest = 10
/** Milliseconds for whoever was quicker with the same token to have kept what came of it. */
const usualGrace = 2_000

/** When tokens are to be refreshed: with a quarter of their life left. Seconds since the epoch. */
export const dueAt = ({ every }: NonNullable<Connection['refresh']>, accessTokenExpires: number | undefined, now: number): number => {
  const life = accessTokenExpires === undefined ? Infinity : (accessTokenExpires - now) * 3 / 4
  return Math.floor(now + Math.max(shortest, Math.min(every, life)))
}

/** What ends a session: a refusal of its person, or of our client. What cannot be done now does not, and a provider's new key may be on its way. */
const isFinal = ({ status, code }: PorticoError): boolean =>
  (status < 500 && code !== 'PORTICO_ID_TOKEN_KEY') || code === 'PORTICO_IDP_CLIENT_REFUSED' || code === 'PORTICO_IDP_SECRET_EXPIRED'

/**
 * Refreshes sessions (behaviours.md J): the refresh token is given for new tokens by one process at a time,
 * these are kept before anything else, and then the person is judged anew.
 */
export const createRefresh = (deps: Pick<LoginDeps, 'configuration' | 'sessions' | 'store' | 'connectors' | 'audit' | 'metrics' | 'log' | 'now'> & {
  readonly keptTokens: KeptTokens
  readonly readmit: Readmit
  readonly grace?: number
}): Refresh => {
  const { configuration, sessions, store, connectors, audit, metrics, log, now, keptTokens, readmit, grace = usualGrace } = deps
  /** By sid: tokens that came, when, and are not kept yet, or whose person is not judged yet. */
  const pending = new Map<string, { readonly tokens: Kept & { readonly refreshAt: number }, readonly before: Kept, readonly at: number, isKept: boolean }>()

  const keyOf = ({ sid }: Session): string => `refresh|${sid}`

  /** Whether the token was refused because another process had used it: then the store has another one soon. */
  const isOvertaken = async ({ sid }: Session, sent: string | undefined): Promise<boolean> => {
    await setTimeout(grace)
    const kept = await keptTokens.read(sid)
    return kept !== undefined && kept.refreshToken !== sent
  }

  const end = async (session: Session, error: PorticoError): Promise<Outcome> => {
    const { sid, member, connection } = session
    pending.delete(sid)
    metrics.refresh(connection, 'ended')
    log.warn({ err: error, member, connection }, 'a refresh was refused: its session ends')
    await sessions.end(session, `refresh: ${error.code}`)
    audit.sessionEnded({ ...session, reason: error.code })
    await keptTokens.take(sid).catch(() => {})
    return { kind: 'over' }
  }

  /** From tokens that came to a session that is renewed. */
  const conclude = async (session: Session, connection: Connection): Promise<Outcome> => {
    const waiting = pending.get(session.sid)
    if (waiting === undefined) throw new TypeError('a refresh without tokens')
    const { tokens, tokens: { refreshAt }, before, at } = waiting
    if (!waiting.isKept) {
      // an ID token only once it was judged
      await keptTokens.keep(session, { ...tokens, idToken: before.idToken })
      waiting.isKept = true
    }
    const identity = await connectors.refreshing.identify(connection, tokens, before, at)
    const renewed = { ...await readmit(session, identity, connection), refreshAt }
    if (tokens.idToken !== before.idToken) await keptTokens.keep(session, tokens)
    await sessions.renew(renewed)
    pending.delete(session.sid)
    await store.take('lease', keyOf(session))
    metrics.refresh(connection.id, 'success')
    return { kind: 'renewed', at: refreshAt, session: renewed }
  }

  const run = async (session: Session, connection: Connection, every: NonNullable<Connection['refresh']>): Promise<Outcome> => {
    const waiting = pending.get(session.sid)
    if (waiting !== undefined && !(waiting.isKept && now() >= waiting.tokens.refreshAt)) return await conclude(session, connection)
    // its access token is over as well: by new ones their person can be judged again
    pending.delete(session.sid)
    if (!await store.putIfAbsent('lease', keyOf(session), '', now() + lease)) return { kind: 'later', at: now() + glance, isUnreachable: false }
    const before = await keptTokens.read(session.sid)
    if (before?.refreshToken === undefined) {
      log.warn({ member: session.member, connection: connection.id }, 'the store has no refresh token of a session: what is known of its person stays as it is until it ends')
      return { kind: 'over' }
    }
    if (before.refreshAt !== undefined && before.refreshAt > now()) {
      await store.take('lease', keyOf(session))
      return { kind: 'later', at: before.refreshAt, isUnreachable: false }
    }
    try {
      const tokens = await connectors.refreshing.refresh(connection, before, now())
      const at = now()
      pending.set(session.sid, { tokens: { ...tokens, refreshAt: dueAt(every, tokens.accessTokenExpires, at) }, before, at, isKept: false })
    } catch (error) {
      if (asPorticoError(error).code !== 'PORTICO_IDP_REFRESH_REFUSED' || !await isOvertaken(session, before.refreshToken)) throw error
      return { kind: 'later', at: now() + glance, isUnreachable: false }
    }
    return await conclude(session, connection)
  }

  return async session => {
    const connection = configuration().connections.get(session.connection)
    const every = connection?.refresh
    if (connection === undefined || every === undefined || !sessions.isLive(session)) {
      pending.delete(session.sid)
      return { kind: 'over' }
    }
    try {
      return await run(session, connection, every)
    } catch (thrown) {
      const error = asPorticoError(thrown)
      if (isFinal(error)) return await end(session, error)
      metrics.refresh(connection.id, 'failed')
      log.warn({ err: error, member: session.member, connection: connection.id }, 'a refresh failed: its session stays as it is, and it is tried again')
      // tokens that came and are not kept are lost with this process: soon
      const isSoon = pending.get(session.sid)?.isKept === false
      return { kind: 'later', at: now() + (isSoon ? 1 : lease), isUnreachable: error.code !== 'PORTICO_STORE_UNAVAILABLE' }
    }
  }
}
