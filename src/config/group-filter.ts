/**
 * Whether `groups.filter` lets a group through, under the name that the provider has for it: every one where
 * there is no filter. A `*` at the end stands for anything.
 */
export const isLetThrough = (filter: readonly (string | undefined)[] | undefined, group: string): boolean =>
  filter === undefined || filter.some(name => name?.endsWith('*') === true ? group.startsWith(name.slice(0, -1)) : name === group)
