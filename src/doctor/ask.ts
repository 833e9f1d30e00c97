import { PorticoError } from '../errors.ts'
import type { OutboundAnswer } from '../connections/outbound/answer.ts'
import type { OutboundRequest } from '../connections/outbound/http.ts'
import { foreignText } from '../connections/foreign.ts'
import type { Examination } from './examination.ts'

/** An answer, read whole. */
export interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** Seconds since the epoch: the middle of the time that it took. */
  readonly at: number
  /** Milliseconds. */
  readonly took: number
}

/** Bytes of an answer that are read. */
const limit = 1024 * 1024

const webHeaders = (headers: OutboundAnswer['headers']): Headers => {
  const result = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const each of Array.isArray(value) ? value : [value ?? '']) result.append(name, each)
  }
  return result
}

/** One request as the gateway would make it; what kept it from an answer, in words, instead of one. */
export const ask = async (url: string, { outbound, reach, now }: Examination, request: Partial<OutboundRequest> = {}): Promise<Asked | string> => {
  const begun = performance.now()
  const sentAt = now()
  try {
    const { status, headers, text } = await outbound.fetch(url, { method: 'GET', headers: {}, limit, ...request }, reach)
    return { status, headers: webHeaders(headers), body: text, at: (sentAt + now()) / 2, took: Math.round(performance.now() - begun) }
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error
    return foreignText(`${error.got ?? error.message} (${error.code})`)
  }
}

/** `HTTP 200 application/json`. */
export const describeAsked = ({ status, headers }: Asked): string =>
  foreignText(`HTTP ${status} ${headers.get('content-type')?.split(';')[0] ?? 'of no type'}`)
