import type { Checked, Lifetimes, OrganizationSource } from './build/checked.ts'
import { freeze } from './build/freeze.ts'
import { buildGateway } from './build/gateway.ts'
import { buildOrganization } from './build/organization.ts'
import type { Configuration, Connection, Organization } from './configuration.ts'
import { createBreather } from './breather.ts'
import type { Breather } from './breather.ts'
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
      for (const domain of connection.domains) {
        const claimants = domains.get(domain)
        // A list that is spread has room for a dozen more.
        domains.set(domain, Object.freeze(claimants === undefined ? [connection] : [...claimants, connection]))
      }
    }
  }
  return { organizations: byId, connections, domains, loginHosts, dates: [...dates].sort((one, other) => one - other) }
}

/** Where an organization stands in the tables: another one that stands there as well can take its place. */
const placesOf = ({ id, loginHosts, connections }: Organization): string =>
  JSON.stringify([id, [...loginHosts.keys()], connections.map(({ id, activateAt, domains }) => [id, activateAt, [...domains]])])

/** The tables with organizations that stand where those of the same id stood. */
const amendedBy = (tables: Tables, changed: readonly Organization[]): Tables => {
  const connections = new Map(changed.flatMap(({ connections }) => connections).map(connection => [connection.id, connection]))
  const domains = new Set([...connections.values()].flatMap(({ domains }) => [...domains]))
  return {
    organizations: amend(tables.organizations, new Map(changed.map(organization => [organization.id, organization]))),
    connections: amend(tables.connections, connections),
    domains: amend(tables.domains, new Map([...domains].map(domain =>
      [domain, Object.freeze((tables.domains.get(domain) ?? []).map(claimant => connections.get(claimant.id) ?? claimant))]))),
    loginHosts: amend(tables.loginHosts, new Map(changed.flatMap(organization => [...organization.loginHosts.keys()].map(host => [host, organization])))),
    dates: tables.dates
  }
}

/** Organizations, at most, that have taken the places of others since the tables were made: then they are made anew. */
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
  let last: { readonly sources: readonly OrganizationSource[], readonly configuration: Configuration } | undefined

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

  /** The tables of the last Configuration with what has changed since; undefined where that is more than a few in their places. */
  const amended = ({ portico, organizations: sources }: Checked): Tables | undefined => {
    if (last === undefined || last.sources.length !== sources.length) return undefined
    const { configuration } = last
    const changed = sources.filter((source, index) => source !== last?.sources[index])
    if (changed.length + (configuration.organizations.amended?.values.size ?? 0) > few) return undefined
    const organizations = changed.map(source => organizationOf(source, portico.session))
    const isInPlace = organizations.every(organization => {
      const old = configuration.organizations.get(organization.id)
      return old !== undefined && placesOf(old) === placesOf(organization)
    })
    return isInPlace ? amendedBy(configuration, organizations) : undefined
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
      const tables = amended(checked) ?? await tablesOf(organizationsOf(checked), breathe)
      const gateway = buildGateway(checked, env)
      const configuration = freeze({ ...gateway, ...tables, ways: await waysInto([...gateway.apps.keys()], tables.connections.values(), breathe) })
      last = { sources: checked.organizations, configuration }
      return configuration
    }
  }
}
