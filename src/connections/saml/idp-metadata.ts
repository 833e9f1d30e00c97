import { X509Certificate } from 'node:crypto'
import { certificateFault } from '../../config/idp-certificate.ts'
import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'
import type { CheckTrace } from '../trace.ts'
import type { Endpoints, IdpDescription } from './description.ts'
import { attributeOf, childrenNamed, childrenOf, isNamed, namespaces, readXml, textOf } from './document.ts'
import { readInstant } from './instant.ts'
import { decodeBase64, type XmlLimits } from './screen.ts'
import { verifySigned } from './signature.ts'

/** What of a provider's metadata is known before it is read. */
export interface MetadataExpectations {
  /** Which entity is meant; undefined for the only identity provider that is there. */
  readonly entityId: string | undefined
  /** PEM: of which one must have signed the whole; empty where nobody asks. */
  readonly certificates: readonly string[]
  /** Seconds since the epoch. */
  readonly now: number
}

/** Of one provider, or of a small federation: ten thousand elements, a second of work (behaviours S12, S26). */
const limits: XmlLimits = { bytes: 1_024 * 1_024, marks: 20_000, depth: 64, attributes: { one: 64, all: 20_000 }, name: 128 }
/** Bytes of a certificate. */
const longestCertificate = 16 * 1_024
/** Characters of an entityID (SAML Core §8.3.6). */
const longestName = 1_024
/** entityIDs that a refusal lists. */
const listed = 5

const { metadata: md, signature: ds, protocol } = namespaces

const refuse = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_METADATA', { wanted, got }) }

/** A text without what stands from `begin` to `end`, wherever it does; what has no end stays. */
const without = (text: string, begin: string, end: string): string => {
  const kept: string[] = []
  let at = 0
  for (let from = text.indexOf(begin); from >= 0; from = text.indexOf(begin, at)) {
    const to = text.indexOf(end, from + begin.length)
    if (to < 0) break
    kept.push(text.slice(at, from))
    at = to + end.length
  }
  return kept.join('') + text.slice(at)
}

/**
 * The text as the screen takes it. People write comments into metadata, and exclusive canonicalization drops
 * them: what is verified and read is what is left. Processing instructions it keeps, so that they may
 * only go where no signature counts; the declaration goes with them, since it says UTF-8 or is refused.
 */
const plain = (xml: string, isSigned: boolean): string => {
  const text = without(xml.replace(/^\u{feff}/u, ''), '<!--', '-->')
  const declaration = /^<\?xml [^?]*\?>/.exec(text)?.[0] ?? ''
  return isSigned ? text : declaration + without(text.slice(declaration.length), '<?', '?>').trim()
}

/** An element with all that it stands in: what holds for those holds for it. */
type Chain = readonly [Element, ...Element[]]

const entitiesIn = (element: Element, outside: readonly Element[] = []): readonly Chain[] => {
  if (isNamed(element, md, 'EntityDescriptor')) return [[element, ...outside]]
  if (!isNamed(element, md, 'EntitiesDescriptor')) return []
  return childrenOf(element).flatMap(child => entitiesIn(child, [element, ...outside]))
}

const roleOf = ([entity]: Chain): Element | undefined => childrenNamed(entity, md, 'IDPSSODescriptor')
  .find(role => attributeOf(role, 'protocolSupportEnumeration')?.split(/\s+/).includes(protocol))

const nameOf = ([entity]: Chain): string => attributeOf(entity, 'entityID') ?? ''

/** The entity that is meant, and its role; what is meant must be there once. */
const choose = (root: Element, wanted: string | undefined): { readonly chain: Chain, readonly role: Element } => {
  const entities = entitiesIn(root)
  if (entities.length === 0) refuse('an EntityDescriptor of SAML 2.0 metadata', foreignText(root.localName))
  const providers = entities.flatMap(chain => {
    const role = roleOf(chain)
    return role === undefined ? [] : [{ chain, role }]
  })
  const meant = wanted === undefined ? providers : providers.filter(({ chain }) => nameOf(chain) === wanted)
  const [found, ...others] = meant
  if (found !== undefined && others.length === 0) return found
  const names = (providers.length === 0 ? entities : providers.map(({ chain }) => chain)).map(nameOf)
  const list = foreignText(names.slice(0, listed).join(', ')) + (names.length > listed ? ` and ${names.length - listed} more` : '')
  if (found !== undefined && wanted !== undefined) return refuse(`${wanted} once`, `${meant.length} times`)
  if (found !== undefined) return refuse('one identity provider, or entity_id to say which is meant', list)
  return refuse(wanted === undefined ? 'an identity provider (an IDPSSODescriptor for SAML 2.0)' : `the identity provider ${wanted}`, providers.length === 0 ? `none, but ${list}` : list)
}

/** The earliest end of what a role stands in, and its own (SAML Metadata §2.3.1). */
const validUntilOf = (elements: readonly Element[], now: number): number | undefined => {
  const ends = elements.flatMap(element => {
    const text = attributeOf(element, 'validUntil')
    return text === undefined ? [] : [readInstant(text, 'validUntil')]
  })
  if (ends.length === 0) return undefined
  const end = Math.min(...ends)
  return end > now ? end : refuse('metadata that is valid today', `validUntil ${new Date(end * 1_000).toISOString()}`)
}

const duration = /^P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?$/
const units = [365 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1]

