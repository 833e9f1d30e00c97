import { hash } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import type { Checked, Lifetimes, OrganizationSource } from './build/checked.ts'
import { checkApps } from './checks/apps.ts'
import { checkDangers } from './checks/dangers.ts'
import { checkGateway } from './checks/gateway.ts'
import { checkGroupRules } from './checks/groups.ts'
import { hostsOfGateway } from './checks/login-hosts.ts'
import { createRivalCheck } from './checks/rivals.ts'
import { createFiles } from './files.ts'
import type { FileContent, Files, Remembered } from './files.ts'
import { createFolderReader } from './folder.ts'
import type { Folder } from './folder.ts'
import { createJudge } from './judge.ts'
import { draftOf, hold, namesHeld, sourceOf, stampOf } from './kept.ts'
import type { Held, Kept } from './kept.ts'
import { readPorticoPart } from './part.ts'
import type { PorticoPart } from './part.ts'
import { compareProblems } from './problem.ts'
import type { Problem } from './problem.ts'
import { porticoReferences } from './references.ts'
import { createPlacer } from './reporter.ts'
import type { Finding } from './reporter.ts'
import { isSameList } from './same-list.ts'
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
  /**
   * Told while the first reading goes on, of organizations in which by themselves nothing is wrong. Whether anything
   * may come of them is known at its end.
   */
  readonly onAhead?: ((organizations: OrganizationSource[], session: Lifetimes) => void) | undefined
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

/** Seconds after which the same files are judged again: what expires does so by itself. */
const recent = 10
const mainLimit = 1024 * 1024

/** What is kept of a load until the next. */
interface Last {
  readonly reading: Reading
  readonly folder: Folder
  readonly held: Held
  readonly isStill: (stirred: ReadonlySet<string>) => boolean
  readonly unsure: Iterable<string>
  readonly at: number
}

/** Every file and folder of a load, sorted; the same list as before where it says the same. */
const namesOf = (main: string, held: Held, folder: Folder, last: Last | undefined): readonly string[] => {
  const own = namesHeld({ held })
  return last !== undefined && last.folder.path === folder.path && last.folder.read === folder.read && isSameList(own, namesHeld(last))
    ? last.reading.files
    : [...new Set([...folder.read, folder.path, main, ...own])].sort()
}

