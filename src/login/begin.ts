import { createHash, randomBytes } from 'node:crypto'
import type { AppPlace } from '../config/configuration.ts'
import { beginCookiePrefix, clearCookie, cookiesWithPrefix, setCookie } from '../sessions/cookie.ts'
import { redirect, type Answer } from './answer.ts'
import type { LoginDeps } from './deps.ts'
import { homeOf, longestHint, pageAt, returnTarget } from './return-target.ts'
import { attemptLifetime, beginSchema, isFresh, openSealed, type Begin } from './sealed.ts'
import { only, type Visit } from './visit.ts'
import { isRound } from './wanted.ts'

/** Sign-ins under way that one browser may have on one host: a window's tabs, restored at once. */
const mostBegins = 12
/** Characters of their cookies together: with the app's own they must fit into the 8 kB line that common proxies take (behaviours.md N11, F13). */
const mostBytes = 5_000

/** What the browser's secret is known by elsewhere. */
export const bindOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

export interface BeginSteps {
  /** Nobody is signed in: to the auth host, and a cookie that binds what comes back to this browser (flow 2). */
  challenge (place: AppPlace, target: string, visit: Visit): Answer
  /** `/.portico/begin`: the same for a sign-in that began elsewhere (flow 5). */
  begin (place: AppPlace, visit: Visit): Answer
  /** The sign-in `id` that this browser began on this host. */
  read (place: AppPlace, id: string, visit: Visit): Begin | undefined
}

/** The app host's half of the beginning of a sign-in. */
export const createBegin = ({ configuration, sealer, now }: Pick<LoginDeps, 'configuration' | 'sealer' | 'now'>): BeginSteps => {
  const open = (place: AppPlace, value: string): Begin | undefined => {
    const begin = openSealed(sealer(), 'begin', beginSchema, value)
    return begin !== undefined && begin.host === place.host && isFresh(begin.iat, now(), attemptLifetime) ? begin : undefined
  }

  /** Set-Cookie lines that make room for one more: what has expired goes, then the oldest. */
  const makeRoom = (place: AppPlace, visit: Visit, needed: number): string[] => {
    const kept = cookiesWithPrefix(visit.headers.cookie, beginCookiePrefix)
      .map(({ name, value }) => ({ name, length: value.length, iat: open(place, value)?.iat ?? 0 }))
      // browsers name the oldest first, and tabs that are restored at once begin within one second
      .reverse()
      .sort((a, b) => b.iat - a.iat)
    let bytes = needed
    return kept.flatMap(({ name, length, iat }, index) => {
      bytes += length
      return iat === 0 || index >= mostBegins - 1 || bytes > mostBytes ? [clearCookie(name)] : []
    })
  }

  const start = (place: AppPlace, page: string, round: number, visit: Visit): Answer => {
    const iat = now()
    const random = randomBytes(44)
    const id = random.toString('base64url', 0, 12)
    const secret = random.toString('base64url', 12)
    const value = sealer().seal('begin', { id, host: place.host, secret, page, iat })
    const request = sealer().seal('request', {
      iat,
      wanted: {
        app: place.app.id,
        region: place.region,
        page: page.length <= longestHint ? page : undefined,
        begin: { id, bind: bindOf(secret) },
        round
      }
    })
    return redirect(`${configuration().authOrigin}/login?request=${request}`, [
      ...makeRoom(place, visit, value.length),
      setCookie(beginCookiePrefix + id, value, attemptLifetime)
    ])
  }

  return {
    challenge: (place, target, visit) => start(place, pageAt(place, target), 0, visit),

    begin: (place, visit) => {
      const wanted = only(visit.query, 'return_to')
      const page = wanted === undefined ? undefined : returnTarget(wanted, place)
      const round = Number(only(visit.query, 'round'))
      return start(place, page ?? homeOf(place), isRound(round) ? round : 0, visit)
    },

    read: (place, id, visit) => {
      if (!/^[\w-]{16}$/.test(id)) return undefined
      return cookiesWithPrefix(visit.headers.cookie, beginCookiePrefix + id)
        .map(({ value }) => open(place, value))
        .find(begin => begin?.id === id)
    }
  }
}
