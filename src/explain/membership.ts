import { addressesFor, askAddresses, foreseeMember } from '../access/members.ts'
import type { Configuration, Connection } from '../config/configuration.ts'
import { dateText } from '../config/dates.ts'
import { parseEmail, type Email } from '../config/schema/email.ts'
import { PorticoError } from '../errors.ts'
import { addressOf, type Member, type MemberStore } from '../store/members.ts'
import type { Leg } from './arrival.ts'
import type { Records } from './recorded.ts'
import type { Decider, Step, Verdict } from './step.ts'

/** Who the person turns out to be. */
export interface Recognized extends Leg {
  /** The invited address where it differs from the e-mail. */
  readonly invited?: string | undefined
  readonly member?: Member | undefined
  /** Whether this would be their first sign-in; undefined where the store cannot say. */
  readonly isNew?: boolean
}

const holds = (...addresses: readonly string[]) => (text: string): boolean => addresses.includes(parseEmail(text)?.email ?? '')

const blockedSetting = (file: string, email: string): Decider =>
  ({ file, path: ['members', 'blocked'], item: holds(email), else: { file, path: ['blocked'], item: holds(email) } })

const listSetting = (file: string, item: (text: string) => boolean): Decider =>
  ({ file, path: ['members', 'invited'], item, else: { file, path: ['members', 'invited_file'], item, else: { file, path: ['members'], key: true } } })

const refused = (connection: Connection, error: PorticoError): Verdict => ({
  outcome: 'refused',
  says: `signs in at the provider of ${connection.id}, and is refused: wanted ${error.wanted ?? ''}, got ${error.got ?? ''}`,
  code: error.code,
  remedy: error.remedy,
  connection: connection.id
})

/** Runs what may refuse. Whatever else goes wrong is not for here. */
const attempt = async <T>(work: () => T | Promise<T>): Promise<{ readonly value: T } | { readonly error: PorticoError }> => {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof PorticoError) return { error }
    throw error
  }
}

const refusedStep = ({ organization, matching, location: { file } }: Connection, email: string, { code }: PorticoError): Step => code === 'PORTICO_MEMBER_BLOCKED'
  ? { step: 'members', says: `${organization.id} blocks ${email}`, decider: blockedSetting(file, email) }
  : {
      step: 'members',
      says: `${organization.id} takes invited people only, and ${email} is not on its list${matching === 'plus_alias' ? ', with a tag or without' : ''}`,
      decider: { file, path: ['members', 'invited_file'], key: true, else: { file, path: ['members', 'invited'], key: true, else: { file, path: ['members'], key: true } } }
    }

const admittedStep = ({ organization, matching, id, location: { file } }: Connection, email: string, addresses: readonly string[]): Step => {
  if (organization.members.kind === 'anyone') {
    return { step: 'members', says: `anybody of its domains is a member of ${organization.id}`, decider: { file, path: ['members'] } }
  }
  const [address = email] = addresses
  const decider = listSetting(file, holds(...addresses))
  if (addresses.length > 1) return { step: 'members', says: `${email} may be ${addresses.join(' or ')}: the person is asked which (${id} has matching: ${matching})`, decider }
  return { step: 'members', says: address === email ? `${email} is invited` : `${email} comes in as ${address}, which is invited (${id} has matching: ${matching})`, decider }
}

const recordStep = (member: Member | undefined): Step => ({
  step: 'record',
  says: member === undefined
    ? 'nobody of that address has signed in so far: the first sign-in makes the record'
    : `is ${member.id}, recorded ${dateText(member.createdAt)} by ${member.connection}, here last ${dateText(member.signedInAt)}${member.subject === undefined ? '; freed: whoever signs in next with the address takes it' : ''}`,
  decider: undefined
})

/** The record that a sign-in with this address would come to, if the account at the provider is the one that was recorded. */
const foresee = async (members: MemberStore, configuration: Configuration, connection: Connection, email: string, address: string): Promise<Member | undefined> => {
  const own = (await members.membersByEmail(email)).find(member =>
    member.organization === connection.organization.id && member.connection === connection.id && addressOf(member) === address)
  const identity = { subject: own?.subject ?? '', email, name: undefined, groups: [], idpSession: undefined, amr: undefined, acr: undefined, authTime: 0 }
  return await foreseeMember(members, configuration, connection, identity, address)
}

/** Membership: blocked, invited, recorded elsewhere (product R14, R19, R20, R25). */
export const recognize = async (configuration: Configuration, records: Records, connection: Connection, { email }: Email): Promise<Recognized> => {
  const addresses = await attempt(() => records.kind === 'open' ? askAddresses(records.members, connection, email) : addressesFor(connection, email))
  if ('error' in addresses) {
    return { steps: [refusedStep(connection, email, addresses.error)], verdict: refused(connection, addresses.error) }
  }
  const admitted = admittedStep(connection, email, addresses.value)
  const [address = email, another] = addresses.value
  // whoever is asked decides which record it is
  if (another !== undefined) return { steps: [admitted] }
  const invited = address === email ? undefined : address
  if (records.kind === 'none') return { steps: [admitted, recordStep(undefined)], invited, isNew: true }
  if (records.kind === 'unreadable') {
    return { steps: [admitted, { step: 'record', says: `not known whether they have signed in before: ${records.why}`, decider: undefined }], invited }
  }
  const { members } = records
  const found = await attempt(() => foresee(members, configuration, connection, email, address))
  if (!('error' in found)) return { steps: [admitted, recordStep(found.value)], invited, member: found.value, isNew: found.value === undefined }
  return {
    steps: [admitted, { step: 'record', says: `wanted ${found.error.wanted ?? ''}, got ${found.error.got ?? ''}`, decider: undefined }],
    verdict: refused(connection, found.error)
  }
}
