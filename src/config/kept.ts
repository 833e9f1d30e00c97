import { hash } from 'node:crypto'
import { basename } from 'node:path'
import type { OrganizationSource } from './build/checked.ts'
import { checkDangers } from './checks/dangers.ts'
import type { OrganizationDraft } from './checks/tenure.ts'
import type { FileContent, Files } from './files.ts'
import { indexInvited, invitedLines } from './invited.ts'
import type { InvitedIndex } from './invited.ts'
import { readOrganizationPart } from './part.ts'
import type { OrganizationPart, PorticoPart } from './part.ts'
import { invitedPath, organizationReferences, readReferences } from './references.ts'
import type { Reference } from './references.ts'
import type { Finding } from './reporter.ts'
import type { OrganizationSettings } from './schema/organization.ts'
import { snakeCaseId } from './schema/values.ts'
import { pathText } from './source.ts'

/** What the references of a file hold, as long as the files that were read for it are the same. */
export interface Held {
  readonly values: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
  readonly read: readonly { readonly path: string, readonly limit: number, readonly digest: string }[]
}

/** What an organization comes to beside the main file: the same from a moment until another one (seconds). */
export interface Judgement {
  readonly main: PorticoPart
  readonly from: number
  readonly until: number
  readonly findings: readonly Finding[]
}

/** An organization's file, kept from load to load with all that it refers to: the same object as long as both are the same. */
export interface Kept {
  readonly id: string
  readonly file: string
  readonly content: FileContent
  readonly part: OrganizationPart
  readonly references: readonly Reference[]
  /** What is wrong with it whatever stands in other files. */
  readonly findings: readonly Finding[]
  readonly held: Held
  /** SHA-256 over the names and bytes of all that was read for it. */
  readonly stamp: string
  /** The last judgement. */
  judgement: Judgement | undefined
  /** As it was given out last; given out again as long as it is the same. */
  source: OrganizationSource | undefined
}

/** Bytes of an organization's file. */
const limit = 256 * 1024
const invitedText = pathText(invitedPath)

/** Reads what references refer to. */
export const hold = (references: readonly Reference[], files: Files, env: NodeJS.ProcessEnv): Held => {
  const findings: Finding[] = []
  const read: Held['read'][number][] = []
  const readOne: Files['read'] = (path, limit) => {
    const content = files.read(path, limit)
    read.push({ path, limit, digest: content.digest })
    return content
  }
  const values = readReferences(references, { read: readOne }, env, finding => { findings.push(finding) })
  // Copies have no room for more, of which thousands would be kept.
  return { values, findings: findings.slice(), read: read.slice() }
}

/** SHA-256 over the names and bytes of a file and of what it refers to. */
export const stampOf = (file: string, { digest }: FileContent, { read }: Held): string =>
  hash('sha256', [{ path: file, digest }, ...read].map(({ path, digest }) => `${path}\0${digest}\n`).join(''), 'base64')

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one.size === other.size && [...one].every(([name, value]) => other.get(name) === value)

/** An organization's file by itself. */
type Parsed = Omit<Kept, 'held' | 'stamp' | 'judgement' | 'source'>

/** The text of an organization's file. */
export const readText = (file: string, files: Files): FileContent => files.read(file, limit)

/** An organization's file, read and judged by itself; `before` is what was kept of it, which stays where the text is the same. */
export const parse = (file: string, content: FileContent, before: Kept | undefined): Parsed => {
  if (before?.content.digest === content.digest) return before
  const part = readOrganizationPart(file, content)
  const findings: Finding[] = []
  const id = basename(file, '.yaml')
  if (!snakeCaseId.safeParse(id).success) findings.push({ file, path: [], message: `the file name '${id}' is not an organization's id`, remedy: 'rename the file: lower-case letters, digits and _, beginning with a letter' })
  checkDangers(file, part.draft, finding => { findings.push(finding) })
  return { id, file, content, part, references: part.draft === undefined ? [] : organizationReferences(file, part.draft), findings }
}

/** The same with all that it refers to. */
export const keep = ({ id, file, content, part, references, findings }: Parsed, before: Kept | undefined, files: Files, env: NodeJS.ProcessEnv): Kept => {
  const isParsed = part === before?.part
  if (isParsed && before.held.read.every(({ path, limit, digest }) => files.read(path, limit).digest === digest)) return before
  const held = hold(references, files, env)
  const source = isParsed && isSame(held.values, before.held.values) ? before.source : undefined
  return { id, file, content, part, references, findings, held, stamp: stampOf(file, content, held), judgement: undefined, source }
}

/** Every file that was read for what it refers to. */
export const namesHeld = ({ held }: Pick<Kept, 'held'>): string[] => held.read.map(({ path }) => path)

/** Whether any of the files that were read for it is among these. */
export const isTouched = ({ file, held }: Kept, paths: ReadonlySet<string>): boolean => paths.has(file) || held.read.some(({ path }) => paths.has(path))

/** The organization for checks; undefined where nothing of its file makes sense. */
export const draftOf = ({ id, file, part: { draft } }: Kept): OrganizationDraft | undefined => draft === undefined ? undefined : { id, file, settings: draft }

/** The list that its `invited_file` holds. */
export const invitedListOf = ({ held }: Kept): string | undefined => held.values.get(invitedText)

const invitedOf = (members: OrganizationSettings['members'], list: string | undefined): InvitedIndex | undefined => {
  if (members === 'anyone') return undefined
  if ('invited' in members) return indexInvited(members.invited)
  return 'invited_file' in members ? indexInvited(invitedLines(list ?? '')) : undefined
}

/** What an organization is built from; `settings` are those of its part. */
export const sourceOf = (kept: Kept, settings: OrganizationSettings): OrganizationSource => {
  const { id, file, part: { entries }, held: { values } } = kept
  kept.source ??= {
    id,
    file,
    settings,
    entries,
    values: values.has(invitedText) ? new Map([...values].filter(([path]) => path !== invitedText)) : values,
    invited: invitedOf(settings.members, invitedListOf(kept))
  }
  return kept.source
}
