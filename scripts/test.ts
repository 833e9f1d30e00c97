import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { runFile } from './test/run-file.ts'
import type { FileOutcome } from './test/run-file.ts'

interface Suite { readonly pattern: string, readonly except: string, readonly jobs: number, readonly timeout: number }

const suites: Readonly<Record<'all' | 'e2e' | 'nightly', Suite>> = {
  all: { pattern: 'test/**/*.test.ts', except: 'test/e2e/', jobs: 2, timeout: 120_000 },
  // One browser at a time.
  e2e: { pattern: 'test/e2e/**/*.test.ts', except: '\0', jobs: 1, timeout: 300_000 },
  nightly: { pattern: 'test/saml/mutations.test.ts', except: '\0', jobs: 1, timeout: 1_800_000 }
}

/** Other mutations every day, and more of them than anybody waits for. */
const mutateAllNight = (): void => {
  process.env.PORTICO_MUTATIONS ??= '10000'
  process.env.PORTICO_MUTATION_SEED ??= String(Math.floor(Date.now() / 86_400_000) * 10_000)
}

const filesOf = (suite: Suite, names: readonly string[]): string[] =>
  globSync(suite.pattern)
    .map(file => file.replaceAll('\\', '/'))
    .filter(file => !file.startsWith(suite.except))
    .filter(file => names.length === 0 || names.some(name => file.includes(name.replace(/^\.\//, ''))))
    .sort()

const report = (outcome: FileOutcome): void => {
  const { file, passed, failures, skipped, seconds } = outcome
  console.log(`${failures.length === 0 ? 'ok    ' : 'FAILED'} ${file} (${passed} passed${failures.length > 0 ? `, ${failures.length} failed` : ''}, ${seconds.toFixed(1)} s)`)
  for (const reason of skipped) console.log(`       skipped: ${reason}`)
  for (const failure of failures) console.log(`\n${failure.replaceAll(/^/gm, '       ')}\n`)
  if (failures.length > 0 && outcome.stderr !== '') console.log(`       stderr:\n${outcome.stderr.replaceAll(/^/gm, '         ')}\n`)
}

/**
 * The test command: runs every test file with this Node, two at a time, and prints `N passed, N failed` last
 * (`, N skipped` when any were). `e2e` as first argument chooses test/e2e, which is left out otherwise, `nightly`
 * what takes long at random; further arguments choose files by part of their path. Answers with the exit status: 1 on
 * any failure, or when nothing ran.
 */
export const test = async (args: readonly string[]): Promise<number> => {
  const [first] = args
  const named = first === 'e2e' || first === 'nightly' ? first : undefined
  const suite = suites[named ?? (args.some(name => name.includes('test/e2e')) ? 'e2e' : 'all')]
  const waiting = filesOf(suite, named === undefined ? args : args.slice(1))
  if (named === 'nightly') mutateAllNight()
  const outcomes: FileOutcome[] = []
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const outcome = await runFile(file, suite.timeout)
      outcomes.push(outcome)
      report(outcome)
    }
  }
  await Promise.all(Array.from({ length: Math.min(suite.jobs, availableParallelism()) }, worker))

  const sum = (count: (outcome: FileOutcome) => number): number => outcomes.reduce((total, outcome) => total + count(outcome), 0)
  const passed = sum(outcome => outcome.passed)
  const failed = sum(outcome => outcome.failures.length)
  const skipped = sum(outcome => outcome.skipped.length)
  if (passed + failed + skipped === 0) console.log('nothing ran: no test file was chosen')
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  return failed > 0 || passed + skipped === 0 ? 1 : 0
}
