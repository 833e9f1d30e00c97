import { Agent, fetch } from 'undici'

// Node does not resolve *.localhost; browsers do.
const dispatcher = new Agent({ connect: { lookup: (_host, { all }, found) => { all === true ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4) } } })

/** Fetches from a host of this machine, whatever its name. */
export const fetchHere = async (url: string, options: Pick<RequestInit, 'method' | 'redirect'> & { readonly signal?: AbortSignal } = {}): Promise<{ readonly status: number, readonly body: string }> => {
  const response = await fetch(url, { ...options, dispatcher })
  return { status: response.status, body: await response.text() }
}
