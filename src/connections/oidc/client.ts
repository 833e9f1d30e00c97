import {
  allowInsecureRequests, clockSkew, clockTolerance, Configuration as Client, customFetch, enableNonRepudiationChecks, None, setJwksCache,
  type CustomFetch
} from 'openid-client'
import type { Connection } from '../../config/configuration.ts'
import type { KeySet } from './keys.ts'
import type { Metadata } from './metadata.ts'
import { oidcSettings } from './settings.ts'
import { skew } from './token-rules.ts'

/**
 * An openid-client for one question at the userinfo endpoint at `now` (seconds). Made anew each time: it remembers
 * keys by itself, without a word to the others.
 */
export const createClient = (connection: Connection, metadata: Metadata, fetch: CustomFetch, now: number): Client => {
  const { userinfo_endpoint: userinfo, jwks_uri: jwks } = metadata
  const server = {
    issuer: metadata.issuer,
    // Judged: what Portico does not accept is not in there, `none` for one (behaviours O2)
    userinfo_signing_alg_values_supported: metadata.userinfo_signing_alg_values_supported,
    ...(jwks === undefined ? {} : { jwks_uri: jwks }),
    ...(userinfo === undefined ? {} : { userinfo_endpoint: userinfo })
  }
  const client = new Client(server, oidcSettings(connection).client_id, {
    // Its clock is ours, and its tolerance the wider one of the checks, which judge each time by its own
    [clockSkew]: now - Date.now() / 1_000,
    [clockTolerance]: skew
  }, None())
  client[customFetch] = fetch
  // Which plain-http addresses are acceptable is decided by `reach`, for every single request
  allowInsecureRequests(client)
  // A signed userinfo answer is verified; an ID token it never sees (`exchange.ts`)
  enableNonRepudiationChecks(client)
  return client
}

/** Gives a client the keys that are known, `age` seconds old. */
export const shareKeys = (client: Client, { jwks }: KeySet, age: number): void => {
  setJwksCache(client, { jwks: { keys: jwks.keys.map(key => ({ ...key })) }, uat: Math.floor(Date.now() / 1_000) - Math.floor(age) })
}
