import { randomBytes } from 'node:crypto'
import type { NameId } from '../connector.ts'

/** Seconds in which the identity provider should act on a LogoutRequest. */
const requestLifetime = 300

/** What every message of ours says. `now` in seconds since the epoch. */
export interface Heading {
  readonly id: string
  readonly issuer: string
  readonly destination: string
  readonly now: number
}

/** How a LogoutRequest came out (SAML Core §3.2.2.2): `responder` where it is right, and we cannot. */
export type LogoutStatus = 'success' | 'responder'

const statusCodes: Readonly<Record<LogoutStatus, string>> = {
  success: 'urn:oasis:names:tc:SAML:2.0:status:Success',
  responder: 'urn:oasis:names:tc:SAML:2.0:status:Responder'
}

/** An ID that nobody guesses, and that may begin an XML name. */
export const messageId = (): string => `_${randomBytes(20).toString('hex')}`

/** For text and for attributes; blanks that an attribute would lose are kept. */
const escape = (text: string): string => text.replace(/[&<>"'\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)

const attributes = (values: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(values).map(([name, value]) => value === undefined ? '' : ` ${name}="${escape(value)}"`).join('')

const instant = (seconds: number): string => `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`

const message = (name: string, { id, issuer, destination, now }: Heading, more: Readonly<Record<string, string>>, content: string): string =>
  `<samlp:${name} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"` +
  attributes({ ID: id, Version: '2.0', IssueInstant: instant(now), Destination: destination, ...more }) +
  `><saml:Issuer>${escape(issuer)}</saml:Issuer>${content}</samlp:${name}>`

/** A LogoutRequest (SAML Core §3.7.1): the person has asked to be signed out. Names them as the provider did. */
export const logoutRequest = (heading: Heading, { nameId, sessionIndex }: { readonly nameId: NameId, readonly sessionIndex: string | undefined }): string => {
  const { value, format, nameQualifier, spNameQualifier } = nameId
  return message('LogoutRequest', heading, { NotOnOrAfter: instant(heading.now + requestLifetime), Reason: 'urn:oasis:names:tc:SAML:2.0:logout:user' },
    `<saml:NameID${attributes({ Format: format, NameQualifier: nameQualifier, SPNameQualifier: spNameQualifier })}>${escape(value)}</saml:NameID>` +
    (sessionIndex === undefined ? '' : `<samlp:SessionIndex>${escape(sessionIndex)}</samlp:SessionIndex>`))
}

/** A LogoutResponse (SAML Core §3.7.2); `reason` is for whoever reads the provider's log. */
export const logoutResponse = (heading: Heading, { inResponseTo, status, reason }: { readonly inResponseTo: string, readonly status: LogoutStatus, readonly reason?: string | undefined }): string =>
  message('LogoutResponse', heading, { InResponseTo: inResponseTo },
    `<samlp:Status><samlp:StatusCode Value="${statusCodes[status]}"/>${reason === undefined ? '' : `<samlp:StatusMessage>${escape(reason)}</samlp:StatusMessage>`}</samlp:Status>`)
