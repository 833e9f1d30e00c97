import type { ApiKeys } from '../access/api-keys.ts'
import type { BearerTokens } from '../access/bearer-tokens.ts'
import { PorticoError } from '../errors.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Session } from '../sessions/session.ts'
import { authorization, credentialIn, type Credential } from './credential.ts'
import { createWrongKeys } from './wrong-keys.ts'

/** Whom a program's credential speaks for. */
export interface Credentials {
  /**
   * The person of the API key or access token that this request carries; undefined where it carries
   * none that is Portico's to judge: then the cookie decides. Notes at the exchange which headers were
   * used up. Throws, or rejects with, PORTICO_API_KEY_…, PORTICO_BEARER_…, PORTICO_CREDENTIALS_CONFLICT,
   * PORTICO_TOO_MANY_REQUESTS, PORTICO_IDP_… or PORTICO_STORE_UNAVAILABLE: whoever shows a credential is never anybody else.
   */
  identify (exchange: Exchange): Session | undefined | Promise<Session>
}

const none: ReadonlySet<string> = new Set()
const token: ReadonlySet<string> = new Set([authorization])

/** Wrong whatever was sent: what has expired or pauses is somebody's own. */
const isWrong = (error: unknown): boolean =>
  error instanceof PorticoError && (error.code === 'PORTICO_API_KEY_INVALID' || error.code === 'PORTICO_BEARER_INVALID')

/** What a sign-in would be refused with speaks to a person in a browser: a program is told that the token is good and its owner is not let in. */
const forProgram = (error: unknown): unknown => error instanceof PorticoError && error.status === 403
  ? new PorticoError('PORTICO_BEARER_REFUSED', { wanted: error.wanted, got: `${error.got ?? 'somebody else'} (${error.code})`, connection: error.connection, remedy: error.remedy })
  : error

const conflict = (): PorticoError => new PorticoError('PORTICO_CREDENTIALS_CONFLICT', { wanted: 'one credential, in one header', got: 'several' })

/** API keys and access tokens on app hosts (product.md R13; behaviours.md G8–G10, C7). `now` is in seconds. */
export const createCredentials = (deps: {
  readonly apiKeys: ApiKeys
  readonly bearerTokens: BearerTokens
  readonly now: () => number
}): Credentials => {
  const { apiKeys, bearerTokens } = deps
  const wrongKeys = createWrongKeys(deps.now)

  /** A refusal, counted where it is for something wrong. */
  const refusal = (error: unknown, { client }: Exchange): unknown => {
    const seconds = isWrong(error) ? wrongKeys.count(client.address) : undefined
    return seconds === undefined ? forProgram(error) : new PorticoError('PORTICO_TOO_MANY_REQUESTS', { wanted: 'fewer wrong keys and tokens from one network', got: 'more', remedy: `Nothing to do: the client's keys are wrong. It may try again in ${seconds} s.` })
  }

  const settle = (exchange: Exchange, find: () => Session | Promise<Session>): Session | Promise<Session> => {
    try {
      const found = find()
      return found instanceof Promise ? found.catch((error: unknown) => { throw refusal(error, exchange) }) : found
    } catch (error) {
      throw refusal(error, exchange)
    }
  }

  const identify = (exchange: Exchange, credential: Credential): Session | undefined | Promise<Session> => {
    // from here on a program is told what is wrong, never shown a page
    exchange.consumed = none
    if (credential.kind === 'conflict') throw conflict()
    const ours = credential.bearers.filter(bearerTokens.isOurs)
    if (credential.kind === 'key') {
      if (ours.length > 0) throw conflict()
      exchange.consumed = credential.headers
      return settle(exchange, () => apiKeys.find(credential.key, exchange.place))
    }
    const [bearer] = ours
    if (bearer === undefined) return undefined
    if (credential.bearers.length > 1) throw conflict()
    exchange.consumed = token
    return settle(exchange, () => bearerTokens.find(bearer, exchange.place))
  }

  return {
    identify: exchange => {
      const { authorization, 'x-api-key': apiKey } = exchange.request.headers
      if (authorization === undefined && apiKey === undefined) return undefined
      const credential = credentialIn(exchange.request.rawHeaders)
      return credential === undefined ? undefined : identify(exchange, credential)
    }
  }
}
