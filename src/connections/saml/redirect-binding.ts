import { inflateRawSync } from 'node:zlib'
import { PorticoError } from '../../errors.ts'
import { foreignText } from '../foreign.ts'
import { isSignatureMethod, verifyingKeys, verifyOctets } from './algorithms.ts'
import { decodeBase64, decodeText, messageLimits } from './screen.ts'
import type { SigningExpectations } from './signature.ts'

/** A message as it came in a query. */
export interface Redirected {
  readonly parameter: 'SAMLRequest' | 'SAMLResponse'
  readonly text: string
}

const known = ['SAMLRequest', 'SAMLResponse', 'RelayState', 'SigAlg', 'Signature'] as const
type Parameter = typeof known[number]

/** Bytes of a signature value: RSA of 16,384 bits. */
const longestSignature = 2_048

const refuse = (wanted: string, got: string): never => { throw new PorticoError('PORTICO_SAML_MESSAGE', { wanted, got }) }

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse('percent-encoded parameters', 'something else')
  }
}

/** The parameters that are known, as octets of the query; each at most once, and by its plain name (behaviours S23). */
const readParameters = (query: string): ReadonlyMap<Parameter, string> => {
  const parameters = new Map<Parameter, string>()
  for (const pair of query.split('&')) {
    const end = pair.indexOf('=')
    const raw = end < 0 ? pair : pair.slice(0, end)
    const name = known.find(each => each.toLowerCase() === decode(raw).toLowerCase())
    if (name === undefined) continue
    if (raw !== name || end < 0 || parameters.has(name)) refuse(`${name} once, and spelled so`, 'another spelling, or a second one')
    parameters.set(name, pair.slice(end + 1))
  }
  return parameters
}

const inflate = (bytes: Buffer): Buffer => {
  try {
    return inflateRawSync(bytes, { maxOutputLength: messageLimits.bytes })
  } catch {
    return refuse(`DEFLATE of at most ${messageLimits.bytes} bytes`, 'something else')
  }
}

/**
 * Reads and verifies a message of the Redirect binding (SAML Bindings §3.4.4.1). `query` is the query as it
 * came, without `?`: its signature is over those very octets of SAMLRequest or SAMLResponse, RelayState and
 * SigAlg, in this order, whatever theirs is. It must be signed; it is inflated only once that is verified, and
 * no further than a message may be long. Throws PORTICO_SAML_MESSAGE, _SIGNATURE, _ALGORITHM.
 */
export const readRedirect = (query: string, { certificates, allowSha1 }: SigningExpectations): Redirected => {
  if (query.length > messageLimits.bytes) refuse(`a query of at most ${messageLimits.bytes} characters`, 'more')
  const parameters = readParameters(query)
  const parameter = parameters.has('SAMLRequest') ? 'SAMLRequest' : 'SAMLResponse'
  const message = parameters.get(parameter)
  if (message === undefined || (parameters.has('SAMLRequest') && parameters.has('SAMLResponse'))) return refuse('SAMLRequest or SAMLResponse', message === undefined ? 'neither' : 'both')
  const algorithm = decode(parameters.get('SigAlg') ?? '')
  const signature = parameters.get('Signature')
  if (signature === undefined || algorithm === '') throw new PorticoError('PORTICO_SAML_SIGNATURE', { wanted: 'a signed query', got: 'no Signature or SigAlg' })
  if (!isSignatureMethod(algorithm, allowSha1)) throw new PorticoError('PORTICO_SAML_ALGORITHM', { wanted: 'SigAlg RSA or ECDSA with SHA-256, 384 or 512', got: foreignText(algorithm) })
  const octets = ([parameter, 'RelayState', 'SigAlg'] as const).flatMap(name => parameters.has(name) ? `${name}=${parameters.get(name)}` : []).join('&')
  const keys = verifyingKeys(certificates)
  if (verifyOctets(algorithm, keys, octets, decodeBase64(decode(signature), longestSignature)) === undefined) {
    throw new PorticoError('PORTICO_SAML_SIGNATURE', { wanted: 'a signature that a certificate of the provider verifies', got: `one that none of ${keys.length} does` })
  }
  return { parameter, text: decodeText(inflate(decodeBase64(decode(message), messageLimits.bytes)), messageLimits) }
}
