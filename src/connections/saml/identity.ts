import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Identity } from '../connector.ts'
import { ownDomain, requiredAcr, requiredAmr, shortName } from '../demands.ts'
import { isSound, isValue } from '../sound.ts'
import { foreignText } from '../foreign.ts'
import { pickGroups } from '../groups.ts'
import { enforce, type Verdict } from '../verdict.ts'
import type { Trace } from '../trace.ts'
import { accountNames, firstOf, fullName, groupsElsewhere, vouching } from './attributes.ts'
import { readEmail } from './email.ts'
import { factsOf, isKeepable, lastingNameId, single, type Facts, type Found } from './facts.ts'
import type { Assertion, Received } from './received.ts'
import { samlSettings } from './settings.ts'
import { subjectByAttribute, subjectOf } from './subject.ts'

const invalid = (name: string, wanted: string): PorticoError =>
  new PorticoError('PORTICO_CLAIM_INVALID', { wanted: `${wanted} as attribute ${foreignText(name)}`, got: 'one with control characters, or too long' })

/** Behaviours section 4: what the provider never changes; the NameID unless an attribute is named for it. */
const subjectFrom = ({ assertion, attributes, names }: Facts, isNamed: boolean): Found | undefined => {
  const nameId = isNamed ? undefined : lastingNameId(assertion)
  if (nameId !== undefined) {
    return isKeepable(nameId) ? { value: subjectOf(assertion.issuer, nameId), from: 'entityID and NameID' } : undefined
  }
  const found = firstOf(attributes, names.subject)
  const value = single(found?.values ?? [])
  return found !== undefined && isValue(value) ? { value: subjectByAttribute(assertion.issuer, value), from: `entityID and attribute ${found.name}` } : undefined
}

const unfit = (assertion: Assertion): string =>
  assertion.nameId === undefined ? 'no NameID' : lastingNameId(assertion) === undefined ? 'a transient NameID' : 'a NameID that cannot be kept'

const readSubject = (facts: Facts, isNamed: boolean, trace: Trace | undefined): string => {
  const found = subjectFrom(facts, isNamed)
  enforce({
    name: 'Subject',
    passed: found !== undefined,
    code: 'PORTICO_SAML_SUBJECT',
    wanted: isNamed ? `one value of ${facts.names.subject.join(' or ')}` : 'a NameID that is not transient, or an attribute that never changes',
    got: found?.from ?? (isNamed ? 'none, several, or one that cannot be kept' : unfit(facts.assertion))
  }, trace)
  trace?.field({ field: 'subject', value: found?.value, from: found?.from ?? 'nowhere' })
  return found?.value ?? ''
}

