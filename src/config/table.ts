/**
 * What is looked up by name. One that was amended shares what stayed the same with the one before, so that it costs
 * the same whether a hundred names stand in it or ten thousand.
 */
export interface Table<V> extends ReadonlyMap<string, V> {
  /** What stands in the place of others, and in what it does. */
  readonly amended?: { readonly base: ReadonlyMap<string, V>, readonly values: ReadonlyMap<string, V> }
}

/** The same table, with these values in the places of those that have their names. Throws TypeError for a name that has no place. */
export const amend = <V>(table: Table<V>, changed: ReadonlyMap<string, V>): Table<V> => {
  if (changed.size === 0) return table
  for (const name of changed.keys()) if (!table.has(name)) throw new TypeError(`nothing to take the place of: ${name}`)
  const base = table.amended?.base ?? table
  const values = new Map([...table.amended?.values ?? [], ...changed])
  const entries = function * (): Generator<[string, V], undefined> {
    for (const [name, value] of base) yield [name, values.get(name) ?? value]
  }
  return {
    amended: { base, values },
    size: base.size,
    has: name => base.has(name),
    get: name => values.get(name) ?? base.get(name),
    keys: () => base.keys(),
    values: function * (): Generator<V, undefined> {
      for (const [name, value] of base) yield values.get(name) ?? value
    },
    entries,
    [Symbol.iterator]: entries,
    forEach (callback) {
      for (const [name, value] of entries()) callback(value, name, this)
    }
  }
}

/** Names whose values are not the same object in both tables, or stand in one of them alone; all of the second's where there is no first. */
export const differing = <V>(before: Table<V> | undefined, next: Table<V>): readonly string[] => {
  if (before === undefined) return [...next.keys()]
  const isAmended = (before.amended?.base ?? before) === (next.amended?.base ?? next)
  const names = isAmended
    ? new Set([...before.amended?.values.keys() ?? [], ...next.amended?.values.keys() ?? []])
    : new Set([...before.keys(), ...next.keys()])
  return [...names].filter(name => before.get(name) !== next.get(name))
}
