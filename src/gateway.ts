import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { createApiKeyUpkeep } from './access/api-key-upkeep.ts'
import { createApiKeyUse } from './access/api-key-use.ts'
import { createApiKeys } from './access/api-keys.ts'
import { createBearerTokens } from './access/bearer-tokens.ts'
import type { Configuration } from './config/configuration.ts'
import type { Problem } from './config/problem.ts'
import { createConnectors } from './connections/connectors.ts'
import { createExpiries } from './connections/expiry.ts'
import { createExpiryWatch } from './connections/expiry-watch.ts'
import { createCertificateWatch } from './connections/saml/certificate-watch.ts'
import { createWarming } from './connections/warming.ts'
import { PorticoError } from './errors.ts'
import { createAppLogin } from './hosts/app-login.ts'
import { createAppsHost } from './hosts/apps.ts'
import { createAuthHost } from './hosts/auth.ts'
import { createCredentials } from './hosts/credentials.ts'
import { createDoor } from './hosts/door.ts'
import { mergedStatus } from './hosts/merged-status.ts'
import { createOpsHost } from './hosts/ops.ts'
import { createStatus, type ReloadRecord, type Restoration } from './hosts/status.ts'
import { createTenantHost } from './hosts/tenant.ts'
import { createIdentityHeaders } from './identity/headers.ts'
import { previewHeaders } from './identity/preview.ts'
import { createPublishedKeys } from './identity/published-keys.ts'
import { createAccessTokens } from './login/access-tokens.ts'
import { createKeptTokens } from './login/kept-tokens.ts'
import { createLogin } from './login/login.ts'
import { createReadmit } from './login/readmit.ts'
import { createRefresh } from './login/refresh.ts'
import { createRefresher } from './login/refresher.ts'
import { createAttendance } from './proxy/attendance.ts'
import { createClients, requestId } from './proxy/client.ts'
import { createForward } from './proxy/forward.ts'
import { createHeaderKinds } from './proxy/header-kinds.ts'
import { canonicalHost, requestHost } from './proxy/host.ts'
import { createDecline, refuse } from './proxy/refusal.ts'
import { createTunnels } from './proxy/tunnels.ts'
import { createUpgrade } from './proxy/upgrade.ts'
import { createUpstreams } from './proxy/upstreams.ts'
import { isFreshHere } from './sessions/freshness.ts'
import { createSessionRecords } from './sessions/records.ts'
import { createSealer } from './sessions/seal.ts'
import type { Session } from './sessions/session.ts'
import { createSessions } from './sessions/sessions.ts'
import { observeStore } from './store/observed.ts'
import { openStore } from './store/open.ts'
import { createAudit } from './telemetry/audit.ts'
import type { Log } from './telemetry/log.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { createRequestLog } from './telemetry/request-log.ts'
import type { Colleagues } from './workers/colleagues.ts'

/**
 * Milliseconds that a write waits for another process's. Everybody's requests wait with it, since SQLite
 * blocks the thread; other processes of Portico hold the lock for a few.
 */
const storePatience = 500
/** Milliseconds that requests under way are given when the gateway closes. */
const patience = 10_000

const now = (): number => Math.floor(Date.now() / 1_000)

/** A running Portico: the public server, the ops listener, and everything behind them. */
export interface Gateway {
  /** Opens both listeners. Throws what listening throws, or PORTICO_STORE_UNAVAILABLE. */
  listen (): Promise<{ public: AddressInfo, ops: AddressInfo }>
  /** Puts another configuration in force. No request fails of it: each goes on with what it began with. */
  reload (configuration: Configuration): Promise<void>
  /** A configuration was refused; the one in force stays, and this is said wherever operators look. */
  reloadFailed (problems: readonly Problem[]): void
  /** Finishes what is under way, refuses what is new, and lets go of everything. */
  close (): Promise<void>
}

