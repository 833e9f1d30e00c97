import { mayUse } from '../access/apps.ts'
import type { AppPlace, Configuration, Connection } from '../config/configuration.ts'
import { appLinkOf, initiateLoginUriOf, redirectUriOf, samlAddressesOf, testLinkOf } from '../config/links.ts'
import { duration, seconds } from '../config/schema/values.ts'
import { isActive, standingOf } from '../config/standing.ts'
import { spEntityIdOf } from '../connections/saml/sp-metadata.ts'
import { text, type Command, type Context, type Options } from './command.ts'
import { configured, named } from './configured.ts'
import { Stop, wrongUsage } from './stop.ts'
import { isoTime } from './wording.ts'

/** How long a test link holds unless said otherwise: long enough for the customer's admin; of an active connection it is the operator's alone. */
const lifetimes = { testing: '7d', active: '1h' } as const
const longestLifetime = '30d'

/** Our side of a SAML connection. */
interface SamlLinks {
  readonly entity_id: string
  readonly acs_url: string
  readonly slo_url: string
  readonly metadata_url: string
  readonly idp_initiated: 'off' | 'restart' | 'accept'
  /** What a tile of the provider may send as RelayState: these, or a page below one of them. Empty where tiles are off. */
  readonly relay_states: readonly string[]
}

/** Everything that is asked for or given out about one connection. */
interface Links {
  readonly connection: string
  readonly organization: string
  readonly standing: string
  /** Null for SAML, which has an ACS URL. */
  readonly redirect_uri: string | null
  readonly initiate_login_uri: string
  readonly saml: SamlLinks | null
  readonly apps: readonly { readonly app: string, readonly region: string | null, readonly url: string }[]
}

const samlLinksOf = (authOrigin: string, connection: Connection, places: readonly AppPlace[]): SamlLinks | null => {
  const { id, settings } = connection
  if (settings.connector !== 'saml') return null
  const { acs, slo, metadata } = samlAddressesOf(authOrigin, id)
  return {
    entity_id: spEntityIdOf(connection, authOrigin),
    acs_url: acs,
    slo_url: slo,
    metadata_url: metadata,
    idp_initiated: settings.idp_initiated,
    relay_states: settings.idp_initiated === 'off' ? [] : places.map(({ origin }) => `${origin}/`)
  }
}

const linksOf = ({ authOrigin, apps }: Configuration, connection: Connection, now: number): Links => {
  const places = [...apps.values()].filter(app => mayUse(connection.organization, app, undefined)).flatMap(app => app.places)
  return {
    connection: connection.id,
    organization: connection.organization.id,
    standing: standingOf(connection, now),
    redirect_uri: connection.connector === 'saml' ? null : redirectUriOf(authOrigin, connection),
    initiate_login_uri: initiateLoginUriOf(authOrigin, connection.id),
    saml: samlLinksOf(authOrigin, connection, places),
    apps: places.map(place => ({ app: place.app.id, region: place.region ?? null, url: appLinkOf(authOrigin, connection.id, place) }))
  }
}

const samlText = ({ entity_id: entityId, acs_url: acs, slo_url: slo, metadata_url: metadata, idp_initiated: mode, relay_states: states }: SamlLinks): readonly string[] => [
  `  entity ID: ${entityId}`,
  `  ACS URL: ${acs}`,
  `  logout URL: ${slo}`,
  `  metadata: ${metadata}`,
  mode === 'off'
    ? '  tiles that the provider begins: off (idp_initiated); a bookmark of a link above works'
    : `  RelayState of a tile (idp_initiated: ${mode}): ${states.join(' or ') || 'none'}, or a page there`
]

const textOf = ({ connection, organization, standing, redirect_uri: redirectUri, initiate_login_uri: initiateLoginUri, saml, apps }: Links): string => [
  `${connection} of ${organization}${standing === 'active' ? '' : ` (${standing}: nobody can sign in by these links yet)`}`,
  ...apps.map(({ app, region, url }) => `  ${region === null ? app : `${app} ${region}`}: ${url}`),
  ...redirectUri === null ? [] : [`  redirect URI: ${redirectUri}`],
  ...saml === null ? [] : samlText(saml),
  `  initiate-login URI: ${initiateLoginUri}`
].join('\n') + '\n'

const list = (configuration: Configuration, { flags, json }: Options, { out }: Context, now: number): void => {
  const organization = text(flags.organization)
  const only = text(flags.connection)
  if (organization !== undefined) named('organization', organization, configuration.organizations)
  const connections = only === undefined
    ? [...configuration.connections.values()].filter(connection => isActive(connection, now))
    : [named('connection', only, configuration.connections)]
  const chosen = connections.filter(connection => organization === undefined || connection.organization.id === organization)
  const links = chosen.map(connection => linksOf(configuration, connection, now))
  out(json ? `${JSON.stringify(links, null, 2)}\n` : links.map(textOf).join('\n'))
}

const test = async (configuration: Configuration, id: string, { flags, json }: Options, { out }: Context, now: number): Promise<void> => {
  const connection = named('connection', id, configuration.connections)
  const standing = standingOf(connection, now)
  if (standing === 'disabled') throw new Stop(`${id} is disabled: nothing of it is tested — set status: testing`)
  const lifetime = text(flags.expires) ?? lifetimes[standing]
  if (!duration.safeParse(lifetime).success || seconds(lifetime) > seconds(longestLifetime)) {
    throw wrongUsage(`--expires wants a duration of at most ${longestLifetime}, such as 2d or 8h`)
  }
  // only here: listing does without the server's parts
  const [{ createSealer }, { sealTestToken }] = await Promise.all([import('../sessions/seal.ts'), import('../login/test-token.ts')])
  const expires = now + seconds(lifetime)
  const url = testLinkOf(configuration.authOrigin, id, sealTestToken(await createSealer(configuration.keys), connection, standing, expires))
  const until = isoTime(expires)
  if (json) {
    out(`${JSON.stringify({ connection: id, standing, url, expires: until }, null, 2)}\n`)
    return
  }
  out(`${url}\n`)
  out(standing === 'active'
    ? `until ${until}; ${id} is active, so this link is for operators only\n`
    : `until ${until}, or until ${id} is active; for whoever is to try ${id}\n`)
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
    const { flags } = options
    if (flags.test === undefined ? flags.expires !== undefined : flags.organization !== undefined || flags.connection !== undefined) {
      throw wrongUsage('--expires belongs to --test, --organization and --connection to the list')
    }
    const configuration = await configured(options, context)
    const now = Math.floor(Date.now() / 1_000)
    const tested = text(flags.test)
    if (tested === undefined) list(configuration, options, context, now)
    else await test(configuration, tested, options, context, now)
    return 0
  }
}
