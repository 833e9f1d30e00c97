import { PorticoError } from '../../errors.ts'
import type { CheckTrace } from '../trace.ts'

/** Does a part of judging a message that throws when it refuses, and tells `trace` how it came out. Throws what `run` throws. */
export const step = <T>(trace: CheckTrace | undefined, name: string, wanted: string, run: () => T): T => {
  try {
    const result = run()
    trace?.check({ name, passed: true, wanted, got: 'that' })
    return result
  } catch (error) {
    if (error instanceof PorticoError) trace?.check({ name, passed: false, wanted: error.wanted ?? wanted, got: error.got ?? 'nothing' })
    throw error
  }
}
