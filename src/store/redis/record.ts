import { z } from 'zod'
import { PorticoError } from '../../errors.ts'
import { text } from '../text.ts'

export const recordKinds = ['member', 'api_key', 'trust', 'session', 'identity'] as const
export type RecordKind = typeof recordKinds[number]

/** Where a record is found, besides by its key: in the index of this name of its kind, by `sort` and then by key. */
export interface Index {
  readonly name: string
  readonly sort: string
}

/** What the store keeps until it is removed. A key holds no NUL where there are indexes; they are made of what `value` says. */
export interface StoredRecord {
  readonly kind: RecordKind
  readonly key: string
  /** What JSON can say. */
  readonly value: unknown
  /** Seconds: when it is swept; undefined for never. Whether it still counts by then is for its reader to judge. */
  readonly expiresAt: number | undefined
  readonly indexes: readonly Index[]
}

export interface RecordPage {
  /** The index. */
  readonly name: string
  /** Where the page before ended: the last record's `sort` in this index, and its key. */
  readonly after?: { readonly sort: string, readonly key: string } | undefined
  readonly limit: number
}

/** Records as they are read: from Redis, or from what a process has kept of them. */
export interface RecordReader {
  /** Those of these keys that are there, in the order of the keys. */
  get (kind: RecordKind, keys: readonly string[]): Promise<readonly StoredRecord[]>
  /** Those that stand in one of these indexes, each once; by index, and within it in its order. */
  find (kind: RecordKind, names: readonly string[]): Promise<readonly StoredRecord[]>
  page (kind: RecordKind, page: RecordPage): Promise<readonly StoredRecord[]>
  /** Every one, in batches; one that is written meanwhile may come twice, and is not missed if it was there before. */
  all (kind: RecordKind): AsyncIterable<readonly StoredRecord[]>
}

const envelope = z.tuple([z.unknown(), z.number().nullable(), z.array(z.tuple([z.string(), z.string()]))])

/** The record as Redis keeps it under its key. Throws PORTICO_VALUE_REFUSED for text that cannot be kept. */
export const encodeRecord = ({ value, expiresAt, indexes }: StoredRecord): string =>
  `[${JSON.stringify(value, (_, part: unknown) => typeof part === 'string' ? text(part) : part)},${
    JSON.stringify(expiresAt ?? null)},${JSON.stringify(indexes.map(({ name, sort }) => [name, sort]))}]`

/** Reads what is in the store with a schema. Throws PORTICO_STORE_UNAVAILABLE for what only another version can read. */
export const readAs = <T>(schema: z.ZodType<T>, what: string, value: unknown): T => {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  throw new PorticoError('PORTICO_STORE_UNAVAILABLE', {
    wanted: `${what} that this version of Portico can read`,
    got: 'one that another version or another program wrote',
    remedy: 'Run one version of Portico over one store, and give other programs another prefix.',
    cause: error
  })
}

const json = z.string().transform((raw, context): unknown => {
  try {
    return JSON.parse(raw)
  } catch {
    context.addIssue('no JSON')
    return z.NEVER
  }
})

/** The reverse of `encodeRecord`. Throws PORTICO_STORE_UNAVAILABLE. */
export const decodeRecord = (kind: RecordKind, key: string, raw: string): StoredRecord => {
  const [value, expiresAt, indexes] = readAs(json.pipe(envelope), `a ${kind}`, raw)
  return { kind, key, value, expiresAt: expiresAt ?? undefined, indexes: indexes.map(([name, sort]) => ({ name, sort })) }
}
