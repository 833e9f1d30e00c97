import { SignedXml } from 'xml-crypto'
import { PorticoError } from '../../errors.ts'
import { foreignText } from '../oidc/foreign.ts'
import type { CheckTrace } from '../trace.ts'
import { hashAlgorithms, isDigestMethod, isSignatureMethod, signatureAlgorithms, verifyingKeys } from './algorithms.ts'
import type { VerifyingKey } from './algorithms.ts'
import { attributeOf, childrenNamed, childrenOf, everyElement, isNamed, namespaces, readXml, textOf } from './document.ts'
import type { XmlDocument } from './document.ts'
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
  /** The bytes that were signed, screened and read anew: nothing else of the message is believed. */
  readonly document: XmlDocument
  /** SHA-256 of the certificate that verified them, base64url. */
  readonly certificate: string
}

const { signature: ds, exclusive } = namespaces
const enveloped = `${ds}enveloped-signature`
/** Bytes of a signature value: RSA of 16,384 bits. */
const longestValue = 2_048
const mostPrefixes = 16

const malformed = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_SIGNATURE', { wanted, got }) }
const unaccepted = (wanted: string, got: string | undefined): never => {
  throw new PorticoError('PORTICO_SAML_ALGORITHM', { wanted, got: got === undefined ? 'none' : foreignText(got) })
}

/** The children of an element, which are these in this order and no others. */
const exactly = (element: Element, names: readonly string[]): readonly Element[] => {
  const children = childrenOf(element)
  if (children.length !== names.length || !children.every((child, index) => isNamed(child, ds, names[index] ?? ''))) {
    malformed(`${element.localName} of ${names.join(', ')}`, 'other elements')
  }
  return children
}

/** Exclusive canonicalization, with at most a short list of prefixes, and nothing that xml-crypto might take otherwise. */
const checkCanonicalization = (element: Element): void => {
  const algorithm = attributeOf(element, 'Algorithm')
  if (algorithm !== exclusive) unaccepted(`${element.localName} ${exclusive}`, algorithm)
  const [list, ...more] = childrenOf(element)
  if (list === undefined) return
  const prefixes = (attributeOf(list, 'PrefixList') ?? '').split(' ')
  if (more.length > 0 || !isNamed(list, exclusive, 'InclusiveNamespaces') || prefixes.length > mostPrefixes) malformed('one short InclusiveNamespaces', 'something else')
}

const checkReference = (reference: Element, id: string, allowSha1: boolean): void => {
  const uri = attributeOf(reference, 'URI')
  if (uri !== `#${id}`) malformed('a Reference to what the Signature stands in', uri === undefined || uri === '' ? 'one without URI' : 'one to something else')
  const [transforms, method, value] = exactly(reference, ['Transforms', 'DigestMethod', 'DigestValue'])
  if (transforms === undefined || method === undefined || value === undefined) return
  const [first, second, ...more] = childrenNamed(transforms, ds, 'Transform')
  if (first === undefined || second === undefined || more.length > 0 || childrenOf(transforms).length !== 2 || attributeOf(first, 'Algorithm') !== enveloped) {
    return unaccepted('the transforms enveloped-signature and exclusive canonicalization', 'others')
  }
  if (childrenOf(first).length > 0) malformed('an enveloped-signature without more', 'more')
  checkCanonicalization(second)
  const digest = attributeOf(method, 'Algorithm')
  if (!isDigestMethod(digest ?? '', allowSha1)) unaccepted('DigestMethod SHA-256, 384 or 512', digest)
  if (childrenOf(method).length > 0) malformed('a DigestMethod without more', 'more')
  decodeBase64(textOf(value), 64)
}

/**
 * Whether a Signature is of the one form that leaves nothing to choose (XML Signature §4, SAML Core §5.4,
 * behaviours S5, S8, S9): one Reference to `id`, two transforms, accepted algorithms, values that are text
 * alone, no Object. KeyInfo may be there, and is not read. Throws PORTICO_SAML_SIGNATURE, _ALGORITHM, _MESSAGE.
 */
