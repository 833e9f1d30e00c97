import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { Identity } from '../connector.ts'
import { parseEmail, type Email } from '../../config/schema/email.ts'
import { foreignText } from './foreign.ts'
import { oidcSettings } from './settings.ts'
import { isSound } from './sound.ts'

type Claims = Readonly<Record<string, unknown>>

/** Characters that a name is cut to. */
const longestName = 256
/** Characters of one group, an `acr`, an `amr` value or an IdP session id. */
const longestValue = 1_024

/** A claim's own value; `null` says nothing, like an absent one. */
const claim = (claims: Claims, name: string): unknown => {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return value === null ? undefined : value
}

const invalid = (name: string, wanted: string, value: unknown): PorticoError => {
  const kind = Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
  return new PorticoError('PORTICO_CLAIM_INVALID', { wanted: `${wanted} as ${foreignText(name)}`, got: typeof value === 'string' ? 'a text with control characters, or too long' : kind })
}

const isValue = (value: unknown): value is string => typeof value === 'string' && value.length <= longestValue && isSound(value)

/** Whether `email_verified` says so: `true`, or the text `"true"` that Cognito and Apple send; nothing else does. */
const isTrue = (value: unknown): boolean => value === true || value === 'true'

/** Claims that userinfo may complete; all others are the ID token's alone. */
const profileClaims = (connection: Connection): readonly string[] => {
  const { claims: names } = oidcSettings(connection)
  return [names.email, names.name, names.groups, '_claim_names', 'hasgroups']
}

/** Whether something that the identity is made of is still to be asked for at the userinfo endpoint. */
export const lacksClaims = (claims: Claims, connection: Connection): boolean => {
  const { claims: names, dangerously_trust_unverified_email: trusting } = oidcSettings(connection)
  const needed = [names.email, names.name, names.groups, ...(trusting ? [] : ['email', 'email_verified'])]
  return needed.some(name => claim(claims, name) === undefined)
}

/**
 * One set of claims: the ID token's, completed by userinfo's. An e-mail and the word that it is
 * verified come from one place: `email_verified` of one never vouches for `email` of the other.
 */
export const mergeClaims = (idToken: Claims, userinfo: Claims, connection: Connection): Claims => {
  const completed = profileClaims(connection).filter(name => claim(idToken, name) === undefined)
  const email = claim(idToken, 'email')
  const unvouched = claim(idToken, 'email_verified') === undefined && email === claim(userinfo, 'email')
  const source = email === undefined || unvouched ? userinfo : idToken
  return {
    ...idToken,
    ...Object.fromEntries(completed.map(name => [name, claim(userinfo, name)])),
    email: claim(source, 'email'),
    email_verified: claim(source, 'email_verified')
  }
}

/** O13, G5, N2: one plain address that the provider vouches for, or that the operator said to believe. */
const verifiedEmail = (claims: Claims, connection: Connection): Email => {
  const { claims: names, dangerously_trust_unverified_email: trusting } = oidcSettings(connection)
  const value = claim(claims, names.email)
  if (value === undefined || value === '') {
    throw new PorticoError('PORTICO_EMAIL_MISSING', { wanted: `an e-mail as ${names.email}`, got: 'none' })
  }
  const email = typeof value === 'string' ? parseEmail(value) : undefined
  if (email === undefined) {
    throw new PorticoError('PORTICO_EMAIL_INVALID', { wanted: `one plain address as ${names.email}`, got: foreignText(JSON.stringify(value) ?? '') })
  }
  if (trusting) return email
  const verified = claim(claims, 'email_verified')
  const vouchedFor = claim(claims, 'email')
  // Of a claim by another name, `email_verified` says nothing
  const same = typeof vouchedFor === 'string' && parseEmail(vouchedFor)?.email === email.email
  if (!isTrue(verified) || !same) {
    const got = same ? foreignText(JSON.stringify(verified) ?? 'none') : `one for ${foreignText(JSON.stringify(vouchedFor) ?? 'no e-mail')}`
    throw new PorticoError('PORTICO_EMAIL_UNVERIFIED', { wanted: `email_verified: true for ${email.email}`, got })
  }
  return email
}

/** N1, H6, H7: the domain is, exactly, one of this connection's. */
const ownDomain = (email: Email, connection: Connection): void => {
  if (connection.domains.has(email.domain)) return
  throw new PorticoError('PORTICO_EMAIL_DOMAIN', {
    wanted: `an e-mail of ${[...connection.domains].slice(0, 10).join(', ') || 'no domain at all'}`,
    got: email.email
  })
}

/** Entra and others leave a claim that is too large out and say where else it is: that is not its absence. */
const presentHere = (claims: Claims, names: readonly string[], groups: string): void => {
  const elsewhere = claim(claims, '_claim_names')
  const named = typeof elsewhere === 'object' && elsewhere !== null ? names.find(name => Object.hasOwn(elsewhere, name)) : undefined
  const missing = named ?? (groups === 'groups' && isTrue(claim(claims, 'hasgroups')) ? groups : undefined)
  if (missing !== undefined && claim(claims, missing) === undefined) {
    throw new PorticoError('PORTICO_GROUPS_ELSEWHERE', { wanted: `${missing} in the token`, got: 'a hint where else it is (overage)' })
  }
}

const nameOf = (claims: Claims, name: string): string | undefined => {
  const value = claim(claims, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !isSound(value)) throw invalid(name, 'a text without control characters', value)
  const short = Array.from(value.trim()).slice(0, longestName).join('')
  return short === '' ? undefined : short
}

/** G6: a list of texts, one text, or nothing; whatever else it is, guessing would be wrong. */
const groupsOf = (claims: Claims, name: string): readonly string[] => {
  const value = claim(claims, name)
  if (value === undefined) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const groups = list.map(each => {
    if (!isValue(each)) throw invalid(name, 'a list of texts', each)
    return each
  })
  return [...new Set(groups.filter(group => group.trim() !== ''))]
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

/**
 * The connector's rule of behaviours §4 for `oidc`: keyed by `iss` and `sub`, never by e-mail; the
 * e-mail verified and of the connection's own domains. `claims` are verified and merged; `iss` and
 * `sub` come from the ID token.
 */
export const mapIdentity = (claims: Claims, token: { issuer: string, subject: string, issuedAt: number }, connection: Connection): Identity => {
  const { claims: names } = oidcSettings(connection)
  presentHere(claims, [names.email, names.name, names.groups], names.groups)
  const email = verifiedEmail(claims, connection)
  ownDomain(email, connection)
  const authTime = claim(claims, 'auth_time')
  return {
    // An issuer is a URL and holds no blank
    subject: `${token.issuer} ${token.subject}`,
    email: email.email,
    name: nameOf(claims, names.name),
    groups: groupsOf(claims, names.groups),
    idpSession: passedOn(claims, 'sid'),
    amr: methodsOf(claims),
    acr: passedOn(claims, 'acr'),
    authTime: typeof authTime === 'number' ? Math.floor(authTime) : Math.floor(token.issuedAt)
  }
}