/** Assembles a gateway; nothing listens before `listen`. `colleagues` are the other workers of the same `serve`, if any. */
export const createGateway = async (deps: { configuration: Configuration, log: Log, colleagues?: Colleagues | undefined }): Promise<Gateway> => {
  const { log, colleagues } = deps
  const speaks = colleagues?.speaks !== false

  // What is in force: replaced as one, never changed.
  let force = { configuration: deps.configuration, sealer: await createSealer(deps.configuration.keys) }
  let reloads: ReloadRecord = { loadedAt: new Date(), at: new Date(), problems: [] }
  let restoration: Restoration | undefined
  let closing = false
  const configuration = () => force.configuration
  const sealer = () => force.sealer

  const metrics = createMetrics({ configuration, expiring: () => expiryWatch.soon() })
  const audit = createAudit(log)

  const store = observeStore(await openStore(deps.configuration, {
    patience: storePatience,
    log,
    follows: true,
    restored: result => {
      restoration = { at: new Date(), result }
      metrics.storeRestored(result)
    }
  }), metrics.storeError)
  const sessions = createSessions({ store, configuration, sealer, log })
  const records = createSessionRecords({ store, sessions, configuration, audit, now })
  const connectors = createConnectors({ store, configuration, log, described: (...news) => certificateWatch.seen(...news) })
  const certificateWatch = createCertificateWatch({
    configuration, describe: connectors.samlDescription, store, revoke: sessions.revoke, log, changed: () => expiryWatch.begin()
  })
  const warming = createWarming(connectors)
  const expiries = createExpiries(certificateWatch.expiring)
  const expiryWatch = createExpiryWatch({ configuration, expiries, store, log })
  const clients = createClients(configuration)

  const decline = createDecline(log)
  const requestLog = createRequestLog(log)
  const login = createLogin({
    configuration, sealer, sessions, records, store, connectors, audit, metrics, log, now, preview: (session, place) => previewHeaders(session, place, configuration(), now())
  })

  const kinds = createHeaderKinds()
  const upstreams = createUpstreams()
  const apiKeyUse = createApiKeyUse({ store, log })
  const apiKeys = createApiKeys({ store, configuration, sessions, use: apiKeyUse, log })
  const apiKeyUpkeep = createApiKeyUpkeep({ store, configuration, sessions, use: apiKeyUse, audit, log })
  const bearerTokens = createBearerTokens({ store, configuration, sessions, connectors })
  const keptTokens = createKeptTokens({ configuration, sealer, store })
  const refresher = createRefresher({
    refresh: createRefresh({ configuration, sessions, store, connectors, audit, metrics, log, now, keptTokens, readmit: createReadmit({ configuration, store, now }) }), log, now
  })
  const isLiveHere = (session: Session): boolean => {
    // what stays open for somebody is in use, with or without further requests
    refresher.seen(session)
    return sessions.isLive(session) && isFreshHere(configuration(), session, now())
  }
  const attendance = createAttendance(session => apiKeys.isLive(session) ?? bearerTokens.isLive(session) ?? isLiveHere(session))
  sessions.onEnd(attendance.sweepSoon)
  const tunnels = createTunnels(attendance)
  const forward = createForward({ upstreams, kinds, attendance, decline })
  const apps = await createAppsHost({
    configuration,
    sessions,
    credentials: createCredentials({ apiKeys, bearerTokens, now }),
    identityHeaders: createIdentityHeaders({ configuration }),
    refresher,
    accessTokens: createAccessTokens({ keptTokens, log, now }),
    clients,
    login: createAppLogin({ login, configuration }),
    forward,
    upgrade: createUpgrade({ forward, tunnels, kinds, decline }),
    decline,
    requestLog,
    now,
    observe: metrics.request
  })

  const auth = await createAuthHost({
    configuration,
    sessions,
    clients,
    login,
    keys: createPublishedKeys({ configuration }),
    requestLog,
    log
  })

  const tenant = createTenantHost({ configuration, clients, login, requestLog })

  const hostOf = ({ headers, rawHeaders }: IncomingMessage) => {
    // The first Host decides; a request that has another one besides is refused where apps are.
    const host = requestHost(rawHeaders) === undefined ? undefined : canonicalHost(headers.host)
    if (host === configuration().authHost) return auth
    return host !== undefined && configuration().loginHosts.has(host) ? tenant : apps
  }

  const door = createDoor({
    listen: deps.configuration.listen,
    receive: (request, response) => {
      if (closing) refuse(request, response, new PorticoError('PORTICO_SHUTTING_DOWN'), requestId(undefined, false), { headers: { Connection: 'close' } })
      else hostOf(request).receive(request, response)
    },
    upgrade: (request, socket, head) => hostOf(request).upgrade(request, socket, head)
  })

  const ready = async () => {
    if (closing) throw new PorticoError('PORTICO_SHUTTING_DOWN')
    await store.ping()
  }
  const ownStatus = createStatus({ configuration, connectors, reloads: () => reloads, ready, websockets: () => tunnels.size, expiries, restoration: () => restoration })
  colleagues?.answer({ metrics: () => metrics.registry.getMetricsAsJSON(), status: ownStatus })
  const ops = await createOpsHost({
    configuration,
    metrics: () => colleagues?.metrics() ?? metrics.registry.metrics(),
    ready,
    status: async () => mergedStatus(await ownStatus(), await colleagues?.statuses() ?? []),
    revoke: async (chosen, request) => {
      await sessions.revoke({ ...chosen, issuedBefore: now(), expiresAt: 0 })
      audit.revocation({ ...chosen, by: 'operator', request })
      // a store that does not answer has not taken it
      await store.ping()
    }
  })

  const inForce = () => {
    warming.begin(configuration())
    certificateWatch.begin()
    expiryWatch.begin()
    const { version, apps, organizations, connections } = configuration()
    metrics.reload(true)
    if (speaks) audit.reload({ version, apps: apps.size, organizations: organizations.size, connections: connections.size })
  }

  return {
    listen: async () => {
      await sessions.start()
      await apiKeyUpkeep.adopt()
      apiKeyUpkeep.start()
      refresher.start()
      const addresses = { ops: await ops.listen(), public: await door.listen() }
      inForce()
      if (speaks) log.info({ public: addresses.public, ops: addresses.ops }, 'listening')
      return addresses
    },

    reload: async next => {
      // the same ring keeps its sealer, and with it every cookie that was opened already
      const isSameRing = next.keys.length === configuration().keys.length && next.keys.every((key, i) => configuration().keys[i]?.equals(key))
      force = { configuration: next, sealer: isSameRing ? sealer() : await createSealer(next.keys) }
      log.level = next.logs.level
      if (next.listen.tls !== undefined) door.replaceCertificate(next.listen.tls)
      upstreams.retain(next)
      await sessions.trust.adopt(next)
      // Each of these looks at thousands of connections: requests pass between.
      await setImmediate()
      await apiKeyUpkeep.adopt()
      await setImmediate()
      attendance.sweep()
      reloads = { loadedAt: new Date(), at: new Date(), problems: [] }
      if (!closing) inForce()
    },

    reloadFailed: problems => {
      const lines = problems.map(({ file, line, column, path, message, remedy }) => `${file}:${line}:${column} ${path}: ${message} — ${remedy}`)
      reloads = { ...reloads, at: new Date(), problems: lines }
      metrics.reload(false)
      if (speaks) audit.reloadFailed({ version: configuration().version, problems: lines })
    },

    close: async () => {
      closing = true
      warming.stop()
      await certificateWatch.stop()
      expiryWatch.stop()
      attendance.stop()
      tunnels.close()
      await door.close(patience)
      // before the way to the providers is closed: a token that was used up there is replaced here
      await refresher.stop()
      await Promise.all([auth.close(), apps.close(), upstreams.destroy(), connectors.close()])
      await apiKeyUpkeep.stop()
      await sessions.stop()
      await store.close()
      await ops.close()
    }
  }
}
