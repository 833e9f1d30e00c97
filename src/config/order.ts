import type { Connection } from './configuration.ts'

/** Sorts connections by organization, and those of one as its file has them: tables have them in any order. */
export const byPlace = (one: Connection, other: Connection): number => {
  const { organization } = one
  if (organization !== other.organization) return organization.id < other.organization.id ? -1 : 1
  return organization.connections.indexOf(one) - organization.connections.indexOf(other)
}
