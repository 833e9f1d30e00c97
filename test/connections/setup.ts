import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Configuration, Connection } from '../../src/config/configuration.ts'
import { canonicalDomain } from '../../src/config/schema/domain.ts'
import { connection as connectionSchema } from '../../src/config/schema/organization.ts'
import { createConnectors, type Connectors } from '../../src/connections/connectors.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import type { Identity } from '../../src/connections/connector.ts'
import type { Trace } from '../../src/connections/trace.ts'
import { PorticoError } from '../../src/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { createBrowser } from '../support/browser.ts'
import { configurationOf, connectionOf, organizationOf } from '../support/configuration.ts'
import { signIn } from '../support/provider.ts'

const organization = organizationOf('acme', { name: 'Acme' })

/** What authenticates the client at the provider. */
export const clientSecret = 'the client secret of the tests, long enough'

export const redirectUri = 'http://auth.localhost:8080/login/oidc_acme/callback'

/** A connection of any connector, from settings as they stand in YAML; what is left out is as usual. */
export const connectionFrom = (settings: Record<string, unknown>, changed: Partial<Connection> = {}): Connection => {
  const usual = { status: 'active', domains: ['acme.com', 'acme.co.uk'], client_id: 'portico', client_secret: 'in the connection' }
  const parsed = connectionSchema.parse({ ...usual, ...settings })
  if (parsed.connector === 'saml') throw new Error('not built')
  const canonical = (domains: readonly string[]): string[] => domains.map(domain => canonicalDomain(domain) ?? domain)
  const domains = changed.domains ?? new Set(canonical(parsed.domains))
  return connectionOf(changed.id ?? `${parsed.connector}_acme`, organization, {
    connector: parsed.connector,
    assertable: new Set([...domains, ...canonical(parsed.accepts)]),
    callback: parsed.callback,
    requireAcr: parsed.require_acr,
    requireAmr: parsed.require_amr,
    groups: { filter: parsed.groups?.filter, rename: new Map(Object.entries(parsed.groups?.rename ?? {})) },
    bearer: parsed.bearer,
    clientSecret,
    settings: parsed,
    fingerprint: `fingerprint of ${JSON.stringify(settings)}`,
    ...changed,
    domains
  })
}

/** A connection to an OpenID provider with discovery, with the defaults of the schema. */
export const connectionTo = (discoveryUrl: string, overrides: { id?: string, secret?: string, fingerprint?: string, domains?: string[], settings?: Record<string, unknown> } = {}): Connection =>
  connectionFrom({ connector: 'oidc', discovery_url: discoveryUrl, ...overrides.settings }, {
    id: overrides.id ?? 'oidc_acme',
    domains: new Set(overrides.domains ?? ['acme.com', 'acme.co.uk']),
    clientSecret: overrides.secret ?? clientSecret,
    fingerprint: overrides.fingerprint ?? `fingerprint of ${discoveryUrl}`
  })

const keys = [randomBytes(32)]

export const configurationWith = (connections: readonly Connection[], overrides: Partial<Configuration> = {}): Configuration => configurationOf({
  keys,
  connections: new Map(connections.map(connection => [connection.id, connection])),
  ...overrides
})

export interface Bench {
  readonly connectors: Connectors
  readonly store: Store
  /** Everything that was logged. */
  readonly lines: string[]
  configuration: Configuration
  /** Seconds that the clock of caches and back-offs is ahead of the real one. */
  ahead: number
  close (): Promise<void>
}

/** Connectors over a store of their own, with short patience and a clock that can be moved. */
export const createBench = (connections: readonly Connection[], overrides: { store?: Store, whole?: number, configuration?: Partial<Configuration> } = {}): Bench => {
  const lines: string[] = []
  const folder = mkdtempSync(join(tmpdir(), 'portico-connections-'))
  const store = overrides.store ?? createSqliteStore({ path: join(folder, 'portico.db') })
  const bench: Bench = {
    configuration: configurationWith(connections, overrides.configuration),
    store,
    lines,
    ahead: 0,
    connectors: createConnectors({
      store,
      configuration: () => bench.configuration,
      log: pino({ level: 'trace' }, { write: (line: string) => { lines.push(line) } }),
      patience: { connect: 1_000, whole: overrides.whole ?? 5_000 },
      now: () => Date.now() / 1_000 + bench.ahead
    }),
    close: async () => {
      await bench.connectors.close()
      if (overrides.store === undefined) await store.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return bench
}

/** Begins a sign-in, lets `change` meddle with what comes back, and finishes it. */
export const signInAt = async (bench: Bench, connection: Connection, provider: { authorize (url: string): URLSearchParams }, change?: (parameters: URLSearchParams) => void, trace?: Trace): Promise<Identity> => {
  const state = randomBytes(8).toString('hex')
  const { url, secrets } = await bench.connectors[connection.connector].authorize(connection, { redirectUri, state, loginHint: undefined, prompt: undefined })
  const parameters = provider.authorize(url)
  change?.(parameters)
  return bench.connectors[connection.connector].authenticate(connection, { parameters, redirectUri, state, secrets }, Date.now() / 1_000, trace)
}

/** The code of the PorticoError that `work` ends in; anything else fails. */
export const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'no error'
  } catch (error) {
    if (error instanceof PorticoError) return error.code
    throw error
  }
}

/** The same at a real provider, where `login` is typed; `sent` is told what went to its authorization endpoint. */
export const signInThrough = async (bench: Bench, connection: Connection, login: string, sent?: (parameters: URLSearchParams) => void, hints: { loginHint?: string, prompt?: string, trace?: Trace } = {}): Promise<Identity> => {
  const connector = bench.connectors[connection.connector]
  const state = randomBytes(8).toString('hex')
  const { url, secrets } = await connector.authorize(connection, { redirectUri, state, loginHint: hints.loginHint, prompt: hints.prompt })
  sent?.(new URL(url).searchParams)
  const back = await signIn(url, createBrowser(), login)
  const parameters = back.location?.searchParams ?? new URLSearchParams()
  return connector.authenticate(connection, { parameters, redirectUri, state, secrets }, Date.now() / 1_000, hints.trace)
}
