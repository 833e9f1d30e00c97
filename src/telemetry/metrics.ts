import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'
import type { Configuration } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import { createBoundedLabel } from './bounded-label.ts'
import { createDurationHistogram } from './duration-histogram.ts'

/**
 * `refused`: Portico judged and said no. `failed`: an identity provider or the store did not do its part.
 * `test`: a test sign-in, however it ended.
 */
export type SignInOutcome = 'success' | 'refused' | 'failed' | 'test'

/** `ended`: it ended the session, since the provider or a rule refused its person. `failed`: it is tried again. */
export type RefreshOutcome = 'success' | 'ended' | 'failed'

export interface MetricsDeps {
  /** What is in force; undefined before the first load. */
  readonly configuration?: () => Configuration | undefined
  /** What expires within 60 days or already has, beside the client secrets that the configuration gives a date. */
  readonly expiring?: () => readonly Expiring[]
  /** Seconds since the epoch. */
  readonly now?: () => number
}

/** Something of a connection that stops working at a date, in seconds since the epoch. */
export interface Expiring {
  readonly connection: string
  readonly what: 'client_secret' | 'client_certificate' | 'idp_certificate' | 'idp_metadata'
  readonly at: number
}

export interface Metrics {
  readonly registry: Registry
  /** A sign-in ended. `connection` is undefined when none was found. */
  signIn (connection: string | undefined, outcome: SignInOutcome): void
  /** A refresh of a session ended. */
  refresh (connection: string, outcome: RefreshOutcome): void
  /** A configuration was put in force (true) or refused (false). */
  reload (ok: boolean): void
  /** A request to an app's upstream was answered in so many seconds. */
  request (app: string, seconds: number): void
  storeError (): void
  /** A store that had forgotten was brought back, all of it or a part. */
  storeRestored (result: 'complete' | 'partial'): void
}

/** Distinct connections that get series of their own. */
const connectionLimit = 1_000
/** Expiry series exist for what expires within so many seconds. */
const notice = 60 * 86_400

/**
 * The Prometheus metrics (product.md, the auth host's table, `ops`; docs/operating.md). Labels are
 * bounded: whatever comes beyond the first 1,000 connections counts as `other`.
 */
export const createMetrics = (deps: MetricsDeps = {}): Metrics => {
  const now = deps.now ?? (() => Date.now() / 1_000)
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const signIns = new Counter({
    name: 'portico_sign_ins_total',
    help: 'Sign-ins that ended, by connection and outcome (success, refused, failed, test).',
    labelNames: ['connection', 'outcome'],
    registers
  })
  const refreshes = new Counter({
    name: 'portico_refreshes_total',
    help: 'Refreshes of sessions, by connection and outcome (success, ended, failed).',
    labelNames: ['connection', 'outcome'],
    registers
  })
  const reloads = new Counter({
    name: 'portico_config_reloads_total',
    help: 'Configurations put in force (success) or refused (failure).',
    labelNames: ['result'],
    // each worker loads every one of them
    aggregator: 'max',
    registers
  })
  reloads.inc({ result: 'success' }, 0)
  reloads.inc({ result: 'failure' }, 0)
  const lastReload = new Gauge({
    name: 'portico_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration in force was loaded.',
    aggregator: 'min',
    registers
  })
  const request = createDurationHistogram(registry, {
    name: 'portico_request_duration_seconds',
    help: 'Time from a request of an app to the end of its response.',
    label: 'app'
  })
  const storeErrors = new Counter({
    name: 'portico_store_errors_total',
    help: 'Calls that the store did not answer.',
    registers
  })
  const storeRestores = new Counter({
    name: 'portico_store_restores_total',
    help: 'Times that this process brought back a Redis that had forgotten, by whether it knew everything (complete, partial).',
    labelNames: ['result'],
    registers
  })
  storeRestores.inc({ result: 'complete' }, 0)
  storeRestores.inc({ result: 'partial' }, 0)
  const connectionLabel = createBoundedLabel(connectionLimit)

  /** A series for each connection, of what expires soonest there; the earliest of those beyond the limit as `other`. */
  const expiryGauge = (name: string, help: string, all: () => readonly Pick<Expiring, 'connection' | 'at'>[]) => new Gauge({
    name,
    help,
    labelNames: ['connection'],
    aggregator: 'min',
    registers,
    collect () {
      this.reset()
      const soonest = new Map<string, number>()
      for (const { connection, at } of all()) {
        if (at <= now() + notice) soonest.set(connection, Math.min(at, soonest.get(connection) ?? Infinity))
      }
      const expiries = [...soonest].sort(([, one], [, other]) => one - other)
      for (const [connection, at] of expiries.slice(0, connectionLimit)) this.set({ connection }, at)
      const next = expiries[connectionLimit]
      if (next !== undefined) this.set({ connection: 'other' }, next[1])
    }
  })
  const watched = (what: Expiring['what']) => (deps.expiring?.() ?? []).filter(each => each.what === what)

  expiryGauge(
    'portico_client_secret_expires_timestamp_seconds',
    'When a client secret or client certificate expires, for those that do within 60 days or already have.',
    () => [
      ...[...deps.configuration?.()?.connections.values() ?? []].flatMap(({ id, clientSecretExpires: at }) => at === undefined ? [] : [{ connection: id, at }]),
      ...watched('client_certificate')
    ]
  )
  expiryGauge(
    'portico_idp_certificate_expires_timestamp_seconds',
    'When a certificate of an identity provider expires, for those that do within 60 days or already have.',
    () => watched('idp_certificate')
  )

  return {
    registry,
    signIn: (connection, outcome) => signIns.inc({ connection: connectionLabel(connection ?? 'none'), outcome }),
    refresh: (connection, outcome) => refreshes.inc({ connection: connectionLabel(connection), outcome }),
    reload: ok => {
      reloads.inc({ result: ok ? 'success' : 'failure' })
      if (ok) lastReload.set(now())
    },
    request,
    storeError: () => storeErrors.inc(),
    storeRestored: result => storeRestores.inc({ result })
  }
}

/** How a sign-in that ended in this error counts: refused where Portico judged, failed where a part did not work. */
export const outcomeOf = (error: unknown): SignInOutcome =>
  error instanceof PorticoError && error.status < 500 ? 'refused' : 'failed'
