import type { AppPlace, Configuration } from '../config/configuration.ts'
import { sizeOf } from './sealed.ts'

/** Bytes of a page's address that survive a sign-in: it travels in cookies, which browsers drop beyond 4,096. */
export const longestTarget = 2_000
/** Characters of one that also travels in addresses, for when the cookie is lost. */
export const longestHint = 512

/** Where Portico's own paths on app hosts begin. */
const ownPaths = '/.portico/'

// a URL parser deletes some of them, so that what was judged is not what is read
const controls = /[\u0000-\u001f\u007f-\u009f]/ // eslint-disable-line no-control-regex

/** A path that some read otherwise: browsers take `\` for `/`. In a query it is a character like others. */
const hasTwoReadings = (text: string): boolean => /^[^?#]*\\/.test(text) || text.trim() !== text

const originOf = (text: string, base?: string): URL | undefined => {
  const url = URL.parse(text, base)
  return url === null || url.username !== '' || url.password !== '' ? undefined : url
}

/**
 * The address on `place` that `text` names: a path, or an absolute URL of that very origin; always
 * absolute, so that no path is ever read as a host again (behaviours.md section 1, N5, V7, V29).
 * Undefined for whatever leads elsewhere. The base is configured, never the request's.
 */
export const returnTarget = (text: string, place: AppPlace): string | undefined => {
  if (text.length > longestTarget || controls.test(text) || hasTwoReadings(text)) return undefined
  const isPath = text.startsWith('/') && !text.startsWith('//')
  if (!isPath && !/^https?:\/\//i.test(text)) return undefined
  const url = originOf(text, isPath ? place.origin : undefined)
  // a step of sign-in is no page: it would sign out, or go round
  const isPage = url?.origin === place.origin && !url.pathname.startsWith(ownPaths)
  return isPage && sizeOf(url.href) <= longestTarget ? url.href : undefined
}

/**
 * The absolute address of a request target that this app host itself was asked for, byte for byte;
 * the app's home for one that is too long.
 */
export const pageAt = (place: AppPlace, target: string): string => {
  const page = place.origin + target
  return target.startsWith('/') && sizeOf(page) <= longestTarget && isAt(place, page) ? page : homeOf(place)
}

/** Whether an absolute address is on this very app host. */
export const isAt = (place: AppPlace, page: string): boolean =>
  page.startsWith(`${place.origin}/`) && !controls.test(page) && originOf(page)?.origin === place.origin

/** Where an app opens when nobody said where. */
export const homeOf = (place: AppPlace): string => place.origin + place.app.home

/** The app host, among all configured ones, that an absolute URL leads to, and the address there. */
export const placeOfUrl = (configuration: Configuration, text: string): { place: AppPlace, page: string } | undefined => {
  if (!/^https?:\/\//i.test(text)) return undefined
  const place = configuration.places.get(originOf(text)?.hostname ?? '')
  const page = place === undefined ? undefined : returnTarget(text, place)
  return place === undefined || page === undefined ? undefined : { place, page }
}
