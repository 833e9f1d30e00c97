import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { samlAddressesOf } from '../../src/config/links.ts'
import { createCertificate } from './saml/certificate.ts'
import { encryptElement, type EncryptionOptions } from './saml/encrypting.ts'
import { attributesOf, bearer, escapeXml, nameIdOf, namespaces, persistent, responseOf, success, timeOf, type Facts, type ForgedNameId, type Time } from './saml/message.ts'
import { signatureMethods, signOctets, signXml, type SignatureMethod, type SigningOptions } from './saml/signing.ts'

export interface ForgeOptions {
  readonly entityId?: string
  /** The connection here that it speaks to; its addresses are the defaults of everything. */
  readonly connection?: string
  readonly authOrigin?: string
  /** What it signs with; an RSA key of 2,048 bits when left out. */
  readonly privateKey?: KeyObject
  readonly certificate?: string
  /** Seconds since the epoch: what "now" is for it. */
  readonly now?: () => number
}

export interface MetadataFacts {
  readonly entityId?: string
  /** PEM; its own when left out. */
  readonly certificates?: readonly string[]
  /** Addresses by binding; undefined leaves one out. */
  readonly ssoRedirect?: string | undefined
  readonly ssoPost?: string | undefined
  readonly sloRedirect?: string | undefined
  readonly sloPost?: string | undefined
  readonly validUntil?: Time | undefined
  readonly wantsSignedRequests?: boolean | undefined
}

/** What a LogoutRequest or LogoutResponse says; what is named and `undefined` is left out. */
export interface LogoutFacts {
  readonly id: string | undefined
  readonly issuer: string | undefined
  readonly destination: string | undefined
  readonly version: string | undefined
  readonly issueInstant: Time | undefined
  /** Of a request. */
  readonly notOnOrAfter: Time | undefined
  readonly nameId: ForgedNameId | undefined
  readonly sessionIndexes: readonly string[]
  /** Of a response. */
  readonly inResponseTo: string | undefined
  readonly status: string | undefined
}

export interface ForgeSigning extends Partial<SigningOptions> {
  /** `assertion` when left out. `both` signs the assertion, then the response around it. */
  readonly what?: 'response' | 'assertion' | 'both'
}

/** An identity provider that says whatever a test wants, right or wrong. */
export interface Forge {
  readonly entityId: string
  /** PEM. */
  readonly privateKey: string
  readonly certificate: string
  /** Addresses of our side, by which responses are right by default. */
  readonly sp: { readonly acs: string, readonly metadata: string, readonly slo: string }
  /** Ada's, answering `inResponseTo` of `defaults`, for the connection; unsigned. */
  facts (changed?: Partial<Facts>): Facts
  /** `facts` as XML, unsigned. */
  response (changed?: Partial<Facts>): string
  /** Enveloped signature(s); the root is signed when `what` is `response`, whatever it is. */
  sign (xml: string, options?: ForgeSigning): string
  /** Replaces the only Assertion by an EncryptedAssertion for the owner of a certificate or public key (PEM). */
  encrypt (xml: string, pem: string, options?: EncryptionOptions): string
  /** Value of `SAMLResponse` in a form. */
  post (xml: string): string
  /** Raw query of the Redirect binding (SAML Bindings §3.4.4.1), signed over its octets; unsigned with `algorithm: undefined`. */
  redirect (xml: string, kind: 'SAMLRequest' | 'SAMLResponse', relayState?: string, options?: { readonly algorithm?: SignatureMethod | undefined, readonly key?: string }): string
  logoutRequest (changed?: Partial<LogoutFacts>): string
  logoutResponse (changed?: Partial<LogoutFacts>): string
  metadata (changed?: MetadataFacts): string
}

const forgeEntityId = 'https://idp.acme.example/saml'

/** A key as identity providers have them; RSA of 2,048 bits when nothing else is asked for. */
export const createForgeKey = (kind: 'rsa' | 'ec' = 'rsa', bits = 2_048): KeyObject =>
  kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : generateKeyPairSync('rsa', { modulusLength: bits }).privateKey

const newId = (): string => `_${randomBytes(20).toString('hex')}`

/** The only assertion of a response, tags and all. */
export const assertionIn = (xml: string): string => {
  const found = /<saml:Assertion[ >].*<\/saml:Assertion>/s.exec(xml)?.[0]
  if (found === undefined) throw new Error('there is no assertion in it')
  return found
}

