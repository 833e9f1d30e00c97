import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** A free port on 127.0.0.1 below those that systems give to outgoing connections. */
export const freePort = async (): Promise<number> => {
  for (let attempt = 0; attempt < 20; attempt++) {
    const port = randomInt(20_000, 32_768)
    const server = createServer()
    const free = await new Promise<boolean>(resolve => { server.once('error', () => { resolve(false) }).listen(port, '127.0.0.1', () => { resolve(true) }) })
    await new Promise(resolve => { server.close(resolve) })
    if (free) return port
  }
  throw new Error('no free port in 20 attempts')
}

export interface PhpOptions {
  readonly port: number
  /** The folder it serves. */
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  /** Loaded before whatever is asked for. */
  readonly prelude?: string | undefined
  /** Path that answers 200 as soon as everything is well. */
  readonly ready: string
}

export interface Php {
  /** What its error log has. */
  printed (): string
  close (): Promise<void>
}

/** Starts PHP's own server (one request at a time) on 127.0.0.1 and waits until it answers; it ends with this process at the latest. */
export const startPhp = async ({ port, root, env, prelude, ready }: PhpOptions): Promise<Php> => {
  const settings = ['-d', 'opcache.enable_cli=1', ...prelude === undefined ? [] : ['-d', `auto_prepend_file=${prelude}`]]
  const child = spawn('php', [...settings, '-S', `127.0.0.1:${port}`, '-t', root], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let printed = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { printed += text })
  const ended = new Promise<void>(resolve => { child.once('error', () => { resolve() }).once('close', () => { resolve() }) })
  const kill = (): void => { child.kill('SIGKILL') }
  process.once('exit', kill)
  const close = async (): Promise<void> => {
    process.off('exit', kill)
    kill()
    await ended
  }

  let answer = 'nothing'
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
    const response = await fetch(`http://127.0.0.1:${port}${ready}`).catch(() => undefined)
    if (response?.status === 200) return { close, printed: () => printed }
    if (response !== undefined) answer = `HTTP ${response.status}`
    await sleep(50)
  }
  await close()
  throw new Error(`PHP answers with ${answer}: ${printed}`)
}
