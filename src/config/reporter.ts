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

/**
 * Turns findings into problems with their places, parsing each file concerned once more. `breathe` is
 * awaited between files: a warning in each of many must not hold up requests.
 */
export const placeFindings = async (findings: readonly Finding[], textOf: (file: string) => string | undefined, breathe: () => Promise<void> | undefined): Promise<Problem[]> => {
  const placed: Problem[] = []
  for (const [file, group] of Map.groupBy(findings, finding => finding.file)) {
    await breathe()
    const source = parseSource(file, textOf(file) ?? '')
    for (const { path, key, message, remedy, severity = 'problem' } of group) {
      placed.push({ ...locate(source, path, key === true ? 'key' : 'value'), path: pathText(path), message, remedy, severity })
    }
  }
  return placed
}
