import { constants, verify, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { certificateFault, thumbprintOf } from '../../config/idp-certificate.ts'
import { namespaces } from './document.ts'

const more = 'http://www.w3.org/2001/04/xmldsig-more#'
const more2007 = 'http://www.w3.org/2007/05/xmldsig-more#'

type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512'
type Scheme = 'rsa' | 'pss' | 'ecdsa'

interface SignatureMethod {
  readonly hash: Hash
  readonly scheme: Scheme
}

/** SignatureMethods that are accepted (XML Signature 1.1 §6.4, RFC 6931 §2.3): asymmetric ones alone (behaviours S8, S9). */
const signatureMethods: ReadonlyMap<string, SignatureMethod> = new Map([
  [`${namespaces.signature}rsa-sha1`, { hash: 'sha1', scheme: 'rsa' }],
  ...(['sha256', 'sha384', 'sha512'] as const).flatMap<[string, SignatureMethod]>(hash => [
    [`${more}rsa-${hash}`, { hash, scheme: 'rsa' }],
    [`${more}ecdsa-${hash}`, { hash, scheme: 'ecdsa' }],
    [`${more2007}${hash}-rsa-MGF1`, { hash, scheme: 'pss' }]
  ])
])

/** Hashes by their URI (XML Signature 1.1 §6.2). */
const hashes: ReadonlyMap<string, Hash> = new Map([
  [`${namespaces.signature}sha1`, 'sha1'],
  [`${namespaces.encryption}sha256`, 'sha256'],
  [`${more}sha384`, 'sha384'],
  [`${namespaces.encryption}sha512`, 'sha512']
])

const isAccepted = (hash: Hash | undefined, allowSha1: boolean): boolean => hash !== undefined && (allowSha1 || hash !== 'sha1')

/** Whether a SignatureMethod is accepted. */
export const isSignatureMethod = (uri: string, allowSha1: boolean): boolean => isAccepted(signatureMethods.get(uri)?.hash, allowSha1)

/** The hash that a URI names, as Node calls it; undefined for one that is not accepted. */
export const hashOf = (uri: string | undefined, allowSha1: boolean): string | undefined => {
  const hash = hashes.get(uri ?? '')
  return isAccepted(hash, allowSha1) ? hash : undefined
}

/** What the provider may have signed with. */
export interface VerifyingKey {
  readonly key: KeyObject
  /** SHA-256 of the certificate's DER, base64url. */
  readonly certificate: string
}

const readCertificate = (pem: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** The keys of certificates (PEM, one each) that are strong enough to be believed. Whether one has expired is not asked: metadata lists it, or the operator does. */
export const verifyingKeys = (certificates: readonly string[]): readonly VerifyingKey[] => certificates.flatMap(pem => {
  const read = readCertificate(pem)
  if (read === undefined || certificateFault(read) !== undefined) return []
  return { key: read.publicKey, certificate: thumbprintOf(read) }
})

const verifiesWith = ({ hash, scheme }: SignatureMethod, key: KeyObject, octets: Buffer, signature: Buffer): boolean => {
  if (key.asymmetricKeyType !== (scheme === 'ecdsa' ? 'ec' : 'rsa')) return false
  switch (scheme) {
    case 'rsa': return verify(hash, octets, key, signature)
    case 'pss': return verify(hash, octets, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature)
    case 'ecdsa': return verify(hash, octets, { key, dsaEncoding: 'ieee-p1363' }, signature)
  }
}

/** The first key that verifies a signature of the method `uri` over `octets`; undefined when none does, or the method is not accepted. */
export const verifyOctets = (uri: string, keys: readonly VerifyingKey[], octets: string, signature: Buffer): VerifyingKey | undefined => {
  const method = signatureMethods.get(uri)
  return method && keys.find(({ key }) => verifiesWith(method, key, Buffer.from(octets), signature))
}
