import type { Location } from './configuration.ts'
import type { FileContent } from './files.ts'
import type { Problem } from './problem.ts'
import { locate, parseSource, pathText } from './source.ts'
import type { Path, Source } from './source.ts'

/** A finding of a check that looks across values: where it is worked out later, since most loads have none. */
export interface Finding {
  readonly file: string
  readonly path: Path
  /** Point at the key instead of its value. */
  readonly key?: boolean
  /** Where it stands, in a file that is no YAML. */
  readonly at?: { readonly line: number, readonly column: number }
  readonly message: string
  readonly remedy: string
  readonly severity?: 'problem' | 'warning'
}

/** Adds a finding. */
export type Report = (finding: Finding) => void

/** Turns findings into problems with their places. */
export type Placer = (findings: readonly Finding[], contentOf: (file: string) => FileContent | undefined) => Problem[]

/**
 * A placer that parses a file at most once more for all that is found in it, and remembers the places as
 * long as the file stays the same: the same warnings in thousands of files come with each load.
 */
export const createPlacer = (): Placer => {
  let known = new Map<string, { readonly content: FileContent | undefined, readonly places: Map<string, Location> }>()
  return (findings, contentOf) => {
    const next: typeof known = new Map()
    const placed: Problem[] = []
    for (const [file, group] of Map.groupBy(findings, finding => finding.file)) {
      const content = contentOf(file)
      const before = known.get(file)
      const places = before !== undefined && before.content?.digest === content?.digest ? before.places : new Map<string, Location>()
      next.set(file, { content, places })
      let source: Source | undefined
      for (const { path, key, at, message, remedy, severity = 'problem' } of group) {
        const text = pathText(path)
        const name = key === true ? `${text} key` : text
        let place = at === undefined ? places.get(name) : { file, ...at }
        if (place === undefined) {
          source ??= parseSource(file, content?.text ?? '')
          place = locate(source, path, key === true ? 'key' : 'value')
          places.set(name, place)
        }
        placed.push({ ...place, path: text, message, remedy, severity })
      }
    }
    known = next
    return placed
  }
}
