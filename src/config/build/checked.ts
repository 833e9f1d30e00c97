import type { Location } from '../configuration.ts'
import type { InvitedIndex } from '../invited.ts'
import type { OrganizationSettings } from '../schema/organization.ts'
import type { PorticoSettings } from '../schema/portico.ts'

/**
 * Settings that passed every check, with what their references hold: plain data, all that a Configuration
 * is built from. Secrets are among it.
 */
export interface Checked {
  readonly file: string
  readonly portico: PorticoSettings
  /** What the main file's references hold, by path. */
  readonly values: ReadonlyMap<string, string>
  /** In any order. The same object as at the last load where nothing of it changed. */
  readonly organizations: readonly OrganizationSource[]
  readonly version: string
}

/** What organizations take from the main file where they have nothing of their own. */
export type Lifetimes = PorticoSettings['session']

/** All that one organization is built from but for what the gateway's own settings say. */
export interface OrganizationSource {
  readonly id: string
  readonly file: string
  readonly settings: OrganizationSettings
  /** Where its connections stand. */
  readonly entries: ReadonlyMap<string, Location>
  /** What its references hold, by path; of an invited list there is the index instead. */
  readonly values: ReadonlyMap<string, string>
  readonly invited: InvitedIndex | undefined
}

/** What a reference holds; it passed the checks, so it is there. */
export const present = (text: string | undefined, what: string): string => {
  if (text === undefined) throw new TypeError(`${what} passed the checks without a value`)
  return text
}
