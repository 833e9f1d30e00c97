import { z } from 'zod'

/** With or without a signature: whatever names an issuer of ours is ours to refuse. */
const jwt = /^[\w-]+\.([\w-]+)\.[\w-]*$/
// what is wrong with the others is said once the token is judged
const claims = z.object({ iss: z.string(), iat: z.number().optional().catch(undefined), aud: z.union([z.string(), z.array(z.string())]).optional().catch(undefined) })

/** By which it is found out who is to verify a token. */
export type TokenClaims = z.infer<typeof claims>

/** What a token says of itself, unverified; undefined for what is no JWT (RFC 7519 §7.2). Request headers have 32 KiB in all. */
export const claimedBy = (token: string): TokenClaims | undefined => {
  const payload = jwt.exec(token)?.[1]
  if (payload === undefined) return undefined
  try {
    return claims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))).data
  } catch {
    return undefined
  }
}
