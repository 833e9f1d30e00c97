import type { Location } from '../configuration.ts'
import type { Contents } from '../references.ts'
import type { OrganizationSettings } from '../schema/organization.ts'
import type { PorticoSettings } from '../schema/portico.ts'

/** Settings that passed every check, with what their references hold. */
export interface Checked {
  readonly file: string
  readonly portico: PorticoSettings
  readonly organizations: readonly {
    readonly id: string
    readonly file: string
    readonly settings: OrganizationSettings
    readonly entries: ReadonlyMap<string, Location>
  }[]
  readonly contents: Contents
  readonly env: NodeJS.ProcessEnv
  readonly version: string
  readonly files: readonly string[]
}

/** What a reference holds; it passed the checks, so it is there. */
export const present = (text: string | undefined, what: string): string => {
  if (text === undefined) throw new TypeError(`${what} passed the checks without a value`)
  return text
}
