import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { PorticoError } from '../errors.ts'
import type { LoginDeps } from './deps.ts'
import { openSealed, randomName } from './sealed.ts'
import { demandOwnPage, only, type Visit } from './visit.ts'

/** Seconds that a question may stand. */
const lifetime = 10 * 60

/** Questions of one kind to the person in front of the browser: what each is about waits sealed in the store. */
export interface Questions<T> {
  /** Keeps what the question is about; answers with the `handle` of its form. Throws PORTICO_STORE_UNAVAILABLE. */
  ask (subject: T): Promise<string>
  /**
   * What the form that was sent answers, once; undefined where nothing is open. Throws PORTICO_CROSS_SITE for
   * what no page of ours has sent, and PORTICO_STORE_UNAVAILABLE.
   */
  take (visit: Visit): Promise<T | undefined>
}

/** An answer to nothing that is open. */
export const lostQuestion = (): PorticoError =>
  new PorticoError('PORTICO_ATTEMPT_LOST', { wanted: 'an open question of this browser', got: 'none, or one that was answered' })

/** `kind` keeps the handles of one kind from being those of another. */
export const createQuestions = <T extends Record<string, unknown>>(kind: 'choose' | 'replace', schema: z.ZodType<T>, { configuration, sealer, store, now }: Pick<LoginDeps, 'configuration' | 'sealer' | 'store' | 'now'>): Questions<T> => {
  const keyOf = (handle: string): string => createHash('sha256').update(`${kind}|${handle}`).digest('base64url')
  return {
    ask: async subject => {
      const handle = randomName(32)
      await store.put('handle', keyOf(handle), sealer().seal('handle', subject), now() + lifetime)
      return handle
    },

    take: async visit => {
      demandOwnPage(visit, configuration().authOrigin)
      const handle = only(visit.form, 'handle')
      const sealed = handle === undefined ? undefined : await store.take('handle', keyOf(handle))
      return openSealed(sealer(), 'handle', schema, sealed)
    }
  }
}
