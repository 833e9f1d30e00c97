import { join } from 'node:path'
import { claimedNames } from './checks/rivals.ts'
import type { Files } from './files.ts'
import { draftOf, isTouched, keep, namesHeld, parse, readText } from './kept.ts'
import type { Kept } from './kept.ts'
import { isSameList } from './same-list.ts'
import type { SharedNames } from './shared-names.ts'

/** The organizations of a folder. */
export interface Folder {
  readonly path: string
  /** All that is in it, sorted; undefined when it is not there. */
  readonly names: readonly string[] | undefined
  /** In the order of their files; the same objects as before where nothing of them changed. */
  readonly organizations: readonly Kept[]
  /** Every file that was read for them, some more than once; the same list as before where it says the same. */
  readonly read: readonly string[]
}

// Names with a dot in front belong to editors and to Kubernetes.
const isOrganizationFile = (name: string): boolean => name.endsWith('.yaml') && !name.startsWith('.')

const filesAmong = (path: string, names: readonly string[] | undefined): string[] =>
  (names ?? []).filter(isOrganizationFile).map(name => join(path, name))

// Next to sorted, as it is going to be.
const allRead = (organizations: readonly Kept[]): string[] => [...organizations.map(({ file }) => file), ...organizations.flatMap(namesHeld)]

/** Organizations that are told of at once while a folder is read. */
const slice = 50

/**
 * Reads the organizations of a folder, again and again; `touched` are those of the files that may have changed, undefined
 * for all, of which `onSlice` is then told while they are read. What they claim is noted in `shared`.
 */
export const createFolderReader = (env: NodeJS.ProcessEnv, shared: SharedNames): (path: string, files: Files, touched: ReadonlySet<string> | undefined, onSlice?: (organizations: readonly Kept[]) => void) => Folder => {
  let last: Folder = { path: '', names: undefined, organizations: [], read: [] }

  const noteClaims = (kept: Kept, before: Kept | undefined): void => {
    if (kept.part === before?.part) return
    const organization = draftOf(kept)
    shared.hold(kept.file, organization === undefined ? [] : claimedNames(organization))
  }

  const take = (file: string, before: Kept | undefined, files: Files): Kept => {
    const kept = keep(parse(file, readText(file, files), before), before, files, env)
    noteClaims(kept, before)
    return kept
  }

  /** As the last time, but for what was touched, has come or is gone. */
  const follow = (path: string, names: readonly string[] | undefined, touched: ReadonlySet<string>, files: Files): Folder => {
    const known = new Map(last.organizations.map(kept => [kept.file, kept]))
    const areSameNames = isSameList(names, last.names)
    let areSame = areSameNames
    const organizations = (areSameNames ? [...known.keys()] : filesAmong(path, names)).map(file => {
      const before = known.get(file)
      known.delete(file)
      if (before !== undefined && !isTouched(before, touched)) return before
      const kept = take(file, before, files)
      areSame &&= before !== undefined && (kept === before || isSameList(namesHeld(kept), namesHeld(before)))
      return kept
    })
    for (const file of known.keys()) shared.hold(file, [])
    return { path, names, organizations, read: areSame ? last.read : allRead(organizations) }
  }

  const readAll = (path: string, names: readonly string[] | undefined, files: Files, onSlice: (organizations: readonly Kept[]) => void): Folder => {
    const known = new Map(last.organizations.map(kept => [kept.file, kept]))
    // All of their files before anything that they refer to: the other way round takes longer.
    const texts = filesAmong(path, names).map(file => ({ file, content: readText(file, files) }))
    const organizations: Kept[] = []
    for (let from = 0; from < texts.length; from += slice) {
      const parsed = texts.slice(from, from + slice).map(({ file, content }) => parse(file, content, known.get(file)))
      const some = parsed.map(one => keep(one, known.get(one.file), files, env))
      organizations.push(...some)
      onSlice(some)
    }
    for (const kept of organizations) noteClaims(kept, known.get(kept.file))
    for (const { file } of organizations) known.delete(file)
    for (const file of known.keys()) shared.hold(file, [])
    const read = allRead(organizations)
    return { path, names, organizations, read: isSameList(read, last.read) ? last.read : read }
  }

  return (path, files, touched, onSlice = () => {}) => {
    const names = files.list(path)
    last = touched !== undefined && path === last.path ? follow(path, names, touched, files) : readAll(path, names, files, onSlice)
    return last
  }
}
