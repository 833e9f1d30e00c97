import { askAddresses, recordMember } from '../access/members.ts'
import type { Connection } from '../config/configuration.ts'
import type { Identity } from '../connections/connector.ts'
import { PorticoError } from '../errors.ts'
import { newSid, type Session } from '../sessions/session.ts'
import type { LoginDeps } from './deps.ts'
import { dueAt } from './refresh.ts'

/** What membership decided: a session to begin, or which of several invited addresses the person means (R20). */
export type Admission =
  | { readonly kind: 'session', readonly session: Session }
  | { readonly kind: 'choose', readonly candidates: readonly string[] }

/**
 * Decides whether whom the provider named is let in, and as which member. `chosen` is what the person
 * answered when asked. Throws the refusal, or PORTICO_STORE_UNAVAILABLE.
 */
export type Admit = (identity: Identity, connection: Connection, generation: number, chosen?: string) => Promise<Admission>

/** Membership (product.md, flow 4). `generation` is the connection's trust as the attempt began. */
export const createAdmit = ({ configuration, store, now }: Pick<LoginDeps, 'configuration' | 'store' | 'now'>): Admit => async (identity, connection, generation, chosen) => {
  const candidates = await askAddresses(store, connection, identity.email)
  const address = chosen ?? (candidates.length === 1 ? candidates[0] : undefined)
  if (address === undefined) return { kind: 'choose', candidates }
  if (!candidates.includes(address)) {
    throw new PorticoError('PORTICO_NOT_INVITED', { wanted: `one of ${candidates.length} invited addresses`, got: 'another', connection: connection.id })
  }
  const { refresh } = connection
  const { member, isNew } = await recordMember(store, configuration(), connection, identity, address, now())
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
      saml: identity.saml,
      email: identity.email,
      invited: member.invited,
      name: identity.name,
      groups: [...identity.groups],
      newUser: isNew,
      ...refresh !== undefined && identity.tokens?.refreshToken !== undefined && { refreshes: true, refreshAt: dueAt(refresh, identity.tokens.accessTokenExpires, now()) },
      amr: identity.amr === undefined ? undefined : [...identity.amr],
      acr: identity.acr,
      authTime: identity.authTime,
      authTimeAssumed: identity.authTimeAssumed,
      startedAt: now()
    }
  }
}
