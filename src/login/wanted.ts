import type { AppPlace, Configuration } from '../config/configuration.ts'
import { placeOf, usableApps } from '../access/apps.ts'
import type { Sealer } from '../sessions/seal.ts'
import { homeOf, placeOfUrl, returnTarget } from './return-target.ts'
import { attemptLifetime, isFresh, openSealed, requestSchema, type Wanted } from './sealed.ts'
import { only } from './visit.ts'

/**
 * Where the parameters of a link to the auth host are to lead: a sealed `request` of an app host, or
 * `app`, `region`, `return_to` (or `target_link_uri`). An address that leads elsewhere is passed over
 * (behaviours.md N5, O18). Undefined when no app is named. `now` in seconds.
 */
export const readWanted = (configuration: Configuration, sealer: Sealer, query: URLSearchParams, now: number): Wanted | undefined => {
  const request = openSealed(sealer, 'request', requestSchema, only(query, 'request'))
  if (request !== undefined) {
    if (isFresh(request.iat, now, attemptLifetime)) return request.wanted
    // a kept address still says where to; the sign-in that it began is over
    const { app, region, page } = request.wanted
    return { app, region, page }
  }
  const target = only(query, 'return_to') ?? only(query, 'target_link_uri')
  const app = only(query, 'app')
  const named = target === undefined ? undefined : placeOfUrl(configuration, target)
  if (app === undefined) {
    return named === undefined ? undefined : { app: named.place.app.id, region: named.place.region, page: named.page }
  }
  const place = named?.place.app.id === app ? named.place : placeOf(configuration, app, only(query, 'region'))
  if (place === undefined) return undefined
  const page = target === undefined ? undefined : returnTarget(target, place)
  const round = Number(only(query, 'round'))
  return { app, region: place.region, page, round: isRound(round) ? round : undefined }
}

/** How often a browser may have come back without a cookie, as an address says it. */
export const isRound = (round: number): boolean => Number.isInteger(round) && round > 0 && round < 10

/** The app host that is wanted and the absolute page there; undefined when the app is no more. */
export const destinationOf = (configuration: Configuration, wanted: Wanted | undefined): { place: AppPlace, page: string } | undefined => {
  const place = wanted === undefined ? undefined : placeOf(configuration, wanted.app, wanted.region)
  if (place === undefined) return undefined
  const page = wanted?.page === undefined ? undefined : returnTarget(wanted.page, place)
  return { place, page: page ?? homeOf(place) }
}

/** Of whoever is signed in, what says which apps they may use. */
export interface Insider {
  readonly organization: string
  readonly groups?: readonly string[] | undefined
}

/** The first app that whoever is signed in may use: where to go when nothing says where. */
export const firstApp = (configuration: Configuration, session: Insider): Wanted | undefined => {
  const organization = configuration.organizations.get(session.organization)
  const [app] = organization === undefined ? [] : usableApps(configuration, organization, session.groups ?? [])
  return app === undefined ? undefined : { app: app.id }
}

/** The only app that whoever is signed in may use, if it is only one: whoever comes by a tile means that one. */
export const soleApp = (configuration: Configuration, session: Insider): Wanted | undefined => {
  const organization = configuration.organizations.get(session.organization)
  const [app, ...others] = organization === undefined ? [] : usableApps(configuration, organization, session.groups ?? [])
  return app === undefined || others.length > 0 ? undefined : { app: app.id }
}

/** A link that starts a sign-in to the same page again. */
export const startAgainLink = (configuration: Configuration, wanted: Wanted | undefined, more: Readonly<Record<string, string>> = {}): string => {
  const destination = destinationOf(configuration, wanted)
  if (destination === undefined) return `${configuration.authOrigin}/login${more.email === undefined ? '' : `?${new URLSearchParams(more)}`}`
  const { place: { app, region }, page } = destination
  return `${configuration.authOrigin}/login?${new URLSearchParams({ app: app.id, ...region !== undefined && { region }, return_to: page, ...more })}`
}

/** A link that asks for an e-mail, and then for another account at the provider than the one signed in there. */
export const otherAccountLink = (configuration: Configuration, wanted: Wanted | undefined): string =>
  startAgainLink(configuration, wanted, { prompt: 'select_account', email: '' })
