/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 to `end`, without `end`. */
  below (end: number): number
  /** One of them; throws for none. */
  one <T> (values: readonly T[]): T
}

/** Mulberry32. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(next() * end)
  return {
    below,
    one: values => {
      const found = values[below(values.length)]
      if (found === undefined) throw new RangeError('there is nothing to choose from')
      return found
    }
  }
}
