import { randomBytes } from 'node:crypto'
import { z } from 'zod'

/**
 * What a session says of itself. Times are seconds since the epoch.
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
  /** `sid` claim of the ID token; SessionIndex of the assertion. */
  idpSession: z.string().optional(),
  /** Of SAML: SHA-256 of the certificate that verified the assertion, and the NameID that a logout names. */
  saml: z.object({
    certificate: z.string(),
    nameId: z.object({ value: z.string(), format: z.string().optional(), nameQualifier: z.string().optional(), spNameQualifier: z.string().optional() }).optional()
  }).optional(),
  email: z.string(),
  /** The invited address, where it differs from `email` (product R20): `X-Auth-Member`. */
  invited: z.string().optional(),
  name: z.string().optional(),
  groups: z.array(z.string()).optional(),
  newUser: z.boolean(),
  /** It is renewed while it lives (`Sessions.renew`), so that the store keeps it, and its cookies only name it. */
  refreshes: z.boolean().optional(),
  /** When that is to be done next. */
  refreshAt: z.number().optional(),
  amr: z.array(z.string()).optional(),
  acr: z.string().optional(),
  /** When the person authenticated at the identity provider. */
  authTime: z.number(),
  /** The provider did not say when: `authTime` is when it spoke. */
  authTimeAssumed: z.literal(true).optional(),
  /** When this session began (not when this cookie was issued): the absolute lifetime counts from here. */
  startedAt: z.number()
})

export type Session = z.infer<typeof sessionSchema>

/** When the cookie was sealed: nobody can have been idle for longer. Seconds. */
const issuedAt = z.number()

/** The sealed cookie of a session that fits into one. */
export const wholeSchema = z.object({ issuedAt, session: sessionSchema })

/**
 * The sealed cookie of one that does not (hundreds of groups, a name as long as a page), or that changes while
 * it lives: enough to refuse it by, and the store keeps the session, sealed, as the identity of this sid.
 */
export const stubSchema = z.object({
  issuedAt,
  stub: sessionSchema.pick({ sid: true, host: true, member: true, organization: true, connection: true, generation: true, authTime: true, startedAt: true })
})

export type Stub = z.infer<typeof stubSchema>['stub']

/** As much of a session as it can be judged by. */
export type Facts = Stub & Partial<Pick<Session, 'email' | 'invited' | 'groups' | 'subject' | 'idpSession' | 'saml'>>

/** A session id that nobody guesses: 144 random bits. Each sign-in has one of its own (N6). */
export const newSid = (): string => randomBytes(18).toString('base64url')

/** The session and what it contains, never to be changed: one object serves many requests. */
export const freezeSession = (session: Session): Session => {
  Object.freeze(session.groups)
  Object.freeze(session.amr)
  return Object.freeze(session)
}
