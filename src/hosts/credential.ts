import { apiKeyPrefix } from '../access/api-key.ts'

/** What a program shows of itself in the headers of a request. */
export type Credential =
  /** One API key, in `Authorization: Bearer` or `X-API-Key`, or the same in both. */
  | { readonly kind: 'key', readonly key: string, readonly headers: ReadonlySet<string>, readonly bearers: readonly string[] }
  /** `Authorization: Bearer` with something else: a token of an identity provider, or the app's own. */
  | { readonly kind: 'bearer', readonly bearers: readonly string[] }
  /** Two different keys, or one header twice. */
  | { readonly kind: 'conflict' }

/** RFC 9110 §11.1: the scheme in any case; RFC 6750 §2.1. */
const bearer = /^bearer[ \t]+(\S.*)$/i

/** The names of the headers, lower-case, that a key or token can stand in. */
export const authorization = 'authorization'
const apiKey = 'x-api-key'

/**
 * The credential of a request's raw headers; undefined where there is none that Portico reads: other
 * schemes, and an `X-API-Key` that is no key of Portico's, are the app's own (behaviours.md C7, G8).
 * Raw, because Node keeps one of several `Authorization` lines without a word.
 */
export const credentialIn = (rawHeaders: readonly string[]): Credential | undefined => {
  const bearers: string[] = []
  const keys: { readonly header: string, readonly key: string }[] = []
  const seen: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i]?.toLowerCase()
    if (header !== authorization && header !== apiKey) continue
    seen.push(header)
    const value = rawHeaders[i + 1]?.trim() ?? ''
    const shown = header === apiKey ? value : bearer.exec(value)?.[1]
    if (shown?.startsWith(apiKeyPrefix) === true) keys.push({ header, key: shown })
    else if (header === authorization && shown !== undefined) bearers.push(shown)
  }
  const [first, ...others] = keys
  if (first === undefined) return bearers.length === 0 ? undefined : { kind: 'bearer', bearers }
  const headers = new Set(keys.map(({ header }) => header))
  const isRepeated = [...headers].some(header => seen.indexOf(header) !== seen.lastIndexOf(header))
  if (isRepeated || others.some(({ key }) => key !== first.key)) return { kind: 'conflict' }
  return { kind: 'key', key: first.key, headers, bearers }
}
