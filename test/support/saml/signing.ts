import { createHash, createHmac, createPrivateKey, sign, constants } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import { namespaces } from './message.ts'

const more = 'http://www.w3.org/2001/04/xmldsig-more#'

/** Signature algorithms by short name: SignatureMethod, hash, and how. */
export const signatureMethods = {
  'rsa-md5': { uri: `${more}rsa-md5`, hash: 'md5', kind: 'rsa' },
  'rsa-sha1': { uri: `${namespaces.signature}rsa-sha1`, hash: 'sha1', kind: 'rsa' },
  'rsa-sha256': { uri: `${more}rsa-sha256`, hash: 'sha256', kind: 'rsa' },
  'rsa-sha384': { uri: `${more}rsa-sha384`, hash: 'sha384', kind: 'rsa' },
  'rsa-sha512': { uri: `${more}rsa-sha512`, hash: 'sha512', kind: 'rsa' },
  'rsa-pss-sha256': { uri: 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1', hash: 'sha256', kind: 'pss' },
  'rsa-pss-sha512': { uri: 'http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1', hash: 'sha512', kind: 'pss' },
  'ecdsa-sha1': { uri: `${more}ecdsa-sha1`, hash: 'sha1', kind: 'rsa' },
  'ecdsa-sha256': { uri: `${more}ecdsa-sha256`, hash: 'sha256', kind: 'rsa' },
  'ecdsa-sha512': { uri: `${more}ecdsa-sha512`, hash: 'sha512', kind: 'rsa' },
  'hmac-sha1': { uri: `${namespaces.signature}hmac-sha1`, hash: 'sha1', kind: 'hmac' },
  'hmac-sha256': { uri: `${more}hmac-sha256`, hash: 'sha256', kind: 'hmac' }
} as const

export type SignatureMethod = keyof typeof signatureMethods

const digestMethods = {
  md5: `${more}md5`,
  sha1: `${namespaces.signature}sha1`,
  sha256: `${namespaces.encryption}sha256`,
  sha384: `${more}sha384`,
  sha512: `${namespaces.encryption}sha512`
} as const

export type DigestMethod = keyof typeof digestMethods

export const enveloped = `${namespaces.signature}enveloped-signature`
export const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'

export interface SigningOptions {
  /** Of an HMAC the secret. PEM or text. */
  readonly key: string
  /** PEM that KeyInfo shows; nothing without. */
  readonly certificate?: string | undefined
  readonly algorithm?: SignatureMethod
  readonly digest?: DigestMethod
  readonly transforms?: readonly string[]
  /** CanonicalizationMethod of SignedInfo. */
  readonly canonicalization?: string
  /** InclusiveNamespaces of the reference's transforms. */
  readonly inclusive?: readonly string[]
  /** XPath of what is signed; the root when left out. */
  readonly target?: string
  /** XPath of what the Signature stands behind; the target's Issuer when left out. */
  readonly after?: string
  /** `URI=""`. */
  readonly emptyUri?: boolean
  /** Markup inside `ds:Object`. */
  readonly object?: string
}

/** The octets signed with `key` as `method` says: base64 (XML Signature §6.4; ECDSA as r and s). */
export const signOctets = (octets: string, method: SignatureMethod, key: string): string => {
  const { hash, kind } = signatureMethods[method]
  if (kind === 'hmac') return createHmac(hash, key).update(octets).digest('base64')
  const options = kind === 'pss' ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : { key, dsaEncoding: 'ieee-p1363' } as const
  const { asymmetricKeyType } = createPrivateKey(key)
  return sign(hash, Buffer.from(octets), asymmetricKeyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' } : options).toString('base64')
}

/** xml-crypto writes the list of prefixes into every transform; it belongs to canonicalization alone. */
const onlyCanonicalizing = (xml: string): string => xml.replaceAll(/(enveloped-signature">)<InclusiveNamespaces [^>]*?(?:\/>|><\/InclusiveNamespaces>)/g, '$1')

const unused = (): never => { throw new Error('a forge verifies nothing') }

/** An enveloped signature put into `xml`, by any algorithm and over anything, right or wrong. */
export const signXml = (xml: string, options: SigningOptions): string => {
  const method = options.algorithm ?? 'rsa-sha256'
  const { uri } = signatureMethods[method]
  const digest = options.digest ?? 'sha256'
  const target = options.target ?? '/*'
  const signed = new SignedXml({
    // never asked for: signing is done below, with HMAC too
    privateKey: options.key,
    ...options.certificate !== undefined && { publicCert: options.certificate },
    signatureAlgorithm: uri,
    canonicalizationAlgorithm: options.canonicalization ?? exclusive,
    idAttribute: 'ID',
    ...options.object !== undefined && { objects: [{ content: options.object }] }
  })
  signed.SignatureAlgorithms[uri] = class {
    getAlgorithmName = () => uri
    verifySignature = unused
    getSignature = (octets: unknown): string => signOctets(onlyCanonicalizing(String(octets)), method, options.key)
  }
  signed.HashAlgorithms[digestMethods[digest]] = class {
    getAlgorithmName = () => digestMethods[digest]
    getHash = (octets: string): string => createHash(digest).update(octets, 'utf8').digest('base64')
  }
  signed.addReference({
    xpath: target,
    transforms: options.transforms ?? [enveloped, exclusive],
    digestAlgorithm: digestMethods[digest],
    isEmptyUri: options.emptyUri ?? false,
    ...options.inclusive !== undefined && { inclusiveNamespacesPrefixList: [...options.inclusive] }
  })
  const issuer = `${target}/*[local-name()='Issuer']`
  signed.computeSignature(xml, { prefix: 'ds', location: { reference: options.after ?? issuer, action: 'after' } })
  return onlyCanonicalizing(signed.getSignedXml())
}
