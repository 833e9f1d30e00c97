import { dirname, resolve } from 'node:path'
import type { Files } from './files.ts'
import type { Report } from './reporter.ts'
import type { PorticoSettings } from './schema/portico.ts'
import type { OrganizationSettings, SamlSettings } from './schema/organization.ts'
import { isPem } from './pem.ts'
import { hasPassword } from './schema/store.ts'
import type { Secret } from './schema/values.ts'
import type { Path } from './source.ts'
import { pathText } from './source.ts'
import type { Draft } from './walk.ts'

/** A setting whose value stands elsewhere: in the environment or in another file. */
export interface Reference {
  readonly file: string
  readonly path: Path
  readonly kind: 'secret' | 'path'
  readonly value: Draft<Secret>
  /** Bytes of a file, where it may have more than usual. */
  readonly limit?: number
  /** Whether a secret that stands in the file itself is worth a warning; it is where nothing is said. */
  readonly isSecret?: (value: string) => boolean
}

/** What the references of a configuration hold, by file and path. */
export type Contents = (file: string, path: Path) => string | undefined

/** Where an organization's invited list stands, when it is a file. */
export const invitedPath: Path = ['members', 'invited_file']

const limit = 256 * 1024
/** An invited list of some hundred thousand lines. */
const invitedLimit = 16 * 1024 * 1024
/** Metadata of one provider, or of a small federation. */
const metadataLimit = 1024 * 1024

const upstreamReferences = (file: string, upstream: Draft<PorticoSettings['apps'][string]['upstream']>, path: Path): Reference[] => {
  const tls = typeof upstream === 'object' ? upstream.tls : undefined
  const at = [...path, 'upstream', 'tls']
  return [
    ...tls?.ca === undefined ? [] : [{ file, path: [...at, 'ca'], kind: 'path' as const, value: tls.ca }],
    ...tls?.certificate === undefined ? [] : [{ file, path: [...at, 'certificate'], kind: 'path' as const, value: tls.certificate }],
    ...tls?.key === undefined ? [] : [{ file, path: [...at, 'key'], kind: 'secret' as const, value: tls.key }]
  ]
}

const storeReferences = (file: string, store: Draft<PorticoSettings>['store']): Reference[] => {
  if (store === undefined || !('kind' in store) || store.kind !== 'redis') return []
  const { url, tls } = store
  const secrets = ['password', 'sentinel_password'] as const
  return [
    ...url === undefined ? [] : [{ file, path: ['store', 'url'], kind: 'secret' as const, value: url, isSecret: hasPassword }],
    ...secrets.flatMap(key => store[key] === undefined ? [] : [{ file, path: ['store', key], kind: 'secret' as const, value: store[key] }]),
    ...(['ca', 'certificate'] as const).flatMap(key => tls?.[key] === undefined ? [] : [{ file, path: ['store', 'tls', key], kind: 'path' as const, value: tls[key] }]),
    ...tls?.key === undefined ? [] : [{ file, path: ['store', 'tls', 'key'], kind: 'secret' as const, value: tls.key }]
  ]
}

/** Every reference of the main file. */
export const porticoReferences = (file: string, settings: Draft<PorticoSettings>): Reference[] => {
  const { listen, ops, keys, store, outbound, apps } = settings
  const references: Reference[] = storeReferences(file, store)
  if (listen?.tls?.certificate !== undefined) references.push({ file, path: ['listen', 'tls', 'certificate'], kind: 'path', value: listen.tls.certificate })
  if (listen?.tls?.key !== undefined) references.push({ file, path: ['listen', 'tls', 'key'], kind: 'secret', value: listen.tls.key })
  if (ops?.token !== undefined) references.push({ file, path: ['ops', 'token'], kind: 'secret', value: ops.token })
  if (outbound?.ca !== undefined) references.push({ file, path: ['outbound', 'ca'], kind: 'path', value: outbound.ca })
  for (const [index, key] of keys?.entries() ?? []) {
    if (key !== undefined) references.push({ file, path: ['keys', index], kind: 'secret', value: key })
  }
  for (const [id, app] of Object.entries(apps ?? {})) {
    references.push(...upstreamReferences(file, app?.upstream, ['apps', id]))
    for (const [region, place] of Object.entries(app?.regions ?? {})) {
      references.push(...upstreamReferences(file, place?.upstream, ['apps', id, 'regions', region]))
    }
  }
  return references
}

