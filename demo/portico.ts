import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import type { Settings } from './settings.ts'

export interface RunningPortico {
  /** Resolves with what it wrote to stderr when the process has ended. */
  readonly ended: Promise<string>
  close (): Promise<void>
}

/** Milliseconds until it must be ready. */
const patience = 30_000

/** What is worth a line in the terminal out of Portico's JSON log. */
const remark = (line: string): string | undefined => {
  try {
    const entry = JSON.parse(line)
    switch (entry.event) {
      case 'sign_in': return `${entry.email} signed in through ${entry.connection}`
      case 'sign_in_refused': return `a sign-in was refused: ${entry.code}${entry.wanted === undefined ? '' : `, wanted ${entry.wanted}`}${entry.got === undefined ? '' : `, got ${entry.got}`}`
      case 'sign_out': return `${entry.email} signed out`
      case 'reload': return `the configuration is in force: ${entry.organizations} organizations, ${entry.connections} connections`
      default: return entry.level === 'warn' || entry.level === 'error' || entry.level === 'fatal' || entry.level >= 40 ? entry.msg : undefined
    }
  } catch {
    return line
  }
}

/** Starts `portico serve` as a process of its own and waits until it is ready. Throws what it said if it ends first. */
export const startPortico = async ({ config, log, env, places }: Settings, tell: (line: string) => void): Promise<RunningPortico> => {
  const file = createWriteStream(log)
  const child = spawn(process.execPath, ['bin/portico.js', 'serve', '--config', config], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group: Ctrl-C reaches the demo alone, which then ends Portico once and in order.
    detached: true
  })
  const orphan = (): void => { child.kill('SIGKILL') }
  process.on('exit', orphan)
  let running = true
  let complaints = ''
  const ended = new Promise<string>(resolve => {
    child.on('close', () => {
      running = false
      process.off('exit', orphan)
      file.end()
      resolve(complaints.trim())
    })
  })
  createInterface(child.stdout).on('line', line => {
    file.write(`${line}\n`)
    const text = remark(line)
    if (text !== undefined) tell(text)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    file.write(text)
    complaints = (complaints + text).slice(-2_000)
  })

  const isReady = async (): Promise<boolean> => {
    try {
      const response = await fetch(`http://127.0.0.1:${places.ops}/readyz`)
      await response.body?.cancel()
      return response.ok
    } catch {
      return false
    }
  }
  const deadline = Date.now() + patience
  while (!await isReady()) {
    if (!running) throw new Error(complaints.trim() || 'Portico ended before it was ready')
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`Portico is not ready after ${patience / 1_000} s: see ${log}`)
    }
    await wait(50)
  }
  return {
    ended,
    close: async () => {
      if (running) child.kill('SIGTERM')
      await ended
    }
  }
}
