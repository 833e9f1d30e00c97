import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'

/** CPU time of a process so far, user and system, in microseconds, and its resident memory in bytes. */
export interface Usage {
  readonly cpu: number
  readonly memory: number
}

/** A process that is measured or that measures. */
export interface Subject {
  readonly name: string
  /** What it said when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>
  usage (): Promise<Usage>
  readonly pid: number
  ask (message: object): Promise<Record<string, unknown>>
  stop (): Promise<void>
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const next = async (child: ChildProcess): Promise<Record<string, unknown>> => {
  const [message] = await once(child, 'message')
  if (!isRecord(message)) throw new TypeError('a process said something odd')
  return message
}

/** Has a process give way to what is measured, or not; 0 is this one. Only root can take back what was given. */
export const giveWay = (pid: number, gives: boolean): void => {
  try {
    setPriority(pid, gives ? 10 : 0)
  } catch {
    // not allowed: then all are equal
  }
}

/** Starts `file` beside this one; its log goes nowhere, at the cost of writing it. */
export const startSubject = async (name: string, file: string, args: readonly string[] = []): Promise<Subject> => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ready = await next(child)
  const ask = (message: object) => {
    const answer = next(child)
    child.send(message)
    return answer
  }
  return {
    name,
    ready,
    ask,
    pid: child.pid ?? 0,
    usage: async () => {
      const { cpu, memory } = await ask({ kind: 'usage' })
      return { cpu: Number(cpu), memory: Number(memory) }
    },
    stop: async () => {
      child.disconnect()
      await once(child, 'exit')
    }
  }
}

/** Called by a process that is measured once it listens: answers what is asked of it, and ends with its parent. */
export const serveSubject = (ready: Readonly<Record<string, unknown>>, answer: (message: Record<string, unknown>) => Promise<object> = async () => ({})): void => {
  process.on('message', message => {
    if (!isRecord(message)) return
    if (message.kind === 'usage') {
      const { user, system } = process.cpuUsage()
      process.send?.({ cpu: user + system, memory: process.memoryUsage().rss })
      return
    }
    answer(message).then(result => process.send?.(result), (error: unknown) => { throw error })
  })
  process.once('disconnect', () => process.exit(0))
  process.send?.(ready)
}
