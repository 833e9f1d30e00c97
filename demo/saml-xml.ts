import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'

/** The namespaces of SAML 2.0 and of XML signatures. */
export const spaces = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#'
} as const

/** How messages travel (SAML Bindings §3.4, §3.5). */
export const bindings = {
  redirect: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
  post: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'
} as const

export const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
const sha256 = 'http://www.w3.org/2001/04/xmlenc#sha256'
const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'

/** PEM, both. */
export interface KeyPair {
  readonly privateKey: string
  readonly certificate: string
}

/** The root of a document. Throws when it is not well-formed. */
export const parseXml = (xml: string): Element => {
  const complain = (_level: string, problem: unknown): never => { throw new Error(String(problem)) }
  return new DOMParser({ errorHandler: complain }).parseFromString(xml, 'text/xml').documentElement
}

/** The elements of that name below `element`. */
export const within = (element: Element, space: keyof typeof spaces, name: string): Element[] => Array.from(element.getElementsByTagNameNS(spaces[space], name))

/** The text of the first element of that name; empty where there is none. */
export const textWithin = (element: Element, space: keyof typeof spaces, name: string): string => within(element, space, name)[0]?.textContent?.trim() ?? ''

/** The document with its root signed, right after its Issuer (SAML Core §5.4). */
export const signXml = (xml: string, { privateKey, certificate }: KeyPair): string => {
  const signer = new SignedXml({ privateKey, publicCert: certificate, signatureAlgorithm: rsaSha256, canonicalizationAlgorithm: exclusive })
  signer.addReference({ xpath: '/*', transforms: [enveloped, exclusive], digestAlgorithm: sha256 })
  signer.computeSignature(xml, { prefix: 'ds', location: { reference: "/*/*[local-name(.)='Issuer']", action: 'after' } })
  return signer.getSignedXml()
}

/** The root as one of these certificates signed it, read again from the signed bytes alone. Throws when none did. */
export const verifyXml = (xml: string, certificates: readonly string[]): Element => {
  const [signature, ...more] = within(parseXml(xml), 'signature', 'Signature')
  if (signature === undefined || more.length > 0) throw new Error('one signature is wanted')
  for (const publicCert of certificates) {
    const verifier = new SignedXml({ publicCert, getCertFromKeyInfo: () => null })
    verifier.loadSignature(signature)
    if (verifier.checkSignature(xml)) return parseXml(verifier.getSignedReferences()[0] ?? '')
  }
  throw new Error('the signature is of no key that is known')
}