/** Synchronous and without a network; {@link startForgeIdp} of saml/forge-idp.ts puts it on HTTP. */
export const createForge = (options: ForgeOptions = {}): Forge => {
  const entityId = options.entityId ?? forgeEntityId
  const sp = samlAddressesOf(options.authOrigin ?? 'http://auth.localhost:8080', options.connection ?? 'acme_saml')
  const key = options.privateKey ?? createForgeKey()
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  const certificate = options.certificate ?? createCertificate(key)
  const now = options.now ?? (() => Date.now() / 1_000)
  const usual: SignatureMethod = key.asymmetricKeyType === 'ec' ? 'ecdsa-sha256' : 'rsa-sha256'

  const facts: Forge['facts'] = (changed = {}) => {
    const { acs, audience, issuer, inResponseTo } = { acs: sp.acs, audience: sp.metadata, issuer: entityId, inResponseTo: '_request', ...changed }
    return {
      acs,
      audience,
      issuer,
      inResponseTo,
      responseId: newId(),
      assertionId: newId(),
      responseIssuer: issuer,
      assertionIssuer: issuer,
      responseInResponseTo: inResponseTo,
      destination: acs,
      version: '2.0',
      assertionVersion: '2.0',
      issueInstant: 0,
      status: success,
      subStatus: undefined,
      statusMessage: undefined,
      nameId: { value: 'ada-1', format: persistent },
      confirmations: [{ method: bearer, recipient: acs, inResponseTo, notOnOrAfter: 300 }],
      conditions: { notBefore: -60, notOnOrAfter: 300 },
      audiences: [[audience]],
      authnInstant: -5,
      sessionIndex: newId(),
      sessionNotOnOrAfter: undefined,
      authnContext: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
      attributes: [['mail', ['ada@acme.com']], ['displayName', ['Ada Lovelace']], ['memberOf', ['staff', 'R&D']]],
      ...changed
    }
  }

  const sign: Forge['sign'] = (xml, { what = 'assertion', ...asked } = {}) => {
    const signing: SigningOptions = { key: privateKey, certificate, algorithm: usual, ...asked }
    const inner = what === 'response' ? xml : signXml(xml, { target: "/*/*[local-name()='Assertion']", ...signing })
    return what === 'assertion' ? inner : signXml(inner, { target: '/*', ...signing })
  }

  const logout = (kind: 'LogoutRequest' | 'LogoutResponse', changed: Partial<LogoutFacts>): string => {
    const said: LogoutFacts = {
      id: newId(),
      issuer: entityId,
      destination: sp.slo,
      version: '2.0',
      issueInstant: 0,
      notOnOrAfter: kind === 'LogoutRequest' ? 300 : undefined,
      nameId: kind === 'LogoutRequest' ? { value: 'ada-1', format: persistent } : undefined,
      sessionIndexes: [],
      inResponseTo: kind === 'LogoutResponse' ? '_request' : undefined,
      status: kind === 'LogoutResponse' ? success : undefined,
      ...changed
    }
    const at = (time: Time | undefined): string | undefined => time === undefined ? undefined : timeOf(time, now())
    return [
      `<samlp:${kind} xmlns:samlp="${namespaces.protocol}" xmlns:saml="${namespaces.assertion}"`,
      attributesOf({ ID: said.id, Version: said.version, IssueInstant: at(said.issueInstant), Destination: said.destination, NotOnOrAfter: at(said.notOnOrAfter), InResponseTo: said.inResponseTo }),
      '>',
      said.issuer === undefined ? '' : `<saml:Issuer>${escapeXml(said.issuer)}</saml:Issuer>`,
      said.status === undefined ? '' : `<samlp:Status><samlp:StatusCode Value="${escapeXml(said.status)}"/></samlp:Status>`,
      said.nameId === undefined ? '' : nameIdOf(said.nameId),
      ...said.sessionIndexes.map(index => `<samlp:SessionIndex>${escapeXml(index)}</samlp:SessionIndex>`),
      `</samlp:${kind}>`
    ].join('')
  }

  return {
    entityId,
    privateKey,
    certificate,
    sp,
    facts,
    response: changed => responseOf(facts(changed), now()),
    sign,
    encrypt: (xml, pem, encryption) => xml.replace(assertionIn(xml), () => encryptElement(assertionIn(xml), pem, encryption)),
    post: xml => Buffer.from(xml).toString('base64'),
    redirect: (xml, kind, relayState, asked = {}) => {
      const algorithm = 'algorithm' in asked ? asked.algorithm : usual
      const query = [
        `${kind}=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}`,
        ...relayState === undefined ? [] : [`RelayState=${encodeURIComponent(relayState)}`],
        ...algorithm === undefined ? [] : [`SigAlg=${encodeURIComponent(signatureMethods[algorithm].uri)}`]
      ].join('&')
      return algorithm === undefined ? query : `${query}&Signature=${encodeURIComponent(signOctets(query, algorithm, asked.key ?? privateKey))}`
    },
    logoutRequest: (changed = {}) => logout('LogoutRequest', changed),
    logoutResponse: (changed = {}) => logout('LogoutResponse', changed),
    metadata: (changed = {}) => {
      const said = { entityId, certificates: [certificate], ssoRedirect: `${entityId}/sso`, ...changed }
      const endpoint = (name: string, binding: string, location: string | undefined): string =>
        location === undefined ? '' : `<md:${name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-${binding}" Location="${escapeXml(location)}"/>`
      return [
        `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"${attributesOf({ entityID: said.entityId, validUntil: said.validUntil === undefined ? undefined : timeOf(said.validUntil, now()) })}>`,
        `<md:IDPSSODescriptor${attributesOf({ WantAuthnRequestsSigned: said.wantsSignedRequests === undefined ? undefined : String(said.wantsSignedRequests) })} protocolSupportEnumeration="${namespaces.protocol}">`,
        ...said.certificates.map(pem =>
          `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="${namespaces.signature}"><ds:X509Data><ds:X509Certificate>${pem.replace(/-----.*?-----|\s/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`),
        endpoint('SingleLogoutService', 'Redirect', said.sloRedirect),
        endpoint('SingleLogoutService', 'POST', said.sloPost),
        endpoint('SingleSignOnService', 'Redirect', said.ssoRedirect),
        endpoint('SingleSignOnService', 'POST', said.ssoPost),
        '</md:IDPSSODescriptor></md:EntityDescriptor>'
      ].join('')
    }
  }
}
