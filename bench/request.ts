import { cpus } from 'node:os'
import { startSubject, type Subject } from './subject.ts'

/**
 * `npm run bench`: what a signed-in request costs, as CPU time of the process that forwards it
 * (user and system), beside a bare @fastify/http-proxy and a hand-written forwarder. Answers of 1 kB,
 * connections kept, upstream and load in processes of their own, rounds in turn so that whatever else
 * the machine does touches all alike; the median of the rounds counts.
 */
const rounds = 9
const requests = 4_000
const warmUp = 12_000
const connections = 16
const sessions = 10_000

const upstream = await startSubject('upstream', './subjects/upstream.ts')
const url = `http://127.0.0.1:${upstream.ready.port}`
const load = await startSubject('load', './subjects/load.ts')
const subjects = {
  bare: await startSubject('bare @fastify/http-proxy', './subjects/bare.ts', [url]),
  one: await startSubject('Portico, one session', './subjects/portico.ts', [url, '1']),
  many: await startSubject(`Portico, ${sessions} sessions`, './subjects/portico.ts', [url, String(sessions)]),
  floor: await startSubject('node:http + undici', './subjects/floor.ts', [url]),
  bareLog: await startSubject('bare @fastify/http-proxy, request log', './subjects/bare.ts', [url, 'log']),
  oneLog: await startSubject('Portico, one session, request log', './subjects/portico.ts', [url, '1', 'log']),
  manyLog: await startSubject(`Portico, ${sessions} sessions, request log`, './subjects/portico.ts', [url, String(sessions), 'log'])
}

// whoever does not sign in gets the cookies of those who do, so that all read as many bytes
const cookiesOf = (subject: Subject) => subject.ready.cookies ?? subjects.one.ready.cookies

/** Microseconds of CPU for each request. */
const measure = async (subject: Subject, count: number): Promise<number> => {
  const before = await subject.usage()
  const { failed } = await load.ask({ port: subject.ready.port, host: 'analytics.localhost', cookies: cookiesOf(subject), requests: count, connections })
  const after = await subject.usage()
  if (failed !== 0) throw new Error(`${subject.name}: ${failed} requests failed`)
  return (after.cpu - before.cpu) / count
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const figures = new Map<Subject, number[]>()
for (const subject of Object.values(subjects)) await measure(subject, warmUp)
for (let round = 0; round < rounds; round++) {
  for (const subject of Object.values(subjects)) figures.set(subject, [...figures.get(subject) ?? [], await measure(subject, requests)])
}

const cost = (subject: Subject): number => median(figures.get(subject) ?? [])
const row = (subject: Subject): string => {
  const values = figures.get(subject) ?? []
  return `${subject.name.padEnd(44)} ${cost(subject).toFixed(1).padStart(7)} µs   (${Math.min(...values).toFixed(1)} – ${Math.max(...values).toFixed(1)})`
}
/** The median of each round's own ratio: what slows one of them down slows its neighbour too. */
const ratio = (subject: Subject, base: Subject): string =>
  median((figures.get(subject) ?? []).map((value, round) => value / (figures.get(base)?.[round] ?? 1))).toFixed(2)

const { bare, one, many, floor, bareLog, oneLog, manyLog } = subjects
process.stdout.write([
  `CPU time per request, median of ${rounds} rounds of ${requests} requests over ${connections} connections; Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}`,
  '',
  ...Object.values(subjects).map(row),
  '',
  'ratio to bare @fastify/http-proxy, neither with a request log',
  `  one session        ${ratio(one, bare)}   (at most 1.15)`,
  `  ${sessions} sessions     ${ratio(many, bare)}   (at most 1.15)`,
  `  node:http + undici ${ratio(floor, bare)}   (the floor)`,
  'ratio with one line of request log for each request on both sides',
  `  one session        ${ratio(oneLog, bareLog)}`,
  `  ${sessions} sessions     ${ratio(manyLog, bareLog)}`,
  ''
].join('\n'))

await Promise.all([...Object.values(subjects), load, upstream].map(subject => subject.stop()))
