import { createHash } from 'node:crypto'
import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'
import type { CheckTrace } from '../trace.ts'
import { hashOf, isSignatureMethod, verifyingKeys, verifyOctets } from './algorithms.ts'
import { canonicalize } from './canonical.ts'
import { attributeOf, childrenNamed, childrenOf, everyElement, isNamed, namespaces, readXml, textOf } from './document.ts'
import { decodeBase64, messageLimits } from './screen.ts'
import type { XmlLimits } from './screen.ts'
import { step } from './step.ts'

/** Whose signatures are believed. */
export interface SigningExpectations {
  /** PEM, one each. */
  readonly certificates: readonly string[]
  readonly allowSha1: boolean
}

/** What a signature was over. */
export interface Signed {
  /** The element as it was signed: screened and read anew, and nothing else of the message is believed. */
  readonly root: Element
  /** SHA-256 of the certificate that verified them, base64url. */
  readonly certificate: string
}

const { signature: ds, exclusive } = namespaces
const enveloped = `${ds}enveloped-signature`
/** Bytes of a digest, and of a signature value: RSA of 16,384 bits. */
const longestDigest = 64
const longestValue = 2_048
const mostPrefixes = 16

const malformed = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_SIGNATURE', { wanted, got }) }
const unaccepted = (wanted: string, got: string | undefined): never => {
  throw new PorticoError('PORTICO_SAML_ALGORITHM', { wanted, got: got === undefined ? 'none' : foreignText(got) })
}

/** The children of an element, which are these in this order and no others. */
const exactly = <const Names extends readonly string[]>(element: Element, ...names: Names): { readonly [Index in keyof Names]: Element } => {
  const children = childrenOf(element)
  const isThem = (found: readonly Element[]): found is { readonly [Index in keyof Names]: Element } =>
    found.length === names.length && found.every((child, index) => isNamed(child, ds, names[index] ?? ''))
  return isThem(children) ? children : malformed(`${element.localName} of ${names.join(', ')}`, 'other elements')
}

/** Exclusive canonicalization: its prefixes. */
const readCanonicalization = (element: Element): readonly string[] => {
  const algorithm = attributeOf(element, 'Algorithm')
  if (algorithm !== exclusive) unaccepted(`${element.localName} ${exclusive}`, algorithm)
  const [list, ...more] = childrenOf(element)
  if (list === undefined) return []
  const prefixes = (attributeOf(list, 'PrefixList') ?? '').split(' ').filter(prefix => prefix !== '')
  if (more.length > 0 || !isNamed(list, exclusive, 'InclusiveNamespaces') || prefixes.length > mostPrefixes) malformed('one short InclusiveNamespaces', 'something else')
  return prefixes
}

const algorithmOf = (method: Element): string | undefined => {
  if (childrenOf(method).length > 0) malformed(`a ${method.localName} without more`, 'more')
  return attributeOf(method, 'Algorithm')
}

interface Reference {
  readonly prefixes: readonly string[]
  readonly hash: string
  readonly digest: Buffer
}

const readReference = (reference: Element, id: string, allowSha1: boolean): Reference => {
  const uri = attributeOf(reference, 'URI')
  if (uri !== `#${id}`) malformed('a Reference to what the Signature stands in', uri === undefined || uri === '' ? 'one without URI' : 'one to something else')
  const [transforms, method, value] = exactly(reference, 'Transforms', 'DigestMethod', 'DigestValue')
  const all = childrenOf(transforms)
  const [first, second] = all
  if (first === undefined || second === undefined || all.length > 2 || !all.every(each => isNamed(each, ds, 'Transform')) || algorithmOf(first) !== enveloped) {
    return unaccepted('the transforms enveloped-signature and exclusive canonicalization', 'others')
  }
  const uriOfHash = algorithmOf(method)
  return {
    prefixes: readCanonicalization(second),
    hash: hashOf(uriOfHash, allowSha1) ?? unaccepted('DigestMethod SHA-256, 384 or 512', uriOfHash),
    digest: decodeBase64(textOf(value), longestDigest)
  }
}

