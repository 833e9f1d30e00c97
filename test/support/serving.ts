import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const portico = fileURLToPath(new URL('../../bin/portico.js', import.meta.url))

export type Line = Readonly<Record<string, unknown>>

/** A started `portico serve`: its log lines as they come. */
export interface Serving {
  readonly child: ChildProcess
  /** Resolves with the status and the signal that it ended by. */
  readonly ended: Promise<unknown[]>
  readonly lines: readonly Line[]
  /** Resolves with the first line, from the `from`th on, that fits; rejects when the process ends before. */
  line (fits: (line: Line) => boolean, from?: number): Promise<Line>
  /** What it wrote to standard error. */
  error (): string
}

type Tap = { teardown (end: () => Promise<void>): unknown }

/** Starts it with the portico.yaml of a folder; it is killed when the test is over. Every line of its log must be JSON. */
export const serve = (t: Tap, folder: string, { args = [], env = {} }: { readonly args?: readonly string[], readonly env?: Readonly<Record<string, string>> } = {}): Serving => {
  const child: ChildProcess = spawn(process.execPath, [portico, 'serve', '--config', join(folder, 'portico.yaml'), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe']
  })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const lines: Line[] = []
  let error = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { error += text })
  const waiting = new Set<() => void>()
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', line => {
      lines.push(JSON.parse(line))
      for (const look of waiting) look()
    })
  }
  return {
    child,
    ended,
    lines,
    error: () => error,
    line: (fits, from = 0) => new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.slice(from).find(fits)
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      ended.then(() => { reject(new Error(`ended: ${error} ${JSON.stringify(lines)}`)) })
      waiting.add(look)
      look()
    })
  }
}

/** The port of a listener that a line `listening` names. */
export const portOf = (line: Line, listener: 'public' | 'ops' = 'public'): number => {
  const address: unknown = line[listener]
  return typeof address === 'object' && address !== null && 'port' in address ? Number(address.port) : Number.NaN
}
