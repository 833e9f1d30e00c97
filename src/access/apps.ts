import type { App, AppPlace, Configuration, Connection, Organization } from '../config/configuration.ts'

/** Whether members of this organization may use this app. */
export const mayUse = (organization: Organization, app: string): boolean =>
  organization.apps === undefined || organization.apps.has(app)

/** The apps that members of this organization may use. */
export const usableApps = (configuration: Configuration, organization: Organization): App[] =>
  [...configuration.apps.values()].filter(({ id }) => mayUse(organization, id))

/** The only active connection through which this app can be reached, if there is exactly one. */
export const onlyConnection = (configuration: Configuration, app: string): Connection | undefined => {
  let only: Connection | undefined
  for (const connection of configuration.connections.values()) {
    if (connection.status !== 'active' || !mayUse(connection.organization, app)) continue
    if (only !== undefined) return undefined
    only = connection
  }
  return only
}

/** The place of an app: its region's, or its first one. */
export const placeOf = (configuration: Configuration, app: string, region: string | undefined): AppPlace | undefined => {
  const places = configuration.apps.get(app)?.places
  return places?.find(place => place.region === region) ?? places?.[0]
}
