import { basename, dirname, join, resolve } from 'node:path'
import type { Checked, OrganizationSource } from './build/checked.ts'
import { checkApps } from './checks/apps.ts'
import { checkConnectors } from './checks/connectors.ts'
import { checkDangers } from './checks/dangers.ts'
import { checkGateway } from './checks/gateway.ts'
import { checkGroupRules } from './checks/groups.ts'
import { createInvitedCheck } from './checks/invited.ts'
import { createOrganizationCheck } from './checks/organizations.ts'
import { createSamlCheck } from './checks/saml.ts'
import { createFiles } from './files.ts'
import type { FileContent, Files, Remembered } from './files.ts'
import { indexInvited, invitedLines } from './invited.ts'
import type { InvitedIndex } from './invited.ts'
import { readOrganizationPart, readPorticoPart } from './part.ts'
import type { OrganizationPart, PorticoPart } from './part.ts'
import { compareProblems } from './problem.ts'
import type { Problem } from './problem.ts'
import { invitedPath, organizationReferences, porticoReferences, readReferences } from './references.ts'
import type { Contents, Reference } from './references.ts'
import { createPlacer } from './reporter.ts'
import type { Finding } from './reporter.ts'
import type { OrganizationSettings } from './schema/organization.ts'
import { snakeCaseId } from './schema/values.ts'
import { pathText } from './source.ts'

export interface ReadOptions {
  /** The main file: `config/portico.yaml`. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  /** Seconds since the epoch, for what expires. */
  readonly now?: (() => number) | undefined
  /** Goes on without the organizations whose files have problems, as long as the main file has none. */
  readonly partial?: boolean | undefined
}

/** A file to be parsed. */
interface FileRead {
  readonly file: string
  readonly content: FileContent
}

/** What reading and checking came to; sorted by place. */
export interface Reading {
  /** What a Configuration is built from; undefined when there are problems. */
  readonly checked: Checked | undefined
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** Every file and folder that was read or looked for. */
  readonly files: readonly string[]
  /** SHA-256 over their names and bytes: the same version, the same outcome. */
  readonly version: string
}

/** What the references of a file hold, as long as the files that were read for it are the same. */
interface Held {
  readonly values: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
  readonly read: readonly { readonly path: string, readonly limit: number, readonly digest: string }[]
}

/** What is kept of an organization's file from load to load. */
interface Kept {
  readonly id: string
  readonly file: string
  readonly content: FileContent
  readonly part: OrganizationPart
  readonly references: readonly Reference[]
  /** What is wrong with it whatever stands in other files. */
  readonly findings: readonly Finding[]
  held: Held | undefined
  /** As it was given out last, with what its references held then; given out again as long as they do. */
  given: { readonly values: ReadonlyMap<string, string>, readonly source: OrganizationSource } | undefined
}

/** Seconds after which the same files are judged again: what expires does so by itself. */
const recent = 10
const mainLimit = 1024 * 1024
const organizationLimit = 256 * 1024

// Names with a dot in front belong to editors and to Kubernetes.
const isOrganizationFile = (name: string): boolean => name.endsWith('.yaml') && !name.startsWith('.')

const invitedText = pathText(invitedPath)

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one === other || (one.size === other.size && [...one].every(([name, value]) => other.get(name) === value))

const keep = ({ file, content }: FileRead): Kept => {
  const part = readOrganizationPart(file, content)
  const findings: Finding[] = []
  const id = basename(file, '.yaml')
  if (!snakeCaseId.safeParse(id).success) findings.push({ file, path: [], message: `the file name '${id}' is not an organization's id`, remedy: 'rename the file: lower-case letters, digits and _, beginning with a letter' })
  checkDangers(file, part.draft, finding => { findings.push(finding) })
  return { id, file, content, part, references: part.draft === undefined ? [] : organizationReferences(file, part.draft), findings, held: undefined, given: undefined }
}

const hold = (references: readonly Reference[], files: Files, env: NodeJS.ProcessEnv): Held => {
  const findings: Finding[] = []
  const read: Held['read'][number][] = []
  const reading = {
    ...files,
    read: (path: string, limit: number) => {
      const content = files.read(path, limit)
      read.push({ path, limit, digest: content.digest })
      return content
    }
  }
  const values = readReferences(references, reading, env, finding => { findings.push(finding) })
  // Copies have no room for more, of which thousands would be kept.
  return { values, findings: findings.slice(), read: read.slice() }
}

const invitedOf = (members: OrganizationSettings['members'], list: string | undefined): InvitedIndex | undefined => {
  if (members === 'anyone') return undefined
  if ('invited' in members) return indexInvited(members.invited)
  return 'invited_file' in members ? indexInvited(invitedLines(list ?? '')) : undefined
}

const sourceOf = ({ id, file, part: { entries } }: Kept, settings: OrganizationSettings, values: ReadonlyMap<string, string>): OrganizationSource => ({
  id,
  file,
  settings,
  entries,
  values: values.has(invitedText) ? new Map([...values].filter(([path]) => path !== invitedText)) : values,
  invited: invitedOf(settings.members, values.get(invitedText))
})

