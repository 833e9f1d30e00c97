import { mintMemberId } from '../access/members.ts'
import type { Connection } from '../config/configuration.ts'
import type { Identity } from '../connections/connector.ts'
import { newSid, type Session } from '../sessions/session.ts'
import type { LoginDeps } from './deps.ts'
import type { Visit } from './visit.ts'

/** What membership decided: a session to begin. */
export interface Admission { readonly kind: 'session', readonly session: Session }

/** Decides whether whom the provider named is let in, and as which member. Throws the refusal otherwise. */
export type Admit = (identity: Identity, connection: Connection, generation: number, visit: Visit) => Promise<Admission>

/** Membership (product.md, flow 4). `generation` is the connection's trust as the attempt began. */
export const createAdmit = ({ configuration, store, now }: Pick<LoginDeps, 'configuration' | 'store' | 'now'>): Admit => async (identity, connection, generation) => {
  const { member, created } = await store.findOrCreateMember({
    organization: connection.organization.id, connection: connection.id, subject: identity.subject, email: identity.email
  }, mintMemberId, now())
  return {
    kind: 'session',
    session: {
      sid: newSid(),
      host: configuration().authHost,
      member: member.id,
      organization: connection.organization.id,
      connection: connection.id,
      generation,
      subject: identity.subject,
      idpSession: identity.idpSession,
      email: identity.email,
      name: identity.name,
      groups: [...identity.groups],
      newUser: created,
      amr: identity.amr === undefined ? undefined : [...identity.amr],
      acr: identity.acr,
      authTime: identity.authTime,
      startedAt: now()
    }
  }
}
