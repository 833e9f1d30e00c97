import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from 'undici'
import { isLoopback } from '../../config/schema/addresses.ts'
import type { Configuration } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { OutboundAnswer } from './answer.ts'
import { createLookup } from './lookup.ts'
import { isForbiddenAddress, isIssuerHost, unreachable, type Reach } from './reach.ts'

/** Milliseconds. */
export interface Patience {
  readonly connect: number
  /** From the request to the last byte of the answer. */
  readonly whole: number
}

export interface OutboundRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Bytes that an answer may have. */
  readonly limit: number
}

/** Requests to identity providers. */
export interface Outbound {
  /**
   * One request, its answer read whole; redirects are an answer like any other. Throws
   * PORTICO_IDP_METADATA for an address that must not be contacted, PORTICO_IDP_CERTIFICATE, PORTICO_IDP_UNREACHABLE,
   * PORTICO_IDP_TIMEOUT, and PORTICO_IDP_ANSWER for a body that is too large or encoded.
   */
  fetch (url: string, request: OutboundRequest, reach: Reach): Promise<OutboundAnswer>
  close (): Promise<void>
}

interface Agents {
  /** For the host that the operator named. */
  readonly named: Dispatcher
  /** For hosts that the provider's documents name. */
  readonly other: Dispatcher
  /** For this machine: never through a proxy. */
  readonly local: Dispatcher
}

/**
 * Milliseconds that a socket is kept for the next request: sign-ins that come close together share the cost of TLS.
 * Shorter than servers keep theirs: a POST with a one-time code must not land on one that the other side is just closing.
 */
const idle = 1_000

const createAgents = (outbound: Configuration['outbound'], patience: Patience): Agents => {
  // An extra CA stands beside Node's own ones, not in their place
  const trust = outbound.ca === undefined ? {} : { ca: [...getCACertificates('default'), outbound.ca] }
  const options = (allowed: (address: string) => boolean) => ({
    keepAliveTimeout: idle,
    keepAliveMaxTimeout: idle,
    connect: { timeout: patience.connect, lookup: createLookup(allowed), ...trust }
  })
  const proxied = (allowed: (address: string) => boolean): Dispatcher => new EnvHttpProxyAgent({
    ...options(allowed),
    // Empty texts: undici reads the environment where an option is undefined
    httpProxy: outbound.httpProxy ?? '',
    httpsProxy: outbound.httpsProxy ?? '',
    noProxy: outbound.noProxy ?? '',
    requestTls: { timeout: patience.connect, ...trust },
    proxyTls: { timeout: patience.connect, ...trust }
  })
  return {
    named: proxied(() => true),
    other: proxied(address => !isForbiddenAddress(address)),
    local: new Agent(options(() => true))
  }
}

const closeAgents = async (agents: Agents): Promise<void> => {
  await Promise.all([agents.named.close(), agents.other.close(), agents.local.close()])
}

/** The code of a network failure, wherever undici and Node put it. */
const networkCode = (error: unknown, depth = 0): string | undefined => {
  if (!(error instanceof Error) || depth > 4) return undefined
  if (error instanceof AggregateError) {
    const inner = error.errors.map(each => networkCode(each, depth + 1)).find(code => code !== undefined)
    if (inner !== undefined) return inner
  }
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? code : networkCode(error.cause, depth + 1)
}

/** OpenSSL's and Node's words for a certificate that is not believed (`tls`, "X509 certificate error codes"). */
const isCertificateFault = (code: string): boolean =>
  /CERT|SELF_SIGNED|LEAF_SIGNATURE|^CRL_|^HOSTNAME_MISMATCH$|^INVALID_(?:CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$/.test(code)

const timeouts = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

const readBody = async (body: AsyncIterable<Buffer>, limit: number, place: string): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    // Leaving the loop destroys the body, and with it the socket
    if (size > limit) throw new PorticoError('PORTICO_IDP_ANSWER', { wanted: `at most ${limit} bytes from ${place}`, got: 'more' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Destroying a body makes it fail, which nobody else would hear. */
const discard = (body: Readable): void => {
  body.on('error', () => undefined)
  body.destroy()
}

/** Requests to identity providers: timeouts, size limits, proxies and an extra CA (behaviours O15, N12). */
export const createOutbound = (deps: {
  configuration: () => Configuration
  patience: Patience
}): Outbound => {
  const { configuration, patience } = deps
  let used: { settings: string, agents: Agents } | undefined

  const current = (): Agents => {
    const { outbound } = configuration()
    const settings = JSON.stringify(outbound)
    if (used?.settings === settings) return used.agents
    const old = used
    used = { settings, agents: createAgents(outbound, patience) }
    // Waits for what is under way there
    if (old !== undefined) closeAgents(old.agents).catch(() => undefined)
    return used.agents
  }

  return {
    fetch: async (address, wanted, reach) => {
      const fault = unreachable(address, reach)
      if (fault !== undefined) throw new PorticoError('PORTICO_IDP_METADATA', { wanted: 'an https address of the identity provider', got: fault })
      const url = new URL(address)
      const place = `${url.origin}${url.pathname}`
      const { named, other, local } = current()
      // AbortSignal.timeout would go off for each answer that came long ago, and make an error with its stack
      const abort = new AbortController()
      const timer = setTimeout(() => abort.abort(), patience.whole)
      try {
        const reply = await request(url, {
          dispatcher: isLoopback(url.hostname) ? local : isIssuerHost(url, reach) ? named : other,
          method: wanted.method === 'POST' ? 'POST' : 'GET',
          headers: { 'user-agent': 'portico', ...wanted.headers, 'accept-encoding': 'identity' },
          body: wanted.body ?? null,
          headersTimeout: patience.whole,
          bodyTimeout: patience.whole,
          signal: abort.signal
        })
        if (reply.statusCode < 200 || reply.statusCode > 599) {
          discard(reply.body)
          throw new PorticoError('PORTICO_IDP_ANSWER', { wanted: `an HTTP status from ${place}`, got: String(reply.statusCode) })
        }
        const encoding = reply.headers['content-encoding']
        if (encoding !== undefined && encoding !== 'identity') {
          discard(reply.body)
          throw new PorticoError('PORTICO_IDP_ANSWER', { wanted: `a plain answer from ${place}`, got: 'a compressed one, which was not asked for' })
        }
        const body = await readBody(reply.body, wanted.limit, place)
        return { status: reply.statusCode, headers: reply.headers, text: new TextDecoder().decode(body) }
      } catch (error) {
        if (error instanceof PorticoError) throw error
        const code = networkCode(error)
        if (abort.signal.aborted || (code !== undefined && timeouts.has(code))) {
          throw new PorticoError('PORTICO_IDP_TIMEOUT', { wanted: `an answer from ${place}`, got: `none within ${patience.whole} ms` })
        }
        if (code !== undefined && isCertificateFault(code)) {
          throw new PorticoError('PORTICO_IDP_CERTIFICATE', { wanted: `a certificate of ${url.host} that can be verified`, got: code, exact: code })
        }
        // The error itself stays here: it may hold the request, and with it a secret
        throw new PorticoError('PORTICO_IDP_UNREACHABLE', { wanted: `an answer from ${place}`, got: code ?? 'a broken connection' })
      } finally {
        clearTimeout(timer)
      }
    },
    close: async () => {
      if (used !== undefined) await closeAgents(used.agents)
    }
  }
}
