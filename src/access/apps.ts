import type { App, AppPlace, Configuration, Connection, Organization } from '../config/configuration.ts'
import { isActive } from '../config/standing.ts'

/**
 * Whether a member of this organization may use this app: it is one of the organization's, and where
 * the app names groups of it, the member has one of them. `groups` is undefined where they are not known
 * yet: then only the organization is judged.
 */
export const mayUse = (organization: Organization, app: App, groups: readonly string[] | undefined): boolean => {
  if (organization.apps?.has(app.id) === false) return false
  const wanted = app.groups.get(organization.id)
  return wanted === undefined || groups === undefined || groups.some(group => wanted.has(group))
}

/** The apps that a member of this organization with these groups may use. */
export const usableApps = (configuration: Configuration, organization: Organization, groups: readonly string[]): App[] =>
  [...configuration.apps.values()].filter(app => mayUse(organization, app, groups))

/** The only active connection through which this app can be reached at `now` (seconds), if there is exactly one. */
export const onlyConnection = (configuration: Configuration, app: string, now: number): Connection | undefined => {
  const active = (configuration.ways.get(app) ?? []).filter(connection => isActive(connection, now))
  return active.length === 1 ? active[0] : undefined
}

/** The place of an app: its region's, or its first one. */
export const placeOf = (configuration: Configuration, app: string, region: string | undefined): AppPlace | undefined => {
  const places = configuration.apps.get(app)?.places
  return places?.find(place => place.region === region) ?? places?.[0]
}
