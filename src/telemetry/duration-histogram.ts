import { Histogram, type Registry } from 'prom-client'

/** Seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const sumAt = bounds.length + 1
const slots = bounds.length + 2

/**
 * A Prometheus histogram of durations with one label, for a path where prom-client's own `observe`
 * (validation, a text key and an object for each value) is too dear: it counts in flat numbers and
 * makes prom-client's values only when they are collected. The caller bounds the label's values.
 */
export const createDurationHistogram = <L extends string> (registry: Registry, options: {
  readonly name: string
  readonly help: string
  readonly label: L
}): (value: string, seconds: number) => void => {
  const series = new Map<string, Float64Array>()

  const values = () => [...series].flatMap(([value, counts]) => {
    const sharedLabels = { [options.label]: value }
    let count = 0
    const buckets = [...bounds, '+Inf'].map((le, index) => {
      count += counts[index] ?? 0
      return { metricName: `${options.name}_bucket`, sharedLabels, labels: { le }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${options.name}_sum`, sharedLabels, labels: {}, value: counts[sumAt] ?? 0 },
      { metricName: `${options.name}_count`, sharedLabels, labels: {}, value: count }
    ]
  })

  const histogram = new Histogram<string>({
    name: options.name,
    help: options.help,
    labelNames: [options.label],
    buckets: bounds,
    registers: [registry]
  })
  // `get` goes through it as well
  Object.assign(histogram, {
    getForPromString: async () => ({ name: options.name, help: options.help, type: 'histogram', aggregator: 'sum', values: values() })
  })

  return (value, seconds) => {
    let counts = series.get(value)
    if (counts === undefined) {
      counts = new Float64Array(slots)
      series.set(value, counts)
    }
    let index = 0
    for (const bound of bounds) {
      if (seconds <= bound) break
      index++
    }
    counts[index] = (counts[index] ?? 0) + 1
    counts[sumAt] = (counts[sumAt] ?? 0) + seconds
  }
}
