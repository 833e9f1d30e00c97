/** Seconds from now, or exactly what is to stand there. */
export type Time = number | string

export interface ForgedNameId {
  readonly value: string
  readonly format?: string | undefined
  readonly nameQualifier?: string | undefined
  readonly spNameQualifier?: string | undefined
}

export interface ForgedConfirmation {
  readonly method?: string | undefined
  readonly recipient?: string | undefined
  readonly inResponseTo?: string | undefined
  readonly notBefore?: Time | undefined
  readonly notOnOrAfter?: Time | undefined
}

/** What a response says. What is named and `undefined` is left out of it. */
export interface Facts {
  /** Where it goes: Destination of the response, and Recipient. */
  readonly acs: string
  readonly audience: string
  /** Of the response and of the confirmation. */
  readonly inResponseTo: string | undefined
  /** Of response and assertion. */
  readonly issuer: string | undefined
  readonly responseId: string | undefined
  readonly assertionId: string | undefined
  /** Over those of both. */
  readonly responseIssuer: string | undefined
  readonly assertionIssuer: string | undefined
  readonly responseInResponseTo: string | undefined
  readonly destination: string | undefined
  readonly version: string | undefined
  readonly assertionVersion: string | undefined
  readonly issueInstant: Time | undefined
  /** Top-level status code; undefined leaves Status out. */
  readonly status: string | undefined
  readonly subStatus: string | undefined
  readonly statusMessage: string | undefined
  readonly nameId: ForgedNameId | undefined
  readonly confirmations: readonly ForgedConfirmation[]
  /** Undefined leaves Conditions out. */
  readonly conditions: { readonly notBefore?: Time | undefined, readonly notOnOrAfter?: Time | undefined } | undefined
  /** Each AudienceRestriction with its audiences. */
  readonly audiences: readonly (readonly string[])[]
  /** Undefined leaves AuthnStatement out. */
  readonly authnInstant: Time | undefined
  readonly sessionIndex: string | undefined
  readonly sessionNotOnOrAfter: Time | undefined
  readonly authnContext: string | undefined
  /** Name and values: one Attribute each, so that names may come twice. */
  readonly attributes: readonly (readonly [name: string, values: readonly string[]])[]
}

export const namespaces = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#'
} as const

export const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
export const success = 'urn:oasis:names:tc:SAML:2.0:status:Success'
export const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\r', '&#13;')

/** `2026-11-21T15:00:00Z`; `now` in seconds since the epoch. */
export const timeOf = (time: Time, now: number): string =>
  typeof time === 'string' ? time : new Date(Math.floor(now + time) * 1_000).toISOString().replace('.000', '')

/** ` Name="value"` for each that is not undefined. */
export const attributesOf = (values: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(values).map(([name, value]) => value === undefined ? '' : ` ${name}="${escapeXml(value)}"`).join('')

const element = (name: string, value: string | undefined): string => value === undefined ? '' : `<${name}>${escapeXml(value)}</${name}>`

export const nameIdOf = ({ value, format, nameQualifier, spNameQualifier }: ForgedNameId): string =>
  `<saml:NameID${attributesOf({ Format: format, NameQualifier: nameQualifier, SPNameQualifier: spNameQualifier })}>${escapeXml(value)}</saml:NameID>`

const statusOf = ({ status, subStatus, statusMessage }: Facts): string => {
  if (status === undefined) return ''
  const below = subStatus === undefined ? '' : `<samlp:StatusCode Value="${escapeXml(subStatus)}"/>`
  return `<samlp:Status><samlp:StatusCode Value="${escapeXml(status)}">${below}</samlp:StatusCode>${element('samlp:StatusMessage', statusMessage)}</samlp:Status>`
}

/** The assertion alone, with every namespace that it needs declared on itself; `now` in seconds. */
const assertionOf = (facts: Facts, now: number): string => {
  const at = (time: Time | undefined): string | undefined => time === undefined ? undefined : timeOf(time, now)
  const confirmations = facts.confirmations.map(({ method, recipient, inResponseTo, notBefore, notOnOrAfter }) => [
    `<saml:SubjectConfirmation${attributesOf({ Method: method })}>`,
    `<saml:SubjectConfirmationData${attributesOf({ NotBefore: at(notBefore), NotOnOrAfter: at(notOnOrAfter), Recipient: recipient, InResponseTo: inResponseTo })}/>`,
    '</saml:SubjectConfirmation>'
  ].join(''))
  const restrictions = facts.audiences.map(audiences =>
    `<saml:AudienceRestriction>${audiences.map(audience => element('saml:Audience', audience)).join('')}</saml:AudienceRestriction>`)
  const attributes = facts.attributes.map(([name, values]) => [
    `<saml:Attribute${attributesOf({ Name: name, NameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri' })}>`,
    ...values.map(value => `<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">${escapeXml(value)}</saml:AttributeValue>`),
    '</saml:Attribute>'
  ].join(''))
  return [
    `<saml:Assertion xmlns:saml="${namespaces.assertion}"${attributesOf({ ID: facts.assertionId, Version: facts.assertionVersion, IssueInstant: at(facts.issueInstant) })}>`,
    element('saml:Issuer', facts.assertionIssuer),
    `<saml:Subject>${facts.nameId === undefined ? '' : nameIdOf(facts.nameId)}${confirmations.join('')}</saml:Subject>`,
    facts.conditions === undefined
      ? ''
      : `<saml:Conditions${attributesOf({ NotBefore: at(facts.conditions.notBefore), NotOnOrAfter: at(facts.conditions.notOnOrAfter) })}>${restrictions.join('')}</saml:Conditions>`,
    facts.authnInstant === undefined
      ? ''
      : [
          `<saml:AuthnStatement${attributesOf({ AuthnInstant: at(facts.authnInstant), SessionIndex: facts.sessionIndex, SessionNotOnOrAfter: at(facts.sessionNotOnOrAfter) })}>`,
          `<saml:AuthnContext>${element('saml:AuthnContextClassRef', facts.authnContext)}</saml:AuthnContext></saml:AuthnStatement>`
        ].join(''),
    attributes.length === 0 ? '' : `<saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement>`,
    '</saml:Assertion>'
  ].join('')
}

/** A whole `samlp:Response`, unsigned; `now` in seconds. */
export const responseOf = (facts: Facts, now: number): string => [
  `<samlp:Response xmlns:samlp="${namespaces.protocol}" xmlns:saml="${namespaces.assertion}"`,
  attributesOf({
    ID: facts.responseId,
    Version: facts.version,
    IssueInstant: facts.issueInstant === undefined ? undefined : timeOf(facts.issueInstant, now),
    Destination: facts.destination,
    InResponseTo: facts.responseInResponseTo
  }),
  '>',
  element('saml:Issuer', facts.responseIssuer),
  statusOf(facts),
  assertionOf(facts, now),
  '</samlp:Response>'
].join('')
