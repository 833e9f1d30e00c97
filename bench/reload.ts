import { setTimeout as wait } from 'node:timers/promises'
import { startSubject } from './subject.ts'

/**
 * `node bench/reload.ts`: whether a reload is felt. A calm stretch, then one with reloads, then a calm
 * one again, of as many requests under the same load; a request that fails ends it with status 1, and so
 * does one that is more than 20 ms slower than the slowest of the calm stretches.
 */
const organizations = 300
const requests = 20_000
const connections = 8
const allowance = 20

const upstream = await startSubject('upstream', './subjects/upstream.ts')
const load = await startSubject('load', './subjects/load.ts')
const portico = await startSubject('Portico', './subjects/portico.ts', [`http://127.0.0.1:${upstream.ready.port}`, '100'])
const { port, host, cookies } = portico.ready
await portico.ask({ kind: 'organizations', count: organizations })
await portico.ask({ kind: 'reload' })

const stretch = async (): Promise<{ failed: number, slowest: number, milliseconds: number }> => {
  const { failed, slowest, milliseconds } = await load.ask({ port, host, cookies, requests, connections })
  return { failed: Number(failed), slowest: Number(slowest), milliseconds: Number(milliseconds) }
}

await stretch()
const before = await stretch()

const over = new AbortController()
let reloads = 0
const reloading = (async () => {
  while (!over.signal.aborted) {
    await portico.ask({ kind: 'reload' })
    reloads++
    await wait(250)
  }
})()
const during = await stretch()
over.abort()
await reloading
const after = await stretch()

const calm = Math.max(before.slowest, after.slowest)
const failed = before.failed + during.failed + after.failed
process.stdout.write([
  `${requests} requests over ${connections} connections in each stretch; ${reloads} reloads of ${organizations} organizations`,
  `calm      slowest ${before.slowest.toFixed(1)} ms`,
  `reloading slowest ${during.slowest.toFixed(1)} ms, ${during.failed} failed`,
  `calm      slowest ${after.slowest.toFixed(1)} ms`,
  `slower by ${Math.max(0, during.slowest - calm).toFixed(1)} ms (at most ${allowance}), ${failed} failed (none)`,
  ''
].join('\n'))
if (failed > 0 || during.slowest - calm > allowance) process.exitCode = 1
await Promise.all([portico, load, upstream].map(subject => subject.stop()))
