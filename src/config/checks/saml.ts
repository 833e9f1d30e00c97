import type { X509Certificate } from 'node:crypto'
import { knownAttributes } from '../../connections/saml/attributes.ts'
import { readIdpMetadata } from '../../connections/saml/idp-metadata.ts'
import { plainHttpIn } from '../../connections/saml/plain-http.ts'
import { PorticoError } from '../../errors.ts'
import { certificateFault } from '../idp-certificate.ts'
import { isPem, readCertificates } from '../pem.ts'
import type { Contents } from '../references.ts'
import type { Report } from '../reporter.ts'
import { isLoopback } from '../schema/addresses.ts'
import type { SamlSettings } from '../schema/organization.ts'
import type { Path } from '../source.ts'
import type { Draft } from '../walk.ts'
import type { Clock } from './clock.ts'
import type { Complain } from './connectors.ts'
import { noticeAt } from './notice.ts'
import type { OrganizationDraft } from './tenure.ts'

type SamlDraft = Draft<SamlSettings>

/** Something that stops being of use at a date, as people write it. */
interface End {
  readonly path: Path
  readonly what: string
  readonly date: string
}

/** What the files of a connection were found to be, whatever the time is. */
interface Judged {
  readonly texts: readonly (string | undefined)[]
  readonly findings: readonly Parameters<Complain>[0][]
  readonly ends: readonly End[]
}

const noWay = 'has no way to verify who signed in'
const describedByHand = ['entity_id', 'sso_url', 'certificates'] as const

/** Metadata by URL, by file, or in single values: exactly one of them (product R7, behaviours S7). */
const checkSource = (saml: SamlDraft, complain: Complain): void => {
  const { metadata_url: url, metadata_file: file } = saml
  const values = (['sso_url', 'slo_url', 'certificates'] as const).filter(key => saml[key] !== undefined)
  if (url !== undefined && file !== undefined) complain({ path: ['metadata_file'], message: 'stands beside metadata_url', remedy: 'keep one of the two' })
  if (url !== undefined || file !== undefined) {
    const source = url !== undefined ? 'metadata_url' : 'metadata_file'
    for (const key of values) complain({ path: [key], key: true, message: `stands beside ${source}, which tells it`, remedy: `remove it, or ${source}` })
    return
  }
  if (saml.metadata_certificates !== undefined) complain({ path: ['metadata_certificates'], key: true, message: 'there is no metadata', remedy: 'remove it, or add metadata_url or metadata_file' })
  const lacking = describedByHand.filter(key => saml[key] === undefined)
  if (values.length === 0) complain({ path: [], key: true, message: noWay, remedy: 'add metadata_url, or metadata_file, or entity_id, sso_url and certificates' })
  else if (lacking.length > 0) complain({ path: [], key: true, message: `lacks ${lacking.join(' and ')}${lacking.includes('certificates') ? `: it ${noWay}` : ''}`, remedy: 'add what the provider\'s administrator gives you, or metadata_url in place of all of it' })
}

const checkName = (key: 'entity_id' | 'sp_entity_id', name: string | undefined, complain: Complain): void => {
  if (name === undefined) return
  if (/[\s\p{C}]/u.test(name) || name.length > 1_024) complain({ path: [key], message: 'is not an entityID', remedy: 'write it exactly as the metadata has it: up to 1,024 characters, without blanks' })
}

const asList = (names: string | readonly (string | undefined)[] | undefined): readonly (string | undefined)[] | undefined =>
  typeof names === 'string' ? [names] : names

/** What identifies an account must last: no e-mail, and nothing that is new each time (SAML Core §8.3.8). */
const checkSubject = ({ attributes, name_id_format: format }: SamlDraft, complain: Complain): void => {
  const subject = asList(attributes?.subject)
  const email = asList(attributes?.email) ?? knownAttributes.email
  if (subject?.some(name => email.includes(name ?? '')) === true) {
    complain({ path: ['attributes', 'subject'], message: 'an e-mail names another person one day', remedy: 'name the attribute that identifies the account and never changes' })
  }
  if (format?.endsWith(':transient') === true && subject === undefined) {
    complain({ path: ['name_id_format'], message: 'a transient NameID is another one at each sign-in', remedy: 'ask for urn:oasis:names:tc:SAML:2.0:nameid-format:persistent, or name attributes.subject' })
  }
}

