import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'
import { z } from 'zod'

const snapshot = z.array(z.looseObject({ name: z.string(), type: z.string() }))

type Snapshot = z.infer<typeof snapshot>

/** The metrics of all workers as one. */
export interface Totals {
  /** What a worker counts by now, as prom-client's `getMetricsAsJSON` gives it. */
  seen (worker: number, metrics: unknown): void
  /** This worker is gone: what it had counted stays counted. */
  gone (worker: number): void
  /** Prometheus text. */
  text (): Promise<string>
}

/** Kinds that only ever grow; a gauge is of a process, and ends with it. */
const growing: readonly string[] = ['counter', 'histogram']

/**
 * Adds the workers' metrics up, each as its `aggregator` says. A counter must never fall, or Prometheus takes it
 * for one that began anew and counts everything twice: so what a worker had when it was last asked outlives it.
 */
export const createTotals = (): Totals => {
  const now = new Map<number, Snapshot>()
  /** What workers that are gone had counted; one after the other, so that none is left out. */
  let past: Promise<Snapshot> = Promise.resolve([])
  const own = new Registry()
  const restarts = new Counter({ name: 'portico_worker_restarts_total', help: 'Workers that ended while they should not, each replaced by another.', registers: [own] })
  const workers = new Gauge({ name: 'portico_workers', help: 'Workers that run.', registers: [own], collect () { this.set(now.size) } })
  own.registerMetric(workers)

  return {
    seen (worker, metrics) {
      const { data } = snapshot.safeParse(metrics)
      if (data !== undefined) now.set(worker, data)
    },

    gone (worker) {
      restarts.inc()
      const last = now.get(worker)
      now.delete(worker)
      if (last === undefined) return
      const kept = last.filter(({ type }) => growing.includes(type))
      past = past.then(async before => snapshot.parse(await AggregatorRegistry.aggregate([before, kept]).getMetricsAsJSON()))
    },

    async text () {
      const all = [await past, ...now.values(), snapshot.parse(await own.getMetricsAsJSON())]
      return await AggregatorRegistry.aggregate(all).metrics()
    }
  }
}
