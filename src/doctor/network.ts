import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, getCACertificates, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import type { Configuration } from '../config/configuration.ts'
import { isLoopback, withoutBrackets } from '../config/schema/addresses.ts'
import { createLookup } from '../connections/outbound/lookup.ts'
import { isForbiddenAddress } from '../connections/outbound/reach.ts'
import { certificateFacts, type Shown } from './certificate.ts'
import { portOf, proxyFor } from './proxy.ts'

/** How far one got towards a host: each step is told apart from the one before. */
export type Reached =
  /** The name has no address, or one that must not be contacted. */
  | { readonly stage: 'name', readonly code: string }
  /** The configured proxy does not answer or refuses to connect. */
  | { readonly stage: 'proxy', readonly code: string, readonly proxy: string }
  | { readonly stage: 'connection', readonly code: string }
  /** Connected, and no TLS was spoken. */
  | { readonly stage: 'tls', readonly code: string }
  /** `shown` is undefined for plain http. Milliseconds. */
  | { readonly stage: 'open', readonly took: number, readonly proxy: string | undefined, readonly shown: Shown | undefined }

/** A failure of a known stage. */
class Stopped extends Error {
  readonly reached: Reached
  constructor (reached: Reached) {
    super(reached.stage)
    this.reached = reached
  }
}

const codeOf = (error: unknown): string => {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'string') return code
  return error instanceof AggregateError ? codeOf(error.errors[0]) : 'a broken connection'
}

const nameFaults = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'ENODATA', 'EFORBIDDEN', 'ESERVFAIL'])

/** Waits for one of a socket's events, `patience` milliseconds at most; destroys it when that fails. */
const settle = <T extends Socket>(socket: T, event: 'connect' | 'secureConnect', patience: number): Promise<T> => new Promise((resolve, reject) => {
  const fail = (error: unknown): void => {
    socket.destroy()
    reject(error)
  }
  socket.setTimeout(patience, () => fail(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })))
  socket.on('error', fail)
  socket.once('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
  socket.once(event, () => {
    socket.setTimeout(0)
    resolve(socket)
  })
})

const openDirectly = async (url: URL, allowed: (address: string) => boolean, patience: number): Promise<Socket> => {
  const host = withoutBrackets(url.hostname)
  try {
    return await settle(connect({ host, port: portOf(url), lookup: createLookup(allowed) }), 'connect', patience)
  } catch (error) {
    const code = codeOf(error)
    throw new Stopped({ stage: nameFaults.has(code) ? 'name' : 'connection', code })
  }
}

/** A tunnel as undici asks for it (RFC 9110 §9.3.6). */
const openThrough = (proxy: URL, url: URL, trust: { ca?: string[] }, patience: number): Promise<Socket> => new Promise((resolve, reject) => {
  const target = `${url.hostname}:${portOf(url)}`
  const stop = (code: string): void => reject(new Stopped({ stage: 'proxy', code, proxy: proxy.host }))
  const credentials = proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}` }
  const ask = proxy.protocol === 'https:' ? httpsRequest : httpRequest
  const asked = ask({ host: proxy.hostname, port: portOf(proxy), method: 'CONNECT', path: target, headers: { host: target, ...credentials }, timeout: patience, ...trust })
  asked.on('error', error => stop(codeOf(error)))
  asked.on('timeout', () => {
    stop('ETIMEDOUT')
    asked.destroy()
  })
  asked.on('connect', (answer, socket) => {
    if (answer.statusCode === 200) {
      resolve(socket)
    } else {
      socket.destroy()
      stop(`HTTP ${answer.statusCode ?? 0}`)
    }
  })
  asked.end()
})

/** What was shown, from the server's own certificate up; the last one issues itself where the whole chain is there. */
const chainOf = (socket: TLSSocket): Buffer[] => {
  const chain: Buffer[] = []
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (certificate?.raw !== undefined && chain.length < 10) {
    chain.push(certificate.raw)
    const { issuerCertificate }: { issuerCertificate: DetailedPeerCertificate | undefined } = certificate
    certificate = issuerCertificate?.raw?.equals(certificate.raw) === true ? undefined : issuerCertificate
  }
  return chain
}

const shake = async (socket: Socket, url: URL, trust: { ca?: string[] }, patience: number): Promise<Shown> => {
  const host = withoutBrackets(url.hostname)
  try {
    const secure = await settle(connectTls({
      socket,
      host,
      ...isIP(host) === 0 && { servername: host },
      // Looked at, and nothing is sent over it: requests go where certificates are verified
      rejectUnauthorized: false,
      ...trust
    }), 'secureConnect', patience)
    // Node has a code or a text here, its types an Error
    const fault: unknown = secure.authorized ? undefined : secure.authorizationError
    const shown = { host, fault: fault === undefined ? undefined : typeof fault === 'string' ? fault : codeOf(fault), chain: chainOf(secure).map(certificateFacts) }
    secure.destroy()
    return shown
  } catch (error) {
    throw new Stopped({ stage: 'tls', code: codeOf(error) })
  }
}

/**
 * How far the gateway gets towards a URL's host: by its name server, through its proxy, with its trust
 * in certificates (product R15, R16). Sends no request. `named`: the operator named this host, so
 * that no address is out of bounds (behaviours N12). Never throws; `patience` in milliseconds a step.
 */
export const reachHost = async (url: URL, named: boolean, outbound: Configuration['outbound'], patience: number): Promise<Reached> => {
  const begun = performance.now()
  const trust = outbound.ca === undefined ? {} : { ca: [...getCACertificates('default'), outbound.ca] }
  const proxy = isLoopback(url.hostname) ? undefined : proxyFor(url, outbound)
  try {
    const socket = proxy === undefined
      ? await openDirectly(url, address => named || !isForbiddenAddress(address), patience)
      : await openThrough(proxy, url, trust, patience)
    const shown = url.protocol === 'https:' ? await shake(socket, url, trust, patience) : undefined
    socket.destroy()
    return { stage: 'open', took: Math.round(performance.now() - begun), proxy: proxy?.host, shown }
  } catch (error) {
    return error instanceof Stopped ? error.reached : { stage: 'connection', code: codeOf(error) }
  }
}
