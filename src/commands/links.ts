import { mayUse } from '../access/apps.ts'
import type { Configuration, Connection } from '../config/configuration.ts'
import { appLinkOf, initiateLoginUriOf, redirectUriOf, testLinkOf } from '../config/links.ts'
import { loadConfiguration } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import { duration, seconds } from '../config/schema/values.ts'
import { isActive, standingOf } from '../config/standing.ts'
import { suggest } from '../config/suggest.ts'
import type { Command, Context, Options } from './command.ts'

/** How long a test link holds unless said otherwise: long enough for the customer's admin; of an active connection it is the operator's alone. */
const lifetimes = { testing: '7d', active: '1h' } as const
const longestLifetime = '30d'

/** Everything that is asked for or given out about one connection. */
interface Links {
  readonly connection: string
  readonly organization: string
  readonly standing: string
  readonly redirect_uri: string
  readonly initiate_login_uri: string
  readonly apps: readonly { readonly app: string, readonly region: string | null, readonly url: string }[]
}

const linksOf = ({ authOrigin, apps }: Configuration, connection: Connection, now: number): Links => ({
  connection: connection.id,
  organization: connection.organization.id,
  standing: standingOf(connection, now),
  redirect_uri: redirectUriOf(authOrigin, connection),
  initiate_login_uri: initiateLoginUriOf(authOrigin, connection.id),
  apps: [...apps.values()]
    .filter(app => mayUse(connection.organization, app, undefined))
    .flatMap(app => app.places.map(place => ({ app: app.id, region: place.region ?? null, url: appLinkOf(authOrigin, connection.id, place) })))
})

const textOf = ({ connection, organization, standing, redirect_uri: redirectUri, initiate_login_uri: initiateLoginUri, apps }: Links): string => [
  `${connection} of ${organization}${standing === 'active' ? '' : ` (${standing}: nobody can sign in by these links yet)`}`,
  ...apps.map(({ app, region, url }) => `  ${region === null ? app : `${app} ${region}`}: ${url}`),
  `  redirect URI: ${redirectUri}`,
  `  initiate-login URI: ${initiateLoginUri}`
].join('\n') + '\n'

const meantBy = (wanted: string, known: Iterable<string>): string => {
  const meant = suggest(wanted, known)
  return meant === undefined ? '' : ` — did you mean '${meant}'?`
}

const list = (configuration: Configuration, { flags, json }: Options, { out, err }: Context, now: number): number => {
  const { organization, connection: only } = flags
  if (typeof organization === 'string' && !configuration.organizations.has(organization)) {
    err(`portico: there is no organization '${organization}'${meantBy(organization, configuration.organizations.keys())}\n`)
    return 1
  }
  if (typeof only === 'string' && !configuration.connections.has(only)) {
    err(`portico: there is no connection '${only}'${meantBy(only, configuration.connections.keys())}\n`)
    return 1
  }
  const chosen = [...configuration.connections.values()].filter(connection =>
    (typeof organization !== 'string' || connection.organization.id === organization) &&
    (typeof only === 'string' ? connection.id === only : isActive(connection, now)))
  const links = chosen.map(connection => linksOf(configuration, connection, now))
  out(json ? `${JSON.stringify(links, null, 2)}\n` : links.map(textOf).join('\n'))
  return 0
}

const test = async (configuration: Configuration, id: string, { flags, json }: Options, { out, err }: Context, now: number): Promise<number> => {
  const connection = configuration.connections.get(id)
  if (connection === undefined) {
    err(`portico: there is no connection '${id}'${meantBy(id, configuration.connections.keys())}\n`)
    return 1
  }
  const standing = standingOf(connection, now)
  if (standing === 'disabled') {
    err(`portico: ${id} is disabled: nothing of it is tested — set status: testing\n`)
    return 1
  }
  const lifetime = typeof flags.expires === 'string' ? flags.expires : lifetimes[standing]
  if (!duration.safeParse(lifetime).success || seconds(lifetime) > seconds(longestLifetime)) {
    err(`portico: --expires wants a duration of at most ${longestLifetime}, such as 2d or 8h\n`)
    return 2
  }
  // only here: listing does without the server's parts
  const [{ createSealer }, { sealTestToken }] = await Promise.all([import('../sessions/seal.ts'), import('../login/test-token.ts')])
  const expires = now + seconds(lifetime)
  const url = testLinkOf(configuration.authOrigin, id, sealTestToken(await createSealer(configuration.keys), connection, standing, expires))
  const until = new Date(expires * 1_000).toISOString()
  if (json) {
    out(`${JSON.stringify({ connection: id, standing, url, expires: until }, null, 2)}\n`)
    return 0
  }
  out(`${url}\n`)
  out(standing === 'active'
    ? `until ${until}; ${id} is active, so this link is for operators only\n`
    : `until ${until}, or until ${id} is active; for whoever is to try ${id}\n`)
  return 0
}

/** `portico links`: the links that people, apps and identity providers need; with `--test` the one to try a connection by. */
export const links: Command = {
  name: 'links',
  summary: 'list the links of every active connection, or print one for a test sign-in',
  options: ['config', 'json'],
  flags: {
    test: { value: 'CONNECTION' },
    expires: { value: 'DURATION' },
    organization: { value: 'ORGANIZATION' },
    connection: { value: 'CONNECTION' }
  },
  async run (options, context) {
    const { flags, config } = options
    if (flags.test === undefined ? flags.expires !== undefined : flags.organization !== undefined || flags.connection !== undefined) {
      context.err('portico: --expires belongs to --test, --organization and --connection to the list\n')
      return 2
    }
    const { configuration, problems } = await loadConfiguration({ file: config, env: context.env })
    if (configuration === undefined) {
      for (const problem of problems) context.err(`${formatProblem(problem, context.cwd)}\n`)
      return 1
    }
    const now = Math.floor(Date.now() / 1_000)
    return typeof flags.test === 'string'
      ? await test(configuration, flags.test, options, context, now)
      : list(configuration, options, context, now)
  }
}
