import type { Breather } from '../breather.ts'
import type { Configuration, Connection, Organization } from '../configuration.ts'
import { byPlace } from '../order.ts'
import { amend } from '../table.ts'

/** All that is looked up by name, and the dates of all together. */
export type Tables = Pick<Configuration, 'organizations' | 'connections' | 'domains' | 'loginHosts' | 'dates'>

/** The connections that a domain is routed to. A list that is sorted anew has no room for more. */
const claimantsOf = (connections: readonly Connection[]): readonly Connection[] =>
  Object.freeze(connections.toSorted(byPlace))

/** The tables of organizations that passed every check, in slices that let requests through. */
export const tablesOf = async (organizations: Iterable<Organization>, breathe: Breather): Promise<Tables> => {
  const byId = new Map<string, Organization>()
  const connections = new Map<string, Connection>()
  const domains = new Map<string, readonly Connection[]>()
  const loginHosts = new Map<string, Organization>()
  const dates = new Set<number>()
  for (const organization of organizations) {
    await breathe()
    byId.set(organization.id, organization)
    for (const host of organization.loginHosts.keys()) loginHosts.set(host, organization)
    for (const connection of organization.connections) {
      connections.set(connection.id, connection)
      if (connection.activateAt !== undefined) dates.add(connection.activateAt)
      for (const domain of connection.domains) {
        const others = domains.get(domain)
        domains.set(domain, others === undefined ? Object.freeze([connection]) : claimantsOf([...others, connection]))
      }
    }
  }
  return { organizations: byId, connections, domains, loginHosts, dates: [...dates].sort((one, other) => one - other) }
}

const activationsOf = (organizations: readonly Organization[]): string =>
  organizations.flatMap(({ connections }) => connections.flatMap(({ activateAt }) => activateAt ?? [])).sort().join()

/** Those that are gone taken away, and those that have come put in, by name. */
const exchange = <V>(gone: readonly (readonly [string, V])[], come: readonly (readonly [string, V])[]): Map<string, V | undefined> =>
  new Map<string, V | undefined>([...gone.map(([name]) => [name, undefined] as const), ...come])

const named = <V extends { readonly id: string }>(values: readonly V[]): [string, V][] => values.map(value => [value.id, value])

const hosted = (organizations: readonly Organization[]): [string, Organization][] =>
  organizations.flatMap(organization => [...organization.loginHosts.keys()].map((host): [string, Organization] => [host, organization]))

/** Names, at most, in which a table may differ from the one that it was made from: it is done in one piece, and looked at by each look-up. */
const most = 200

/**
 * The tables without the organizations that are gone and with those that have come, the same in another shape among
 * them; undefined where that is too much, or the dates are others, which takes a look at all.
 */
export const amendTables = (tables: Tables, gone: readonly Organization[], come: readonly Organization[]): Tables | undefined => {
  if (activationsOf(gone) !== activationsOf(come)) return undefined
  const leaving = gone.flatMap(({ connections }) => connections)
  const coming = come.flatMap(({ connections }) => connections)
  const isLeaving = new Set(leaving)
  const domains = new Map<string, Connection[]>()
  for (const domain of [...leaving, ...coming].flatMap(({ domains }) => [...domains])) {
    domains.set(domain, (tables.domains.get(domain) ?? []).filter(claimant => !isLeaving.has(claimant)))
  }
  if (domains.size > most) return undefined
  for (const connection of coming) {
    for (const domain of connection.domains) domains.get(domain)?.push(connection)
  }
  const amended = {
    organizations: amend(tables.organizations, exchange(named(gone), named(come))),
    connections: amend(tables.connections, exchange(named(leaving), named(coming))),
    domains: amend(tables.domains, new Map([...domains].map(([domain, claimants]) => [domain, claimants.length === 0 ? undefined : claimantsOf(claimants)]))),
    loginHosts: amend(tables.loginHosts, exchange(hosted(gone), hosted(come)))
  }
  return Object.values(amended).some(table => (table.amended?.values.size ?? 0) > most) ? undefined : { ...amended, dates: tables.dates }
}
