/** A moment in seconds, as people write it in YAML: `2026-12-01T08:00:00Z`. */
export const dateText = (moment: number): string => new Date(moment * 1_000).toISOString().replace('.000Z', 'Z')

/** The day (UTC) of a moment in seconds: `2026-12-01`. */
export const dayText = (moment: number): string => new Date(moment * 1_000).toISOString().slice(0, 10)
