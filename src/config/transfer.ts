import type { Checked, Lifetimes, OrganizationSource } from './build/checked.ts'
import type { Problem } from './problem.ts'

/** What the gateway's thread asks of the loading thread; each with a number that the answer carries. */
export interface Ask {
  readonly number: number
  readonly kind: 'load' | 'more' | 'watch'
}

/** What the loading thread says. Plain data, in pieces that are read within milliseconds. */
export type Tell =
  | { readonly kind: 'answer', readonly number: number, readonly answer: Answer }
  | { readonly kind: 'failed', readonly number: number, readonly reason: string }
  | { readonly kind: 'ahead', readonly organizations: readonly OrganizationSource[], readonly session: Lifetimes }
  | { readonly kind: 'changed' }
  | { readonly kind: 'polling', readonly folder: string, readonly reason: string }

export type Answer = ReadAnswer | { readonly kind: 'organizations', readonly organizations: readonly OrganizationSource[] } | { readonly kind: 'watching' }

/** What a load came to, but for the organizations, which follow in batches. */
export interface ReadAnswer {
  readonly kind: 'read'
  readonly problems: readonly Problem[]
  readonly warnings: {
    readonly added: readonly Problem[]
    /** By `problemKey`. */
    readonly removed: readonly string[]
  }
  readonly version: string
  readonly checked: Omit<Checked, 'organizations'> & {
    /** Files of organizations that are no more. */
    readonly removed: readonly string[]
    /** How many organizations are new or changed, did not come ahead, and are still to be asked for. */
    readonly changed: number
  } | undefined
}

/** What tells problems of one load apart, and finds them again in the next. */
export const problemKey = ({ file, line, column, path, message }: Problem): string => `${file}:${line}:${column} ${path} ${message}`

/** Organizations that go over at once, and characters of invited lists, give or take one list. */
const batch = { organizations: 50, characters: 500_000 }

/** Takes the next organizations off a list, as many as are read in a few milliseconds. */
export const nextBatch = (waiting: OrganizationSource[]): OrganizationSource[] => {
  let characters = 0
  let count = 0
  while (count < Math.min(waiting.length, batch.organizations) && characters < batch.characters) {
    const { invited } = waiting[count++] ?? {}
    characters += (invited?.exact.length ?? 0) + (invited?.tagged.length ?? 0)
  }
  return waiting.splice(0, count)
}
