import type { Connection } from '../../config/configuration.ts'
import { parseEmail, type Email } from '../../config/schema/email.ts'
import { PorticoError } from '../../errors.ts'
import type { Identity } from '../connector.ts'
import { ownDomain, requiredAcr, requiredAmr, shortName } from '../demands.ts'
import type { Trace } from '../trace.ts'
import { claim, isTrue } from './claim.ts'
import { isSound, isValue } from '../sound.ts'
import type { Claims, Dialect, Subject } from './dialect.ts'
import { foreignText } from '../foreign.ts'
import { pickGroups } from '../groups.ts'
import type { Profile } from './profile.ts'
import { enforce, type Verdict } from '../verdict.ts'

const invalid = (name: string, wanted: string, value: unknown): PorticoError => {
  const kind = Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
  return new PorticoError('PORTICO_CLAIM_INVALID', { wanted: `${wanted} as ${foreignText(name)}`, got: typeof value === 'string' ? 'a text with control characters, or too long' : kind })
}

/** The claim that the e-mail is read from: the first that is there. */
const emailClaim = (claims: Claims, names: readonly string[]): string =>
  names.find(name => (claim(claims, name) ?? '') !== '') ?? names.join(' or ')

/** N2, H3, H4: one plain address. Throws PORTICO_EMAIL_MISSING and PORTICO_EMAIL_INVALID. */
const readEmail = (claims: Claims, name: string, trace: Trace | undefined): Email => {
  const value = claim(claims, name)
  const email = typeof value === 'string' ? parseEmail(value) : undefined
  const isMissing = value === undefined || value === ''
  const verdict: Verdict = {
    name: 'e-mail',
    passed: email !== undefined,
    code: isMissing ? 'PORTICO_EMAIL_MISSING' : 'PORTICO_EMAIL_INVALID',
    wanted: `one plain address as ${name}`,
    got: isMissing ? 'none' : foreignText(JSON.stringify(value) ?? '')
  }
  enforce(verdict, trace)
  if (email === undefined) throw new PorticoError(verdict.code, verdict)
  return email
}

/** Entra and others leave a claim that is too large out and say where else it is: that is not its absence. */
const presentHere = (claims: Claims, names: readonly string[], groups: string): Verdict | undefined => {
  const elsewhere = claim(claims, '_claim_names')
  const named = typeof elsewhere === 'object' && elsewhere !== null ? names.find(name => Object.hasOwn(elsewhere, name)) : undefined
  const missing = named ?? (groups === 'groups' && isTrue(claim(claims, 'hasgroups')) ? groups : undefined)
  if (missing === undefined) return undefined
  const passed = claim(claims, missing) !== undefined
  return { name: '_claim_names', passed, code: 'PORTICO_GROUPS_ELSEWHERE', wanted: `${missing} in the token`, got: passed ? 'there' : 'a hint where else it is (overage)' }
}

const nameOf = (claims: Claims, name: string): string | undefined => {
  const value = claim(claims, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !isSound(value)) throw invalid(name, 'a text without control characters', value)
  return shortName(value)
}

/** G6: a list of texts, one text, or nothing; whatever else it is, guessing would be wrong. */
const groupsOf = (claims: Claims, name: string): readonly string[] => {
  const value = claim(claims, name)
  if (value === undefined) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map(each => {
    if (!isValue(each)) throw invalid(name, 'a list of texts', each)
    return each
  })
}

/** A claim that goes on as it is: undefined when it is of a kind that no app could use. */
const passedOn = (claims: Claims, name: string): string | undefined => {
  const value = claim(claims, name)
  if (typeof value !== 'string' || value === '') return undefined
  if (!isValue(value)) throw invalid(name, 'a text without control characters', value)
  return value
}

const methodsOf = (claims: Claims): readonly string[] | undefined => {
  const value = claim(claims, 'amr')
  if (!Array.isArray(value) || !value.every(each => typeof each === 'string')) return undefined
  const odd = value.find(each => !isValue(each))
  if (odd !== undefined) throw invalid('amr', 'texts without control characters', odd)
  return value
}

/** What an identity is made of, beside the person's claims. */
export interface Source {
  readonly subject: Subject | undefined
  /** When it was said, in seconds: stands in for `auth_time`. */
  readonly issuedAt: number
}

/** All of an identity but for the e-mail. Throws PORTICO_CLAIM_INVALID, PORTICO_GROUPS_ELSEWHERE, PORTICO_ACR_REQUIRED, PORTICO_AMR_REQUIRED and a connector's own refusals. */
export const mapPerson = ({ claims, origin }: Profile, { subject, issuedAt }: Source, dialect: Dialect, connection: Connection, trace: Trace | undefined): Omit<Identity, 'email'> => {
  const { claims: names } = dialect
  for (const check of dialect.identityChecks) enforce(check(claims), trace)
  enforce(presentHere(claims, [...names.email, names.name, names.groups], names.groups), trace)
  if (subject === undefined) throw new PorticoError('PORTICO_ID_TOKEN_SUBJECT', { wanted: 'the claims that identify a person here', got: 'not all of them, or no texts' })
  trace?.field({ field: 'subject', value: subject.value, from: subject.from })
  const name = nameOf(claims, names.name)
  trace?.field({ field: 'name', value: name, from: origin(names.name) })
  const { groups, how } = pickGroups(groupsOf(claims, names.groups), connection.groups)
  trace?.field({ field: 'groups', value: groups, from: `${origin(names.groups)}${how}` })
  const [acr, amr, time] = [passedOn(claims, 'acr'), methodsOf(claims), claim(claims, 'auth_time')]
  const isSaid = typeof time === 'number' && Number.isFinite(time)
  const authTime = Math.floor(isSaid ? time : issuedAt)
  trace?.field({ field: 'acr', value: acr, from: origin('acr') })
  trace?.field({ field: 'amr', value: amr, from: origin('amr') })
  trace?.field({ field: 'auth_time', value: String(authTime), from: origin(typeof time === 'number' ? 'auth_time' : 'iat') })
  enforce(requiredAcr(connection, acr), trace)
  enforce(requiredAmr(connection, amr), trace)
  return { subject: subject.value, name, groups, idpSession: passedOn(claims, 'sid'), amr, acr, authTime, ...!isSaid && { authTimeAssumed: true } }
}

/**
 * The connector's rule of behaviours §4: keyed by what its provider never changes, never by e-mail; the
 * e-mail believed and of a domain that may be asserted. `profile` is verified. Throws as `mapPerson`, and
 * PORTICO_EMAIL_*.
 */
export const mapIdentity = (profile: Profile, source: Source, dialect: Dialect, connection: Connection, trace?: Trace): Identity => {
  const { claims, origin } = profile
  const person = mapPerson(profile, source, dialect, connection, trace)
  const name = emailClaim(claims, dialect.claims.email)
  const email = readEmail(claims, name, trace)
  trace?.field({ field: 'email', value: email.email, from: origin(name) })
  enforce(dialect.vouched(claims, email), trace)
  enforce(ownDomain(email, dialect.assertable(claims)), trace)
  return { ...person, email: email.email }
}
