import { createSign, createVerify } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { parseXml, rsaSha256, verifyXml } from './saml-xml.ts'

type Kind = 'SAMLRequest' | 'SAMLResponse'

/** A message that came, and whose signature is right. */
export interface Received {
  readonly kind: Kind
  readonly root: Element
  /** Given back as it is. */
  readonly relayState: string | undefined
}

const kindOf = (has: (name: string) => boolean): Kind => has('SAMLResponse') ? 'SAMLResponse' : 'SAMLRequest'

// The signature is over the parameters as they were written: nothing is decoded and encoded again (SAML Bindings §3.4.4.1).
const readRedirect = (query: string, certificates: readonly string[]): Received => {
  const written = new Map(query.split('&').map(pair => [pair.slice(0, pair.indexOf('=')), pair]))
  const parameters = new URLSearchParams(query)
  const kind = kindOf(name => parameters.has(name))
  const signed = [kind, 'RelayState', 'SigAlg'].flatMap(name => written.get(name) ?? []).join('&')
  const isOf = (certificate: string): boolean => createVerify('sha256').update(signed).verify(certificate, parameters.get('Signature') ?? '', 'base64')
  if (parameters.get('SigAlg') !== rsaSha256 || !certificates.some(isOf)) throw new Error('the signature is of no key that is known')
  const xml = inflateRawSync(Buffer.from(parameters.get(kind) ?? '', 'base64'), { maxOutputLength: 100_000 }).toString()
  return { kind, root: parseXml(xml), relayState: parameters.get('RelayState') ?? undefined }
}

const readPost = (body: string, certificates: readonly string[]): Received => {
  const form = new URLSearchParams(body)
  const kind = kindOf(name => form.has(name))
  const xml = Buffer.from(form.get(kind) ?? '', 'base64').toString()
  return { kind, root: verifyXml(xml, certificates), relayState: form.get('RelayState') ?? undefined }
}

/** The message of a request by either binding. Throws unless one of these certificates signed it. */
export const receive = async (request: IncomingMessage, certificates: readonly string[]): Promise<Received> => {
  const url = request.url ?? ''
  return request.method === 'POST' ? readPost(await text(request), certificates) : readRedirect(url.slice(url.indexOf('?') + 1), certificates)
}

/** The address that carries a message by the Redirect binding, signed. */
export const redirectTo = (url: string, kind: Kind, xml: string, { privateKey, relayState }: { privateKey: string, relayState?: string | undefined }): string => {
  const signed = new URLSearchParams({
    [kind]: deflateRawSync(xml).toString('base64'),
    ...relayState !== undefined && { RelayState: relayState },
    SigAlg: rsaSha256
  }).toString()
  const signature = createSign('sha256').update(signed).sign(privateKey, 'base64')
  return `${url}${url.includes('?') ? '&' : '?'}${signed}&${new URLSearchParams({ Signature: signature })}`
}
