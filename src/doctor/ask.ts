import { PorticoError } from '../errors.ts'
import type { OutboundAnswer } from '../connections/outbound/answer.ts'
import type { OutboundRequest } from '../connections/outbound/http.ts'
import { foreignText } from '../connections/foreign.ts'
import type { Examination } from './examination.ts'

/** An answer, and when it came. */
export interface Asked extends OutboundAnswer {
  /** Seconds since the epoch: the middle of the time that it took. */
  readonly at: number
  /** Milliseconds. */
  readonly took: number
}

/** Bytes of an answer that are read. */
const limit = 1024 * 1024

/** One request as the gateway would make it; what kept it from an answer, in words, instead of one. */
export const ask = async (url: string, { outbound, reach, now }: Examination, request: Partial<OutboundRequest> = {}): Promise<Asked | string> => {
  const begun = performance.now()
  const sentAt = now()
  try {
    const answer = await outbound.fetch(url, { method: 'GET', headers: {}, limit, ...request }, reach)
    return { ...answer, at: (sentAt + now()) / 2, took: Math.round(performance.now() - begun) }
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error
    return foreignText(`${error.got ?? error.message} (${error.code})`)
  }
}
