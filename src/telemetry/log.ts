import { pino, type DestinationStream, type Logger } from 'pino'
import { describeError } from './describe-error.ts'
import { createIsoTime } from './iso-time.ts'
import { redact } from './redact.ts'

export type Log = Logger

export interface LogOptions {
  /** Least severe level that is written; `log.level = …` changes it while running. */
  readonly level: string
  /** Where lines go: standard output when left out. */
  readonly destination?: DestinationStream
}

/** Bytes that are collected before a write, so that a busy gateway does not write line by line. */
const batch = 4_096
/** Milliseconds that a line waits at most. */
const patience = 250
/** Bytes: a reader of standard output that has stopped reading costs lines, not the process. */
const backlog = 16 * 1024 * 1024

/** Where the log goes. Pino flushes this destination itself when the process exits. */
export const standardOutput = (): DestinationStream =>
  pino.destination({ dest: 1, sync: false, minLength: batch, periodicFlush: patience, maxLength: backlog })

/** The path of a request target without what may hold codes and tokens. */
const withoutQuery = (target: unknown): string | undefined =>
  typeof target === 'string' ? target.split('?', 1)[0] : undefined

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined

/**
 * The JSON log (issue 2, part 7): one object a line. What is logged of errors, requests and
 * responses is an allow-list; `redact` goes over the finished line as a belt.
 */
export const createLog = (options: LogOptions): Log => {
  const isoTime = createIsoTime()
  return pino({
    level: options.level,
    messageKey: 'msg',
    base: {},
    timestamp: () => `,"time":"${isoTime()}"`,
    formatters: { level: label => ({ level: label }) },
    serializers: {
      err: describeError,
      error: describeError,
      // Fastify's own serializers would log the query string
      req: request => ({ method: field(request, 'method'), path: withoutQuery(field(request, 'url')) }),
      res: response => ({ status: field(response, 'statusCode') })
    },
    hooks: {
      logMethod (args, method) {
        const [first, ...rest] = args
        const error = first instanceof Error ? first : field(first, 'err')
        // Without a message pino takes the error's own, whole and unseen
        if (rest.length === 0 && error instanceof Error) method.call(this, first, describeError(error).message)
        else method.apply(this, args)
      },
      streamWrite: redact
    }
  }, options.destination ?? standardOutput())
}
