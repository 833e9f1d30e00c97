/** A label whose values stay bounded: the first `limit` distinct ones are kept, all others are `other`. */
export const createBoundedLabel = (limit: number): (value: string) => string => {
  const known = new Set<string>()
  return value => {
    if (known.has(value)) return value
    if (known.size >= limit) return 'other'
    known.add(value)
    return value
  }
}
