import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import type { Account } from './companies.ts'
// What it escapes is what XML needs escaped.
import { html as xml } from './html.ts'
import { bindings, parseXml, signXml, spaces, textWithin, within } from './saml-xml.ts'
import type { KeyPair } from './saml-xml.ts'

/** The provider's own side. */
export interface IdentityProvider extends KeyPair {
  readonly entityId: string
  readonly sso: string
  readonly slo: string
}

/** Portico, as its metadata describes it. */
export interface ServiceProvider {
  readonly entityId: string
  /** Where responses go: its AssertionConsumerService. */
  readonly acs: string
  /** Where messages of logout go: its SingleLogoutService. */
  readonly slo: string
  /** PEM: what it signs with, today and next. */
  readonly certificates: readonly string[]
}

/** Somebody who is signed in at the provider. */
export interface Session {
  readonly account: Account
  /** Its name in messages. */
  readonly index: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const status = 'urn:oasis:names:tc:SAML:2.0:status:'
const namespaces = { html: `xmlns:samlp="${spaces.protocol}" xmlns:saml="${spaces.assertion}"` }

const minutes = (count: number): string => new Date(Date.now() + count * 60_000).toISOString()
const envelope = () => ({ html: `${namespaces.html} ID="_${randomUUID()}" Version="2.0" IssueInstant="${minutes(0)}"` })

/** Who it is for ever, whatever becomes of the e-mail: opaque, and another one for every service provider (SAML Core §8.3.7). */
const nameIdOf = (idp: IdentityProvider, sp: ServiceProvider, { email }: Account): string =>
  createHash('sha256').update([idp.entityId, sp.entityId, email].join('\n')).digest('hex').slice(0, 32)

/** What Portico is told: service provider metadata (SAML Metadata §2.4.4). Throws when it is none. */
export const readServiceProvider = (metadata: string): ServiceProvider => {
  const root = parseXml(metadata)
  const location = (service: string): string => within(root, 'metadata', service)[0]?.getAttribute('Location') ?? ''
  const certificates = within(root, 'metadata', 'KeyDescriptor')
    .filter(key => key.getAttribute('use') !== 'encryption')
    .map(key => new X509Certificate(Buffer.from(textWithin(key, 'signature', 'X509Certificate'), 'base64')).toString())
  return { entityId: root.getAttribute('entityID') ?? '', acs: location('AssertionConsumerService'), slo: location('SingleLogoutService'), certificates }
}

/** The provider's own metadata (SAML Metadata §2.4.3). */
export const metadataXml = ({ entityId, sso, slo, certificate }: IdentityProvider): string => xml`<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="${spaces.metadata}" xmlns:ds="${spaces.signature}" entityID="${entityId}">
<md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="${spaces.protocol}">
<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate.replaceAll(/-----[^-]+-----|\s/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
${Object.values(bindings).map(binding => xml`<md:SingleLogoutService Binding="${binding}" Location="${slo}"/>\n`)}
<md:NameIDFormat>${persistent}</md:NameIDFormat>
${Object.values(bindings).map(binding => xml`<md:SingleSignOnService Binding="${binding}" Location="${sso}"/>\n`)}
</md:IDPSSODescriptor>
</md:EntityDescriptor>
`.html

const assertionXml = (idp: IdentityProvider, sp: ServiceProvider, { account, index, since }: Session, inResponseTo: string | undefined): string => {
  const attributes = { mail: [account.email], displayName: [account.name], memberOf: account.groups }
  return xml`<saml:Assertion ${envelope()}>
<saml:Issuer>${idp.entityId}</saml:Issuer>
<saml:Subject>
<saml:NameID Format="${persistent}">${nameIdOf(idp, sp, account)}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="${sp.acs}" NotOnOrAfter="${minutes(5)}"${inResponseTo === undefined ? '' : xml` InResponseTo="${inResponseTo}"`}/></saml:SubjectConfirmation>
</saml:Subject>
<saml:Conditions NotBefore="${minutes(-1)}" NotOnOrAfter="${minutes(5)}"><saml:AudienceRestriction><saml:Audience>${sp.entityId}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="${new Date(since).toISOString()}" SessionIndex="${index}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement>
${Object.entries(attributes).map(([name, values]) => xml`<saml:Attribute Name="${name}">${values.map(value => xml`<saml:AttributeValue>${value}</saml:AttributeValue>`)}</saml:Attribute>\n`)}
</saml:AttributeStatement>
</saml:Assertion>`.html
}

/**
 * A signed response (SAML Core §3.3.3): with the signed assertion of a session, or the reason why there is none,
 * the last part of a second-level status (§3.2.2.2). `inResponseTo` is undefined where nobody asked.
 */
export const responseXml = (idp: IdentityProvider, sp: ServiceProvider, { inResponseTo, outcome }: { inResponseTo: string | undefined, outcome: Session | 'AuthnFailed' | 'NoPassive' }): string => {
  const statusCode = typeof outcome === 'string'
    ? xml`<samlp:StatusCode Value="${status}Responder"><samlp:StatusCode Value="${status}${outcome}"/></samlp:StatusCode>`
    : xml`<samlp:StatusCode Value="${status}Success"/>`
  return signXml(xml`<samlp:Response ${envelope()} Destination="${sp.acs}"${inResponseTo === undefined ? '' : xml` InResponseTo="${inResponseTo}"`}>
<saml:Issuer>${idp.entityId}</saml:Issuer>
<samlp:Status>${statusCode}</samlp:Status>
${typeof outcome === 'string' ? '' : { html: signXml(assertionXml(idp, sp, outcome, inResponseTo), idp) }}
</samlp:Response>`.html, idp)
}

/** Asks Portico to sign somebody out (SAML Core §3.7.1); signed by what carries it. */
export const logoutRequestXml = (idp: IdentityProvider, sp: ServiceProvider, { account, index }: Session): string =>
  xml`<samlp:LogoutRequest ${envelope()} Destination="${sp.slo}" NotOnOrAfter="${minutes(5)}"><saml:Issuer>${idp.entityId}</saml:Issuer><saml:NameID Format="${persistent}">${nameIdOf(idp, sp, account)}</saml:NameID><samlp:SessionIndex>${index}</samlp:SessionIndex></samlp:LogoutRequest>`.html

/** Tells Portico that the sign-out it asked for is done (SAML Core §3.7.2); signed by what carries it. */
export const logoutResponseXml = (idp: IdentityProvider, sp: ServiceProvider, inResponseTo: string): string =>
  xml`<samlp:LogoutResponse ${envelope()} Destination="${sp.slo}" InResponseTo="${inResponseTo}"><saml:Issuer>${idp.entityId}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${status}Success"/></samlp:Status></samlp:LogoutResponse>`.html

/** Whether a LogoutRequest means this session: its person, and its index where any is named. */
export const isMeant = (root: Element, idp: IdentityProvider, sp: ServiceProvider, { account, index }: Session): boolean => {
  const indexes = within(root, 'protocol', 'SessionIndex').map(({ textContent }) => textContent?.trim())
  return textWithin(root, 'assertion', 'NameID') === nameIdOf(idp, sp, account) && (indexes.length === 0 || indexes.includes(index))
}
