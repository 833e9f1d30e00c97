import type { Session } from '../sessions/session.ts'
import type { Log } from '../telemetry/log.ts'
import type { KeptTokens } from './kept-tokens.ts'

/** Access tokens of whoever is signed in, for apps that ask for them. */
export interface AccessTokens {
  /**
   * The one of this session, while it is good. A promise only at the first request of a session, and after a
   * refresh; it never rejects: what cannot be known is no token.
   */
  of (session: Session): string | undefined | Promise<string | undefined>
}

interface Known {
  readonly token: string | undefined
  /** Seconds since the epoch: of no use any more. */
  readonly expires: number
  /** Of one that the store did not give: when it is asked again. */
  readonly until: number
}

/** Seconds until a store that did not answer is asked again. */
const patience = 2
/** What fits into a header of an app's server, and means nothing else there (RFC 6750 §2.1). */
const sendable = /^[\x21-\x7e]{1,8000}$/

/** Each is read from the store once: whoever renews a session makes another object of it. `now` in seconds. */
export const createAccessTokens = ({ keptTokens, log, now }: { readonly keptTokens: Pick<KeptTokens, 'read'>, readonly log: Log, readonly now: () => number }): AccessTokens => {
  const known = new WeakMap<Session, Known>()
  const loading = new WeakMap<Session, Promise<string | undefined>>()

  const fresh = ({ token, expires }: Known): string | undefined => now() < expires ? token : undefined

  const load = async (session: Session): Promise<string | undefined> => {
    const read = async (): Promise<Known> => {
      try {
        const { accessToken, accessTokenExpires = 0 } = await keptTokens.read(session.sid) ?? {}
        return { token: accessToken !== undefined && sendable.test(accessToken) ? accessToken : undefined, expires: accessTokenExpires, until: Infinity }
      } catch (error) {
        log.error({ err: error }, 'the store does not give an access token: the app gets none')
        return { token: undefined, expires: 0, until: now() + patience }
      }
    }
    const found = await read()
    known.set(session, found)
    return fresh(found)
  }

  return {
    of (session) {
      const entry = known.get(session)
      if (entry !== undefined && now() < entry.until) return fresh(entry)
      const under = loading.get(session) ?? load(session).finally(() => loading.delete(session))
      loading.set(session, under)
      return under
    }
  }
}