/** Reads and checks again and again; what has not changed since the last time is neither parsed nor given out anew. With `stirred`, only those files are believed to have changed. */
export const createReader = ({ file, env, now = () => Date.now() / 1000, partial = false }: ReadOptions): (stirred?: ReadonlySet<string>) => Reading => {
  const main = resolve(file)
  let keptMain: { readonly content: FileContent, readonly part: PorticoPart } | undefined
  let kept = new Map<string, Kept>()
  let last: { readonly reading: Reading, readonly isStill: (stirred: ReadonlySet<string>) => boolean, readonly names: string | undefined, readonly at: number } | undefined
  const remembered: Remembered = new Map()
  const place = createPlacer()
  const checkInvited = createInvitedCheck()
  const checkSaml = createSamlCheck()

  const readParts = (files: readonly FileRead[]): readonly Kept[] => {
    const parts = files.map(read => {
      const before = kept.get(read.file)
      return before?.content.digest === read.content.digest ? before : keep(read)
    })
    kept = new Map(parts.map(part => [part.file, part]))
    return parts
  }

  return stirred => {
    if (last !== undefined && stirred !== undefined && now() - last.at < recent && last.isStill(stirred)) return last.reading
    const files = createFiles(remembered, stirred)
    const findings: Finding[] = []
    const report = (finding: Finding): void => { findings.push(finding) }
    const mainContent = files.read(main, mainLimit)
    if (keptMain?.content.digest !== mainContent.digest) keptMain = { content: mainContent, part: readPorticoPart(main, mainContent) }
    const mainPart = keptMain.part
    const settings = mainPart.draft
    const folder = resolve(dirname(main), settings?.organizations ?? './organizations')
    const names = files.list(folder)
    const organizations = readParts((names ?? []).filter(isOrganizationFile).map(name => {
      const path = join(folder, name)
      return { file: path, content: files.read(path, organizationLimit) }
    }))
    if (settings?.organizations !== undefined && organizations.length === 0) {
      const message = names === undefined ? `the folder ${folder} is not there` : `the folder ${folder} has no *.yaml file`
      report({ file: main, path: ['organizations'], message, remedy: 'put one YAML file per organization there, or correct the path' })
    }
    for (const name of names ?? []) {
      if (/^[^.].*\.yml$/i.test(name)) report({ file: join(folder, name), path: [], severity: 'warning', message: 'is not read', remedy: `rename it to ${name.replace(/\.yml$/i, '.yaml')}` })
    }

    const values = new Map<string, ReadonlyMap<string, string>>()
    if (settings !== undefined) values.set(main, readReferences(porticoReferences(main, settings), files, env, report))
    for (const kept of organizations) {
      if (kept.held?.read.every(({ path, limit, digest }) => files.read(path, limit).digest === digest) !== true) kept.held = hold(kept.references, files, env)
      values.set(kept.file, kept.held.values)
      for (const finding of kept.held.findings) report(finding)
    }
    for (const path of remembered.keys()) if (!files.has(path)) remembered.delete(path)
    const version = files.version()
    const isStill = files.still()
    if (last?.reading.version === version && last.names === names?.join('/') && now() - last.at < recent) {
      last = { ...last, isStill }
      return last.reading
    }
    const contents: Contents = (file, path) => values.get(file)?.get(pathText(path))

    if (settings !== undefined) {
      checkApps(main, settings, mainPart.written, report)
      checkGateway(main, settings, contents, report)
      checkDangers(main, settings, report)
    }
    const checkOrganization = createOrganizationCheck(settings, now(), report)
    for (const { id, file, part, findings } of organizations) {
      for (const finding of findings) report(finding)
      if (part.draft === undefined) continue
      checkOrganization({ id, file, settings: part.draft })
      checkConnectors({ file, settings: part.draft }, contents, now(), report)
      checkSaml({ file, settings: part.draft }, settings?.auth_url, contents, now(), report)
      checkInvited({ id, file, settings: part.draft }, values.get(file)?.get(invitedText), report)
    }
    if (settings !== undefined) {
      checkGroupRules(main, settings, new Map(organizations.map(({ id, part }) => [id, part.draft])), report)
    }

    const placed = place(findings, file => file === main ? mainContent : kept.get(file)?.content)
    const all = [...mainPart.problems, ...organizations.flatMap(({ part }) => part.problems), ...placed].sort(compareProblems)
    const problems = all.filter(problem => problem.severity === 'problem')
    const outcome = { problems, warnings: all.filter(problem => problem.severity === 'warning'), files: files.names(), version }
    const end = (checked: Checked | undefined): Reading => {
      last = { reading: { ...outcome, checked }, isStill, names: names?.join('/'), at: now() }
      return last.reading
    }
    const broken = new Set(problems.map(({ file }) => file))
    if (mainPart.settings === undefined || broken.has(main) || (broken.size > 0 && !partial)) return end(undefined)
    const sources = organizations.flatMap(kept => {
      const { settings } = kept.part
      const held = values.get(kept.file)
      if (settings === undefined || held === undefined || broken.has(kept.file)) return []
      if (kept.given === undefined || !isSame(kept.given.values, held)) kept.given = { values: held, source: sourceOf(kept, settings, held) }
      return kept.given.source
    })
    return end({ file: main, portico: mainPart.settings, values: values.get(main) ?? new Map(), organizations: sources, version })
  }
}
