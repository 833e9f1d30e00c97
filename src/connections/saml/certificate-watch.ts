import type { Configuration, Connection } from '../../config/configuration.ts'
import { createBreather } from '../../config/breather.ts'
import { differing } from '../../config/table.ts'
import type { Revocation, Store } from '../../store/store.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Expiring } from '../../telemetry/metrics.ts'
import { expiringOf, factsOf, isSameFacts, lostBetween, parseFacts, sourceOf, type CertificateFacts } from './certificate-facts.ts'
import type { IdpDescription } from './description.ts'

/** Seconds that a connection's certificates are remembered after they were last written down. */
const memory = 730 * 86_400
/** Milliseconds until a store that did not answer is asked again. */
const pause = 5_000

/** Knows what the providers of all SAML connections sign with, also what it was before. */
export interface CertificateWatch {
  /** To be called with each configuration in force: looks at what the files of connections say that are new or changed. Never rejects. */
  begin (): Promise<void>
  /** To be told of each description that is in force from now on. Never rejects. */
  seen (connection: Connection, description: IdpDescription): Promise<void>
  /** What of a connection's provider expires, as far as it is known. */
  expiring (connection: Connection): readonly Expiring[]
  /** Resolves when what was under way is done; nothing starts after. */
  stop (): Promise<void>
}

/**
 * A certificate that a provider no longer has ends the sessions that began by it, and no others (product.md,
 * "Trust has a fingerprint"): whether it left the configuration, or metadata that is fetched; while Portico
 * ran, or while it was stopped. One that is added changes nothing.
 */
export const createCertificateWatch = (deps: {
  configuration: () => Configuration
  /** What is known of a provider; told to `seen` as well when it is new. */
  describe: (connection: Connection) => Promise<IdpDescription>
  store: Pick<Store, 'get' | 'put'>
  revoke: (revocation: Revocation) => Promise<void>
  log: Log
  /** Called after anything that expires may have another date. */
  changed: () => void
  /** Seconds since the epoch. */
  now?: () => number
}): CertificateWatch => {
  const { configuration, describe, store, revoke, log, changed, now = () => Math.floor(Date.now() / 1_000) } = deps
  const known = new Map<string, CertificateFacts>()
  const described = new WeakMap<IdpDescription, Connection>()
  /** What the store has not taken yet. */
  const owed = new Set<string>()
  /** By connection: one thing after the other. */
  const working = new Map<string, Promise<void>>()
  /** Those that `begin` looked at last. */
  let begun: Configuration['connections'] | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const end = async (connection: string, thumbprints: readonly string[]): Promise<void> => {
    for (const thumbprint of thumbprints) {
      log.warn({ connection, certificate: thumbprint }, 'the identity provider no longer has a certificate: the sessions that began by it end')
      await revoke({ kind: 'certificate', value: `${connection}|${thumbprint}`, issuedBefore: now(), expiresAt: 0 })
    }
  }

  const recall = async (connection: string): Promise<CertificateFacts | undefined> => parseFacts(await store.get('certificates', connection))

  /** Ends what was lost since the store was last told, and tells it. */
  const settle = async (connection: string, ended: readonly string[] = []): Promise<void> => {
    const facts = known.get(connection)
    if (facts === undefined) return
    try {
      const before = await recall(connection)
      await end(connection, lostBetween(before, facts).filter(thumbprint => !ended.includes(thumbprint)))
      if (!isSameFacts(before, facts)) await store.put('certificates', connection, JSON.stringify(facts), now() + memory)
      owed.delete(connection)
    } catch (error) {
      if (!owed.has(connection)) log.error({ err: error, connection }, 'the store does not remember the certificates of an identity provider: it is asked again')
      owed.add(connection)
      if (!stopped) timer ??= setTimeout(retry, pause).unref()
    }
  }

  const inTurn = (connection: string, work: () => Promise<void>): Promise<void> => {
    const done = (working.get(connection) ?? Promise.resolve()).then(work).finally(() => {
      if (working.get(connection) === done) working.delete(connection)
    })
    working.set(connection, done)
    return done
  }

  const retry = (): void => {
    timer = undefined
    for (const connection of owed) inTurn(connection, () => settle(connection))
  }

  const learn = async (id: string, facts: CertificateFacts): Promise<void> => {
    const before = known.get(id)
    if (isSameFacts(before, facts)) return
    // an end that did not move is as old as it was
    known.set(id, before?.validUntil === facts.validUntil ? { ...facts, since: before?.since ?? facts.since } : facts)
    if (!stopped) changed()
    // the store may be down: what is lost is over here all the same
    const lost = lostBetween(before, facts)
    await end(id, lost)
    await settle(id, lost)
  }

  const seen: CertificateWatch['seen'] = async (connection, description) => {
    if (stopped || described.get(description) === connection) return
    described.set(description, connection)
    await inTurn(connection.id, () => learn(connection.id, factsOf(connection, description, now())))
  }

  const look = async (connection: Connection): Promise<void> => {
    const facts = known.get(connection.id) ?? await recall(connection.id).catch(() => undefined)
    // compared with what will be seen, by URL too; and what it says of dates holds until then
    if (facts !== undefined && !known.has(connection.id)) known.set(connection.id, facts)
    const source = sourceOf(connection)
    if (source === undefined || source === facts?.source) return
    const description = await describe(connection).catch(() => undefined)
    if (description !== undefined) await seen(connection, description)
  }

  const begin = async (): Promise<void> => {
    const breathe = createBreather()
    const { connections } = configuration()
    for (const id of known.keys()) if (!connections.has(id)) known.delete(id)
    const news = differing(begun, connections)
    begun = connections
    let hasLooked = false
    for (const id of news) {
      await breathe()
      if (stopped) return
      // as it stands by now: a later call may have been quicker with what is newer
      const connection = configuration().connections.get(id)
      if (connection?.connector !== 'saml' || connection.status === 'disabled') continue
      hasLooked = true
      await look(connection)
    }
    if (hasLooked && !stopped) changed()
  }

  return {
    begin,
    seen,
    expiring: ({ id }) => {
      const facts = known.get(id)
      return facts === undefined ? [] : expiringOf(id, facts, now())
    },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await Promise.all(working.values())
    }
  }
}
