import { basename, dirname, join, resolve } from 'node:path'
import type { Checked, OrganizationSource } from './build/checked.ts'
import { checkApps } from './checks/apps.ts'
import { createClock } from './checks/clock.ts'
import { checkConnectors } from './checks/connectors.ts'
import { checkDangers } from './checks/dangers.ts'
import { checkGateway } from './checks/gateway.ts'
import { checkGroupRules } from './checks/groups.ts'
import { createInvitedCheck } from './checks/invited.ts'
import { hostsOfGateway } from './checks/login-hosts.ts'
import { createOrganizationCheck } from './checks/organizations.ts'
import { claimedNames, createRivalCheck } from './checks/rivals.ts'
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
import { createSharedNames } from './shared-names.ts'
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

/** What an organization comes to beside the main file: the same from a moment until another one (seconds), as long as nothing of it changes. */
interface Judged {
  readonly main: PorticoPart
  readonly held: Held
  readonly from: number
  readonly until: number
  readonly findings: readonly Finding[]
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
  judged: Judged | undefined
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
  return { id, file, content, part, references: part.draft === undefined ? [] : organizationReferences(file, part.draft), findings, held: undefined, judged: undefined, given: undefined }
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
  let last: { readonly reading: Reading, readonly isStill: (stirred: ReadonlySet<string>) => boolean, readonly listed: string | undefined, readonly at: number } | undefined
  const remembered: Remembered = new Map()
  const place = createPlacer()
  const checkInvited = createInvitedCheck()
  const checkSaml = createSamlCheck()
  const names = createSharedNames()
  // clocks are also set back
  const isRecent = (at: number): boolean => Math.abs(now() - at) < recent

  const readParts = (files: readonly FileRead[]): readonly Kept[] => {
    const parts = files.map(read => {
      const before = kept.get(read.file)
      if (before?.content.digest === read.content.digest) return before
      const { id, file, part, ...more } = keep(read)
      names.hold(file, part.draft === undefined ? [] : claimedNames({ id, file, settings: part.draft }))
      return { id, file, part, ...more }
    })
    const next = new Map(parts.map(part => [part.file, part]))
    for (const file of kept.keys()) if (!next.has(file)) names.hold(file, [])
    kept = next
    return parts
  }

  /** Looks at each organization as if there were no other. */
  const createJudge = (main: PorticoPart, moment: number) => {
    const checkOrganization = createOrganizationCheck(main.draft)
    return ({ id, file, part, judged }: Kept, held: Held): Judged => {
      if (judged?.main === main && judged.held === held && judged.from <= moment && moment < judged.until) return judged
      const findings: Finding[] = []
      const report = (finding: Finding): void => { findings.push(finding) }
      const clock = createClock(moment)
      if (part.draft !== undefined) {
        const organization = { id, file, settings: part.draft }
        const contents: Contents = (_, path) => held.values.get(pathText(path))
        checkOrganization(organization, clock, report)
        checkConnectors(organization, contents, clock, report)
        checkSaml(organization, main.draft?.auth_url, contents, clock, report)
        checkInvited(organization, held.values.get(invitedText), report)
      }
      return { main, held, from: moment, until: clock.until(), findings: findings.slice() }
    }
  }

  return stirred => {
    if (last !== undefined && stirred !== undefined && isRecent(last.at) && last.isStill(stirred)) return last.reading
    const files = createFiles(remembered, stirred)
    const findings: Finding[] = []
    const report = (finding: Finding): void => { findings.push(finding) }
    const mainContent = files.read(main, mainLimit)
    if (keptMain?.content.digest !== mainContent.digest) {
      keptMain = { content: mainContent, part: readPorticoPart(main, mainContent) }
      names.hold(main, hostsOfGateway(keptMain.part.draft))
    }
    const mainPart = keptMain.part
    const settings = mainPart.draft
    const folder = resolve(dirname(main), settings?.organizations ?? './organizations')
    const listed = files.list(folder)
    const organizations = readParts((listed ?? []).filter(isOrganizationFile).map(name => {
      const path = join(folder, name)
      return { file: path, content: files.read(path, organizationLimit) }
    }))
    if (settings?.organizations !== undefined && organizations.length === 0) {
      const message = listed === undefined ? `the folder ${folder} is not there` : `the folder ${folder} has no *.yaml file`
      report({ file: main, path: ['organizations'], message, remedy: 'put one YAML file per organization there, or correct the path' })
    }
    for (const name of listed ?? []) {
      if (/^[^.].*\.yml$/i.test(name)) report({ file: join(folder, name), path: [], severity: 'warning', message: 'is not read', remedy: `rename it to ${name.replace(/\.yml$/i, '.yaml')}` })
    }

    const mainValues = settings === undefined ? undefined : readReferences(porticoReferences(main, settings), files, env, report)
    const held = new Map(organizations.map(kept => {
      if (kept.held?.read.every(({ path, limit, digest }) => files.read(path, limit).digest === digest) !== true) kept.held = hold(kept.references, files, env)
      return [kept, kept.held]
    }))
    for (const path of remembered.keys()) if (!files.has(path)) remembered.delete(path)
    const version = files.version()
    const isStill = files.still()
    if (last?.reading.version === version && last.listed === listed?.join('/') && isRecent(last.at)) {
      last = { ...last, isStill }
      return last.reading
    }
    const moment = now()
    if (settings !== undefined) {
      checkApps(main, settings, mainPart.written, report)
      checkGateway(main, settings, (_, path) => mainValues?.get(pathText(path)), report)
      checkDangers(main, settings, report)
    }
    const judge = createJudge(mainPart, moment)
    const checkRivals = createRivalCheck(settings, moment, report)
    const sharers = names.sharers()
    for (const [kept, references] of held) {
      const { id, file, part: { draft } } = kept
      kept.judged = judge(kept, references)
      for (const findings of [kept.findings, references.findings, kept.judged.findings]) for (const finding of findings) report(finding)
      if (draft !== undefined && sharers.has(file)) checkRivals({ id, file, settings: draft })
    }
    if (settings !== undefined) {
      checkGroupRules(main, settings, new Map(organizations.map(({ id, part }) => [id, part.draft])), report)
    }

    const placed = place(findings, file => file === main ? mainContent : kept.get(file)?.content)
    const all = [...mainPart.problems, ...organizations.flatMap(({ part }) => part.problems), ...placed].sort(compareProblems)
    const problems = all.filter(problem => problem.severity === 'problem')
    const outcome = { problems, warnings: all.filter(problem => problem.severity === 'warning'), files: files.names(), version }
    const end = (checked: Checked | undefined): Reading => {
      last = { reading: { ...outcome, checked }, isStill, listed: listed?.join('/'), at: moment }
      return last.reading
    }
    const broken = new Set(problems.map(({ file }) => file))
    if (mainPart.settings === undefined || broken.has(main) || (broken.size > 0 && !partial)) return end(undefined)
    const sources = [...held].flatMap(([kept, { values }]) => {
      const { settings } = kept.part
      if (settings === undefined || broken.has(kept.file)) return []
      if (kept.given === undefined || !isSame(kept.given.values, values)) kept.given = { values, source: sourceOf(kept, settings, values) }
      return kept.given.source
    })
    return end({ file: main, portico: mainPart.settings, values: mainValues ?? new Map(), organizations: sources, version })
  }
}
