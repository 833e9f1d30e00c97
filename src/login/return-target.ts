import type { AppPlace, Configuration } from '../config/configuration.ts'

/** Characters of a page's address that survive a sign-in: it travels in cookies. */
export const longestTarget = 2_000

// eslint-disable-next-line no-control-regex
const dangerous = /[\u0000-\u0020\u007f-\u00a0\\]/

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
  if (text.length > longestTarget || dangerous.test(text)) return undefined
  const isPath = text.startsWith('/') && !text.startsWith('//')
  if (!isPath && !/^https?:\/\//i.test(text)) return undefined
  const url = originOf(text, isPath ? place.origin : undefined)
  return url?.origin === place.origin ? url.href : undefined
}

/**
 * The absolute address of a request target that this app host itself was asked for, byte for byte;
 * the app's home for one that is too long.
 */
export const pageAt = (place: AppPlace, target: string): string => {
  const page = place.origin + target
  const isHere = target.startsWith('/') && target.length <= longestTarget && originOf(page)?.origin === place.origin
  return isHere ? page : homeOf(place)
}

/** Where an app opens when nobody said where. */
export const homeOf = (place: AppPlace): string => place.origin + place.app.home

/** The app host that an absolute URL is of, among all configured ones. */
export const placeOfUrl = (configuration: Configuration, text: string): AppPlace | undefined => {
  if (!/^https?:\/\//i.test(text)) return undefined
  const url = originOf(text)
  const place = url === undefined ? undefined : configuration.places.get(url.hostname)
  return place !== undefined && returnTarget(text, place) !== undefined ? place : undefined
}
