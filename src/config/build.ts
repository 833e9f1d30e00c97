import type { Checked, Lifetimes, OrganizationSource } from './build/checked.ts'
import { freeze } from './build/freeze.ts'
import { buildGateway } from './build/gateway.ts'
import { buildOrganization } from './build/organization.ts'
import { amendTables, tablesOf, type Tables } from './build/tables.ts'
import { waysInto } from './build/ways.ts'
import type { Configuration, Organization } from './configuration.ts'
import { createBreather } from './breather.ts'

/** Organizations at once, at most, for which the tables are amended. */
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
    if (leaving.length + coming.length > few) return undefined
    const gone = leaving.flatMap(({ id }) => configuration.organizations.get(id) ?? [])
    const come = coming.map(source => organizationOf(source, portico.session))
    return amendTables(configuration, gone, come)
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
