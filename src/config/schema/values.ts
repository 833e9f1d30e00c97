import { z } from 'zod'

/** Marks what the contract names and this version does not do yet: the loader refuses it on its own line. */
export const later = <T extends z.ZodType> (schema: T, description: string): T =>
  schema.meta({ description, notBuilt: true })

const units = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** `30s`, `15m`, `8h`, `7d`: seconds. */
export const duration = z.string().regex(/^[1-9][0-9]{0,6}(s|m|h|d)$/, 'a duration such as 30s, 15m, 8h or 7d')

/** Seconds in a duration that the schema has accepted. */
export const seconds = (text: string): number => {
  const unit = text.slice(-1)
  const factor = unit === 's' ? units.s : unit === 'm' ? units.m : unit === 'h' ? units.h : units.d
  return Number(text.slice(0, -1)) * factor
}

/** `{ env: NAME }`, `{ file: path }`, or the value itself (a warning in `check`). */
export const secret = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.string().min(1)
])

export type Secret = z.infer<typeof secret>

/** Paths are relative to the file they stand in. */
export const path = z.string().min(1)

/** An `http` or `https` origin: no path, query, fragment or credentials. */
export const origin = z.url({ protocol: /^https?$/, error: 'an http or https URL' })

export const httpUrl = z.url({ protocol: /^https?$/, error: 'an http or https URL' })

export const port = z.int().min(0).max(65_535)

/** Ids of apps, organizations and connections. */
export const snakeCaseId = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'lower-case letters, digits and _, beginning with a letter')

export const date = z.union([z.iso.date(), z.iso.datetime({ offset: true })])
