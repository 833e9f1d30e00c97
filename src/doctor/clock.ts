import { headerOf } from '../connections/outbound/answer.ts'
import type { Asked } from './ask.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

/** Seconds apart. */
const noticed = 30

/**
 * How the provider's clock and ours compare, by its answer; nothing where it does not tell the time, or there
 * is none. More than `skew` seconds apart, sign-ins fail. `Age` is how long a cache held it (RFC 9111 §5.1).
 */
export const judgeClock = (answer: Asked | undefined, skew: number): readonly Finding[] => {
  if (answer === undefined) return []
  const date = Date.parse(headerOf(answer, 'date') ?? '') / 1_000
  if (Number.isNaN(date)) return []
  const age = Number(headerOf(answer, 'age') ?? 0)
  const ahead = Math.round(answer.at - date - (Number.isFinite(age) ? age : 0))
  const apart = Math.abs(ahead)
  const wanted = 'the same time here and at the provider'
  const got = apart <= 1 ? 'the same' : `this machine is ${apart} s ${ahead > 0 ? 'ahead' : 'behind'}`
  const remedy = 'Synchronise this machine\'s clock (NTP); if it is right, tell whoever runs the provider.'
  if (apart > skew) return [problem('clock', wanted, got, remedy)]
  return [apart > noticed ? warning('clock', wanted, got, remedy) : ok('clock', wanted, got)]
}
