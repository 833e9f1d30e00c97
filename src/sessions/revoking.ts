import type { Configuration } from '../config/configuration.ts'
import { PorticoError } from '../errors.ts'
import type { Revocation, Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { retention } from './lifetime.ts'
import { createRevocations, type Revocations } from './revocation.ts'

/** Revocations as this process knows them, and the way of its own ones to the store. */
export interface Revoker extends Pick<Revocations, 'matches' | 'sweep' | 'all'> {
  /** In force when it returns its promise; the promise resolves when the store has it, or has failed to take it. */
  revoke (revocation: Revocation): Promise<void>
  /** What the store says any process has revoked. */
  learn (revocations: readonly Revocation[]): void
  /** Resolves when the store has every revocation of this process. Throws PORTICO_STORE_UNAVAILABLE. */
  send (): Promise<void>
}

/**
 * Makes it with no revocation known. One of this process holds here at once, and goes to the store again and
 * again until it is taken. `now` in seconds.
 */
export const createRevoker = (deps: {
  readonly store: Store
  readonly configuration: () => Configuration
  readonly log: Log
  readonly now: () => number
  /** Called after anything was revoked. */
  readonly changed: () => void
}): Revoker => {
  const { store, configuration, log, now, changed } = deps
  const revocations = createRevocations()
  /** What the store has not yet taken. */
  const outbox: Revocation[] = []
  let sending: Promise<void> | undefined

  const drain = async (): Promise<void> => {
    for (let next = outbox[0]; next !== undefined; next = outbox[0]) {
      try {
        await store.addRevocation(next)
      } catch (error) {
        if (!(error instanceof PorticoError && error.code === 'PORTICO_VALUE_REFUSED')) throw error
        // no store ever takes it, and the others must not wait behind it
        log.error({ err: error, kind: next.kind }, 'a revocation that no store can keep: it holds in this process alone')
      }
      outbox.shift()
    }
  }

  const send = async (): Promise<void> => {
    while (outbox.length > 0) {
      // one at a time, so that none is sent twice
      sending ??= drain().finally(() => { sending = undefined })
      await sending
    }
  }

  return {
    matches: revocations.matches,
    sweep: revocations.sweep,
    all: revocations.all,
    send,

    async revoke (revocation) {
      const lasting = { ...revocation, expiresAt: Math.max(revocation.expiresAt, now() + retention(configuration())) }
      outbox.push(lasting)
      if (revocations.add(lasting)) changed()
      try {
        await send()
      } catch (error) {
        log.error({ err: error, kind: revocation.kind }, 'the store does not take a revocation: it holds in this process, and is tried again')
      }
    },

    learn (news) {
      const isNew = news.map(revocation => revocations.add(revocation))
      if (isNew.includes(true)) changed()
    }
  }
}