/** Seconds of the shortest cacheDuration (xs:duration); what is none counts as if it were not there. */
const cacheDurationOf = (elements: readonly Element[]): number | undefined => {
  const all = elements.flatMap(element => {
    const parts = duration.exec(attributeOf(element, 'cacheDuration') ?? '')?.slice(1)
    return parts === undefined ? [] : [parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (units[index] ?? 0), 0)]
  })
  return all.length === 0 ? undefined : Math.min(...all)
}

const isAddress = (text: string | undefined): text is string => {
  if (text === undefined || !/^https?:\/\/[^\s\\/?#]/i.test(text) || /[\s\\#]/.test(text) || !URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username === '' && password === ''
}

/** The first address of each binding that a browser can go to (SAML Metadata §2.2.2). */
const endpointsOf = (role: Element, name: string, location: 'Location' | 'ResponseLocation' = 'Location'): Endpoints => {
  const endpoints = childrenNamed(role, md, name)
  const first = (binding: string): string | undefined => endpoints
    .filter(endpoint => attributeOf(endpoint, 'Binding') === `urn:oasis:names:tc:SAML:2.0:bindings:${binding}`)
    .map(endpoint => attributeOf(endpoint, location)?.trim()).find(isAddress)
  return { redirect: first('HTTP-Redirect'), post: first('HTTP-POST') }
}

const readCertificate = (element: Element): X509Certificate | undefined => {
  try {
    // Some paste the whole of a PEM file
    return new X509Certificate(decodeBase64(textOf(element).replace(/-----[A-Z ]+-----/g, ''), longestCertificate))
  } catch {
    return undefined
  }
}

/**
 * What a role signs with (SAML Metadata §2.4.1.1): a key without `use` is for both. One that cannot be read is
 * passed over, and one that is too weak is never believed (`verifyingKeys`): neither keeps a provider from
 * signing with a good one.
 */
const certificatesOf = (role: Element): readonly string[] => {
  const below = (elements: readonly Element[], name: string): Element[] => elements.flatMap(element => childrenNamed(element, ds, name))
  const keys = childrenNamed(role, md, 'KeyDescriptor').filter(key => (attributeOf(key, 'use') ?? 'signing') === 'signing')
  const certificates = below(below(below(keys, 'KeyInfo'), 'X509Data'), 'X509Certificate').flatMap(element => readCertificate(element) ?? [])
  const faults = certificates.map(certificate => ({ subject: certificate.subject, fault: certificateFault(certificate) }))
  const [first] = faults
  if (first === undefined) refuse('a signing certificate that can be read', 'none')
  if (faults.every(({ fault }) => fault !== undefined)) {
    refuse('a signing certificate with an RSA key of 2048 bits or more, or an EC key', `${faults.length}, of which the first (${foreignText(first?.subject ?? '')}) ${first?.fault ?? ''}`)
  }
  return [...new Set(certificates.map(String))]
}

const describe = (root: Element, { entityId: wanted, now }: MetadataExpectations): IdpDescription => {
  const { chain, role } = choose(root, wanted)
  const entityId = nameOf(chain)
  if (entityId === '' || entityId.length > longestName || /[\s\p{C}]/u.test(entityId)) refuse(`an entityID of at most ${longestName} characters, without blanks`, foreignText(entityId) || 'none')
  const sso = endpointsOf(role, 'SingleSignOnService')
  if (sso.redirect === undefined && sso.post === undefined) refuse('a SingleSignOnService with an http address for HTTP-Redirect or HTTP-POST', 'none')
  const enclosing = [role, ...chain]
  return {
    entityId,
    sso,
    slo: endpointsOf(role, 'SingleLogoutService'),
    sloResponse: endpointsOf(role, 'SingleLogoutService', 'ResponseLocation'),
    certificates: certificatesOf(role),
    wantsSignedRequests: ['true', '1'].includes(attributeOf(role, 'WantAuthnRequestsSigned') ?? ''),
    validUntil: validUntilOf(enclosing, now),
    cacheDuration: cacheDurationOf(enclosing)
  }
}

/** Every problem with a document is one with the metadata, but for its signature. */
const asMetadataError = (error: unknown): unknown => error instanceof PorticoError && ['PORTICO_SAML_MESSAGE', 'PORTICO_SAML_TIME'].includes(error.code)
  ? new PorticoError('PORTICO_SAML_METADATA', { wanted: error.wanted, got: error.got })
  : error

/**
 * How an identity provider describes itself (SAML Metadata §2): of an EntityDescriptor, or of EntitiesDescriptors
 * with any number of them, the one that is meant. Where `certificates` are given, the root must be signed
 * by one of them, and its signed bytes alone are read (behaviours S26); without, a signature is not looked at.
 * `trace` is told of it. Throws PORTICO_SAML_METADATA; PORTICO_SAML_SIGNATURE and PORTICO_SAML_ALGORITHM for a signature.
 */
export const readIdpMetadata = (xml: string, expectations: MetadataExpectations, trace?: CheckTrace): IdpDescription => {
  const { certificates } = expectations
  const isSigned = certificates.length > 0
  try {
    const root = readXml(plain(xml, isSigned), limits)
    return describe(isSigned ? verifySigned(root, { certificates, allowSha1: false }, trace, limits).root : root, expectations)
  } catch (error) {
    throw asMetadataError(error)
  }
}
