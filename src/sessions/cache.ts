/** A map that forgets what was not asked for lately, once it is full. */
export interface Cache<T> {
  get (key: string): T | undefined
  /** Whether it is there; does not count as asking for it. */
  has (key: string): boolean
  keys (): Iterable<string>
  set (key: string, value: T, weight: number): void
  clear (): void
}

/**
 * Two generations of a map: what is asked for moves to the young one, and when that holds half of
 * `limit`, the old one is dropped with all that nobody asked for since. A hit costs one look-up, where
 * a list in order of use (toad-cache) moves links on every request; and entries have weights, since
 * sessions differ in size a hundredfold.
 */
export const createCache = <T extends object>(limit: number): Cache<T> => {
  let young = new Map<string, { value: T, weight: number }>()
  let old = new Map<string, { value: T, weight: number }>()
  let load = 0

  const put = (key: string, entry: { value: T, weight: number }): void => {
    if (load + entry.weight > limit / 2) {
      old = young
      young = new Map()
      load = 0
    }
    load += entry.weight
    young.set(key, entry)
  }

  return {
    get (key) {
      const entry = young.get(key)
      if (entry !== undefined) return entry.value
      const older = old.get(key)
      if (older === undefined) return undefined
      old.delete(key)
      put(key, older)
      return older.value
    },

    has: key => young.has(key) || old.has(key),

    * keys () {
      yield * young.keys()
      yield * old.keys()
    },

    set (key, value, weight) {
      load -= young.get(key)?.weight ?? 0
      young.delete(key)
      old.delete(key)
      put(key, { value, weight })
    },

    clear () {
      young = new Map()
      old = new Map()
      load = 0
    }
  }
}
