import type { Report } from '../reporter.ts'
import type { PorticoSettings } from '../schema/portico.ts'
import type { Draft } from '../walk.ts'
import { createDomainCheck, domainsOf } from './domains.ts'
import { createLoginHostCheck, loginHostsOf } from './login-hosts.ts'
import type { OrganizationDraft } from './tenure.ts'

/** A connection's id is unique over all organizations. */
const createIdCheck = (report: Report): (organization: OrganizationDraft) => void => {
  const owners = new Map<string, string>()
  return ({ id, file, settings }) => {
    for (const [name, connection] of Object.entries(settings.connections ?? {})) {
      if (connection === undefined) continue
      const owner = owners.get(name)
      if (owner === undefined) owners.set(name, id)
      else report({ file, path: ['connections', name], key: true, message: `the organization '${owner}' has a connection '${name}' already`, remedy: `rename this one, such as ${`${id}_${name}`.slice(0, 63)}: ids are unique over all organizations` })
    }
  }
}

/**
 * All that an organization names and may have to itself: connections, domains, hosts, once for each time. Whoever
 * shares none of them with another, or with the main file, has nothing to fear from `createRivalCheck`.
 */
export const claimedNames = (organization: OrganizationDraft): string[] => [
  ...loginHostsOf(organization),
  ...Object.entries(organization.settings.connections ?? {}).flatMap(([name, connection]) => connection === undefined ? [] : [name, ...domainsOf(connection)])
]

/**
 * What only shows over organizations together: connections, domains and hosts that two of them claim. To be called in
 * the order of the files, with all that share a name, and with whatever others. `now` in seconds.
 */
export const createRivalCheck = (portico: Draft<PorticoSettings> | undefined, now: number, report: Report): (organization: OrganizationDraft) => void => {
  const checks = [createIdCheck(report), createDomainCheck(now, report), createLoginHostCheck(portico, report)]
  return organization => { for (const check of checks) check(organization) }
}
