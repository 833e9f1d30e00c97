import { locate, parseSource, pathText } from './source.ts'
import type { Path } from './source.ts'
import type { Problem } from './problem.ts'

/** A finding of a check that looks across values: where it is worked out later, since most loads have none. */
export interface Finding {
  readonly file: string
  readonly path: Path
  /** Point at the key instead of its value. */
  readonly key?: boolean
  readonly message: string
  readonly remedy: string
  readonly severity?: 'problem' | 'warning'
}

/** Adds a finding. */
export type Report = (finding: Finding) => void

/** Turns findings into problems with their places, parsing each file concerned once more. */
export const placeFindings = (findings: readonly Finding[], textOf: (file: string) => string | undefined): Problem[] => {
  const byFile = Map.groupBy(findings, finding => finding.file)
  return [...byFile].flatMap(([file, group]) => {
    const source = parseSource(file, textOf(file) ?? '')
    return group.map(({ path, key, message, remedy, severity = 'problem' }) => ({
      ...locate(source, path, key === true ? 'key' : 'value'), path: pathText(path), message, remedy, severity
    }))
  })
}
