import { isOwnCookieName } from '../sessions/cookie.ts'
import { listedNames, type HeaderKinds } from './header-kinds.ts'

/** The name that a Set-Cookie line sets; of a cookie without one, what would be read as its name when it comes back. */
const cookieName = (text: string): string => {
  const line = text.replace(/^[\s=]+/, '')
  const end = line.search(/[=;]/)
  return (end === -1 ? line : line.slice(0, end)).trim()
}

const textOf = (raw: Buffer | string): string => typeof raw === 'string' ? raw : raw.toString('latin1')

/**
 * The headers of an upstream's response as the browser may see them, flat, in their case, order and
 * number: without hop-by-hop ones, those that Connection lists, and cookies that only Portico sets
 * (ecosystem.md F5; behaviours.md K7, K8).
 */
export const browserHeaders = (kinds: HeaderKinds, raw: readonly (Buffer | string)[]): string[] => {
  const headers: string[] = []
  let connection: string | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = textOf(raw[i] ?? '')
    const kind = kinds.ofResponse(name)
    const value = textOf(raw[i + 1] ?? '')
    if (kind === 'keep') headers.push(name, value)
    else if (kind === 'set-cookie') {
      if (!isOwnCookieName(cookieName(value))) headers.push(name, value)
    } else if (name.length === 10 && name.toLowerCase() === 'connection') {
      connection = connection === undefined ? value : `${connection},${value}`
    }
  }
  const listed = listedNames(connection)
  return listed === undefined || listed.size === 0 ? headers : without(headers, listed)
}

/** What would change where the message ends is not the upstream's to withdraw. */
const without = (headers: readonly string[], listed: ReadonlySet<string>): string[] =>
  headers.filter((_, i) => {
    const name = headers[i & ~1]?.toLowerCase() ?? ''
    return name === 'content-length' || !listed.has(name)
  })
