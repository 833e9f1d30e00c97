import { fastifyCookie } from '@fastify/cookie'

/** The session, on the auth host and on every app host. */
export const sessionCookie = '__Host-portico'
/** The remembered e-mail (auth host). */
export const emailCookie = '__Host-portico-email'
/** Login attempts (auth host) and bindings of sign-ins under way (app hosts): followed by their id. */
export const attemptCookiePrefix = '__Host-portico-attempt-'
export const beginCookiePrefix = '__Host-portico-begin-'

/** Whether a cookie's name is Portico's, whoever set it and however it is spelt. */
export const isOwnCookieName = (name: string): boolean => /^(?:__(?:host|secure)-portico|portico(?:-|$))/i.test(name)

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/** Where the value of the next cookie of this name begins, at or after `from`; -1 when there is none. */
export const nextCookie = (header: string, name: string, from: number): number => {
  for (let at = header.indexOf(name, from); at !== -1; at = header.indexOf(name, at + 1)) {
    const after = at + name.length
    if (header.charCodeAt(after) !== 0x3d) continue
    let before = at - 1
    while (before >= 0 && isBlank(header.charCodeAt(before))) before--
    if (before < 0 || header.charCodeAt(before) === 0x3b) return after + 1
  }
  return -1
}

/** Where the value that begins at `from` ends. Quotes are part of a value, so that a `;` inside them ends it too. */
export const cookieEnd = (header: string, from: number): number => {
  let end = header.indexOf(';', from)
  if (end === -1) end = header.length
  while (end > from && isBlank(header.charCodeAt(end - 1))) end--
  return end
}

/**
 * Every value of the cookie `name`, in the order of the header: whoever can plant a cookie beside ours
 * must not be able to hide ours (N10, E9). The package's parser keeps the first only, unquotes, and decodes.
 */
export const cookieValues = (header: string | undefined, name: string): string[] => {
  const values: string[] = []
  if (header === undefined) return values
  for (let from = nextCookie(header, name, 0); from !== -1; from = nextCookie(header, name, from)) {
    values.push(header.slice(from, cookieEnd(header, from)))
  }
  return values
}

/** Every cookie whose name begins with `prefix`, in the order of the header. */
export const cookiesWithPrefix = (header: string | undefined, prefix: string): { name: string, value: string }[] => {
  const found: { name: string, value: string }[] = []
  if (header === undefined) return found
  for (const part of header.split(';')) {
    const equals = part.indexOf('=')
    if (equals === -1) continue
    const name = part.slice(0, equals).trim()
    if (name.startsWith(prefix)) found.push({ name, value: part.slice(equals + 1).trim() })
  }
  return found
}

/** A Set-Cookie line. `maxAge` in seconds. All of Portico's cookies are host-only, and `Lax` (E1). */
export const setCookie = (name: string, value: string, maxAge: number): string =>
  fastifyCookie.serialize(name, value, { maxAge: Math.max(0, Math.floor(maxAge)), path: '/', secure: true, httpOnly: true, sameSite: 'lax' })

/** A Set-Cookie line that removes the cookie. */
export const clearCookie = (name: string): string => setCookie(name, '', 0)

/** Whether the part of a Cookie header at `from`…`end` is one of ours. On the path of each request: most differ in their first letter. */
const isOwnPart = (header: string, from: number, end: number): boolean => {
  let start = from
  while (start < end && (header.charCodeAt(start) <= 0x20 || header.charCodeAt(start) === 0xa0)) start++
  const first = header.charCodeAt(start) | 0x20
  if (first !== 0x70 && first !== 0x7f) return false
  const part = header.slice(start, end)
  const equals = part.indexOf('=')
  return isOwnCookieName((equals === -1 ? part : part.slice(0, equals)).trim())
}

/**
 * The Cookie header as an app may see it: without Portico's own, the others byte for byte and in order
 * (C10); undefined when nothing is left. Split at every `;`, as browsers do: an upstream that lets quotes
 * enclose one would otherwise read our cookie as part of another's value.
 */
export const withoutOwnCookies = (header: string): string | undefined => {
  let kept = ''
  let keptFrom = 0
  let isFirstOurs = false
  for (let from = 0; from <= header.length;) {
    const semicolon = header.indexOf(';', from)
    const end = semicolon === -1 ? header.length : semicolon
    if (isOwnPart(header, from, end)) {
      isFirstOurs ||= from === 0
      kept += header.slice(keptFrom, from)
      keptFrom = end + 1
    }
    from = end + 1
  }
  if (keptFrom === 0) return header
  const rest = keptFrom > header.length ? kept.slice(0, -1) : kept + header.slice(keptFrom)
  if (!/[^;\s]/.test(rest)) return undefined
  return isFirstOurs ? rest.trimStart() : rest
}
