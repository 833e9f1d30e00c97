/**
 * Whether a text can be kept, compared and sent on: well-formed Unicode without control characters or
 * line separators, CR, LF and NUL among them.
 */
export const isSound = (text: string): boolean => text.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)
