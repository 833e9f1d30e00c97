import type { Checked, Lifetimes, OrganizationSource } from './build/checked.ts'
import { freeze } from './build/freeze.ts'
import { buildGateway } from './build/gateway.ts'
import { buildOrganization } from './build/organization.ts'
import type { Configuration, Connection, Organization } from './configuration.ts'
import { createBreather } from './breather.ts'
import type { Breather } from './breather.ts'
import { byOrganization } from './order.ts'
import { amend } from './table.ts'

/** Of each app the connections that could be its only way in; none where two are active whatever the date. */
const waysInto = async (apps: readonly string[], connections: Iterable<Connection>, breathe: Breather): Promise<Map<string, readonly Connection[]>> => {
  const ways = new Map(apps.map(app => [app, { candidates: [] as Connection[], steady: 0 }]))
  const open = new Set(apps)
  for (const connection of connections) {
    if (open.size === 0) break
    await breathe()
    if (connection.status === 'disabled' || (connection.status === 'testing' && connection.activateAt === undefined)) continue
    const isSteady = connection.activateAt === undefined && connection.replacedBy === undefined
    for (const app of open) {
      const way = ways.get(app)
      if (way === undefined || connection.organization.apps?.has(app) === false) continue
      way.candidates.push(connection)
      if (isSteady && ++way.steady > 1) open.delete(app)
    }
  }
  return new Map([...ways].map(([app, { candidates, steady }]) => [app, Object.freeze(steady > 1 ? [] : candidates)]))
}

/** All that is looked up by name, and what follows from all together. */
type Tables = Pick<Configuration, 'organizations' | 'connections' | 'domains' | 'loginHosts' | 'dates'>

/** The connections that a domain is routed to. A list that is sorted anew has no room for more. */
const claimantsOf = (connections: readonly Connection[]): readonly Connection[] =>
  Object.freeze(connections.toSorted(byOrganization))

const tablesOf = async (organizations: Iterable<Organization>, breathe: Breather): Promise<Tables> => {
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
      for (const domain of connection.domains) domains.set(domain, claimantsOf([...domains.get(domain) ?? [], connection]))
    }
  }
  return { organizations: byId, connections, domains, loginHosts, dates: [...dates].sort((one, other) => one - other) }
}

const datesOf = (organizations: readonly Organization[]): string =>
  organizations.flatMap(({ connections }) => connections.flatMap(({ activateAt }) => activateAt ?? [])).sort().join()

/** The tables without the organizations that are gone and with those that have come, the same in another shape among them. */
const amendedBy = (tables: Tables, gone: readonly Organization[], come: readonly Organization[]): Tables => {
  const leaving = new Set(gone.flatMap(({ connections }) => connections))
  const coming = come.flatMap(({ connections }) => connections)
  const touched = new Set([...leaving, ...coming].flatMap(({ domains }) => [...domains]))
  const claimants = (domain: string): readonly Connection[] | undefined => {
    const all = [...(tables.domains.get(domain) ?? []).filter(claimant => !leaving.has(claimant)), ...coming.filter(({ domains }) => domains.has(domain))]
    return all.length === 0 ? undefined : claimantsOf(all)
  }
  const hosts = (organizations: readonly Organization[]): [string, Organization][] =>
    organizations.flatMap(organization => [...organization.loginHosts.keys()].map((host): [string, Organization] => [host, organization]))
  const changed = <V>(before: readonly (readonly [string, V])[], next: readonly (readonly [string, V])[]): Map<string, V | undefined> =>
    new Map<string, V | undefined>([...before.map(([name]) => [name, undefined] as const), ...next])
  const named = <V extends { readonly id: string }>(values: Iterable<V>): [string, V][] => [...values].map(value => [value.id, value])
  return {
    organizations: amend(tables.organizations, changed(named(gone), named(come))),
    connections: amend(tables.connections, changed(named(leaving), named(coming))),
    domains: amend(tables.domains, new Map([...touched].map(domain => [domain, claimants(domain)]))),
    loginHosts: amend(tables.loginHosts, changed(hosts(gone), hosts(come))),
    dates: tables.dates
  }
}

/** Organizations, at most, in which tables may differ from those that they were made from: then they are made anew. */
const few = 100

/** Makes frozen Configurations, one after the other. */
export interface Builder {
  /** Makes organizations that passed the checks by themselves, for a `build` that may follow. */
  prepare (organizations: readonly OrganizationSource[], session: Lifetimes): void
  /**
   * From settings that passed every check. An organization whose source is the same object as the last time is the
   * same object, and what is made anew is made in slices that let requests through.
   */
  build (checked: Checked): Promise<Configuration>
}

/** Has made nothing yet. */
export const createBuilder = (env: NodeJS.ProcessEnv): Builder => {
  let built = new WeakMap<OrganizationSource, Organization>()
  let lifetimes = ''
  let last: { readonly sources: ReadonlySet<OrganizationSource>, readonly configuration: Configuration } | undefined

  const follow = (session: Lifetimes): void => {
    if (lifetimes === JSON.stringify(session)) return
    lifetimes = JSON.stringify(session)
    built = new WeakMap()
    last = undefined
  }

  const organizationOf = (source: OrganizationSource, session: Lifetimes): Organization => {
    const organization = built.get(source) ?? freeze(buildOrganization(source, session))
    built.set(source, organization)
    return organization
  }

  /** The tables of the last Configuration with what has changed since; undefined where that is more than a few, or dates. */
  const amended = ({ portico }: Checked, sources: ReadonlySet<OrganizationSource>): Tables | undefined => {
    if (last === undefined) return undefined
    const { configuration } = last
    const leaving = [...last.sources].filter(source => !sources.has(source))
    const coming = [...sources].filter(source => last?.sources.has(source) === false)
    const changed = new Set([...configuration.organizations.amended?.values.keys() ?? [], ...[...leaving, ...coming].map(({ id }) => id)])
    if (changed.size > few) return undefined
    const gone = leaving.flatMap(({ id }) => configuration.organizations.get(id) ?? [])
    const come = coming.map(source => organizationOf(source, portico.session))
    return datesOf(gone) === datesOf(come) ? amendedBy(configuration, gone, come) : undefined
  }

  /** One by one, as they are needed. */
  const organizationsOf = function * ({ portico, organizations }: Checked): Generator<Organization> {
    for (const source of organizations) yield organizationOf(source, portico.session)
  }

  return {
    prepare (organizations, session) {
      follow(session)
      for (const source of organizations) organizationOf(source, session)
    },
    async build (checked) {
      if (last?.configuration.version === checked.version) return last.configuration
      follow(checked.portico.session)
      const breathe = createBreather()
      const sources = new Set(checked.organizations)
      const tables = amended(checked, sources) ?? await tablesOf(organizationsOf(checked), breathe)
      const gateway = buildGateway(checked, env)
      const configuration = freeze({ ...gateway, ...tables, ways: await waysInto([...gateway.apps.keys()], tables.connections.values(), breathe) })
      last = { sources, configuration }
      return configuration
    }
  }
}
