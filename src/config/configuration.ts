import type { headerPresets } from './schema/app.ts'
import type { OidcSettings } from './schema/organization.ts'

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

export interface Organization {
  readonly id: string
  readonly name: string
  /** Ids of the apps its members may use; undefined for all. */
  readonly apps: ReadonlySet<string> | undefined
  readonly defaultRole: string | undefined
  /** Seconds. */
  readonly session: { readonly idle: number, readonly absolute: number }
  readonly connections: readonly Connection[]
}

/** One configured way to sign in for one organization. */
export interface Connection {
  readonly id: string
  readonly name: string
  readonly organization: Organization
  readonly connector: OidcSettings['connector']
  readonly status: 'testing' | 'active' | 'disabled'
  /** Canonical A-label domains. */
  readonly domains: ReadonlySet<string>
  readonly clientSecret: string
  /** Seconds since the epoch. */
  readonly clientSecretExpires: number | undefined
  readonly settings: OidcSettings
  /**
   * SHA-256 over all that trust rests on: connector, issuer, client id, domains, status. A rotated
   * secret changes nothing.
   */
  readonly fingerprint: string
  readonly location: Location
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
  readonly session: { readonly idle: number, readonly absolute: number }
  readonly store: { readonly kind: 'sqlite', readonly path: string }
  readonly outbound: {
    readonly httpProxy: string | undefined
    readonly httpsProxy: string | undefined
    readonly noProxy: string | undefined
    readonly ca: string | undefined
  }
  readonly logs: { readonly level: string, readonly requests: boolean }
  readonly apps: ReadonlyMap<string, App>
  /** By canonical host name. */
  readonly places: ReadonlyMap<string, AppPlace>
  readonly organizations: ReadonlyMap<string, Organization>
  readonly connections: ReadonlyMap<string, Connection>
  /** By canonical domain: the connections that claim it; at most one of them active. */
  readonly domains: ReadonlyMap<string, readonly Connection[]>
  /** Every file and folder that was read: what the watcher watches. */
  readonly files: readonly string[]
}
