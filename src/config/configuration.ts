import type { headerPresets } from './schema/app.ts'
import type { ConnectionSettings } from './schema/organization.ts'
import type { Table } from './table.ts'

/** Where something stands in YAML: 1-based line and column. */
export interface Location {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The HTTP server of an app, with everything read that its settings name. */
export interface Upstream {
  /** Same value, same connection pool. */
  readonly id: string
  /** `http://127.0.0.1:9101`: scheme, host, port. For a unix socket `http://localhost`. */
  readonly origin: string
  readonly socketPath: string | undefined
  /** `public`: the canonical public host; else this very Host. */
  readonly hostHeader: string | undefined
  readonly tls: {
    readonly ca: string | undefined
    readonly certificate: string | undefined
    readonly key: string | undefined
    readonly serverName: string
  } | undefined
  /** Milliseconds until response headers must have come. */
  readonly headersTimeout: number
}

/** A `public:` rule on the canonical path. */
export interface PublicRule {
  /** Undefined for any method. */
  readonly methods: ReadonlySet<string> | undefined
  /** `/favicon.ico`; of a prefix what is before the star: `/assets/`. */
  readonly path: string
  /** True for `/assets/*`: everything below, at a segment boundary. */
  readonly prefix: boolean
}

export interface App {
  readonly id: string
  readonly name: string
  readonly places: readonly AppPlace[]
  readonly home: string
  readonly public: readonly PublicRule[]
  readonly preflight: 'refuse' | 'pass'
  readonly websocketOrigins: ReadonlySet<string>
  readonly headers: typeof headerPresets[number]
  /** By organization id: the groups of which a member of it needs one. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>
  /** Whether it is sent the access token of whoever is signed in: in `X-Auth-Access-Token`, and as `Authorization: Bearer` beside. */
  readonly forwardAccessToken: false | 'header' | 'authorization'
  /** Seconds since the person authenticated, at most. */
  readonly maxAge: number | undefined
  /** Where people go who have no connection: the app's own login page. */
  readonly appLogin: string | undefined
}

/** One host of an app: its only one, or one of its regions. */
export interface AppPlace {
  readonly app: App
  readonly region: string | undefined
  /** Public origin as browsers send it in `Origin`: `http://analytics.localhost:8080`. */
  readonly origin: string
  /** Canonical host name without port: the key of the host table. */
  readonly host: string
  /** The Host that the upstream sees with `host_header: public`: name and non-default port. */
  readonly authority: string
  readonly upstream: Upstream
}

/** How long sessions live, in seconds, and how many of one person at once; undefined for any number. */
export interface SessionLimits {
  readonly idle: number
  readonly absolute: number
  readonly concurrent?: number | undefined
}

export interface Organization {
  readonly id: string
  readonly name: string
  /** Ids of the apps its members may use; undefined for all. */
  readonly apps: ReadonlySet<string> | undefined
  readonly defaultRole: string | undefined
  readonly members: Members
  /** Canonical e-mails that are refused whatever `members` says. */
  readonly blocked: ReadonlySet<string>
  /** Its own sign-in pages: canonical host name to origin. */
  readonly loginHosts: ReadonlyMap<string, string>
  readonly logoutUrl: string | undefined
  readonly session: SessionLimits
  readonly connections: readonly Connection[]
}

/** Whom an organization's connections may sign in. */
export type Members =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'invited', readonly list: Invited }

/** Canonical e-mails; a hundred thousand are looked up in microseconds. */
export interface Invited {
  readonly exact: Pick<ReadonlySet<string>, 'has'>
  /** By address without its tag (`ami@acme.com`): the invited ones that have one (`ami+cio@acme.com`). */
  readonly tagged: Pick<ReadonlyMap<string, readonly string[]>, 'get'>
}

/** What a SAML connection reads from files. */
export interface SamlFiles {
  /** The metadata itself, of `metadata_file`. */
  readonly metadata: string | undefined
  /** PEM, one each: what the provider signs with, where there is no metadata. */
  readonly certificates: readonly string[]
  /** PEM, one each: of which one must have signed the metadata. Empty where nobody asks for that. */
  readonly metadataCertificates: readonly string[]
}

