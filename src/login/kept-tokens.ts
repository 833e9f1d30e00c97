import { z } from 'zod'
import type { Tokens } from '../connections/connector.ts'
import type { Session } from '../sessions/session.ts'
import type { LoginDeps } from './deps.ts'
import { openSealed } from './sealed.ts'

/** The item `tokens` of a session's id, sealed. */
export const tokensSchema = z.object({
  idToken: z.string().optional(),
  accessToken: z.string().optional(),
  refreshToken: z.string().optional(),
  accessTokenExpires: z.number().optional(),
  ofSignIn: z.record(z.string(), z.unknown()).optional(),
  refreshAt: z.number().optional()
})

/** What is kept of a session's tokens. */
export interface Kept extends Tokens {
  /** Seconds since the epoch: when they are to be refreshed; undefined until they were for the first time. */
  readonly refreshAt?: number | undefined
}

/** What identity providers gave along with sign-ins, for as long as the session of one can last. */
export interface KeptTokens {
  /** Nothing to keep is fine. Throws PORTICO_STORE_UNAVAILABLE. */
  keep (session: Pick<Session, 'sid' | 'startedAt'>, tokens: Kept | undefined): Promise<void>
  /** Undefined where there are none. Throws PORTICO_STORE_UNAVAILABLE. */
  read (sid: string): Promise<Kept | undefined>
  /** As `read`, and they are forgotten. */
  take (sid: string): Promise<Kept | undefined>
}

/** Keeps tokens in the store alone: no cookie has room for them, and nobody else is to hold them. */
export const createKeptTokens = ({ configuration, sealer, store }: Pick<LoginDeps, 'configuration' | 'sealer' | 'store'>): KeptTokens => {
  const open = (sealed: string | undefined): Kept | undefined => openSealed(sealer(), 'tokens', tokensSchema, sealed)

  return {
    keep: async ({ sid, startedAt }, tokens) => {
      if (tokens !== undefined) await store.put('tokens', sid, sealer().seal('tokens', { ...tokens }), startedAt + configuration().session.absolute)
    },
    read: async sid => open(await store.get('tokens', sid)),
    take: async sid => open(await store.take('tokens', sid))
  }
}
