/**
 * Bytes of `X-Auth-Groups`: with its name the line stays below the 8 kB that common servers take
 * for one header.
 */
const groupsBudget = 8_000

const percent = (text: string): string => encodeURIComponent(text)

/**
 * A text as a header value (product.md "Headers to the app"): `%` and everything outside printable
 * ASCII as percent-encoded UTF-8. Spaces at either end are encoded too, since HTTP would drop them.
 * `decodeURIComponent` gives the text back; a lone surrogate, which is no text, comes back as U+FFFD.
 */
export const encodeValue = (text: string): string =>
  text.toWellFormed()
    .replace(/[^ -$&-~]+/g, percent)
    .replace(/^ +| +$/g, percent)

/** One member of a joined list: as {@link encodeValue}, and the joiner (`,` or `|`) is encoded as well. */
export const encodeItem = (text: string, joiner: ',' | '|'): string =>
  encodeValue(text).replaceAll(joiner, percent)

export interface FittedGroups {
  /** Joined and encoded. */
  readonly value: string
  /** What went into `value`, raw and in the order given. */
  readonly groups: readonly string[]
  readonly omitted: number
}

/**
 * The groups that fit into 8 kB of header. One that would exceed it is left out and counted; a
 * shorter one after it may still fit. Empty names are no groups.
 */
export const fitGroups = (groups: readonly string[], joiner: ',' | '|' = ','): FittedGroups => {
  const kept: string[] = []
  const items: string[] = []
  let size = 0
  let omitted = 0
  for (const group of groups) {
    if (group === '') continue
    const item = encodeItem(group, joiner)
    const added = item.length + (items.length === 0 ? 0 : 1)
    if (size + added > groupsBudget) {
      omitted++
      continue
    }
    size += added
    kept.push(group.toWellFormed())
    items.push(item)
  }
  return { value: items.join(joiner), groups: kept, omitted }
}
