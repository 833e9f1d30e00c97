/** `1 problem`, `2 problems`. */
export const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

/** A moment in seconds since the epoch, as a program reads it: `2026-12-01T08:00:00.000Z`. */
export const isoTime = (moment: number): string => new Date(moment * 1_000).toISOString()

/** A text that somebody outside chose, for a terminal. */
export const plain = (value: string): string => value.replace(/\p{C}/gu, '?')