/** What else contradicts itself, has no effect, or has one that people should know of. */
const checkSettings = (id: string, saml: SamlDraft, authUrl: string | undefined, complain: Complain): void => {
  const { entity_id: entityId, request_authn_context: asksForContext, require_acr: acr, idp_initiated: initiated, acs_urls: acsUrls } = saml
  checkName('entity_id', entityId, complain)
  checkName('sp_entity_id', saml.sp_entity_id, complain)
  if (entityId?.endsWith(`/saml/${id}/metadata`) === true || /\/acs\/?$|AssertionConsumerService/i.test(entityId ?? '')) {
    complain({ path: ['entity_id'], message: 'is an address of our side', remedy: 'write the entityID (issuer) of the identity provider: ours is sp_entity_id' })
  }
  checkSubject(saml, complain)
  if (asksForContext === true && acr === undefined) complain({ path: ['request_authn_context'], message: 'there is no require_acr to ask for', remedy: 'add require_acr, or remove it' })
  if (initiated === 'accept') {
    complain({ path: ['idp_initiated'], severity: 'warning', message: 'another site can sign people in here as somebody else', remedy: 'use restart where the provider allows it: people begin at the same place' })
  }
  for (const [index, url] of acsUrls?.entries() ?? []) {
    const { protocol, hostname } = new URL(url ?? 'https://localhost')
    if (protocol === 'http:' && !isLoopback(hostname) && saml.dangerously_allow_http !== true) {
      complain({ path: ['acs_urls', index], message: 'plain http beyond loopback: anybody on the way could sign in as anybody', remedy: 'use https, or set dangerously_allow_http: true on this connection' })
    }
    if (url !== undefined && authUrl !== undefined && new URL(url).origin === new URL(authUrl).origin) {
      complain({ path: ['acs_urls', index], message: 'is an address of this gateway', remedy: 'remove it: each connection has its own ACS; acs_urls are those of the service provider that the customer leaves' })
    }
    if (acsUrls?.indexOf(url) !== index) complain({ path: ['acs_urls', index], message: 'is listed twice', remedy: 'remove one' })
  }
}

const commonName = ({ subject }: X509Certificate): string => subject.replaceAll('\n', ', ')

/** Certificates that are listed: each can be read, and is strong enough; its end is a warning, since providers sign on after it. */
const judgeListed = (key: 'certificates' | 'metadata_certificates', texts: readonly (string | undefined)[]): Omit<Judged, 'texts'> & { readonly read: readonly X509Certificate[] } => {
  const found = texts.map((text, index) => ({ path: [key, index], text, read: text === undefined ? undefined : readCertificates(text) }))
  return {
    read: found.flatMap(({ read = [] }) => read),
    findings: found.flatMap(({ path, text, read }) => {
      // of a file that is not there, the reading has told
      if (text === undefined) return []
      if (read === undefined) return [{ path, message: 'holds no certificate that can be read', remedy: 'give the certificate as PEM: from -----BEGIN CERTIFICATE----- to its END' }]
      return read.flatMap(certificate => {
        const fault = certificateFault(certificate)
        return fault === undefined ? [] : [{ path, message: `the certificate ${commonName(certificate)} ${fault}`, remedy: 'ask the organization for one with an RSA key of 2048 bits or more' }]
      })
    }),
    ends: found.flatMap(({ path, read = [] }) => read.map(certificate =>
      ({ path, what: `the certificate ${commonName(certificate)}`, date: certificate.validTo })))
  }
}

