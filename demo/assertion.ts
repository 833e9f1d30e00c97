import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import { fetchHere } from './loopback.ts'

export interface Verdict {
  readonly checks: readonly { readonly what: string, readonly ok: boolean }[]
  readonly claims?: JWTPayload
}

const reasonOf = (error: unknown): string => error instanceof errors.JOSEError ? error.message : 'the keys could not be fetched'

/**
 * What an app does to be sure: verifies `X-Auth-Assertion` against the keys that Portico publishes, for this app
 * and this gateway alone, and compares it with the headers.
 */
export const createVerifier = ({ issuer, audience }: { issuer: string, audience: string }): ((assertion: string | undefined, user: string | undefined) => Promise<Verdict>) => {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer), {
    [customFetch]: async (url, { method, signal, redirect }) => {
      const { status, body } = await fetchHere(url, { method, signal, redirect })
      return new Response(body, { status })
    }
  })
  return async (assertion, user) => {
    if (assertion === undefined) return { checks: [{ what: 'there is no assertion in this request', ok: false }] }
    try {
      const { payload, protectedHeader } = await jwtVerify(assertion, keys, { issuer, audience, algorithms: ['ES256'], requiredClaims: ['sub', 'exp', 'iat'] })
      return {
        claims: payload,
        checks: [
          { what: `signed with ${protectedHeader.alg} by a key of ${issuer}/.well-known/jwks.json`, ok: true },
          { what: `issued by ${issuer}`, ok: true },
          { what: `meant for ${audience}`, ok: true },
          { what: 'not expired', ok: true },
          { what: 'its subject is X-Auth-User', ok: payload.sub === user }
        ]
      }
    } catch (error) {
      return { checks: [{ what: `the assertion is not valid: ${reasonOf(error)}`, ok: false }] }
    }
  }
}