/**
 * What a SignedInfo says, which is of the one form that leaves nothing to choose (XML Signature §4.4, SAML Core
 * §5.4, behaviours S5, S8, S9): one Reference to `id`, two transforms, accepted algorithms.
 */
const readSignedInfo = (info: Element, id: string, allowSha1: boolean): Reference & { readonly algorithm: string } => {
  const [, method, reference] = exactly(info, 'CanonicalizationMethod', 'SignatureMethod', 'Reference')
  const algorithm = algorithmOf(method)
  if (algorithm === undefined || !isSignatureMethod(algorithm, allowSha1)) return unaccepted('SignatureMethod RSA or ECDSA with SHA-256, 384 or 512', algorithm)
  return { ...readReference(reference, id, allowSha1), algorithm }
}

/** The Signature of an element: right below it. Undefined where it has none. Throws PORTICO_SAML_SIGNATURE for several. */
export const signatureOf = (element: Element): Element | undefined => {
  const [found, ...more] = childrenNamed(element, ds, 'Signature')
  if (more.length > 0) malformed('one Signature', `${more.length + 1}`)
  return found
}

/** Throws PORTICO_SAML_SIGNATURE when there is a Signature below `root` anywhere but right below one of `owners` (behaviours S1, S2). */
export const checkSignaturePlaces = (root: Element, owners: readonly Element[]): void => {
  const allowed = new Set(owners.map(signatureOf))
  for (const element of everyElement(root)) {
    if (isNamed(element, ds, 'Signature') && !allowed.has(element)) malformed('a Signature of the response or its assertion', 'one elsewhere')
  }
}

/** The octets that a signature is over, and whose it is. Throws PORTICO_SAML_SIGNATURE, _ALGORITHM, _MESSAGE. */
const verify = (element: Element, id: string, { certificates, allowSha1 }: SigningExpectations): { readonly octets: string, readonly certificate: string } => {
  const signature = signatureOf(element) ?? malformed('a Signature', 'none')
  // KeyInfo is of whoever sent it, and not read.
  const [info, value] = childrenNamed(signature, ds, 'KeyInfo').length === 0 ? exactly(signature, 'SignedInfo', 'SignatureValue') : exactly(signature, 'SignedInfo', 'SignatureValue', 'KeyInfo')
  const [canonicalization] = exactly(info, 'CanonicalizationMethod', 'SignatureMethod', 'Reference')
  const signedInfo = canonicalize(info, readCanonicalization(canonicalization))
  // Of SignedInfo too only what was signed is read.
  const { algorithm, prefixes, hash, digest } = readSignedInfo(readXml(signedInfo), id, allowSha1)
  const octets = canonicalize(element, prefixes, signature)
  if (!createHash(hash).update(octets).digest().equals(digest)) malformed('a digest of what was sent', 'a digest of something else')
  const keys = verifyingKeys(certificates)
  const key = verifyOctets(algorithm, keys, signedInfo, decodeBase64(textOf(value), longestValue))
  const weak = certificates.length - keys.length
  return key === undefined
    ? malformed('one that a certificate of the provider verifies', `one that none of ${keys.length} does${weak === 0 ? '' : `; ${weak} more are too weak`}`)
    : { octets, certificate: key.certificate }
}

/**
 * Verifies the enveloped signature of `element`, which has a Signature right below it, with the keys of the
 * expected certificates alone. Answers with the element as it was signed. Tells `trace` of it as
 * `Signature of …`. Throws PORTICO_SAML_SIGNATURE, PORTICO_SAML_ALGORITHM, PORTICO_SAML_MESSAGE.
 */
export const verifySigned = (element: Element, expected: SigningExpectations, trace: CheckTrace | undefined, limits: XmlLimits = messageLimits): Signed =>
  step(trace, `Signature of ${element.localName}`, 'one that a certificate of the provider verifies', () => {
    const id = attributeOf(element, 'ID') ?? ''
    if (!/^[\w.-]{1,256}$/.test(id)) malformed('a plain ID on what is signed', id === '' ? 'none' : 'another one')
    const { octets, certificate } = verify(element, id, expected)
    return { root: readXml(octets, limits), certificate }
  })
