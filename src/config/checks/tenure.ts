import type { OrganizationSettings } from '../schema/organization.ts'
import type { Draft } from '../walk.ts'

/** An organization's file, as far as it makes sense. */
export interface OrganizationDraft {
  readonly id: string
  readonly file: string
  readonly settings: Draft<OrganizationSettings>
}

export type ConnectionDraft = Draft<OrganizationSettings['connections'][string]>

/** When a connection is in force: at `from` and after, before `until`; in seconds, infinite where no date says. */
export interface Tenure {
  readonly from: number
  readonly until: number
}

/** When it becomes active by its own settings: -Infinity for long since, Infinity for never. As `standingOf` has it. */
export const beginOf = ({ status, activate_at: at }: Pick<ConnectionDraft, 'status' | 'activate_at'>): number => {
  if (status === 'disabled') return Infinity
  if (at !== undefined) return Math.floor(Date.parse(at) / 1000)
  return status === 'active' ? -Infinity : Infinity
}

/** By id: the connections that take over from it, in the order of the file. */
export const heirsOf = ({ settings }: OrganizationDraft): Map<string, string[]> => {
  const heirs = new Map<string, string[]>()
  for (const [id, connection] of Object.entries(settings.connections ?? {})) {
    if (connection?.replaces === undefined) continue
    const others = heirs.get(connection.replaces)
    if (others === undefined) heirs.set(connection.replaces, [id])
    else others.push(id)
  }
  return heirs
}

/** Until when a connection is in force at most: until the first of those that replace it begins. */
export const endOf = (organization: OrganizationDraft, heirs: readonly string[] = []): number =>
  Math.min(Infinity, ...heirs.map(heir => beginOf(organization.settings.connections?.[heir] ?? {})))
