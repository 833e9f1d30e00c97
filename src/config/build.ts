import type { Checked, Lifetimes, OrganizationSource } from './build/checked.ts'
import { freeze } from './build/freeze.ts'
import { buildGateway } from './build/gateway.ts'
import { buildOrganization } from './build/organization.ts'
import type { Configuration, Connection, Organization } from './configuration.ts'
import { createBreather } from './breather.ts'
import type { Breather } from './breather.ts'

/** Of each app the connections that could be its only way in; none where two are active whatever the date. */
const buildWays = async (apps: Iterable<string>, connections: Iterable<Connection>, breathe: Breather): Promise<Map<string, readonly Connection[]>> => {
  const ways = new Map([...apps].map(app => [app, { candidates: [] as Connection[], steady: 0 }]))
  for (const connection of connections) {
    await breathe()
    if (connection.status === 'disabled' || (connection.status === 'testing' && connection.activateAt === undefined)) continue
    const isSteady = connection.activateAt === undefined && connection.replacedBy === undefined
    for (const [app, way] of ways) {
      if (way.steady > 1 || connection.organization.apps?.has(app) === false) continue
      if (isSteady) way.steady++
      way.candidates.push(connection)
    }
  }
  return new Map([...ways].map(([app, { candidates, steady }]) => [app, Object.freeze(steady > 1 ? [] : candidates)]))
}

/** All that is looked up by name. */
interface Tables {
  readonly organizations: Map<string, Organization>
  readonly connections: Map<string, Connection>
  readonly domains: Map<string, readonly Connection[]>
  readonly loginHosts: Map<string, Organization>
  readonly dates: Set<number>
}

const enter = (tables: Tables, organization: Organization): void => {
  tables.organizations.set(organization.id, organization)
  for (const host of organization.loginHosts.keys()) tables.loginHosts.set(host, organization)
  for (const connection of organization.connections) {
    tables.connections.set(connection.id, connection)
    if (connection.activateAt !== undefined) tables.dates.add(connection.activateAt)
    for (const domain of connection.domains) {
      const claimants = tables.domains.get(domain)
      // A list that is spread has room for a dozen more.
      tables.domains.set(domain, Object.freeze(claimants === undefined ? [connection] : [...claimants, connection]))
    }
  }
}

/** Where an organization stands in the tables: another one that stands there as well can take its place. */
const placesOf = ({ id, loginHosts, connections }: Organization): string =>
  JSON.stringify([id, [...loginHosts.keys()], connections.map(({ id, activateAt, domains }) => [id, activateAt, [...domains]])])

const replace = (tables: Tables, old: Organization, next: Organization): void => {
  tables.organizations.set(next.id, next)
  for (const host of next.loginHosts.keys()) tables.loginHosts.set(host, next)
  for (const [index, connection] of next.connections.entries()) {
    tables.connections.set(connection.id, connection)
    for (const domain of connection.domains) {
      tables.domains.set(domain, Object.freeze((tables.domains.get(domain) ?? []).map(claimant => claimant === old.connections[index] ? connection : claimant)))
    }
  }
}

/** One by one: a table of ten thousand is copied in a millisecond. */
const copy = async (tables: Configuration, breathe: Breather): Promise<Tables> => {
  const organizations = new Map(tables.organizations)
  await breathe()
  const connections = new Map(tables.connections)
  await breathe()
  const domains = new Map(tables.domains)
  await breathe()
  return { organizations, connections, domains, loginHosts: new Map(tables.loginHosts), dates: new Set(tables.dates) }
}

/** Organizations that are replaced one by one; where more have changed, the tables are made anew. */
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
  const replaced = async ({ portico, organizations: sources }: Checked, breathe: Breather): Promise<Tables | undefined> => {
    if (last === undefined || last.sources.length !== sources.length) return undefined
    const { configuration } = last
    const changed = sources.filter((source, index) => source !== last?.sources[index])
    if (changed.length > few) return undefined
    const pairs = changed.flatMap(source => {
      const old = configuration.organizations.get(source.id)
      const next = organizationOf(source, portico.session)
      return old === undefined || placesOf(old) !== placesOf(next) ? [] : [{ old, next }]
    })
    if (pairs.length < changed.length) return undefined
    const tables = await copy(configuration, breathe)
    for (const { old, next } of pairs) replace(tables, old, next)
    return tables
  }

  const made = async ({ portico, organizations }: Checked, breathe: Breather): Promise<Tables> => {
    const tables: Tables = { organizations: new Map(), connections: new Map(), domains: new Map(), loginHosts: new Map(), dates: new Set() }
    for (const source of organizations) {
      await breathe()
      enter(tables, organizationOf(source, portico.session))
    }
    return tables
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
      const { organizations, connections, domains, loginHosts, dates } = await replaced(checked, breathe) ?? await made(checked, breathe)
      const gateway = buildGateway(checked, env)
      const configuration = freeze({
        ...gateway,
        organizations,
        connections,
        domains,
        loginHosts,
        dates: [...dates].sort((one, other) => one - other),
        ways: await buildWays(gateway.apps.keys(), connections.values(), breathe)
      })
      last = { sources: checked.organizations, configuration }
      return configuration
    }
  }
}
