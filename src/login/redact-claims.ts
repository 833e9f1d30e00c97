/** Names whose values are nobody's to read. */
const confidential = /token|secret|password|nonce|hash|code|assertion|credential|cookie|key$/i
/** Runs of what tokens are written in. */
const runs = /[\w.-]{20,}/g
/** What looks like a JWS or JWE, whatever the name: three long parts, or a part that begins as the JSON of a header does. */
const isToken = (run: string): boolean => run.includes('eyJ') || /^[^.]{10,}\.[^.]{10,}\.[^.]{10,}/.test(run)

const deepest = 6
const longestText = 1_000
const longestList = 200

const redacted = '[redacted]'

/** A text of somebody else's with whatever looks like a token taken out, and cut to 1,000 characters. */
export const redactText = (text: string): string => {
  const rest = text.toWellFormed().replaceAll(runs, run => isToken(run) ? redacted : run)
  return rest.length > longestText ? `${rest.slice(0, longestText).toWellFormed()}… (${rest.length} characters)` : rest
}

const redactValue = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= deepest) return '[more]'
  if (!Array.isArray(value)) return redactObject(value, depth)
  const shown = value.slice(0, longestList).map(item => redactValue(item, depth + 1))
  return value.length > longestList ? [...shown, `… (${value.length} in all)`] : shown
}

const redactObject = (object: object, depth: number): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).slice(0, longestList).map(([name, value]) =>
    [redactText(name), confidential.test(name) ? redacted : redactValue(value, depth + 1)]))

/** Claims as they may be shown: no token, secret, code, nonce or hash of one, whatever holds it; bounded (V3, V36). */
export const redactClaims = (claims: Readonly<Record<string, unknown>>): Record<string, unknown> => redactObject(claims, 0)
