import { PorticoError } from '../errors.ts'

/** Characters of any one text. */
const limit = 1_000
/** Causes that are followed. */
const depth = 4

const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.slice(0, limit) : undefined

/** Parsers quote what they could not parse, and URL errors the URL: either may be a token. */
const message = (error: Error): string => {
  const words = error instanceof SyntaxError ? error.message.replace(/["'].*$/s, '…') : error.message
  return words.slice(0, limit).replace(/\?\S+/g, '?…')
}

const code = (error: Error): string | undefined => 'code' in error ? text(error.code) : undefined

export interface DescribedError {
  readonly type: string
  readonly code?: string | undefined
  readonly message: string
  readonly wanted?: string | undefined
  readonly got?: string | undefined
  readonly remedy?: string | undefined
  readonly connection?: string | undefined
  readonly stack?: string | undefined
  readonly cause?: DescribedError | undefined
}

const describe = (error: unknown, remaining: number): DescribedError => {
  if (!(error instanceof Error)) return { type: typeof error, message: 'something that is no Error was thrown' }
  const cause = error.cause instanceof Error && remaining > 0 ? describe(error.cause, remaining - 1) : undefined
  if (error instanceof PorticoError) {
    return {
      type: error.name,
      code: error.code,
      message: error.message.slice(0, limit),
      wanted: text(error.wanted),
      got: text(error.got),
      remedy: text(error.remedy),
      connection: error.connection,
      cause: cause === undefined ? undefined : { ...cause, stack: undefined }
    }
  }
  return { type: error.name, code: code(error), message: message(error), stack: frames(error), cause }
}

/** Where it happened, without the message that V8 puts in front. */
const frames = (error: Error): string | undefined => {
  const lines = (error.stack ?? '').split('\n').filter(line => /^ {4}at /.test(line))
  return lines.length === 0 ? undefined : lines.slice(0, 12).map(line => line.trim()).join('\n').slice(0, 4 * limit)
}

/**
 * What of an error may be logged: for Portico's own what an operator needs, for any other its type,
 * code, message and place. Properties that libraries hang on errors (responses, claims, tokens,
 * URLs) are never read.
 */
export const describeError = (error: unknown): DescribedError => describe(error, depth)
