import { z } from 'zod'

/** What is wrong with a value, and what to do about it. */
export interface Fault {
  readonly message: string
  readonly remedy: string
}

/**
 * A text with a rule of its own. `wanted` and `example` word the messages, the editors' schema and the
 * reference; `check` answers with what is wrong, if anything.
 */
export const text = (wanted: string, example: string | undefined, check: (value: string) => Fault | undefined) =>
  z.string().superRefine((value, context) => {
    const fault = check(value)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault.message, params: { remedy: fault.remedy } })
  }).meta(example === undefined ? { wanted } : { wanted, example })

/** Marks what the contract names and this version does not do yet: the loader refuses it on its own line. */
export const later = <T extends z.ZodType> (schema: T, description: string): T =>
  schema.meta({ description, notBuilt: true })

/** Any text but the empty one. */
export const words = text('text', undefined, value =>
  value.trim() === '' ? { message: 'is empty', remedy: 'give a value, or remove the key' } : undefined)

const units = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** `30s`, `15m`, `8h`, `7d`. */
export const duration = text('a duration', '8h', value =>
  /^[1-9][0-9]{0,6}[smhd]$/.test(value)
    ? undefined
    : { message: `'${value}' is not a duration`, remedy: 'write a number and s, m, h or d: 30s, 15m, 8h, 7d' })

/** Seconds in a duration that the schema has accepted. */
export const seconds = (duration: string): number => {
  const unit = duration.slice(-1)
  const factor = unit === 's' ? units.s : unit === 'm' ? units.m : unit === 'h' ? units.h : units.d
  return Number(duration.slice(0, -1)) * factor
}

const environmentName = text('the name of an environment variable', 'ACME_SECRET', value =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)
    ? undefined
    : { message: 'is not the name of an environment variable', remedy: 'write its name alone, without $: ACME_SECRET' })

/** Whether a text has the form of a UUID, of any version: Microsoft's ids are some. */
export const isUuid = (value: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)

/** Paths are relative to the file they stand in. */
export const path = text('a path', './file.pem', value =>
  value.trim() === '' || value.includes('\0')
    ? { message: 'is not a path', remedy: 'write a path; a relative one is taken from the folder of this file' }
    : undefined)

/** `{ env: NAME }`, `{ file: path }`, or the value itself (a warning in `check`). */
export const secret = z.union([
  z.strictObject({ env: environmentName.describe('Environment variable that holds the value.') }),
  z.strictObject({ file: path.describe('File that holds the value; a line break at its end is dropped.') }),
  words
]).meta({ wanted: 'a secret', example: '{ env: NAME }' })

export type Secret = z.infer<typeof secret>

export const port = z.int().min(0).max(65_535).meta({ wanted: 'a port number', example: 8080 })

/** Ids of apps, regions, organizations and connections. */
export const snakeCaseId = text('an id', 'acme_oidc', value =>
  /^[a-z][a-z0-9_]{0,62}$/.test(value)
    ? undefined
    : {
        message: `'${value}' is not an id`,
        remedy: `use lower-case letters, digits and _, beginning with a letter, 63 at most${suggestId(value)}`
      })

const suggestId = (value: string): string => {
  const id = value.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, 63)
  return id === '' ? '' : `: ${id}`
}

const dateSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })])

/** A day (its beginning, UTC) or a moment with its offset. */
export const date = text('a date', '2027-05-01', value =>
  dateSchema.safeParse(value).success
    ? undefined
    : { message: 'is not a date', remedy: 'write 2027-05-01, or 2027-05-01T08:00:00Z with an offset or Z' })
