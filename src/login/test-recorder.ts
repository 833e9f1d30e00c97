import type { Trace, TracedCheck, TracedField } from '../connections/trace.ts'
import { redactClaims, redactText } from './redact-claims.ts'

/** What a trace was told, fit to be shown. */
export interface Recorded {
  readonly checks: readonly TracedCheck[]
  /** By source. */
  readonly claims: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly fields: readonly TracedField[]
}

/** Records how a return was judged; what is recorded is redacted at once. */
export const createRecorder = (): { readonly trace: Trace, recorded (): Recorded } => {
  const checks: TracedCheck[] = []
  const claims = new Map<string, Record<string, unknown>>()
  const fields: TracedField[] = []
  return {
    trace: {
      check: ({ name, passed, wanted, got }) => { checks.push({ name, passed, wanted: redactText(wanted), got: redactText(got) }) },
      claims: (source, said) => { claims.set(source, redactClaims(said)) },
      field: ({ field, value, from }) => {
        fields.push({ field, value: typeof value === 'string' ? redactText(value) : value?.slice(0, 200).map(redactText), from: redactText(from) })
      }
    },
    recorded: () => ({ checks: [...checks], claims: Object.fromEntries(claims), fields: [...fields] })
  }
}
