import { sign } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { SignedXml } from 'xml-crypto'
import type { Authorization } from '../connector.ts'
import type { Endpoints } from './description.ts'
import type { SpKey } from './sp-keys.ts'

/** A message of ours on its way to the identity provider, by the browser. */
export type Outgoing = Pick<Authorization, 'url' | 'form'>

const rsaSha256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'

/** Where the message goes: the Redirect binding where the provider has it. Undefined where it has neither. */
export const destinationOf = ({ redirect, post }: Endpoints): string | undefined => redirect ?? post

/** The signature is over the query as it is sent (SAML Bindings §3.4.4.1). */
const byRedirect = (url: string, parameter: string, xml: string, relayState: string | undefined, key: SpKey | undefined): Outgoing => {
  const parameters: readonly (readonly [string, string])[] = [
    [parameter, deflateRawSync(xml).toString('base64')],
    ...relayState === undefined ? [] : [['RelayState', relayState] as const],
    ...key === undefined ? [] : [['SigAlg', rsaSha256] as const]
  ]
  const query = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  const signature = key === undefined ? '' : `&Signature=${encodeURIComponent(sign('sha256', Buffer.from(query), key.privateKey).toString('base64'))}`
  return { url: `${url}${url.includes('?') ? '&' : '?'}${query}${signature}` }
}

/** The signature stands in the message, behind its Issuer (SAML Core §5.4, Bindings §3.5.5.2). */
const signed = (xml: string, key: SpKey): string => {
  const signer = new SignedXml({ privateKey: key.privateKey, publicCert: key.certificate, signatureAlgorithm: rsaSha256, canonicalizationAlgorithm: exclusive })
  signer.addReference({
    xpath: '/*',
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', exclusive],
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256'
  })
  signer.computeSignature(xml, { prefix: 'ds', location: { reference: "/*/*[local-name(.)='Issuer']", action: 'after' } })
  return signer.getSignedXml()
}

const byPost = (url: string, parameter: string, xml: string, relayState: string | undefined, key: SpKey | undefined): Outgoing => ({
  url,
  form: { [parameter]: Buffer.from(key === undefined ? xml : signed(xml, key)).toString('base64'), ...relayState !== undefined && { RelayState: relayState } }
})

/**
 * Signs a message (RSA-SHA256), where there is a key, and says how it is sent. `xml` has an `ID`, an Issuer
 * as its first child, and as Destination what `destinationOf` says of the same addresses.
 */
export const outgoing = ({ redirect, post }: Endpoints, message: {
  readonly parameter: 'SAMLRequest' | 'SAMLResponse'
  readonly xml: string
  readonly relayState?: string | undefined
}, key: SpKey | undefined): Outgoing | undefined => {
  const { parameter, xml, relayState } = message
  if (redirect !== undefined) return byRedirect(redirect, parameter, xml, relayState, key)
  return post === undefined ? undefined : byPost(post, parameter, xml, relayState, key)
}
