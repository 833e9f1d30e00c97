import { PorticoError } from '../errors.ts'

/** Characters. */
const largestValue = 1_000_000

/**
 * The same text, where every store can keep it as it is. Throws PORTICO_VALUE_REFUSED: UTF-8 has no lone
 * surrogates, so two keys that differ in one would become the same.
 */
export const text = (value: string): string => {
  if (value.length <= largestValue && value.isWellFormed()) return value
  throw new PorticoError('PORTICO_VALUE_REFUSED', {
    wanted: `well-formed text of at most ${largestValue} characters`,
    got: value.length > largestValue ? `${value.length} characters` : 'a lone surrogate'
  })
}
