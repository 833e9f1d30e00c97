import { createHash } from 'node:crypto'
import type { Configuration, Connection } from '../../config/configuration.ts'
import type { SamlSettings } from '../../config/schema/organization.ts'
import { PorticoError } from '../../errors.ts'
import type { Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import { createProviderCopies } from '../outbound/copies.ts'
import type { Outbound } from '../outbound/http.ts'
import type { ProviderHealth } from '../health.ts'
import { createSingleFlight } from '../outbound/single-flight.ts'
import { createStates } from '../states.ts'
import type { IdpDescription } from './description.ts'
import { createFetchedMetadata, type FetchedMetadata, type MetadataEvents } from './fetched-metadata.ts'
import { plainHttpIn } from './plain-http.ts'
import { samlSettings } from './settings.ts'
import type { Verifier } from './verifier.ts'

/** What Portico knows of the SAML identity provider behind one connection. */
export interface SamlProvider extends FetchedMetadata {
  /** The entityID once known; before, as it is configured, or the address of the metadata. */
  issuer (): string
  health (): ProviderHealth
}

export interface SamlProviders {
  /** The one state of this connection, as long as nothing that matters to it changes. */
  of (connection: Connection): SamlProvider
  /** As its `health`, without making a state of a connection that nobody has asked for yet. */
  health (connection: Connection): ProviderHealth
  /** Fetches no more by itself. */
  close (): void
}

export interface SamlProviderDeps {
  readonly store: Store
  readonly configuration: () => Configuration
  readonly outbound: Outbound
  readonly verifier: Pick<Verifier, 'judge'>
  readonly log: Log
  /** Seconds since the epoch. */
  readonly now: () => number
  /** Told of each description that is in force from now on, and again with each fetch that confirms it. */
  readonly described?: (connection: Connection, description: IdpDescription) => void
}

/** Milliseconds between two looks at which metadata it is time to fetch again. */
const rhythm = 600_000

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url')

/** Single values, as the operator wrote them. The load has checked them. */
export const describedBy = ({ entity_id: entityId = '', sso_url: sso, slo_url: slo }: SamlSettings, certificates: readonly string[]): IdpDescription => {
  const nowhere = { redirect: undefined, post: undefined }
  return {
    entityId,
    sso: { ...nowhere, redirect: sso },
    slo: { ...nowhere, redirect: slo },
    sloResponse: nowhere,
    certificates,
    wantsSignedRequests: false,
    validUntil: undefined,
    cacheDuration: undefined
  }
}

/** Nobody is sent over plain http to another machine: whoever is on the way would see the response, and change the request. Throws PORTICO_SAML_METADATA. */
export const refusePlainHttp = (description: IdpDescription, isAllowed: boolean): void => {
  const origin = isAllowed ? undefined : plainHttpIn(description)
  if (origin !== undefined) throw new PorticoError('PORTICO_SAML_METADATA', { wanted: 'https addresses', got: `${origin}, without TLS` })
}

const createProvider = (connection: Connection, deps: SamlProviderDeps): SamlProvider => {
  const { store, configuration, outbound, verifier, log, now } = deps
  const settings = samlSettings(connection)
  const { metadata_url: url, entity_id: entityId, dangerously_allow_http: allowHttp } = settings
  const { metadata, certificates = [], metadataCertificates = [] } = connection.saml ?? {}
  let lastGood: number | undefined
  let failure: { readonly error: PorticoError, readonly at: number } | undefined

  const events: MetadataEvents = {
    good: (description, fetchedAt) => {
      lastGood = fetchedAt
      if (failure !== undefined) log.info({ connection: connection.id }, 'the metadata of the identity provider can be used again')
      failure = undefined
      deps.described?.(connection, description)
    },
    failed: (error, kept) => {
      const isKnown = failure?.error.code === error.code && failure.error.got === error.got
      failure = { error, at: now() }
      // a provider that is down for a day is told about once
      if (!isKnown) log.warn({ connection: connection.id, code: error.code, wanted: error.wanted, got: error.got, kept }, 'the metadata of the identity provider cannot be used')
    }
  }

  const judge = async (xml: string, entityId: string | undefined): Promise<IdpDescription> => {
    const outcome = await verifier.judge({ kind: 'metadata', xml, entityId, certificates: metadataCertificates, now: now() })
    if (outcome.kind === 'refused') throw new PorticoError(outcome.refusal.code, { ...outcome.refusal, connection: connection.id })
    if (outcome.kind !== 'metadata') throw new TypeError(`metadata was judged as ${outcome.kind}`)
    refusePlainHttp(outcome.description, allowHttp)
    return outcome.description
  }

  /** What does not change until the configuration does. */
  const read = (describe: () => Promise<IdpDescription>): FetchedMetadata => {
    let held: IdpDescription | undefined
    const flight = createSingleFlight(async () => {
      const description = await describe()
      held = description
      events.good(description, now())
      return description
    }, { now, failed: error => { events.failed(error, false) } })
    return {
      description: async () => {
        const description = held ?? await flight.run()
        // judged anew, it is refused
        return description.validUntil !== undefined && now() >= description.validUntil ? await describe() : description
      },
      refresh: async () => false,
      tend: async () => undefined,
      held: () => held
    }
  }

  const source = (): FetchedMetadata => {
    if (url !== undefined) {
      return createFetchedMetadata({
        url,
        entityId,
        source: digest([url, entityId, metadataCertificates, allowHttp]),
        reach: { issuerHost: new URL(url).hostname, allowHttp },
        outbound,
        copies: createProviderCopies(connection.id, { kind: 'metadata', store, configuration, log }),
        judge,
        now,
        events
      })
    }
    return read(async () => metadata === undefined ? describedBy(settings, certificates) : await judge(metadata, entityId))
  }

  const known = source()
  return {
    ...known,
    issuer: () => known.held()?.entityId ?? entityId ?? url ?? connection.id,
    health: () => ({ lastGood, lastError: failure?.error.code, lastErrorAt: failure?.at })
  }
}

/** Anything that, changed, makes a description of yesterday one of another provider, or of other keys (behaviours V20). */
const stateKey = (connection: Connection): string => {
  const { metadata_url: url, slo_url: slo, dangerously_allow_http: allowHttp } = samlSettings(connection)
  return digest([connection.id, connection.fingerprint, url, slo, allowHttp, connection.saml])
}

/** The identity providers of all connections that speak SAML. */
export const createSamlProviders = (deps: SamlProviderDeps): SamlProviders => {
  const states = createStates({ configuration: deps.configuration, keyOf: stateKey, create: connection => createProvider(connection, deps) })
  let tending: Promise<void> | undefined

  const tend = async (): Promise<void> => {
    // one after the other: nobody waits for it
    for (const provider of [...states.all()]) await provider.tend()
  }

  const timer = setInterval(() => { tending ??= tend().finally(() => { tending = undefined }) }, rhythm).unref()

  return {
    of: states.of,
    health: connection => states.find(connection)?.health() ?? { lastGood: undefined, lastError: undefined, lastErrorAt: undefined },
    close: () => { clearInterval(timer) }
  }
}
