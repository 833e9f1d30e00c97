import { fetchUserInfo, skipSubjectCheck, type CustomFetch } from 'openid-client'
import { readObject, requireOk } from '../outbound/answer.ts'
import { createClient, shareKeys } from './client.ts'
import type { Claims } from './dialect.ts'
import { limit } from './exchange.ts'
import { asPorticoError } from '../failure.ts'
import type { ProviderRequest } from './provider-request.ts'

const wanted = 'the claims of the userinfo endpoint'

const faults = {
  OAUTH_KEY_SELECTION_FAILED: 'PORTICO_ID_TOKEN_KEY'
} as const

/**
 * The claims of the userinfo endpoint (OpenID Connect Core §5.3); a signed answer is verified. Whom they
 * are about is for the caller to compare (`userinfoSubject`). Throws PORTICO_IDP_*.
 */
export const userinfoOf = async (request: ProviderRequest, accessToken: string): Promise<Claims> => {
  const { connection, provider, metadata, outbound, clock } = request
  const keys = provider.keys(metadata)
  const fetch: CustomFetch = async (url, { headers }) => {
    if (headers.authorization === undefined) return Response.json((await keys?.again())?.jwks)
    const answer = await outbound.fetch(url, { method: 'GET', headers, limit }, provider.reach)
    requireOk(answer, wanted)
    return new Response(answer.text, { headers: { 'content-type': String(answer.headers['content-type'] ?? '') } })
  }
  const client = createClient(connection, metadata, fetch, clock())
  if (keys !== undefined) {
    const known = await keys.fresh()
    shareKeys(client, known, clock() - known.fetchedAt)
  }
  try {
    return await fetchUserInfo(client, accessToken, skipSubjectCheck)
  } catch (error) {
    throw asPorticoError(error, connection.id, faults)
  }
}

/**
 * The claims of a userinfo endpoint that is all the identity there is (behaviours O16): an object over
 * TLS; which claim names the person is the operator's word. Throws PORTICO_IDP_*.
 */
export const plainUserinfo = async ({ provider, outbound }: ProviderRequest, address: string, accessToken: string): Promise<Claims> => {
  const headers = { accept: 'application/json', authorization: `Bearer ${accessToken}` }
  return readObject(await outbound.fetch(address, { method: 'GET', headers, limit }, provider.reach), wanted)
}
