import { createHash } from 'node:crypto'
import type { Session } from '../sessions/session.ts'
import type { LoginDeps } from './deps.ts'

/**
 * Which sessions at identity providers people came with. Whoever can open an address can name any session to end;
 * to remember each such word for a week would let strangers fill the memory of every instance.
 */
export interface IdpSessions {
  /** Of a sign-in; one without such a session is fine. Throws PORTICO_STORE_UNAVAILABLE. */
  record (session: Pick<Session, 'connection' | 'idpSession' | 'startedAt'>): Promise<void>
  /** Whether anybody came with it lately. Throws PORTICO_STORE_UNAVAILABLE. */
  isKnown (connection: string, idpSession: string): Promise<boolean>
}

/** A provider's name for something, of whatever length, as a key: of one connection's no other has. */
export const providerKey = (connection: string, idpSession: string): string =>
  createHash('sha256').update(JSON.stringify([connection, idpSession])).digest('base64url')

export const createIdpSessions = ({ configuration, store }: Pick<LoginDeps, 'configuration' | 'store'>): IdpSessions => ({
  record: async ({ connection, idpSession, startedAt }) => {
    if (idpSession !== undefined) await store.put('idp_session', providerKey(connection, idpSession), '', startedAt + configuration().session.absolute)
  },
  isKnown: async (connection, idpSession) => await store.get('idp_session', providerKey(connection, idpSession)) !== undefined
})
