import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'

/** What a provider answered, read whole. */
export interface OutboundAnswer {
  readonly status: number
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Of UTF-8, without a byte order mark. */
  readonly text: string
}

/** Whether a value is a JSON object: neither a list nor `null`. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object in a JSON text; undefined for anything else. */
export const parseObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** A header by its name in lower case; where it came more than once, all its values as one (RFC 9110 §5.3). */
export const headerOf = ({ headers }: OutboundAnswer, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** `HTTP 302 text/html`: what an answer looks like from outside. */
export const describeAnswer = (answer: OutboundAnswer): string =>
  foreignText(`HTTP ${answer.status} ${headerOf(answer, 'content-type')?.split(';')[0] ?? 'of no type'}`)

/**
 * Refuses an answer that is not a 200: PORTICO_IDP_UNREACHABLE where the server says that it cannot
 * now, PORTICO_IDP_ANSWER otherwise, redirects included.
 */
export const requireOk = (answer: OutboundAnswer, wanted: string): void => {
  if (answer.status === 200) return
  const code = answer.status >= 500 || answer.status === 429 ? 'PORTICO_IDP_UNREACHABLE' : 'PORTICO_IDP_ANSWER'
  throw new PorticoError(code, { wanted, got: describeAnswer(answer) })
}

/** The JSON object of a 200; throws as `requireOk`, and PORTICO_IDP_ANSWER for anything but an object. */
export const readObject = (answer: OutboundAnswer, wanted: string): Record<string, unknown> => {
  requireOk(answer, wanted)
  const object = parseObject(answer.text)
  if (object === undefined) throw new PorticoError('PORTICO_IDP_ANSWER', { wanted: `${wanted} as a JSON object`, got: describeAnswer(answer) })
  return object
}