/** One configured way to sign in for one organization. */
export interface Connection {
  readonly id: string
  readonly name: string
  readonly organization: Organization
  readonly connector: ConnectionSettings['connector']
  /** As written; what counts at a moment is `standingOf`. */
  readonly status: 'testing' | 'active' | 'disabled'
  /** Seconds since the epoch: testing until then, active from then on, unless disabled. */
  readonly activateAt: number | undefined
  /** Id of the connection of this organization that this one takes over from. */
  readonly replaces: string | undefined
  /** What of the connection that takes over from this one decides when it does. */
  readonly replacedBy: { readonly id: string, readonly status: 'testing' | 'active' | 'disabled', readonly activateAt: number | undefined } | undefined
  /** Canonical A-label domains that are routed here. */
  readonly domains: ReadonlySet<string>
  /** All that its provider may assert: `domains`, and further ones of the same organization. */
  readonly assertable: ReadonlySet<string>
  readonly callback: 'own' | 'shared'
  readonly matching: 'exact' | 'plus_alias'
  readonly requireAcr: readonly string[] | undefined
  readonly requireAmr: readonly string[] | undefined
  readonly groups: {
    /** Exact names, or prefixes with a `*` behind. */
    readonly filter: readonly string[] | undefined
    readonly rename: ReadonlyMap<string, string>
  }
  /** Accept this provider's JWT access tokens for this audience. */
  readonly bearer: { readonly audience: string } | undefined
  /** Tokens are kept and refreshed ahead of their expiry, and after this many seconds at the latest. */
  readonly refresh: { readonly every: number } | undefined
  /** Undefined where a certificate authenticates the client. */
  readonly clientSecret: string | undefined
  /** PEM. */
  readonly clientCertificate: { readonly certificate: string, readonly key: string } | undefined
  /** Seconds since the epoch. */
  readonly clientSecretExpires: number | undefined
  /** What the files that a SAML connection names hold; undefined for all others. */
  readonly saml: SamlFiles | undefined
  readonly settings: ConnectionSettings
  /** SHA-256 over all that trust rests on but for its standing: connector, issuer, client id, domains. A rotated secret changes nothing. */
  readonly fingerprint: string
  readonly location: Location
}

export interface SqliteStoreSettings {
  readonly kind: 'sqlite'
  readonly path: string
}

export interface RedisStoreSettings {
  readonly kind: 'redis'
  /** Whose addresses these are: the one server's, those of Sentinels that know it, or of some nodes of a Cluster. */
  readonly through: 'server' | 'sentinels' | 'cluster'
  readonly addresses: readonly { readonly host: string, readonly port: number }[]
  /** The name that Sentinels know the master by. */
  readonly master: string | undefined
  readonly database: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly sentinelUsername: string | undefined
  readonly sentinelPassword: string | undefined
  /** PEM; undefined for plain connections. */
  readonly tls: {
    readonly ca: string | undefined
    readonly certificate: string | undefined
    readonly key: string | undefined
    readonly serverName: string | undefined
  } | undefined
  /** What every key begins with. */
  readonly prefix: string
}

/** Everything that is configured, read and checked: frozen, and swapped as one on reload. */
export interface Configuration {
  /** SHA-256 over every file that was read. */
  readonly version: string
  /** `http://auth.localhost:8080` */
  readonly authOrigin: string
  readonly authHost: string
  readonly listen: {
    readonly host: string
    readonly port: number
    readonly tls: { readonly certificate: string, readonly key: string } | undefined
  }
  readonly ops: {
    readonly host: string
    readonly port: number
    readonly token: string | undefined
    readonly allowedHosts: ReadonlySet<string>
  }
  readonly trustedProxies: readonly string[]
  /** 32 bytes each; the first seals and signs, all open. */
  readonly keys: readonly Buffer[]
  readonly session: SessionLimits
  readonly store: SqliteStoreSettings | RedisStoreSettings
  readonly outbound: {
    readonly httpProxy: string | undefined
    readonly httpsProxy: string | undefined
    readonly noProxy: string | undefined
    readonly ca: string | undefined
  }
  /** Seconds. */
  readonly apiKeys: { readonly lifetime: number, readonly pauseAfter: number }
  readonly logs: { readonly level: string, readonly requests: boolean }
  readonly apps: ReadonlyMap<string, App>
  /** By canonical host name. */
  readonly places: ReadonlyMap<string, AppPlace>
  readonly organizations: Table<Organization>
  readonly connections: Table<Connection>
  /** By canonical domain: the connections that it is routed to; at most one of them active at any time. */
  readonly domains: Table<readonly Connection[]>
  /** By canonical host name: the organization whose own sign-in page this is. */
  readonly loginHosts: Table<Organization>
  /** Dates at which a connection's standing changes, in seconds since the epoch, ascending. */
  readonly dates: readonly number[]
  /** By app: the connections of which one could be its only way in. Empty where two are always active. */
  readonly ways: ReadonlyMap<string, readonly Connection[]>
}
