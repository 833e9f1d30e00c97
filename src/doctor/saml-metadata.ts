import type { Connection } from '../config/configuration.ts'
import type { SamlSettings } from '../config/schema/organization.ts'
import { foreignText } from '../connections/foreign.ts'
import { describeAnswer, headerOf } from '../connections/outbound/answer.ts'
import type { Reach } from '../connections/outbound/reach.ts'
import type { IdpDescription } from '../connections/saml/description.ts'
import { metadataHeaders } from '../connections/saml/fetched-metadata.ts'
import { readIdpMetadata } from '../connections/saml/idp-metadata.ts'
import { describedBy, refusePlainHttp } from '../connections/saml/provider.ts'
import { samlSettings } from '../connections/saml/settings.ts'
import { PorticoError } from '../errors.ts'
import { ask, type Asked } from './ask.ts'
import type { Examination } from './examination.ts'
import { ok, problem, warning, type Finding } from './finding.ts'
import { probeHost } from './reach.ts'

/** What a connection knows of its provider: from a URL, from a file, or as single values. */
export interface ReadMetadata {
  readonly findings: readonly Finding[]
  /** Undefined where a sign-in would refuse it. */
  readonly description: IdpDescription | undefined
  readonly answer: Asked | undefined
}

/** How far the metadata of a provider may send Portico, which contacts its address alone. */
export const samlReach = (connection: Pick<Connection, 'id' | 'settings'>): Reach => {
  const { metadata_url: url, dangerously_allow_http: allowHttp } = samlSettings(connection)
  return { issuerHost: url === undefined ? '' : new URL(url).hostname, allowHttp }
}

const signatureCodes: readonly string[] = ['PORTICO_SAML_SIGNATURE', 'PORTICO_SAML_ALGORITHM']

/** The entity that is there in place of the one that is meant, if it is one that could be used. */
const otherEntity = (read: (entityId: string | undefined) => IdpDescription): string | undefined => {
  try {
    return read(undefined).entityId
  } catch {
    return undefined
  }
}

/** Reads metadata as a sign-in does; says what is wrong with it, or whose it is (product R26). */
const judgeDocument = (xml: string, { entity_id: wanted, dangerously_allow_http: allowHttp }: SamlSettings, { connection, now }: Examination): Omit<ReadMetadata, 'answer'> => {
  const certificates = connection.saml?.metadataCertificates ?? []
  const read = (entityId: string | undefined): IdpDescription => readIdpMetadata(xml, { entityId, certificates, now: now() })
  const signature = 'one that a certificate of metadata_certificates verifies'
  try {
    const description = read(wanted)
    refusePlainHttp(description, allowHttp)
    return {
      findings: [
        ...certificates.length === 0 ? [] : [ok('metadata signature', signature, 'verified')],
        // What a sign-in compares with is what the provider itself says (product R26)
        ok('issuer', wanted ?? 'an entityID; set entity_id to pin it', foreignText(description.entityId))
      ],
      description
    }
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error
    const { code, got = 'something else', remedy } = error
    const other = wanted === undefined ? undefined : otherEntity(read)
    const fault = signatureCodes.includes(code)
      ? problem('metadata signature', signature, got, 'Ask the provider which certificate signs its metadata now, and list it in metadata_certificates; until then the last good copy is used.')
      : other !== undefined && other !== wanted
        ? problem('issuer', wanted ?? '', foreignText(other), 'Compare entity_id with the entityID in the provider\'s metadata, character for character; or it is another provider\'s metadata.')
        : problem('document', error.wanted ?? 'metadata that a sign-in accepts', got, remedy)
    return { findings: [fault], description: undefined }
  }
}

const hint = (answer: Asked): string => answer.status >= 300 && answer.status < 400
  ? 'Redirects are not followed: if that is the provider\'s, write it as metadata_url.'
  : 'Compare metadata_url with what the provider names; a page to sign in at, or a proxy\'s, looks like this too.'

const fetchDocument = async (url: string, settings: SamlSettings, examination: Examination): Promise<ReadMetadata> => {
  const wanted = `metadata at ${url.split('?', 1)[0]}`
  const answer = await ask(url, examination, { headers: metadataHeaders })
  const nothing = (got: string, remedy: string, asked?: Asked): ReadMetadata => ({ findings: [problem('metadata', wanted, got, remedy)], description: undefined, answer: asked })
  if (typeof answer === 'string') return nothing(answer, 'The host was reached and gave no such answer: compare metadata_url, and what a proxy on the way does.')
  if (answer.status !== 200) {
    const location = headerOf(answer, 'location')
    return nothing(`${describeAnswer(answer)}${location === undefined ? '' : ` to ${foreignText(location)}`}`, hint(answer), answer)
  }
  const got = `${describeAnswer(answer)}, ${Buffer.byteLength(answer.text)} bytes in ${answer.took} ms`
  const isXml = /^(?:application|text)\/(?:[\w.+-]+\+)?xml\b/i.test(headerOf(answer, 'content-type') ?? '')
  const fetched = isXml ? ok('metadata', wanted, got) : warning('metadata', `${wanted}, as XML`, got, 'What it says counts, whatever it is called: tell whoever runs the provider, unless it is a page.')
  const { findings, description } = judgeDocument(answer.text, settings, examination)
  return { findings: [fetched, ...findings], description, answer }
}

/** What is known of the provider, judged as a sign-in judges it (product R7, R16, R26). */
export const probeMetadata = async (examination: Examination): Promise<ReadMetadata> => {
  const { connection } = examination
  const settings = samlSettings(connection)
  const { metadata_url: url } = settings
  if (url !== undefined) {
    const host = await probeHost(new URL(url), examination)
    if (!host.open) return { findings: host.findings, description: undefined, answer: undefined }
    const { findings, description, answer } = await fetchDocument(url, settings, examination)
    return { findings: [...host.findings, ...findings], description, answer }
  }
  const { metadata, certificates = [] } = connection.saml ?? {}
  if (metadata !== undefined) {
    const { findings, description } = judgeDocument(metadata, settings, examination)
    const read = ok('metadata', 'metadata in metadata_file', `${Buffer.byteLength(metadata)} bytes`)
    return { findings: [read, ...findings], description, answer: undefined }
  }
  const description = describedBy(settings, certificates)
  return { findings: [ok('issuer', 'entity_id, as the provider names itself', description.entityId)], description, answer: undefined }
}
