import { afterLogoutUriOf, appLinkOf, initiateLoginUriOf, logoutUrisOf, redirectUriOf } from '../config/links.ts'
import { canonicalDomain } from '../config/schema/domain.ts'
import { ownershipRecord } from '../doctor/ownership.ts'
import type { ConnectionDraft, Written } from './read.ts'

/** An app as the customer's people meet it. */
export interface AppFacts {
  readonly id: string
  readonly name: string
  readonly urls: readonly string[]
  /** Each signs in by this connection and opens the app, one for each of its hosts (R31). */
  readonly links: readonly string[]
}

/** What a guide fills in: addresses of this gateway, and what the files say already. Never a secret. */
export interface Facts {
  readonly organizationId: string
  readonly organization: string
  readonly connectionId: string
  readonly connection: ConnectionDraft
  /** The auth host's origin. */
  readonly origin: string
  readonly redirectUri: string
  readonly initiateLoginUri: string
  readonly afterLogoutUri: string
  /** Where an OpenID provider tells of sign-outs. */
  readonly frontChannelUri: string
  readonly backChannelUri: string
  /** Origins of the organization's own sign-in pages. */
  readonly loginPages: readonly string[]
  readonly domains: readonly string[]
  /** Further domains of people who may come. */
  readonly accepts: readonly string[]
  readonly apps: readonly AppFacts[]
  /** TXT records by which the organization shows that the domains are its own (R2). */
  readonly records: readonly { readonly name: string, readonly value: string }[]
  /** Whether the gateway does something with groups of this organization. */
  readonly wantsGroups: boolean
  /** Whether refresh tokens are asked for. */
  readonly wantsRefresh: boolean
}

const present = <T>(items: readonly (T | undefined)[] | undefined): T[] => (items ?? []).filter(item => item !== undefined)

const canonical = (domains: readonly (string | undefined)[] | undefined): string[] =>
  [...new Set(present(domains).map(domain => canonicalDomain(domain) ?? domain))]

const originsOf = (urls: readonly (string | undefined)[]): string[] => present(urls).map(url => new URL(url).origin)

/** Gathers the facts of one connection. */
export const factsOf = (connectionId: string, { portico, organizationId, organization, connection }: Written): Facts => {
  const origin = new URL(portico.auth_url ?? '').origin
  const mayUse = organization.apps === undefined ? undefined : new Set(organization.apps)
  const apps = Object.entries(portico.apps ?? {}).flatMap(([id, app]): AppFacts[] => app === undefined || mayUse?.has(id) === false
    ? []
    : [{
        id,
        name: app.name ?? id,
        urls: originsOf([app.url, ...Object.values(app.regions ?? {}).map(place => place?.url)]),
        links: (app.regions === undefined ? [undefined] : Object.keys(app.regions)).map(region => appLinkOf(origin, connectionId, { app: { id }, region }))
      }])
  const domains = canonical(connection.domains)
  const logoutUris = logoutUrisOf(origin, connectionId)
  const accepts = canonical(connection.accepts).filter(domain => !domains.includes(domain))
  return {
    organizationId,
    organization: organization.name ?? organizationId,
    connectionId,
    connection,
    origin,
    redirectUri: redirectUriOf(origin, { id: connectionId, callback: 'callback' in connection ? connection.callback ?? 'own' : 'own' }),
    initiateLoginUri: initiateLoginUriOf(origin, connectionId),
    afterLogoutUri: afterLogoutUriOf(origin),
    frontChannelUri: logoutUris.frontChannel,
    backChannelUri: logoutUris.backChannel,
    loginPages: originsOf(organization.login_hosts ?? []),
    domains,
    accepts,
    apps,
    records: [...domains, ...accepts].map(domain => ownershipRecord({ authOrigin: origin }, { organization: { id: organizationId } }, domain)),
    wantsGroups: connection.groups !== undefined || apps.some(({ id }) => portico.apps?.[id]?.groups?.[organizationId] !== undefined),
    wantsRefresh: 'refresh' in connection && connection.refresh !== undefined && connection.refresh !== false
  }
}

/** Host names that browsers of the organization meet on our side. */
export const ownHosts = ({ origin, loginPages, apps }: Facts): string[] =>
  [...new Set([origin, ...loginPages, ...apps.flatMap(({ urls }) => urls)].map(url => new URL(url).host))]