/** Reads and checks again and again; what has not changed since the last time is neither parsed nor given out anew. With `stirred`, only those files are believed to have changed. */
export const createReader = ({ file, env, now = () => Date.now() / 1000, partial = false, onAhead }: ReadOptions): (stirred?: ReadonlySet<string>) => Reading => {
  const main = resolve(file)
  let keptMain: { readonly content: FileContent, readonly part: PorticoPart } | undefined
  let last: Last | undefined
  const remembered: Remembered = new Map()
  const shared = createSharedNames()
  const readFolder = createFolderReader(env, shared)
  const judge = createJudge()
  const place = createPlacer()
  // clocks are also set back
  const isRecent = (at: number): boolean => Math.abs(now() - at) < recent

  const readMain = (files: Files): NonNullable<typeof keptMain> => {
    const content = files.read(main, mainLimit)
    if (keptMain?.content.digest === content.digest) return keptMain
    const part = readPorticoPart(main, content)
    shared.hold(main, hostsOfGateway(part.draft))
    return { content, part }
  }

  const goAhead = (part: PorticoPart, some: readonly Kept[]): void => {
    if (onAhead === undefined || last !== undefined || part.settings === undefined) return
    const moment = now()
    const isRight = (kept: Kept): boolean =>
      [kept.findings, kept.held.findings, judge(kept, part, moment)].every(found => found.every(({ severity }) => severity === 'warning'))
    onAhead(some.flatMap(kept => kept.part.settings !== undefined && isRight(kept) ? sourceOf(kept, kept.part.settings) : []), part.settings.session)
  }

  /** All that the checks find, by the one who looks at what stands in one file, and at what two of them share. */
  const check = (part: PorticoPart, held: Held, { path, names, organizations }: Folder, moment: number): Finding[] => {
    const findings: Finding[] = [...held.findings]
    const report = (finding: Finding): void => { findings.push(finding) }
    const { draft } = part
    if (draft?.organizations !== undefined && organizations.length === 0) {
      const message = names === undefined ? `the folder ${path} is not there` : `the folder ${path} has no *.yaml file`
      report({ file: main, path: ['organizations'], message, remedy: 'put one YAML file per organization there, or correct the path' })
    }
    for (const name of names ?? []) {
      if (/^[^.].*\.yml$/i.test(name)) report({ file: join(path, name), path: [], severity: 'warning', message: 'is not read', remedy: `rename it to ${name.replace(/\.yml$/i, '.yaml')}` })
    }
    const checkRivals = createRivalCheck(draft, moment, report)
    const sharers = shared.sharers()
    for (const kept of organizations) {
      for (const found of [kept.findings, kept.held.findings, judge(kept, part, moment)]) found.forEach(report)
      const organization = sharers.has(kept.file) ? draftOf(kept) : undefined
      if (organization !== undefined) checkRivals(organization)
    }
    if (draft !== undefined) {
      checkApps(main, draft, part.written, report)
      checkGateway(main, draft, (_, path) => held.values.get(pathText(path)), report)
      checkDangers(main, draft, report)
      checkGroupRules(main, draft, () => new Map(organizations.map(({ id, part }) => [id, part.draft])), report)
    }
    return findings
  }

  const outcomeOf = (files: readonly string[], version: string, { content, part }: NonNullable<typeof keptMain>, held: Held, { organizations }: Folder, findings: readonly Finding[]): Reading => {
    let contents: ReadonlyMap<string, FileContent> | undefined
    const contentOf = (file: string): FileContent | undefined => {
      contents ??= new Map([[main, content], ...organizations.map(({ file, content }) => [file, content] as const)])
      return contents.get(file)
    }
    const all = [...part.problems, ...organizations.flatMap(({ part }) => part.problems), ...place(findings, contentOf)].sort(compareProblems)
    const problems = all.filter(problem => problem.severity === 'problem')
    const outcome = { problems, warnings: all.filter(problem => problem.severity === 'warning'), files, version }
    const broken = new Set(problems.map(({ file }) => file))
    if (part.settings === undefined || broken.has(main) || (broken.size > 0 && !partial)) return { ...outcome, checked: undefined }
    const sources = organizations.flatMap(kept => kept.part.settings === undefined || broken.has(kept.file) ? [] : sourceOf(kept, kept.part.settings))
    return { ...outcome, checked: { file: main, portico: part.settings, values: held.values, organizations: sources, version } }
  }

  return stirred => {
    if (last !== undefined && stirred !== undefined && isRecent(last.at) && last.isStill(stirred)) return last.reading
    const touched = last === undefined || stirred === undefined ? undefined : new Set([...stirred, ...last.unsure])
    const files = createFiles(remembered, touched)
    keptMain = readMain(files)
    const { content, part } = keptMain
    const folder = readFolder(resolve(dirname(main), part.draft?.organizations ?? './organizations'), files, touched, some => { goAhead(part, some) })
    const held = hold(part.draft === undefined ? [] : porticoReferences(main, part.draft), files, env)
    const version = hash('sha256', [stampOf(main, content, held), ...folder.organizations.map(({ stamp }) => stamp)].join('\n'), 'hex')
    const names = namesOf(main, held, folder, last)
    if (names !== last?.reading.files) {
      const read = new Set(names)
      for (const path of remembered.keys()) if (!read.has(path)) remembered.delete(path)
    }
    const next = { folder, held, isStill: files.still(), unsure: files.unsure() }
    if (last?.reading.version === version && isSameList(last.folder.names, folder.names) && isRecent(last.at)) {
      last = { ...last, ...next }
      return last.reading
    }
    const moment = now()
    const reading = outcomeOf(names, version, keptMain, held, folder, check(part, held, folder, moment))
    last = { ...next, reading, at: moment }
    return reading
  }
}
