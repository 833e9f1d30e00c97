import { spawn } from 'node:child_process'
import { Parser } from 'tap-parser'
import type { Result } from 'tap-parser'
import { stringify } from 'yaml'

export interface FileOutcome {
  readonly file: string
  /** Assertions, not counting the lines that close a subtest. */
  readonly passed: number
  /** One text each; a file that breaks without a failed assertion has one of its own. */
  readonly failures: readonly string[]
  /** One reason each. */
  readonly skipped: readonly string[]
  readonly seconds: number
  readonly stderr: string
}

/** How much of a file's stderr is kept, in characters. */
const kept = 8_000

const nameOf = (result: Result): string => result.fullname || result.name

const describe = (result: Result): string =>
  `not ok ${nameOf(result)}${result.diag ? `\n${stringify(result.diag, { lineWidth: 0, blockQuote: 'literal' }).trimEnd()}` : ''}`

/** Runs one test file with this Node and counts what its TAP says; killed after `timeout` milliseconds. Never throws. */
export const runFile = async (file: string, timeout: number): Promise<FileOutcome> => {
  const started = performance.now()
  let passed = 0
  let stderr = ''
  let late = false
  const failures: string[] = []
  const skipped: string[] = []

  const parser = new Parser()
  parser.on('result', (result: Result) => {
    if (result.skip || result.todo) skipped.push(`${nameOf(result)}: ${result.skip || result.todo}`)
    else if (result.ok) passed++
    else failures.push(describe(result))
  })
  const complete = new Promise<boolean>(resolve => {
    parser.on('complete', results => {
      if (results.plan.skipAll && results.plan.skipReason && results.plan.skipReason !== 'no tests found') skipped.push(`${file}: ${results.plan.skipReason}`)
      resolve(results.ok)
    })
  })

  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // tap's own limit comes first: it says which test is still waiting.
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(Math.floor(timeout / 1_000 * 0.9)) }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr = (stderr + text).slice(-kept) })
  child.stdout.pipe(parser)
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeout)
  const end = await new Promise<string>(resolve => {
    child.on('error', error => resolve(error.message))
    child.on('close', (code, signal) => resolve(code === 0 ? '' : `exit ${code ?? signal}`))
  })
  clearTimeout(timer)
  parser.end()
  const ok = await complete

  if (late) failures.push(`${file} was still running after ${timeout / 1_000} s`)
  else if ((end !== '' || !ok) && failures.length === 0) failures.push(`${file} broke outside its assertions: ${end || 'its TAP is incomplete'}`)
  else if (passed + failures.length + skipped.length === 0) failures.push(`${file} asserts nothing`)
  return { file, passed, failures, skipped, seconds: (performance.now() - started) / 1_000, stderr: stderr.trim() }
}
