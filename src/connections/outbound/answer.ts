import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'

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

/** `HTTP 302 text/html`: what an answer looks like from outside. */
export const describeAnswer = (response: Response): string => {
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  return foreignText(`HTTP ${response.status} ${type}`)
}

/**
 * Refuses an answer that is not a 200: PORTICO_IDP_UNREACHABLE where the server says that it cannot
 * now, PORTICO_IDP_ANSWER otherwise, redirects included.
 */
export const requireOk = (response: Response, wanted: string): void => {
  if (response.status === 200) return
  const code = response.status >= 500 || response.status === 429 ? 'PORTICO_IDP_UNREACHABLE' : 'PORTICO_IDP_ANSWER'
  throw new PorticoError(code, { wanted, got: describeAnswer(response) })
}

/** The JSON object of a 200; throws as `requireOk`, and PORTICO_IDP_ANSWER for anything but an object. */
export const readObject = async (response: Response, wanted: string): Promise<Record<string, unknown>> => {
  requireOk(response, wanted)
  const object = parseObject(await response.text())
  if (object === undefined) throw new PorticoError('PORTICO_IDP_ANSWER', { wanted: `${wanted} as a JSON object`, got: describeAnswer(response) })
  return object
}