/** The metadata of a file, read as a sign-in reads it; in what is wrong, the first thing. */
const judgeMetadata = (xml: string, { entity_id: entityId, dangerously_allow_http: allowHttp }: SamlDraft, signers: readonly X509Certificate[], now: number): Omit<Judged, 'texts'> => {
  const path = ['metadata_file']
  try {
    // dates are looked at apart from it, each time anew
    const description = readIdpMetadata(xml, { entityId, certificates: signers.map(String), now: -Infinity })
    const plain = allowHttp === true ? undefined : plainHttpIn(description)
    const certificates = description.certificates.flatMap(pem => readCertificates(pem) ?? [])
    const held = certificates.filter(({ validToDate }) => validToDate.getTime() / 1_000 > now)
    return {
      findings: plain === undefined ? [] : [{ path, message: `sends people to ${plain} over plain http: anybody on the way could sign in as anybody`, remedy: 'ask for metadata with https, or set dangerously_allow_http: true on this connection' }],
      ends: [
        ...(held.length > 0 ? held : certificates).map(certificate => ({ path, what: `its certificate ${commonName(certificate)}`, date: certificate.validTo })),
        ...description.validUntil === undefined ? [] : [{ path, what: 'the metadata', date: new Date(description.validUntil * 1_000).toISOString() }]
      ]
    }
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error
    const { wanted = 'metadata of SAML 2.0', got = 'something else', remedy } = error
    return { findings: [{ path, message: `cannot be used: wanted ${wanted}, got ${got}`, remedy: remedy ?? 'ask the organization for the metadata of its identity provider' }], ends: [] }
  }
}

const judge = (saml: SamlDraft, metadata: string | undefined, certificates: Judged['texts'], signers: Judged['texts'], now: number): Judged => {
  const own = judgeListed('certificates', certificates)
  const theirs = judgeListed('metadata_certificates', signers)
  const isReadable = theirs.findings.length === 0 && !signers.includes(undefined)
  const read = metadata === undefined || !isReadable ? { findings: [], ends: [] } : judgeMetadata(metadata, saml, theirs.read, now)
  return {
    texts: [metadata, ...certificates, ...signers],
    findings: [...own.findings, ...theirs.findings, ...read.findings],
    ends: [...own.ends, ...theirs.ends, ...read.ends]
  }
}

/** Checks the SAML connections of one organization. `authUrl` as it is configured. */
export type SamlCheck = (organization: Pick<OrganizationDraft, 'file' | 'settings'>, authUrl: string | undefined, contents: Contents, clock: Clock, report: Report) => void

/**
 * Every setting of a SAML connection that contradicts another, is missing, or can have no effect, and what the
 * files hold that it names: certificates, metadata. Files are read again when they have changed.
 */
export const createSamlCheck = (): SamlCheck => {
  const known = new WeakMap<SamlDraft, Judged>()

  const judgedOf = (saml: SamlDraft, textOf: (...path: Path) => string | undefined, now: number): Judged => {
    const listed = (key: 'certificates' | 'metadata_certificates'): (string | undefined)[] =>
      saml[key]?.map((item, index) => item !== undefined && isPem(item) ? item : textOf(key, index)) ?? []
    const metadata = textOf('metadata_file')
    const [certificates, signers] = [listed('certificates'), listed('metadata_certificates')]
    const before = known.get(saml)
    const texts = [metadata, ...certificates, ...signers]
    if (before !== undefined && before.texts.length === texts.length && before.texts.every((text, index) => text === texts[index])) return before
    const judged = judge(saml, metadata, certificates, signers, now)
    known.set(saml, judged)
    return judged
  }

  return ({ file, settings }, authUrl, contents, clock, report) => {
    for (const [id, connection] of Object.entries(settings.connections ?? {})) {
      if (connection?.connector !== 'saml') continue
      const at: Path = ['connections', id]
      const complain: Complain = finding => report({ ...finding, file, path: [...at, ...finding.path] })
      checkSource(connection, complain)
      checkSettings(id, connection, authUrl, complain)
      const { findings, ends } = judgedOf(connection, (...path) => contents(file, [...at, ...path]), clock.now)
      for (const finding of findings) complain(finding)
      for (const { path, what, date } of ends) {
        const notice = noticeAt(date, clock)
        // also once it is past: it must not hold up a reload
        if (notice !== undefined) complain({ path, severity: 'warning', message: `${what} ${notice}`, remedy: 'ask the organization for a new one' })
      }
    }
  }
}