const checkForm = (signature: Element, id: string, allowSha1: boolean): void => {
  const hasKeyInfo = childrenNamed(signature, ds, 'KeyInfo').length > 0
  const [info, value] = exactly(signature, ['SignedInfo', 'SignatureValue', ...hasKeyInfo ? ['KeyInfo'] : []])
  if (info === undefined || value === undefined) return
  const [canonicalization, method, reference] = exactly(info, ['CanonicalizationMethod', 'SignatureMethod', 'Reference'])
  if (canonicalization === undefined || method === undefined || reference === undefined) return
  checkCanonicalization(canonicalization)
  const algorithm = attributeOf(method, 'Algorithm')
  if (!isSignatureMethod(algorithm ?? '', allowSha1)) unaccepted('SignatureMethod RSA or ECDSA with SHA-256, 384 or 512', algorithm)
  if (childrenOf(method).length > 0) malformed('a SignatureMethod without more', 'more')
  checkReference(reference, id, allowSha1)
  decodeBase64(textOf(value), longestValue)
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

/** What xml-crypto found to be signed, and by whom. Throws PORTICO_SAML_SIGNATURE. */
const verify = (text: string, signature: Element, { certificates, allowSha1 }: SigningExpectations): { readonly text: string, readonly certificate: string } => {
  const keys = verifyingKeys(certificates)
  let by: VerifyingKey | undefined
  // It must be given some key; which ones are tried, signatureAlgorithms alone decides.
  const verifier = new SignedXml({ publicCert: 'unused' })
  verifier.idAttributes = ['ID']
  verifier.HashAlgorithms = hashAlgorithms(allowSha1)
  verifier.SignatureAlgorithms = signatureAlgorithms(keys, allowSha1, key => { by = key })
  try {
    verifier.loadSignature(signature)
    const isSigned = verifier.checkSignature(text)
    const [signed, ...more] = verifier.getSignedReferences()
    if (isSigned && by !== undefined && signed !== undefined && more.length === 0) return { text: signed, certificate: by.certificate }
  } catch {
    // Its words repeat the message; that it does not verify is all there is to say.
  }
  const weak = certificates.length - keys.length
  return malformed('one that a certificate of the provider verifies', `one that none of ${keys.length} does${weak === 0 ? '' : `; ${weak} more are too weak`}`)
}

/**
 * Verifies the enveloped signature of `element`, an element of `document` with a Signature right below it:
 * its form first, then by xml-crypto with the expected certificates alone. Answers with the signed bytes,
 * whose root is the element. Tells `trace` of it as `Signature of …`. Throws PORTICO_SAML_SIGNATURE,
 * PORTICO_SAML_ALGORITHM, PORTICO_SAML_MESSAGE.
 */
export const verifySigned = (document: XmlDocument, element: Element, expected: SigningExpectations, trace: CheckTrace | undefined, limits: XmlLimits = messageLimits): Signed =>
  step(trace, `Signature of ${element.localName}`, 'one that a certificate of the provider verifies', () => {
    const signature = signatureOf(element) ?? malformed('a Signature', 'none')
    const id = attributeOf(element, 'ID') ?? ''
    if (!/^[\w.-]{1,256}$/.test(id)) malformed('a plain ID on what is signed', id === '' ? 'none' : 'another one')
    checkForm(signature, id, expected.allowSha1)
    const { text, certificate } = verify(document.text, signature, expected)
    const read = readXml(text, limits)
    const isIt = read.root.namespaceURI === element.namespaceURI && read.root.localName === element.localName && attributeOf(read.root, 'ID') === id
    if (!isIt || signatureOf(read.root) !== undefined) malformed('a signature over this', 'one over something else')
    return { document: read, certificate }
  })
