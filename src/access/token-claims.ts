import { z } from 'zod'

/** Characters of a token: request headers have 32 KiB in all. */
const largest = 16_384

const jwt = /^[\w-]+\.([\w-]+)\.[\w-]+$/
const claims = z.object({ iss: z.string(), iat: z.number().optional(), aud: z.union([z.string(), z.array(z.string())]).optional() })

/** By which it is found out who is to verify a token. */
export type TokenClaims = z.infer<typeof claims>

/** What a token says of itself, unverified; undefined for what is no signed JWT (RFC 7519 §7.2). */
export const claimedBy = (token: string): TokenClaims | undefined => {
  const payload = token.length > largest ? undefined : jwt.exec(token)?.[1]
  if (payload === undefined) return undefined
  try {
    return claims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))).data
  } catch {
    return undefined
  }
}
