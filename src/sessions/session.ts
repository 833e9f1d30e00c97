import { z } from 'zod'

/**
 * What a sealed session cookie says of itself. Times are seconds since the epoch.
 * The auth host's session and every app host's share `sid`; `host` binds a cookie to its host.
 */
export const sessionSchema = z.object({
  sid: z.string(),
  /** Canonical host name (no port) that the cookie was issued for. */
  host: z.string(),
  /** Member id: `X-Auth-User`. */
  member: z.string(),
  organization: z.string(),
  connection: z.string(),
  /** The connection's trust generation at sign-in. */
  generation: z.number(),
  /** `iss` + `sub` as the connector's rule made it. */
  subject: z.string(),
  /** `sid` claim of the ID token. */
  idpSession: z.string().optional(),
  email: z.string(),
  name: z.string().optional(),
  /** Absent when they did not fit and live in the store under `identity`/`sid`. */
  groups: z.array(z.string()).optional(),
  newUser: z.boolean(),
  amr: z.array(z.string()).optional(),
  acr: z.string().optional(),
  /** When the person authenticated at the identity provider. */
  authTime: z.number(),
  /** When this session began (not when this cookie was issued): the absolute lifetime counts from here. */
  startedAt: z.number()
})

export type Session = z.infer<typeof sessionSchema>
