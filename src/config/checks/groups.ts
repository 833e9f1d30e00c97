import { isLetThrough } from '../group-filter.ts'
import type { Report } from '../reporter.ts'
import type { OrganizationSettings } from '../schema/organization.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import { didYouMean } from '../suggest.ts'
import type { Draft } from '../walk.ts'

type Settings = Draft<OrganizationSettings>
type Groups = NonNullable<NonNullable<NonNullable<Settings['connections']>[string]>['groups']>

/** Whether a connection with these settings could ever give a member this group. */
const isReachable = ({ filter, rename = {} }: Groups, group: string): boolean =>
  Object.entries(rename).some(([name, renamed]) => renamed === group && isLetThrough(filter, name)) ||
  (rename[group] === undefined && isLetThrough(filter, group))

/** Group rules of apps name organizations that exist, have the app, and can have the groups (behaviours.md I). `list` is asked where there are any. */
export const checkGroupRules = (file: string, { apps }: Draft<PorticoSettings>, list: () => ReadonlyMap<string, Settings | undefined>, report: Report): void => {
  if (Object.values(apps ?? {}).every(app => app?.groups === undefined)) return
  const organizations = list()
  for (const [app, settings] of Object.entries(apps ?? {})) {
    for (const [id, groups] of Object.entries(settings?.groups ?? {})) {
      const path = ['apps', app, 'groups', id]
      if (!organizations.has(id)) {
        report({ file, path, key: true, message: `there is no organization '${id}'`, remedy: didYouMean(id, organizations.keys(), 'name an organization by its file, without .yaml') })
        continue
      }
      const organization = organizations.get(id)
      if (organization?.apps !== undefined && !organization.apps.includes(app)) {
        report({ file, path, key: true, severity: 'warning', message: `the organization '${id}' does not have this app at all`, remedy: 'remove the rule, or add the app to apps: of the organization' })
      }
      const connections = Object.values(organization?.connections ?? {})
      for (const [index, group] of groups?.entries() ?? []) {
        if (group === undefined || connections.length === 0 || connections.some(connection => isReachable(connection?.groups ?? {}, group))) continue
        report({
          file,
          path: [...path, index],
          severity: 'warning',
          message: `no connection of '${id}' can give anybody the group '${group}'`,
          remedy: 'rules name groups as they are after groups.filter and groups.rename of the connections'
        })
      }
    }
  }
}
