import { z } from 'zod'
import { revocationKinds, type Revocation } from '../store.ts'
import type { RedisCommand } from './link.ts'
import type { Names } from './names.ts'
import { readAs, recordKinds, type RecordKind } from './record.ts'

/**
 * How many entries the stream keeps at least: whoever is further behind reads everything again. They are
 * names alone, so that these are some ten megabytes.
 */
const kept = 100_000

/** What was written. Of a record its name alone: whoever wants it reads what it has become by now. */
export type Entry =
  | { readonly id: string, readonly kind: RecordKind, readonly key: string }
  | { readonly id: string, readonly kind: 'revocation', readonly revocation: Revocation }
  | { readonly id: string, readonly kind: 'epoch' }

const revocation = z.tuple([z.enum(revocationKinds), z.string(), z.number(), z.number()])
  .transform(([kind, value, issuedBefore, expiresAt]): Revocation => ({ kind, value, issuedBefore, expiresAt }))

const entry = z.tuple([z.string(), z.tuple([z.literal('kind'), z.enum([...recordKinds, 'revocation', 'epoch']), z.literal('key'), z.string()])])
  .transform(([id, [, kind, , key]]): Entry => {
    if (kind === 'revocation') return { id, kind, revocation: revocation.parse(JSON.parse(key)) }
    return kind === 'epoch' ? { id, kind } : { id, kind, key }
  })

/** The command that tells the stream that something of this kind was written: a record by its key, a revocation by what it is. */
export const addition = (names: Names, kind: Entry['kind'], key: string): RedisCommand =>
  ['XADD', names.stream, 'MAXLEN', '~', kept, '*', 'kind', kind, 'key', key]

/** As `addition`, of a revocation. */
export const revocationAddition = (names: Names, { kind, value, issuedBefore, expiresAt }: Revocation): RedisCommand =>
  addition(names, 'revocation', JSON.stringify([kind, value, issuedBefore, expiresAt]))

/** Reads what XRANGE and XREVRANGE answer. Throws PORTICO_STORE_UNAVAILABLE for what only another version can read. */
export const readEntries = (answer: unknown): readonly Entry[] => readAs(z.array(entry), 'a stream', answer)

/** Whether the first place in the stream comes before the second. */
export const isBefore = (one: string, other: string): boolean => {
  const [oneTime = 0, oneNumber = 0] = one.split('-').map(Number)
  const [otherTime = 0, otherNumber = 0] = other.split('-').map(Number)
  return oneTime < otherTime || (oneTime === otherTime && oneNumber < otherNumber)
}
