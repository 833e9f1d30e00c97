import type { Checked, OrganizationSource } from './build/checked.ts'
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

/** What one organization adds to the tables. */
interface Tables {
  readonly organizations: Map<string, Organization>
  readonly connections: Map<string, Connection>
  readonly domains: Map<string, Connection[]>
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
      if (claimants === undefined) tables.domains.set(domain, [connection])
      else claimants.push(connection)
    }
  }
}

/**
 * Makes frozen Configurations from settings that passed every check, one after the other. An organization
 * whose source is the same object as the last time is the same object, and what is made anew is made in
 * slices that let requests through.
 */
export const createBuilder = (env: NodeJS.ProcessEnv): (checked: Checked) => Promise<Configuration> => {
  let built = new WeakMap<OrganizationSource, Organization>()
  let lifetimes = ''
  let last: Configuration | undefined

  return async checked => {
    const { portico } = checked
    if (last?.version === checked.version) return last
    if (lifetimes !== JSON.stringify(portico.session)) {
      lifetimes = JSON.stringify(portico.session)
      built = new WeakMap()
    }
    const tables: Tables = { organizations: new Map(), connections: new Map(), domains: new Map(), loginHosts: new Map(), dates: new Set() }
    const breathe = createBreather()
    for (const source of checked.organizations) {
      await breathe()
      const organization = built.get(source) ?? freeze(buildOrganization(source, portico.session))
      built.set(source, organization)
      enter(tables, organization)
    }
    for (const claimants of tables.domains.values()) {
      await breathe()
      Object.freeze(claimants)
    }
    const { organizations, connections, domains, loginHosts, dates } = tables
    const gateway = buildGateway(checked, env)
    last = freeze({
      ...gateway,
      organizations,
      connections,
      domains,
      loginHosts,
      dates: [...dates].sort((one, other) => one - other),
      ways: await buildWays(gateway.apps.keys(), connections.values(), breathe)
    })
    return last
  }
}
