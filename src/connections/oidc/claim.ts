import type { Claims } from './dialect.ts'
import { show } from './token-rules.ts'

/** A claim's own value; `null` says nothing, like an absent one. */
export const claim = (claims: Claims, name: string): unknown => {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return value === null ? undefined : value
}

/** Whether a claim says yes: `true`, or the text `"true"` that Cognito and Apple send; nothing else does. */
export const isTrue = (value: unknown): boolean => value === true || value === 'true'

/** Any claim's value for people. */
export const showClaim = (claims: Claims, name: string): string => {
  const value = claim(claims, name)
  return value === undefined ? 'none' : show(value)
}
