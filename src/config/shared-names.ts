/** Which names more than one holds, without looking at all of them for one that changes. */
export interface SharedNames {
  /** Whoever this is holds these names from now on, and no others. A name that is given twice is held twice. */
  hold (holder: string, names: readonly string[]): void
  /** Everybody who holds a name that is held more than once. */
  sharers (): ReadonlySet<string>
}

/** Nobody holds any name yet. */
export const createSharedNames = (): SharedNames => {
  const held = new Map<string, readonly string[]>()
  /** By name; most have one holder, who needs no list. */
  const holders = new Map<string, string | string[]>()
  const shared = new Set<string>()

  const add = (name: string, holder: string): void => {
    const others = holders.get(name)
    if (others === undefined) holders.set(name, holder)
    else {
      if (typeof others === 'string') holders.set(name, [others, holder])
      else others.push(holder)
      shared.add(name)
    }
  }

  const remove = (name: string, holder: string): void => {
    const others = [holders.get(name) ?? []].flat().filter(other => other !== holder)
    const [first] = others
    if (first === undefined) holders.delete(name)
    else holders.set(name, others.length === 1 ? first : others)
    if (others.length < 2) shared.delete(name)
  }

  return {
    hold (holder, names) {
      for (const name of new Set(held.get(holder))) remove(name, holder)
      for (const name of names) add(name, holder)
      if (names.length === 0) held.delete(holder)
      else held.set(holder, names)
    },
    sharers: () => new Set([...shared].flatMap(name => holders.get(name) ?? []))
  }
}
