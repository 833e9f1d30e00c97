import type { Connection } from './configuration.ts'

/** Sorts connections by organization; those of one stay as its file has them, where they stood so. */
export const byOrganization = ({ organization: one }: Connection, { organization: other }: Connection): number =>
  one.id < other.id ? -1 : Number(one.id !== other.id)
