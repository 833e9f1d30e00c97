import { authorizationCodeGrant, fetchUserInfo, type Configuration as Client, type CustomFetch } from 'openid-client'
import type { Connection } from '../../config/configuration.ts'
import { PorticoError } from '../../errors.ts'
import type { AuthorizationResponse } from '../connector.ts'
import { requireOk } from './answer.ts'
import { accessTokenHash, checkIdToken, userinfoSubject, type IdTokenExpectations } from './checks.ts'
import { createClient, shareKeys } from './client.ts'
import { isLibraryCode } from './failure.ts'
import type { Outbound } from './http.ts'
import { readIdToken, type IdToken } from './id-token.ts'
import type { KeySet } from './keys.ts'
import type { Metadata } from './metadata.ts'
import type { Provider } from './provider.ts'
import { readTokenAnswer, type TokenAnswer } from './token-answer.ts'

/** Bytes of a token or userinfo answer (behaviours O15, G12). */
const limit = 256 * 1024

/** What a code was exchanged for; the claims are verified, signature included. */
export interface Exchange {
  readonly claims: Readonly<Record<string, unknown>>
  /** Throws PORTICO_USERINFO_SUBJECT when it speaks of somebody else (behaviours O12). */
  userinfo (): Promise<Readonly<Record<string, unknown>>>
}

/** An answer that can be given again: a code is spent once, but its token may have to be judged twice. */
interface Spent {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  readonly tokens: TokenAnswer
  readonly idToken: IdToken
}

/**
 * Spends the code and verifies the ID token: Portico's own checks first, since they say what is
 * wrong, then openid-client's with the signature. A provider that changed its key, also one that kept
 * the `kid` (behaviours G4), is judged again with keys fetched anew. `now` is in seconds, as is `clock`, which
 * tells the age of keys.
 */
export const exchangeCode = async (parts: {
  connection: Connection
  provider: Provider
  metadata: Metadata
  response: AuthorizationResponse
  expected: IdTokenExpectations
  outbound: Outbound
  now: number
  clock: () => number
}): Promise<Exchange> => {
  const { connection, provider, metadata, response, expected, outbound, now, clock } = parts
  const keys = provider.keys(metadata)
  const secrets = [response.parameters.get('code') ?? '', response.secrets.codeVerifier, connection.clientSecret ?? '']
  let spent: Spent | undefined

  const spend = async (url: string, headers: Record<string, string>, form: string): Promise<Spent> => {
    const answer = await outbound.fetch(url, { method: 'POST', headers, body: form, limit }, provider.reach)
    const body = await answer.text()
    const tokens = readTokenAnswer(answer, body, secrets)
    const idToken = readIdToken(tokens.idToken)
    checkIdToken(idToken, expected, now)
    return { status: answer.status, headers: answer.headers, body, tokens, idToken }
  }

  const fetch: CustomFetch = async (url, { method, headers, body }) => {
    if (method === 'POST') {
      spent ??= await spend(url, headers, String(body))
      return new Response(spent.body, { status: spent.status, headers: spent.headers })
    }
    if (headers.authorization === undefined) return Response.json((await keys.again()).jwks)
    const answer = await outbound.fetch(url, { method: 'GET', headers, limit }, provider.reach)
    requireOk(answer, 'the claims of the userinfo endpoint')
    return answer
  }

  const grant = async (keySet: KeySet): Promise<Client> => {
    const client = createClient(connection, metadata, fetch, now)
    shareKeys(client, keySet, clock() - keySet.fetchedAt)
    // The redirect URI comes from here: from configuration, never from Host
    const currentUrl = new URL(response.redirectUri)
    currentUrl.search = response.parameters.toString()
    await authorizationCodeGrant(client, currentUrl, {
      pkceCodeVerifier: response.secrets.codeVerifier,
      expectedState: response.state,
      expectedNonce: response.secrets.nonce,
      idTokenExpected: true,
      ...(expected.maxAge === undefined ? {} : { maxAge: expected.maxAge })
    })
    return client
  }

  // Before the code is spent: without keys it would be for nothing
  const known = await keys.fresh()
  const client = await grant(known).catch(async (error: unknown) => {
    // All that openid-client calls invalid here is the signature: the rest was checked before. For an
    // unknown `kid` it does not ask for keys that are younger than a minute
    if (spent === undefined || !['OAUTH_INVALID_RESPONSE', 'OAUTH_KEY_SELECTION_FAILED'].some(code => isLibraryCode(error, code))) throw error
    const newer = await keys.again()
    if (newer === known) throw error
    return grant(newer)
  })
  if (spent === undefined) throw new PorticoError('PORTICO_ID_TOKEN_MISSING', { wanted: 'an ID token', got: 'no token request' })
  const { tokens, idToken } = spent
  accessTokenHash(idToken, tokens.accessToken)
  const subject = String(idToken.claims.sub)

  return {
    claims: idToken.claims,
    userinfo: async () => {
      const claims = await fetchUserInfo(client, tokens.accessToken, subject)
      userinfoSubject(claims, subject)
      return claims
    }
  }
}
