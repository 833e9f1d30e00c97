import { isSound } from './sound.ts'
import type { Claims } from './dialect.ts'
import { show } from './token-rules.ts'

/** Characters of one group, an `acr`, an `amr` value, an IdP session id or a part of a subject. */
const longestValue = 1_024

/** A claim's own value; `null` says nothing, like an absent one. */
export const claim = (claims: Claims, name: string): unknown => {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return value === null ? undefined : value
}

/** Whether a value can be kept, compared and sent on as it is. */
export const isValue = (value: unknown): value is string => typeof value === 'string' && value.length <= longestValue && isSound(value)

/** Whether a claim says yes: `true`, or the text `"true"` that Cognito and Apple send; nothing else does. */
export const isTrue = (value: unknown): boolean => value === true || value === 'true'

/** Any claim's value for people. */
export const showClaim = (claims: Claims, name: string): string => {
  const value = claim(claims, name)
  return value === undefined ? 'none' : show(value)
}