const samlReferences = (file: string, at: Path, saml: Draft<SamlSettings>): Reference[] => [
  ...saml.metadata_file === undefined ? [] : [{ file, path: [...at, 'metadata_file'], kind: 'path' as const, value: saml.metadata_file, limit: metadataLimit }],
  ...(['certificates', 'metadata_certificates'] as const).flatMap(key => [...saml[key]?.entries() ?? []].flatMap(([index, value]) =>
    value === undefined || isPem(value) ? [] : [{ file, path: [...at, key, index], kind: 'path' as const, value }]))
]

const connectionReferences = (file: string, id: string, connection: Draft<OrganizationSettings['connections'][string]>): Reference[] => {
  const at = ['connections', id]
  const secret = 'client_secret' in connection ? connection.client_secret : undefined
  const { certificate, key } = 'client_certificate' in connection ? connection.client_certificate ?? {} : {}
  return [
    ...secret === undefined ? [] : [{ file, path: [...at, 'client_secret'], kind: 'secret' as const, value: secret }],
    ...certificate === undefined ? [] : [{ file, path: [...at, 'client_certificate', 'certificate'], kind: 'path' as const, value: certificate }],
    ...key === undefined ? [] : [{ file, path: [...at, 'client_certificate', 'key'], kind: 'secret' as const, value: key }],
    ...connection.connector === 'saml' ? samlReferences(file, at, connection) : []
  ]
}

/** Every reference of an organization's file. */
export const organizationReferences = (file: string, { members, connections }: Draft<OrganizationSettings>): Reference[] => [
  ...typeof members === 'object' && 'invited_file' in members && members.invited_file !== undefined
    ? [{ file, path: invitedPath, kind: 'path' as const, value: members.invited_file, limit: invitedLimit }]
    : [],
  ...Object.entries(connections ?? {}).flatMap(([id, connection]) => connection === undefined ? [] : connectionReferences(file, id, connection))
]

/**
 * Reads the references of one file; answers with what they hold, by path. Reports what is unset, missing
 * or empty, and literals as warnings.
 */
export const readReferences = (references: readonly Reference[], files: Pick<Files, 'read'>, env: NodeJS.ProcessEnv, report: Report): Map<string, string> => {
  const fromFile = (reference: Reference, path: Path, target: string): string | undefined => {
    const full = resolve(dirname(reference.file), target)
    const content = files.read(full, reference.limit ?? limit)
    if (content.text !== undefined) return content.text
    report({ file: reference.file, path, message: `the file ${full} ${content.message}`, remedy: content.remedy })
    return undefined
  }

  const readOne = (reference: Reference): string | undefined => {
    const { file, path, kind, value } = reference
    if (typeof value === 'string') {
      if (kind === 'path') return fromFile(reference, path, value)
      if (reference.isSecret?.(value) === false) return value
      report({ file, path, severity: 'warning', message: 'the secret stands in the file itself', remedy: 'keep it elsewhere: { env: NAME } or { file: path }' })
      return value
    }
    if ('file' in value && value.file !== undefined) {
      const content = fromFile(reference, [...path, 'file'], value.file)?.replace(/\r?\n$/, '')
      if (content?.trim() !== '') return content
      report({ file, path: [...path, 'file'], message: 'the file is empty', remedy: 'write the secret into it' })
    } else if ('env' in value && value.env !== undefined) {
      const content = env[value.env]
      if (content !== undefined && content.trim() !== '') return content
      const message = `the environment variable ${value.env} is ${content === undefined ? 'not set' : 'empty'}`
      report({ file, path: [...path, 'env'], message, remedy: 'set it where Portico is started, or correct the name' })
    }
    return undefined
  }

  return new Map(references.flatMap(reference => {
    const content = readOne(reference)
    return content === undefined ? [] : [[pathText(reference.path), content] as const]
  }))
}