/** Says that somebody is a guest of an Entra tenant; undefined where nothing does. */
const signOfGuest = ({ assertion, attributes }: Facts): string | undefined => {
  const named = [assertion.nameId?.value ?? '', ...accountNames.flatMap(name => attributes.get(name) ?? [])]
  if (named.some(value => /#ext#/i.test(value))) return '#EXT# in the name of the account'
  const [[provider], [tenant = '']] = [attributes.get(vouching.provider) ?? [], attributes.get(vouching.tenant) ?? []]
  return provider === undefined || [assertion.issuer, `https://sts.windows.net/${tenant}/`].includes(provider)
    ? undefined
    : `identityprovider ${foreignText(provider)}`
}

/** A guest is somebody of another company, vouched for by an invitation alone. */
const noGuest = (facts: Facts): Verdict => {
  const sign = signOfGuest(facts)
  return {
    name: 'guest',
    passed: sign === undefined,
    code: 'PORTICO_GUEST_ACCOUNT',
    wanted: 'a member of the tenant',
    got: sign ?? 'no sign of a guest',
    remedy: 'The person is a guest of the tenant: they use the account of their own company, through a connection of that company.'
  }
}

const textOf = ({ attributes }: Facts, names: readonly string[]): Found | undefined => {
  const found = firstOf(attributes, names)
  const [value] = found?.values ?? []
  if (found === undefined || value === undefined) return undefined
  if (!isSound(value)) throw invalid(found.name, 'a text without control characters')
  return { value, from: `attribute ${found.name}` }
}

/** The display name, or first and last name, or a full name that is no account's. */
const nameFrom = (facts: Facts): Found | undefined => {
  const whole = textOf(facts, facts.names.name)
  if (whole !== undefined) return whole
  const parts = [textOf(facts, facts.names.firstName), textOf(facts, facts.names.lastName)].filter(part => part !== undefined)
  if (parts.length > 0) return { value: parts.map(({ value }) => value).join(' '), from: parts.map(({ from }) => from).join(' and ') }
  const full = textOf(facts, [fullName])
  return full === undefined || full.value.includes('@') ? undefined : full
}

const readGroups = ({ attributes, names }: Facts, connection: Connection, trace: Trace | undefined): readonly string[] => {
  const found = firstOf(attributes, names.groups)
  const isElsewhere = attributes.has(groupsElsewhere)
  enforce(!isElsewhere ? undefined : { name: 'groups.link', passed: found !== undefined, code: 'PORTICO_GROUPS_ELSEWHERE', wanted: 'groups in the assertion', got: found === undefined ? 'a hint where else they are (overage)' : 'there' }, trace)
  const given = found?.values ?? []
  if (found !== undefined && !given.every(isValue)) throw invalid(found.name, 'texts without control characters')
  const { groups, how } = pickGroups(given, connection.groups)
  trace?.field({ field: 'groups', value: groups, from: `${found === undefined ? 'none of the attributes that carry groups' : `attribute ${found.name}`}${how}` })
  return groups
}

/** A part of the AuthnStatement that goes on as it is. */
const passedOn = (name: string, value: string | undefined): string | undefined => {
  if (value === undefined || value === '') return undefined
  if (!isValue(value)) throw invalid(name, 'a text without control characters')
  return value
}

const readMethods = ({ attributes, names }: Facts): Found<readonly string[]> | undefined => {
  const found = firstOf(attributes, names.amr)
  if (found === undefined) return undefined
  if (!found.values.every(isValue)) throw invalid(found.name, 'texts without control characters')
  return { value: found.values, from: `attribute ${found.name}` }
}

const time = (seconds: number): string => new Date(seconds * 1_000).toISOString()

/** All that the provider said, for people. */
const saidBy = ({ issuer, nameId, statements, attributes }: Assertion): Readonly<Record<string, unknown>> => ({
  Issuer: issuer,
  NameID: nameId,
  AuthnStatement: statements.map(({ authnInstant, sessionIndex, authnContextClassRef }) =>
    ({ AuthnInstant: time(authnInstant), SessionIndex: sessionIndex, AuthnContextClassRef: authnContextClassRef })),
  Attributes: Object.fromEntries(attributes.map(([name, [first, ...others]]) => [name, others.length === 0 ? first ?? '' : [first, ...others]]))
})

/**
 * The rule of behaviours section 4 for SAML: keyed by entityID and a NameID that lasts, or by the configured
 * attribute; one e-mail of a domain that may be asserted. The assertion is verified. Throws
 * PORTICO_SAML_SUBJECT, PORTICO_EMAIL_*, PORTICO_GUEST_ACCOUNT, PORTICO_CLAIM_INVALID,
 * PORTICO_GROUPS_ELSEWHERE, PORTICO_ACR_REQUIRED and PORTICO_AMR_REQUIRED.
 */
export const mapIdentity = ({ assertion, certificate }: Received, connection: Connection, trace?: Trace): Identity => {
  trace?.claims('assertion', saidBy(assertion))
  const { attributes: settings } = samlSettings(connection)
  const facts = factsOf(assertion, connection)
  enforce(noGuest(facts), trace)
  const subject = readSubject(facts, settings.subject !== undefined, trace)
  const name = nameFrom(facts)
  trace?.field({ field: 'name', value: name?.value, from: name?.from ?? 'none of the attributes that carry a name' })
  const groups = readGroups(facts, connection, trace)

  const [statement] = assertion.statements
  const acr = passedOn('AuthnContextClassRef', statement?.authnContextClassRef)
  const amr = readMethods(facts)
  const authTime = Math.floor(statement?.authnInstant ?? assertion.issueInstant)
  trace?.field({ field: 'acr', value: acr, from: 'AuthnContextClassRef' })
  trace?.field({ field: 'amr', value: amr?.value, from: amr?.from ?? 'none of the attributes that carry methods' })
  trace?.field({ field: 'auth_time', value: String(authTime), from: statement === undefined ? 'IssueInstant' : 'AuthnInstant' })
  enforce(requiredAcr(connection, acr), trace)
  enforce(requiredAmr(connection, amr?.value), trace)

  const email = readEmail(facts, settings.email !== undefined, trace)
  enforce(ownDomain(email, connection.assertable), trace)
  return {
    subject,
    email: email.email,
    name: name === undefined ? undefined : shortName(name.value),
    groups,
    idpSession: passedOn('SessionIndex', statement?.sessionIndex),
    amr: amr?.value,
    acr,
    authTime,
    ...statement === undefined && { authTimeAssumed: true },
    saml: { certificate, nameId: assertion.nameId !== undefined && isKeepable(assertion.nameId) ? assertion.nameId : undefined }
  }
}
