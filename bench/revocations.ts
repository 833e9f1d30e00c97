import { startSubject, type Subject } from './subject.ts'

/**
 * `npm run bench:revocations`: what a million revocations take of memory, and of a look at a session cookie: as
 * nearly all requests find it (`known`), and as the next request of each session does after a revocation of
 * anybody's has arrived (`anew`). Two processes in turn, one without any; medians of the rounds.
 */
const count = 1_000_000
const rounds = 11
const looks = 50_000

const none = await startSubject('no revocation', './subjects/revocations.ts', ['0'])
const many = await startSubject(`${count} revocations`, './subjects/revocations.ts', [String(count)])
const costs = new Map<Subject, Record<string, unknown>[]>()
for (const subject of [none, many]) await subject.ask({ kind: 'cost', looks })
for (let round = 0; round < rounds; round++) {
  for (const subject of [none, many]) costs.set(subject, [...costs.get(subject) ?? [], await subject.ask({ kind: 'cost', looks })])
}

const median = (subject: Subject, what: string): number => (costs.get(subject) ?? []).map(cost => Number(cost[what])).toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
const [usedByNone, usedByMany] = [await none.usage(), await many.usage()]
for (const subject of [none, many]) {
  process.stdout.write(`${subject.name.padEnd(22)} ${median(subject, 'known').toFixed(3)} µs known, ${median(subject, 'anew').toFixed(3)} µs anew; read in ${Math.round(Number(subject.ready['loaded']))} ms; peak ${megabytes(median(subject, 'peak'))}\n`)
}
const taken = usedByMany.memory - usedByNone.memory
process.stdout.write(`${megabytes(taken)} more than without (at most 200 MB)\n`)
await Promise.all([none, many].map(subject => subject.stop()))
if (taken > 200e6) process.exitCode = 1
