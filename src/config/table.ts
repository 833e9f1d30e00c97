/**
 * What is looked up by name; the order is no promise. One that was amended shares what stayed the same with the one
 * before, so that it costs the same whether a hundred names stand in it or ten thousand.
 */
export interface Table<V> extends ReadonlyMap<string, V> {
  readonly amended?: {
    readonly base: ReadonlyMap<string, V>
    /** What stands in it otherwise than in the base; undefined for what no longer does. */
    readonly values: ReadonlyMap<string, V | undefined>
  }
}

/** The same table with these values beside the others, or in their places; undefined takes one away. */
export const amend = <V>(table: Table<V>, changed: ReadonlyMap<string, V | undefined>): Table<V> => {
  if (changed.size === 0) return table
  const base = table.amended?.base ?? table
  const values = new Map([...table.amended?.values ?? [], ...changed])
  for (const [name, value] of changed) if (value === undefined && !base.has(name)) values.delete(name)
  const get = (name: string): V | undefined => values.has(name) ? values.get(name) : base.get(name)
  const entries = function * (): Generator<[string, V], undefined> {
    for (const [name, before] of base) {
      const value = values.has(name) ? values.get(name) : before
      if (value !== undefined) yield [name, value]
    }
    for (const [name, value] of values) if (value !== undefined && !base.has(name)) yield [name, value]
  }
  let size = base.size
  for (const [name, value] of values) size += Number(value !== undefined) - Number(base.has(name))
  return {
    amended: { base, values },
    size,
    get,
    has: name => get(name) !== undefined,
    keys: function * (): Generator<string, undefined> {
      for (const [name] of entries()) yield name
    },
    values: function * (): Generator<V, undefined> {
      for (const [, value] of entries()) yield value
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
  const areOfOne = (before.amended?.base ?? before) === (next.amended?.base ?? next)
  const names = areOfOne
    ? new Set([...before.amended?.values.keys() ?? [], ...next.amended?.values.keys() ?? []])
    : new Set([...before.keys(), ...next.keys()])
  return [...names].filter(name => before.get(name) !== next.get(name))
}
