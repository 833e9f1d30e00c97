/** Characters of one group, an `acr`, an `amr` value, an IdP session id or a part of a subject. */
const longestValue = 1_024

/**
 * Whether a text can be kept, compared and sent on: well-formed Unicode without control characters or
 * line separators, CR, LF and NUL among them.
 */
export const isSound = (text: string): boolean => text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)

/** Whether a value can be kept, compared and sent on as it is. */
export const isValue = (value: unknown): value is string => typeof value === 'string' && value.length <= longestValue && isSound(value)
