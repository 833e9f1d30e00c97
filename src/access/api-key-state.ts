import type { AppPlace, Configuration, Connection } from '../config/configuration.ts'
import { successorOf } from '../config/standing.ts'
import type { ApiKey } from '../store/api-keys.ts'
import type { Member } from '../store/members.ts'
import { mayUse } from './apps.ts'
import { isAdmitted } from './members.ts'

/** `paused` until its owner has signed in again; `ended` because owner, connection or organization is no more what it was. */
export type ApiKeyState = 'active' | 'expired' | 'paused' | 'ended'

/**
 * The active connection that a member signs in through at `now` (seconds): the one of the last sign-in,
 * or what has taken over from it (product.md R10). Undefined when there is none.
 */
export const connectionOfMember = (configuration: Configuration, member: Pick<Member, 'connection' | 'organization'>, now: number): Connection | undefined => {
  const latest = configuration.connections.get(member.connection) ?? heirOf(configuration, member)
  const connection = latest === undefined ? undefined : successorOf(configuration, latest, now)
  return connection?.organization.id === member.organization ? connection : undefined
}

/** What takes over from a connection that is no longer configured itself. */
const heirOf = (configuration: Configuration, { connection, organization }: Pick<Member, 'connection' | 'organization'>): Connection | undefined =>
  configuration.organizations.get(organization)?.connections.find(({ replaces }) => replaces === connection)

/** The domain of an address in its canonical form, which has one `@`. */
const domainOf = (email: string): string => email.slice(email.indexOf('@') + 1)

/** Whether the connection would still let this member in, by what is configured and recorded: nobody asks the provider. */
export const isStillMember = (member: Member, { organization, assertable }: Connection): boolean =>
  member.blockedAt === undefined && assertable.has(domainOf(member.email)) && isAdmitted(organization, member)

/**
 * How a key stands at `now` (seconds), for any app. Judged at each use, since every part of it may have
 * changed since the last (behaviours.md V21, V33).
 */
export const apiKeyState = (configuration: Configuration, key: ApiKey, member: Member, now: number): ApiKeyState => {
  const connection = key.organization === member.organization ? connectionOfMember(configuration, member, now) : undefined
  if (connection === undefined || !isStillMember(member, connection)) return 'ended'
  if (now >= key.expiresAt) return 'expired'
  return now >= member.signedInAt + configuration.apiKeys.pauseAfter ? 'paused' : 'active'
}

/** Whether a key opens this place: it names the app, and its owner may still use it. */
export const opens = (configuration: Configuration, key: ApiKey, member: Member, { app }: AppPlace): boolean => {
  const organization = configuration.organizations.get(member.organization)
  return organization !== undefined && key.apps.includes(app.id) && mayUse(organization, app, member.groups)
}
