import type { Connection } from '../config/configuration.ts'
import { isLetThrough } from '../config/group-filter.ts'

/**
 * The groups that go on, under the names that apps read: filtered by the provider's names first, then
 * renamed; empty ones never (behaviours I). `how` says in words what was done to them.
 */
export const pickGroups = (given: readonly string[], { filter, rename }: Connection['groups']): { groups: readonly string[], how: string } => {
  const named = [...new Set(given.filter(group => group.trim() !== ''))]
  const kept = named.filter(group => isLetThrough(filter, group))
  const renamed = kept.filter(group => rename.has(group))
  const dropped = named.length - kept.length
  return {
    groups: [...new Set(kept.map(group => rename.get(group) ?? group))],
    how: [
      ...dropped === 0 ? [] : [`${dropped} left out by groups.filter`],
      ...renamed.slice(0, 20).map(group => `${rename.get(group) ?? ''} renamed from ${group} by groups.rename`)
    ].map(text => `; ${text}`).join('')
  }
}
