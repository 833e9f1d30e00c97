import type { App } from '../config/configuration.ts'

/** Controls, space, DEL and `#`; an origin-form target has none of them (RFC 9112 §3.2.1). */
const refused = /[\u0000-\u0020#\u007f]/ // eslint-disable-line no-control-regex

/**
 * Whether a request target is one that Portico forwards: origin-form, without `#` and control
 * characters (product.md, "The auth host"; behaviours.md B13, V42, V46). Never parsed as a URL:
 * `//evil` would become a host.
 */
export const isForwardable = (target: string): boolean =>
  target.charCodeAt(0) === 47 && !refused.test(target)

/** The target without its query. */
export const pathOf = (target: string): string => {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/**
 * What has more than one reading: separators and dots in any disguise, parameters, whatever is
 * escaped without need or escapes an escape, broken escapes, bytes outside ASCII.
 */
const ambiguous = /[\\;]|\/\/|\/\.{1,2}(?:\/|$)|%(?![0-9a-f]{2})|%(?:[01][0-9a-f]|7f|2[3def5]|3[bf0-9]|4[1-9a-f]|5[0-9ac]|5f|6[1-9a-f]|7[0-9ae])|[^\u0021-\u007e]/i

/**
 * The path of a target if everybody reads it the same way, else undefined (behaviours.md N8, V17).
 * Rules are judged on it, and since it is the raw path, what is judged is what is forwarded.
 */
export const canonicalPath = (target: string): string | undefined => {
  const path = pathOf(target)
  return isForwardable(path) && !ambiguous.test(path) ? path : undefined
}

/** Whether a `public:` rule of the app lets this through without sign-in (behaviours.md B, V10, V16). */
export const isPublic = (app: App, method: string, target: string): boolean => {
  if (app.public.length === 0) return false
  const path = canonicalPath(target)
  if (path === undefined) return false
  return app.public.some(rule => rule.methods?.has(method) !== false && (rule.prefix ? path.startsWith(below(rule.path)) : path === rule.path))
}

/** `/assets`, `/assets/` and `/assets/*` all mean what is below the segment. */
const below = (path: string): string => `${path.replace(/\/\*?$/, '')}/`

const decode = (path: string): string =>
  path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/**
 * Whether some upstream, proxy or browser may read the target as one below `/.portico/`: after
 * decoding it however often, with `\` for `/`, without parameters and controls, in any case
 * (behaviours.md A11). Such a target is Portico's or nobody's.
 */
export const readsAsOwn = (target: string): boolean => {
  const path = pathOf(target)
  // whatever reads as it has a dot behind a slash, or hides one of them
  if (!/[%\\]|\/[./]/.test(path)) return false
  let reading = path
  for (let round = 0; round < 4; round++) {
    if (isBelowOwn(reading)) return true
    const decoded = decode(reading)
    if (decoded === reading) return false
    reading = decoded
  }
  return isBelowOwn(reading)
}

const isBelowOwn = (path: string): boolean => {
  const plain = path.replace(/[\u0000-\u0020\u007f]/g, '').replaceAll('\\', '/').toLowerCase() // eslint-disable-line no-control-regex
  // some servers cut parameters before they resolve dot segments, some never do
  return [plain, plain.replace(/;[^/]*/g, '')].some(reading =>
    // a decoded `?` or `#` may or may not end the path
    [reading, reading.replace(/[?#].*$/s, '')].some(candidate => startsWithOwn(candidate)))
}

const startsWithOwn = (path: string): boolean => {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
    // whether or not what follows leads out of it again
    if (segments[0] === '.portico') return true
  }
  return false
}
